"""Events from the outbox to the broker, and central's acknowledgements back into it."""

import logging
from dataclasses import dataclass, field

import paho.mqtt.client as mqtt

from edge.config import MAX_EVENTS_PER_S
from edge.deliver.acks import parse_ack
from edge.deliver.link import STUCK_S, Link
from edge.deliver.outbox import Outbox, Row
from edge.deliver.rate import Rate
from edge.deliver.window import Window

log = logging.getLogger("sightline.deliver")

_ACKS_AT_ONCE = 500
#: So many seconds' worth of events may go at once after a quiet time.
_BURST_S = 3.0


@dataclass(slots=True)
class Publisher:
    """Sends what is pending, in order; sends again what stays unanswered; takes a row out only when central says so."""

    outbox: Outbox
    link: Link
    per_s: float = MAX_EVENTS_PER_S
    window: Window = field(default_factory=Window)
    acknowledged: int = 0
    unreadable: int = 0
    _cursor: int = 0
    _epoch: int = 0
    #: What paho has not seen confirmed by the broker yet: it sends those again itself after a reconnect.
    _open: dict[str, tuple[mqtt.MQTTMessageInfo, float]] = field(default_factory=dict)
    #: Central's answers that are not on disk yet; a full disk keeps them here.
    _stored: list[str] = field(default_factory=list)
    _refused: list[tuple[str, str]] = field(default_factory=list)
    _fresh: Rate = field(init=False)
    #: Of its own, so that events which central never answers cannot use up the rate of new ones.
    _repeats: Rate = field(init=False)

    def __post_init__(self) -> None:
        self._fresh = Rate(self.per_s, self.per_s * _BURST_S)
        self._repeats = Rate(self.per_s, self.per_s * _BURST_S)

    def hear(self, now: float) -> None:
        """Take central's answers, at monotonic second `now`. Raises OperationalError: they are noted the next time."""
        for _ in range(min(self.link.mail.acks.qsize(), _ACKS_AT_ONCE)):
            ack = parse_ack(self.link.mail.acks.get_nowait())
            if ack is None:
                self.unreadable += 1
                log.warning("acknowledgement that cannot be read (%d so far): ignored", self.unreadable)
                continue
            self.window.acked(ack.id, now)
            if ack.status == "refused":
                self._refused.append((ack.id, ack.reason))
            else:
                self._stored.append(ack.id)
        if not self._stored and not self._refused:
            return
        self.outbox.acked(self._stored, self._refused)
        self.acknowledged += len(self._stored)
        for name, reason in self._refused:
            log.error("central refuses event %s: %s - it is kept in the outbox until the next start", name, reason)
        self._stored, self._refused = [], []

    def send(self, now: float) -> None:
        """Send again what is due, and then what is new, as fast as the rate allows."""
        if not self.link.connected:
            return
        if self.link.epoch != self._epoch:
            self._epoch = self.link.epoch
            self._open = {name: (info, now) for name, (info, _) in self._open.items()}
            self.window.reset(now)
        self._settle(now)
        for name in self.window.due(now)[: self._repeats.room(now)]:
            self._again(name, now)
        for row in self.outbox.pending(self._cursor, min(self.window.room(), self._fresh.room(now))):
            if not self._send(row, now):
                return
            self._fresh.spend(1, now)
            self._cursor = row.n

    def idle(self) -> bool:
        """Nothing is waiting for an answer, and nothing is left to send."""
        return len(self.window) == 0 and not self.outbox.pending(self._cursor, 1)

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
        elif self._send(row, now):
            self._repeats.spend(1, now)

    def _send(self, row: Row, now: float) -> bool:
        info = self.link.publish_event(row.raw, row.jws)
        if info is None:
            return False
        self._open[row.id] = (info, now)
        self.window.sent(row.id, now)
        return True
