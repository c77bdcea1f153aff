"""The connection that hears a box's sensors: MQTT 5, reconnecting by itself; what comes goes into the mailbox.

Beside deliver's, with the same user or certificate, so that a flood of readings never stands in the way of events. It
only listens, and asks gateways of Sparkplug B to be born again.
"""

import contextlib
import ssl
import sys
import threading
import time
from collections.abc import Iterable
from secrets import token_hex

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from contract.sensors import MAX_SPARKPLUG_BYTES, Sensor
from contract.settings import Broker
from contract.topics import SPARKPLUG, EdgeTopics
from edge.deliver.enduring import EnduringClient
from edge.deliver.link import address, authenticate, refusal, unreachable
from edge.sensors.listening import Line
from edge.sensors.mailbox import Letter, Mailbox

#: A quiet broker is asked for a sign of life so often. Listening is known up to the last one: it is the most by which
#: a silence, and a value that holds for long enough, are told late. Seconds.
KEEPALIVE_S = 10


def sender_of(sensor: Sensor) -> str:
    """Under which name the mailbox keeps what tells of a sensor: its id, or its node's."""
    return sensor.id if sensor.sparkplug is None else f"{SPARKPLUG}/{sensor.sparkplug.node}"


class Intake:
    """One connection. `wake` is set whenever something came."""

    def __init__(self, broker: Broker, edge_id: str, sensors: Iterable[Sensor], wake: threading.Event) -> None:
        """Raises ConfigError when password file or certificates are wrong."""
        self.mailbox = Mailbox()
        #: What keeps the box from hearing its sensors, as one line for a person; None while all is well.
        self.problem: str | None = None
        #: Counts connections on which the broker granted what was asked for.
        self.epoch = 0
        self._topics = EdgeTopics(edge_id)
        self._broker = broker
        self._wake = wake
        self._greeted = 0.0
        self._granted: float | None = None
        declared = list(sensors)
        self._senders = {self._topics.sensor(one.id): one.id for one in declared if one.sparkplug is None}
        self._nodes = sorted({one.sparkplug.node for one in declared if one.sparkplug is not None})
        # A name that nobody can guess and so nobody can take away; a clean start leaves nothing behind at the broker.
        self._client = EnduringClient(
            CallbackAPIVersion.VERSION2, client_id=f"sensors-{edge_id}-{token_hex(8)}", protocol=mqtt.MQTTv5
        )
        # A thread that may be left behind: loop_stop() would wait for a connection that comes about with nobody.
        self._thread = threading.Thread(
            target=self._client.loop_forever, kwargs={"retry_first_connection": True}, name="sensors", daemon=True
        )
        self._context = authenticate(self._client, broker)
        self._shown = self._stamp()
        self._client.reconnect_delay_set(1, 15)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    @property
    def listening(self) -> bool:
        """Whether what sensors publish now is heard: connected, and the broker granted every topic."""
        return self._granted is not None

    @property
    def line(self) -> Line | None:
        """The connection on which sensors are heard, None while they are not."""
        granted = self._granted
        return None if granted is None else Line(self._greeted, granted, self._client.heard)

    def start(self) -> None:
        """Connect in the background, for as long as it takes."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = 2 * MAX_SPARKPLUG_BYTES
        self._client.connect_async(
            self._broker.host, self._broker.port, keepalive=KEEPALIVE_S, clean_start=True, properties=properties
        )
        self._thread.start()

    def stop(self) -> None:
        """Leave."""
        self._client.disconnect()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)

    def turn(self) -> None:
        """Show the certificate that stands in its file now, from the next connection on: deliver renews it."""
        stamp = self._stamp()
        if self._context is None or stamp == self._shown:
            return
        # Half written or gone: the old one is shown until a whole one is there.
        with contextlib.suppress(OSError, ssl.SSLError):
            self._context.load_cert_chain(str(self._broker.tls_cert), str(self._broker.tls_key))
            self._shown = stamp

    def ask(self, node: str, raw: bytes) -> None:
        """Send a command to a node of Sparkplug B; one that is lost is asked again."""
        if self.listening:
            self._client.publish(self._topics.sparkplug("NCMD", node), raw, qos=0)

    def _stamp(self) -> int:
        if self._broker.tls_cert is None:
            return 0
        try:
            return self._broker.tls_cert.stat().st_mtime_ns
        except OSError:
            return 0

    def _sender(self, topic: str) -> str | None:
        """Who published on `topic`: a declared sensor, or a node that tells of one; None for anybody else."""
        known = self._senders.get(topic)
        if known is not None:
            return known
        parts = topic.split("/")
        spoken = parts[0] == SPARKPLUG and len(parts) in {4, 5} and parts[3] in self._nodes
        return f"{SPARKPLUG}/{parts[3]}" if spoken else None

    # -- paho's thread ----------------------------------------------------------------------------------------------

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, code: ReasonCode, _more: Properties | None
    ) -> None:
        if code.is_failure:
            self.problem = refusal(self._broker, str(code))
            return
        self._greeted = time.monotonic()
        topics = [self._topics.sensors] if self._senders else []
        for node in self._nodes:
            topics += [self._topics.sparkplug("+", node), f"{self._topics.sparkplug('+', node)}/+"]
        client.subscribe([(topic, SubscribeOptions(qos=1, noLocal=True)) for topic in topics])

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, codes: list[ReasonCode], _more: Properties | None
    ) -> None:
        refused = [str(code) for code in codes if code.is_failure]
        if refused:
            self.problem = (
                f"{address(self._broker)}: the broker does not let this box hear its sensors ({refused[0]}) - "
                "compare its ACL with configs/mosquitto/acl"
            )
        else:
            self.problem, self._granted = None, time.monotonic()
            self.epoch += 1
        self._wake.set()

    def _on_connect_fail(self, _client: mqtt.Client, _data: object) -> None:
        self.problem = unreachable(self._broker, sys.exc_info()[1])

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, _more: Properties | None
    ) -> None:
        if self.listening:
            self.problem = f"{address(self._broker)}: the connection was lost ({code}) - connecting again"
        self._granted = None
        self._wake.set()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        sender = self._sender(message.topic)
        if sender is not None:
            raw = bytes(message.payload[: MAX_SPARKPLUG_BYTES + 1])
            self.mailbox.put(sender, Letter(message.topic, raw, message.retain, time.time(), time.monotonic()))
            self._wake.set()


__all__ = ["KEEPALIVE_S", "Intake", "sender_of"]
