"""What boxes say of themselves beside events: states of box and cameras (retained), and answers to commands.

Plain subscriptions: every replica hears all of it, and writes only what differs from what stands in the database. A
state is a box's own word, under its own topic, unsigned; proof is in events alone.
"""

import os
import queue
import secrets
import socket
import threading
from collections.abc import Sequence
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from central.config import Broker
from central.db.database import Database
from central.db.edges import Edge
from central.db.polling import BoxCommand, BoxState, CameraState
from central.ingest.broker_client import broker_client
from contract.command import Reply
from contract.events import as_json, now
from contract.states import CameraStatus, EdgeStatus
from contract.topics import ALL_CAMERA_STATUS, ALL_REPLIES, ALL_STATUS, EdgeTopics, edge_id_of

_log = structlog.get_logger("statuses")
KEEPALIVE_S = 15
#: A status is some hundred bytes.
MAX_BYTES = 4096
#: What waits to be written at most: a newer state of the same topic takes the place of the older.
MOST = 5000
_Heard = dict[str, bytes]


class Statuses:
    """Hears and writes, on two threads of its own."""

    def __init__(self, db: Database, broker: Broker) -> None:
        self._db = db
        self._broker = broker
        self._heard: _Heard = {}
        self._replies: queue.Queue[tuple[str, bytes]] = queue.Queue(MOST)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        name = f"central-states-{socket.gethostname()[:20]}-{os.getpid()}-{secrets.token_hex(3)}"
        self._client = broker_client(broker, name)
        self._client.reconnect_delay_set(1, 15)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._thread = threading.Thread(target=self._work, name="statuses", daemon=True)

    def start(self) -> None:
        """Connect in the background, again and again with back-off."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S)
        self._thread.start()
        self._client.loop_start()

    def stop(self) -> None:
        """End both threads; what was heard and not written is retained by the broker."""
        self._stop.set()
        self._wake.set()
        self._client.disconnect()
        self._client.loop_stop()
        self._thread.join(10)

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            _log.error("the broker refuses us", reason=str(reason))
            return
        client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in (ALL_STATUS, ALL_CAMERA_STATUS, ALL_REPLIES)])

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        raw = bytes(message.payload[: MAX_BYTES + 1])
        if message.topic.endswith("/reply"):
            try:
                self._replies.put_nowait((message.topic, raw))
            except queue.Full:
                _log.warning("answers of boxes come faster than they are written")
        else:
            with self._lock:
                if message.topic in self._heard or len(self._heard) < MOST:
                    self._heard[message.topic] = raw
        self._wake.set()

    def _work(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(5.0)
            self._wake.clear()
            with self._lock:
                heard, self._heard = self._heard, {}
            replies = []
            while not self._replies.empty():
                replies.append(self._replies.get_nowait())
            if not heard and not replies:
                continue
            try:
                with self._db.write() as session:
                    take(session, heard, replies)
            except SQLAlchemyError as error:
                _log.error("states are not written, trying again", fault=type(error).__name__)
                with self._lock:
                    self._heard = heard | self._heard
                self._wake.set()
                self._stop.wait(2.0)


def take(session: Session, heard: _Heard, replies: Sequence[tuple[str, bytes]]) -> None:
    """Write what differs. What no box of ours says, or cannot be read, is passed over with a line in the log."""
    states = {topic: raw for topic, raw in heard.items() if len(raw) <= MAX_BYTES}
    boxes = {edge_id for topic in [*states, *(topic for topic, _ in replies)] if (edge_id := edge_id_of(topic))}
    ours = set(session.execute(select(Edge.id).where(Edge.id.in_(boxes), Edge.revoked_at.is_(None))).scalars())
    # In one order, so that replicas that write the same states wait for each other and never in a circle.
    for topic in sorted(states):
        edge_id = edge_id_of(topic)
        if edge_id not in ours or edge_id is None:
            continue
        try:
            _state(session, edge_id, topic, states[topic])
        except ValidationError:
            _log.warning("a state cannot be read", edge=edge_id, bytes=len(states[topic]))
    for topic, raw in replies:
        edge_id = edge_id_of(topic)
        if edge_id in ours and edge_id is not None and len(raw) <= MAX_BYTES:
            _reply(session, edge_id, raw)


def _state(session: Session, edge_id: str, topic: str, raw: bytes) -> None:
    if topic == EdgeTopics(edge_id).status:
        said = EdgeStatus.model_validate_json(raw)
        row = session.get(BoxState, edge_id)
        if row is None:
            row = BoxState(edge_id=edge_id, state="", since=now())
            session.add(row)
        if row.state != said.state:
            row.state, row.since = said.state, said.at or now()
            row.heard_at = now()
        # A last will, and the first word of a connection, say nothing of the disk: what was said stands.
        if said.disk is not None and row.disk != (disk := as_json(said.disk)):
            row.disk, row.disk_heard_at = disk, now()
        return
    camera = CameraStatus.model_validate_json(raw)
    if topic != EdgeTopics(edge_id).camera_status(camera.camera_id):
        _log.warning("a state names another camera than its topic", edge=edge_id)
        return
    found = session.get(CameraState, (edge_id, camera.camera_id))
    if found is None:
        found = CameraState(edge_id=edge_id, camera_id=camera.camera_id)
        session.add(found)
    elif found.since > camera.since:
        return  # another replica has heard a newer one
    told = {
        "state": camera.state,
        "since": camera.since,
        "cause": camera.cause[:300].replace("\0", ""),
        "offset_ms": camera.clock.offset_ms,
        "fps": camera.fps,
        "learned": None if camera.learned is None else as_json(camera.learned),
        "kept": None if camera.kept is None else as_json(camera.kept),
    }
    if any(getattr(found, name) != value for name, value in told.items()):
        for name, value in told.items():
            setattr(found, name, value)
        found.heard_at = now()


def _reply(session: Session, edge_id: str, raw: bytes) -> None:
    try:
        reply = Reply.model_validate_json(raw)
    except ValidationError:
        _log.warning("an answer cannot be read", edge=edge_id, bytes=len(raw))
        return
    command = session.get(BoxCommand, reply.id[:36])
    if command is not None and command.edge_id == edge_id and command.answered_at is None:
        command.answered_at, command.status = now(), reply.status
        command.reason = reply.reason[:300].replace("\0", "") or None


__all__ = ["Statuses", "take"]
