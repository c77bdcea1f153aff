"""Publishes a head on MQTT, retained, so that anybody who may read it keeps a copy that we cannot change."""

import secrets
import threading
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from central.config import Broker, broker_password
from contract.errors import BrokerError
from contract.ledger import HEAD_TOPIC
from contract.listening import ListeningClient

_WAIT_S = 15.0


def announce(broker: Broker, line: str) -> None:
    """Publish one line (`SignedHead.as_line`) and wait until the broker has it. Raises BrokerError."""
    # A name of its own: not every broker gives one.
    name = f"central-ledger-{secrets.token_hex(6)}"
    client = ListeningClient(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)
    if broker.username is not None:
        client.username_pw_set(broker.username, broker_password(broker))
    refused: list[str] = []
    taken = threading.Event()

    def on_connect(_client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            refused.append(str(reason))
            taken.set()
        else:
            client.publish(HEAD_TOPIC, line.encode(), qos=1, retain=True)

    def on_publish(_client: Client, _data: Any, _mid: int, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            refused.append(str(reason))
        taken.set()

    client.on_connect, client.on_publish = on_connect, on_publish
    _delivered(client, broker, taken)
    if refused:
        raise BrokerError(_said(broker, refused[0]))


def _delivered(client: Client, broker: Broker, taken: threading.Event) -> None:
    try:
        if broker.tls_ca is not None:
            client.tls_set(
                ca_certs=str(broker.tls_ca),
                certfile=str(broker.tls_cert) if broker.tls_cert else None,
                keyfile=str(broker.tls_key) if broker.tls_key else None,
            )
        client.connect(broker.host, broker.port, keepalive=20)
    except OSError as error:
        raise BrokerError(_said(broker, error.strerror or str(error))) from error
    client.loop_start()
    try:
        if not taken.wait(_WAIT_S):
            raise BrokerError(_said(broker, f"no answer within {_WAIT_S:.0f} s"))
    finally:
        client.disconnect()
        client.loop_stop()


def _said(broker: Broker, reason: str) -> str:
    where = f"broker {broker.host}:{broker.port}"
    return f"{where}: did not take the ledger's head ({reason}) - check that it lets us write {HEAD_TOPIC}"


__all__ = ["announce"]
