"""Asking boxes: what is asked is a row in its transaction, and is sent again and again until the box answers.

A box that is off the line hears of it when it comes back, and does nothing twice (contract.command). Answers come in by
`central.ingest.statuses`, at whichever replica hears them.
"""

import json
import os
import secrets
import socket
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from paho.mqtt.enums import MQTTErrorCode
from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from central.background import Background
from central.config import Broker
from central.db.database import Database
from central.db.polling import BoxCommand
from central.ingest.broker_client import broker_client
from contract.command import AnyCommand
from contract.events import now
from contract.topics import EdgeTopics

_log = structlog.get_logger("asking")
#: How often the table is looked at, for what another replica was asked and what is due again; seconds.
EVERY_S: Final = 1.0
#: After this long a box that has not answered is asked again, twice as long each time; seconds.
AGAIN_S, AGAIN_MOST_S = 5.0, 120.0
_KEEPALIVE_S: Final = 15
#: Commands sent in one transaction.
_MOST: Final = 100


class Says(Protocol):
    """Whoever can say a command to a box at once."""

    def say(self, edge_id: str, command: AnyCommand) -> bool:
        """Send without a row, once. False where the broker does not have us now: say it again."""
        ...


def ask(session: Session, edge_id: str, command: AnyCommand, by: str, at: datetime | None = None) -> BoxCommand:
    """Ask in the caller's transaction: sent within a second of its commit. `by` is an account's name.

    The row tells later what the box answered: `status` is None until it does.
    """
    row = BoxCommand(
        id=command.id,
        edge_id=edge_id,
        camera_id=getattr(command, "camera_id", None),
        word=command.command,
        body=command.model_dump(mode="json", exclude_none=True),
        asked_by=by,
        asked_at=at or now(),
        tries=0,
    )
    session.add(row)
    session.flush()
    return row


def new_id() -> str:
    """An id for a command."""
    return secrets.token_hex(16)


class Asker(Background):
    """Sends what was asked; several replicas share the work."""

    def __init__(self, db: Database, broker: Broker) -> None:
        """Raises ConfigError or BrokerError for files it cannot use."""
        super().__init__("asking")
        self._db, self._broker = db, broker
        self._up = threading.Event()
        name = f"central-asks-{socket.gethostname()[:20]}-{os.getpid()}-{secrets.token_hex(3)}"
        self._client = broker_client(broker, name)
        self._client.reconnect_delay_set(1, 15)
        self._client.on_connect = lambda *words: self._up.clear() if words[3].is_failure else self._up.set()
        self._client.on_disconnect = lambda *_words: self._up.clear()

    def start(self) -> None:
        """Connect in the background, again and again with back-off."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=_KEEPALIVE_S)
        self._client.loop_start()
        super().start()

    def stop(self) -> None:
        """What was not sent yet is sent by another replica, or after the next start."""
        super().stop()
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, edge_id: str, command: AnyCommand) -> bool:
        """See `Says`."""
        return self._published(edge_id, command.model_dump_json(exclude_none=True).encode())

    def _work(self) -> None:
        while not self._stop.wait(EVERY_S):
            if not self._up.is_set():
                continue
            try:
                while self._sent() == _MOST:
                    pass
            except SQLAlchemyError as error:
                _log.error("what was asked is not sent, trying again", fault=type(error).__name__)

    def _sent(self) -> int:
        with self._db.read() as session:
            if not waiting(session, now(), 1):
                return 0
        with self._db.write() as session:
            rows = waiting(session, now(), _MOST)
            for row in rows:
                if not self._published(row.edge_id, json.dumps(row.body).encode()):
                    return 0
                row.sent_at, row.tries = now(), row.tries + 1
            return len(rows)

    def _published(self, edge_id: str, body: bytes) -> bool:
        if not self._up.is_set():
            return False
        said = self._client.publish(EdgeTopics(edge_id).command, body, qos=1)
        return said.rc == MQTTErrorCode.MQTT_ERR_SUCCESS


def waiting(session: Session, at: datetime, most: int) -> Sequence[BoxCommand]:
    """What has to be sent at `at`, oldest first; what another replica sends just now is left to it."""
    due = [
        BoxCommand.sent_at.is_(None),
        *(
            (BoxCommand.tries == tries) & (BoxCommand.sent_at < at - timedelta(seconds=wait))
            for tries, wait in _WAITS.items()
        ),
        (BoxCommand.tries > max(_WAITS)) & (BoxCommand.sent_at < at - timedelta(seconds=AGAIN_MOST_S)),
    ]
    query = (
        select(BoxCommand)
        .where(BoxCommand.status.is_(None), or_(*due))
        .order_by(BoxCommand.asked_at, BoxCommand.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return session.execute(query).scalars().all()


#: How long is waited after so many tries; seconds.
_WAITS: Final = {tries: AGAIN_S * 2 ** (tries - 1) for tries in range(1, 6)}

__all__ = ["Asker", "Says", "ask", "new_id", "waiting"]
