"""A short wait that puts readings into the order of their own time, whatever order they came in."""

from bisect import insort

from edge.rules.threshold import Reading

#: How long one waits for those before it: far longer than a broker turns messages round, short for an alarm. Seconds.
SETTLE_S = 2.0
#: Most readings of one sensor that wait; with more the oldest goes on at once.
MOST = 100


class Settling:
    """The readings of one sensor on their way to the rule. `now` is by a clock that nobody sets, in seconds."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, float, Reading]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, reading: Reading, now: float) -> None:
        """A reading that came at `now`."""
        insort(self._waiting, (reading.t, now, reading), key=lambda one: one[0])

    def ready(self, now: float) -> list[tuple[float, Reading]]:
        """Those that waited long enough, and whatever is dated before one of them; in the order of their time.

        Each with the instant at which it came.
        """
        due = [place for place, (_, came, _) in enumerate(self._waiting, start=1) if now - came >= SETTLE_S]
        many = max(due[-1] if due else 0, len(self._waiting) - MOST)
        gone, self._waiting = self._waiting[:many], self._waiting[many:]
        return [(came, one) for _, came, one in gone]

    def drain(self) -> list[tuple[float, Reading]]:
        """All of them: the process ends."""
        gone, self._waiting = self._waiting, []
        return [(came, one) for _, came, one in gone]


__all__ = ["MOST", "SETTLE_S", "Settling"]
