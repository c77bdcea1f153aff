"""The MQTT 5 side of ingest: a shared subscription, acknowledged by hand after the commit.

The network thread only puts messages into a queue; a worker takes what is there, commits it as one batch and then
acknowledges: to the broker (PUBACK) and to the box (`.../ack`). While the database is away nothing is acknowledged and
the broker holds back (`receive maximum`). One that does not (Mosquitto before 2.0.13; Debian 12 has 2.0.11) is not read
any more when the queue is full, and TCP holds it back: no message of QoS 1 is dropped, and memory does not grow.
"""

import contextlib
import gc
import os
import queue
import secrets
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from central.config import Broker, Ingest
from central.ingest.admit import Message
from central.ingest.broker_client import EnduringClient, broker_client
from central.ingest.intake import UNAVAILABLE, Intake, Result
from central.metrics import Metrics
from contract.errors import BrokerError, RunError, SightlineError
from contract.events import MAX_EVENT_BYTES
from contract.sealing import JWS_PROPERTY
from contract.topics import SHARED_EVENTS, EdgeTopics

_log = structlog.get_logger("ingest")
#: CONNACK reasons that no waiting will mend.
_CREDENTIALS = frozenset({"Bad user name or password", "Not authorized", "Banned", "Bad authentication method"})
_CUT_SHORT = 3
#: A replica whose machine has vanished without a word is out of the shared subscription after one and a half of these
#: (MQTT 5, 3.1.2.10), so that the others have its share within 10 s; s.
KEEPALIVE_S = 6
#: After so many failures of a batch it is tried message by message: one may be at fault and not the database.
_SUSPECT = 3
#: A batch waits so long for company: a commit costs the same dozen questions for one event and for a hundred; s.
GATHER_S = 0.02
#: A batch makes tens of thousands of objects that all live until its commit. Python's collector, at its default of
#: looking after every 700, walks them again and again and finds nothing: a fifth of ingest's CPU, measured.
_COLLECT_AFTER = 50_000
#: A batch holds at most so many bytes, but always one message: read into memory, JSON takes up to twenty times that.
MAX_BATCH_BYTES = 8_000_000
#: Of a message only so much is kept until it is refused for its size: a queue of the largest packets that a broker
#: takes would fill the memory.
MAX_KEPT_BYTES = 2 * MAX_EVENT_BYTES
#: With so many bytes the queue is full, however few messages they are.
MAX_WAITING_BYTES = 64_000_000
#: Dropped messages are told of this often, not each: a flood must not become a flood of lines; s.
_TELL_S = 10.0


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A message with what is needed to acknowledge it: a PUBACK is good only on the connection it came by."""

    message: Message
    mid: int
    qos: int
    connection: int


class _Waiting(queue.Queue[_Delivery]):
    """The queue, without an end of its own: whether it is full is asked before anything is read."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self.bytes = 0

    def _put(self, item: _Delivery) -> None:
        super()._put(item)
        self.bytes += len(item.message.raw)

    def _get(self) -> _Delivery:
        item = super()._get()
        self.bytes -= len(item.message.raw)
        return item


