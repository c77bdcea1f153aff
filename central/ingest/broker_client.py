"""A connection of central to its broker, as the settings say: MQTT 5, password from its file, TLS."""

import queue
import time
from collections.abc import Callable
from typing import Any

import structlog
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from central.config import Broker, broker_password
from contract.errors import BrokerError
from contract.events import Ack
from contract.listening import ListeningClient
from contract.topics import EdgeTopics

_log = structlog.get_logger("ingest")
#: How long a command waits for the broker, s.
_PATIENCE_S = 10.0
#: How long after a packet that cannot be read the next connection is tried, s.
_AFTER_UNREADABLE_S = 1.0
#: How long a client that holds back sleeps before it looks again, s.
_HOLD_S = 0.02


class EnduringClient(ListeningClient):
    """A client that meets the broker anew after a packet it cannot read, and does not read while `holds()`.

    Mosquitto looks at what it passes on; EMQX as it comes (`mqtt.strict_mode: false`) does not. paho ends its thread
    at a topic or property that is no UTF-8, and stays "connected" and deaf: one box could silence every replica.

    While it holds, TCP holds the broker back. Its thread goes on: it writes acknowledgements and pings, or the broker
    would end the connection after one and a half keep-alives.
    """

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self.holds: Callable[[], bool] = lambda: False
        #: When there was last something to read, by time.monotonic().
        self.heard_at = time.monotonic()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """See paho, which calls this when there is something to read."""
        self.heard_at = time.monotonic()
        if self.holds():
            time.sleep(_HOLD_S)
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        return super().loop_read(max_packets)

    def loop_misc(self) -> MQTTErrorCode:
        """See paho: pings, and gives up a broker that does not answer them."""
        # The answer stands in line behind everything that we have not read yet. Whoever sends something is alive.
        if self.heard_at > self._ping_t:
            self._ping_t = 0
        return super().loop_misc()

    @property
    def silent(self) -> bool:
        """Whether there was nothing to read for two keep-alives, or the thread that reads does not come back."""
        return time.monotonic() - self.heard_at > 2 * self.keepalive

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


def broker_client(broker: Broker, name: str, *, manual_ack: bool = False) -> EnduringClient:
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
