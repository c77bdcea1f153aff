"""Events from the outbox to the broker, and central's acknowledgements back into it."""

import logging
from dataclasses import dataclass, field

import paho.mqtt.client as mqtt

from edge.deliver.acks import parse_ack
from edge.deliver.link import STUCK_S, Link
from edge.deliver.outbox import Outbox, Row
from edge.deliver.window import Window

log = logging.getLogger("sightline.deliver")

_ACKS_AT_ONCE = 500


@dataclass(slots=True)
class Publisher:
    """Sends what is pending, in order; sends again what stays unanswered; takes a row out only when central says so."""

    outbox: Outbox
    link: Link
    window: Window = field(default_factory=Window)
    acknowledged: int = 0
    unreadable: int = 0
    _cursor: int = 0
    _epoch: int = 0
    #: What paho has not seen confirmed by the broker yet: it sends those again itself after a reconnect.
    _open: dict[str, tuple[mqtt.MQTTMessageInfo, float]] = field(default_factory=dict)

    def pump(self, now: float) -> None:
        """One turn at monotonic second `now`: hear, send again, send new."""
        self._hear(now)
        if not self.link.connected:
            return
        if self.link.epoch != self._epoch:
            self._epoch = self.link.epoch
            self._open = {name: (info, now) for name, (info, _) in self._open.items()}
            self.window.reset(now)
        self._settle(now)
        for name in self.window.due(now):
            self._again(name, now)
        for row in self.outbox.pending(self._cursor, self.window.room()):
            if not self._send(row, now):
                return
            self._cursor = row.n

    def idle(self) -> bool:
        """Nothing is waiting for an answer, and nothing is left to send."""
        return len(self.window) == 0 and not self.outbox.pending(self._cursor, 1)

    def _hear(self, now: float) -> None:
        stored, refused = [], []
        for _ in range(min(self.link.heard.qsize(), _ACKS_AT_ONCE)):
            ack = parse_ack(self.link.heard.get_nowait())
            if ack is None:
                self.unreadable += 1
                log.warning("acknowledgement that cannot be read (%d so far): ignored", self.unreadable)
            elif ack.status == "refused":
                refused.append((ack.id, ack.reason))
            else:
                stored.append(ack.id)
        if not stored and not refused:
            return
        self.outbox.acked(stored, refused)
        for name in stored:
            self.window.acked(name, now)
        for name, reason in refused:
            self.window.acked(name, now)
            log.error("central refuses event %s: %s - it is kept in the outbox, not sent again", name, reason)
        self.acknowledged += len(stored)

    def _settle(self, now: float) -> None:
        """Forget what the broker has confirmed; leave a broker that confirms nothing any more."""
        self._open = {name: one for name, one in self._open.items() if not one[0].is_published()}
        if any(now - at > STUCK_S for _, at in self._open.values()):
            log.warning("the broker has confirmed nothing for %.0f s: connecting again", STUCK_S)
            self._open = {name: (info, now) for name, (info, _) in self._open.items()}
            self.link.reconnect()

    def _again(self, name: str, now: float) -> None:
        if name in self._open:
            self.window.sent(name, now)
            return
        row = self.outbox.row(name)
        if row is None:
            self.window.forget(name)
        else:
            self._send(row, now)

    def _send(self, row: Row, now: float) -> bool:
        info = self.link.publish_event(row.raw, row.jws)
        if info is None:
            return False
        self._open[row.id] = (info, now)
        self.window.sent(row.id, now)
        return True