class Receiver:
    """Ingest from a broker. `fatal` holds the error when the broker will never let us in; `failed` is then set."""

    def __init__(self, broker: Broker, settings: Ingest, intake: Intake, metrics: Metrics) -> None:
        self._broker = broker
        self._settings = settings
        self._intake = intake
        self._metrics = metrics
        self._queue: _Waiting = _Waiting()
        self._stop = threading.Event()
        self._connections = 0
        self._cut_short = 0
        self._told_drop = -_TELL_S
        self.failed = threading.Event()
        self.fatal: SightlineError | None = None
        # Asked at each scrape: a figure that is set when a message comes would stay when none comes any more.
        metrics.queued.set_function(self._queue.qsize)
        self._client = self._made()
        self._worker = threading.Thread(target=self._work, name="ingest", daemon=True)

    @property
    def connected(self) -> bool:
        """Whether the broker has us now, and somebody takes in what comes."""
        return self._client.is_connected() and self.fatal is None

    @property
    def silent(self) -> bool:
        """Whether nothing was heard from the broker within two keep-alives."""
        return self._client.silent

    def start(self) -> None:
        """Connect in the background, again and again with back-off. Raises ConfigError for files it cannot read."""
        self._client.connect_async(
            self._broker.host, self._broker.port, keepalive=KEEPALIVE_S, clean_start=True, properties=self._wishes()
        )
        gc.set_threshold(_COLLECT_AFTER, 50, 100)
        self._worker.start()
        self._client.loop_start()

    def stop(self) -> None:
        """Finish the batch at hand, tell the broker goodbye, and end both threads."""
        self._stop.set()
        if self._worker.is_alive():
            self._worker.join(timeout=30)
        self._client.disconnect()
        self._client.loop_stop()

    def _made(self) -> EnduringClient:
        # Unique a process: two clients of one name would throw each other out.
        name = f"central-{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(3)}"
        client = broker_client(self._broker, name, manual_ack=True)
        client.reconnect_delay_set(1, 15)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_overlong = lambda _message: self._metrics.events.labels("refused").inc()
        client.holds = self._full
        return client

    def _wishes(self) -> Properties:
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wishes.ReceiveMaximum = self._settings.in_flight
        return wishes

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._rejected(str(reason))
            return
        self._connections += 1
        self._forget_old()
        self._metrics.broker_up.set(1)
        _log.info("connected to the broker", broker=self._address)
        client.subscribe(SHARED_EVENTS, qos=1)

    def _forget_old(self) -> None:
        """What came by an earlier connection cannot be acknowledged any more, comes again, and would fill the queue."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait()

    def _rejected(self, reason: str) -> None:
        said = f"broker {self._address}: refuses us ({reason}) - check broker.username and broker.password_file"
        _log.error(said)
        if reason in _CREDENTIALS and self._connections == 0:
            self._give_up(BrokerError(said))

    def _give_up(self, error: SightlineError) -> None:
        self.fatal = error
        self.failed.set()

    def _on_connect_fail(self, _client: Client, _data: Any) -> None:
        _log.warning("the broker cannot be reached, trying again", broker=self._address)

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._metrics.broker_up.set(0)
        if self._stop.is_set():
            return
        _log.warning("the broker ended the connection, trying again", broker=self._address, reason=str(reason))
        if self._connections == 0 and self.fatal is None:
            # Some brokers hang up on a wrong password instead of saying so.
            self._cut_short += 1
            if self._cut_short >= _CUT_SHORT:
                said = f"broker {self._address}: hangs up on us - check broker.username and the password file"
                self._give_up(BrokerError(said))

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        for reason in reasons:
            if reason.is_failure:
                _log.error("the broker refuses the subscription", topic=SHARED_EVENTS, reason=str(reason))

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if not message.qos and self._queue.qsize() >= self._settings.in_flight:
            self._drop(message.qos)
            return
        self._queue.put(_Delivery(_received(message), message.mid, message.qos, self._connections))

    def _full(self) -> bool:
        """Whether nothing more is read for now. The upper half of the queue is for QoS 1 alone."""
        return self._queue.qsize() >= 2 * self._settings.in_flight or self._queue.bytes >= MAX_WAITING_BYTES

    def _drop(self, qos: int) -> None:
        """QoS 0 comes faster than we take it in. It was promised nothing."""
        self._metrics.dropped.labels(str(qos)).inc()
        if time.monotonic() - self._told_drop >= _TELL_S:
            self._told_drop = time.monotonic()
            _log.warning("messages dropped: they come unasked (QoS 0) and the queue is full", qos=qos)

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                batch = self._next()
                if batch:
                    self._take(batch)
        except Exception as error:
            # Connected and deaf would be the worst state: the process ends, the broker gives its share to the others.
            _log.critical("ingest has ended", exc_info=True)
            self._give_up(RunError(f"ingest: ended by a fault of its own ({type(error).__name__}) - see the log"))

    def _next(self) -> list[_Delivery]:
        """What waits and what comes within a moment, up to a batch; empty after a while without anything."""
        batch: list[_Delivery] = []
        try:
            batch.append(self._queue.get(timeout=0.5))
            until, size = time.monotonic() + GATHER_S, len(batch[0].message.raw)
            while len(batch) < self._settings.batch and size < MAX_BATCH_BYTES:
                batch.append(self._queue.get(timeout=max(0.0, until - time.monotonic())))
                size += len(batch[-1].message.raw)
        except queue.Empty:
            pass
        return batch

    def _take(self, batch: list[_Delivery]) -> None:
        """Take a batch in and acknowledge it; when the database is away wait for it."""
        wait, failures = 0.5, 0
        messages = [delivery.message for delivery in batch]
        while not self._stop.is_set():
            try:
                results = self._intake.take(messages, apart=failures >= _SUSPECT)
            except UNAVAILABLE as error:
                failures += 1
                cause = getattr(error, "orig", None) or error
                _log.error("the database does not take events, waiting", fault=type(cause).__name__)
                self._stop.wait(wait)
                wait = min(wait * 2, 15)
            else:
                self._metrics.batch.observe(len(batch))
                for delivery, result in zip(batch, results, strict=True):
                    self._acknowledge(delivery, result)
                return

    def _acknowledge(self, delivery: _Delivery, result: Result) -> None:
        if result.ack is not None and result.edge_id is not None:
            topic = EdgeTopics(result.edge_id).ack
            # QoS 0 is enough: on one connection TCP brings it or the connection ends, and a box that has heard nothing
            # asks again after 3 s, which is also what mends a broker's death. It saves a PUBACK for every event.
            sent = self._client.publish(topic, result.ack.model_dump_json().encode(), qos=0)
            if sent.rc not in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}:
                _log.warning("acknowledgement not sent, the box will ask again", reason=str(sent.rc))
        if delivery.qos and delivery.connection == self._connections:
            self._client.ack(delivery.mid, delivery.qos)

    @property
    def _address(self) -> str:
        return f"{self._broker.host}:{self._broker.port}"


def _received(message: MQTTMessage) -> Message:
    pairs = getattr(message.properties, "UserProperty", None) or []
    seals = [value for name, value in pairs if name == JWS_PROPERTY]
    # Two seals on one event: whichever we took, somebody could say we had taken the other.
    return Message(message.topic, bytes(message.payload[:MAX_KEPT_BYTES]), seals[0] if len(seals) == 1 else None)


__all__ = ["Receiver"]
