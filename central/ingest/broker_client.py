"""A connection of central to its broker, as the settings say: MQTT 5, password from its file, TLS."""

import queue
import time
from typing import Any

import structlog
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from central.config import Broker, broker_password
from contract.errors import BrokerError
from contract.events import Ack
from contract.topics import EdgeTopics

_log = structlog.get_logger("ingest")
#: How long a command waits for the broker, s.
_PATIENCE_S = 10.0
#: How long after a packet that cannot be read the next connection is tried, s.
_AFTER_UNREADABLE_S = 1.0


class EnduringClient(Client):
    """A client that meets the broker anew after a packet it cannot read.

    Mosquitto looks at what it passes on; EMQX as it comes (`mqtt.strict_mode: false`) does not. paho ends its thread
    at a topic or property that is no UTF-8, and stays "connected" and deaf: one box could silence every replica.
    """

    def connect_async(self, *words: Any, **more: Any) -> None:
        """See paho."""
        self._asked = (words, more)
        super().connect_async(*words, **more)

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """See paho; here its own thread runs this."""
        while True:
            try:
                return super().loop_forever(timeout, retry_first_connection)
            except OSError:
                raise
            except Exception as error:
                _log.error(
                    "the broker passed on a packet that cannot be read, connecting anew", fault=type(error).__name__
                )
                time.sleep(_AFTER_UNREADABLE_S)
                words, more = self._asked
                super().connect_async(*words, **more)


def broker_client(broker: Broker, name: str, *, manual_ack: bool = False) -> Client:
    """A client of that name, not connected yet. Raises ConfigError or BrokerError for files it cannot use."""
    client = EnduringClient(
        CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=manual_ack
    )
    if broker.username is not None:
        client.username_pw_set(broker.username, broker_password(broker))
    if broker.tls_ca is not None:
        _secure(client, broker)
    return client


def tell(broker: Broker, name: str, acks: list[tuple[str, Ack]]) -> None:
    """Say each acknowledgement to its box (edge id, Ack) on a connection of its own. Raises BrokerError."""
    where = f"broker {broker.host}:{broker.port}"
    client = broker_client(broker, name)
    answers: queue.SimpleQueue[ReasonCode] = queue.SimpleQueue()
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.put(reason)
    try:
        client.connect(broker.host, broker.port, keepalive=30)
    except OSError as error:
        raise BrokerError(f"{where}: cannot be reached ({error.strerror or error}) - check broker.host") from error
    client.loop_start()
    try:
        reason = answers.get(timeout=_PATIENCE_S)
        if reason.is_failure:
            raise BrokerError(f"{where}: refuses us ({reason}) - check broker.username and broker.password_file")
        for edge_id, ack in acks:
            said = client.publish(EdgeTopics(edge_id).ack, ack.model_dump_json().encode(), qos=1)
            said.wait_for_publish(_PATIENCE_S)
            if not said.is_published():
                raise BrokerError(f"{where}: does not take an acknowledgement - check that it runs")
    except (queue.Empty, RuntimeError, ValueError) as error:
        raise BrokerError(f"{where}: ended the connection or does not answer - check that it runs") from error
    finally:
        client.disconnect()
        client.loop_stop()


def _secure(client: Client, broker: Broker) -> None:
    try:
        client.tls_set(
            ca_certs=str(broker.tls_ca),
            certfile=str(broker.tls_cert) if broker.tls_cert else None,
            keyfile=str(broker.tls_key) if broker.tls_key else None,
        )
    except OSError as error:
        raise BrokerError(
            f"broker.tls_*: the certificates cannot be used ({error.strerror or error}) - check the files"
        ) from error


__all__ = ["EnduringClient", "broker_client", "tell"]
