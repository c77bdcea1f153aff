"""When to send an event again: 3 s without central's acknowledgement, then with back-off (design section 4).

Pure: ids and monotonic seconds in, ids that are due out. A returning box does not flood central, because at most
`size` events wait at a time; a central that is silent is only probed, with the oldest few, until it answers.
"""

from dataclasses import dataclass

PATIENCE_S = 3.0
LONGEST_S = 15.0
SILENCE_S = 10.0


@dataclass(slots=True)
class _Wait:
    attempts: int
    sent: float
    next_at: float


class Window:
    """Events that were sent and not acknowledged yet, in the order they were first sent."""

    def __init__(self, size: int = 64, probe: int = 4) -> None:
        self._size = size
        self._probe = probe
        self._waiting: dict[str, _Wait] = {}
        self._heard = 0.0
        self._newest_acked = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def room(self) -> int:
        """How many more may be sent. An event that later ones have overtaken holds nobody up (up to 20 windows)."""
        if len(self._waiting) >= 20 * self._size:
            return 0
        return max(0, self._size - sum(not self._overtaken(wait) for wait in self._waiting.values()))

    def sent(self, event_id: str, now: float) -> None:
        """`event_id` was handed to the broker at `now`."""
        if not self._waiting:
            self._heard = max(self._heard, now)
        wait = self._waiting.setdefault(event_id, _Wait(0, now, now))
        wait.attempts += 1
        wait.sent = now
        wait.next_at = now + min(PATIENCE_S * 2.0 ** (wait.attempts - 1), LONGEST_S)

    def acked(self, event_id: str, now: float) -> None:
        """Central has answered for `event_id`. If it was silent before, the others need not sleep on."""
        if self.silent(now):
            for wait in self._waiting.values():
                wait.next_at = min(wait.next_at, now)
        self._heard = max(self._heard, now)
        done = self._waiting.pop(event_id, None)
        if done is not None:
            self._newest_acked = max(self._newest_acked, done.sent)

    def forget(self, event_id: str) -> None:
        """`event_id` is no longer to be sent."""
        self._waiting.pop(event_id, None)

    def silent(self, now: float) -> bool:
        """Whether central has said nothing for so long that sending all again would help nobody."""
        return bool(self._waiting) and now - self._heard > SILENCE_S

    def due(self, now: float) -> list[str]:
        """What to send again now, oldest first."""
        names = list(self._waiting)
        if self.silent(now):
            names = ([name for name in names if not self._overtaken(self._waiting[name])] or names)[: self._probe]
        return [name for name in names if self._waiting[name].next_at <= now]

    def reset(self, now: float) -> None:
        """The connection is new and what the broker held may be gone: everything is due."""
        self._heard = now
        for wait in self._waiting.values():
            wait.attempts, wait.next_at = 0, now

    def _overtaken(self, wait: _Wait) -> bool:
        return wait.attempts >= 2 and wait.sent < self._newest_acked
