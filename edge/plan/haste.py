"""What a box that is behind passes over, by rule. A replay is never behind."""

from collections.abc import Callable

#: Behind by so much [s], every second picture is passed over: at half the rate a crossing is judged nearly as well
#: (docs/plans.md). By more, spans are not decoded; by still more, all but the newest group of pictures are passed over.
BEHIND_S, PATIENCE_S, SPAN_PATIENCE_S = 1.5, 4.0, 3.0
#: A run begins with the packets of up to two seconds before: so late it may be until it has once caught up [s].
BEGINS_S = 3.0


class Haste:
    """How late one camera's looks are, and what that means for what comes next. Times in stream seconds."""

    def __init__(self, newest: Callable[[], float] | None = None) -> None:
        """`newest` is the stream second that has come; without it nothing is ever late."""
        self._newest = newest
        self._turn = 0
        self._caught_up = False

    def begins(self) -> None:
        """A run begins, with pictures of before."""
        self._caught_up = False

    def late(self, t: float) -> float:
        """How far a picture of `t` is behind what has come [s]."""
        return self._newest() - t if self._newest else 0.0

    def skips(self, t: float) -> bool:
        """Whether the rest of a group of pictures is passed over from `t` on."""
        return self.late(t) > PATIENCE_S

    def passes_over(self, t: float, *, halved: bool) -> bool:
        """Whether the picture of `t` is; not where half of them are left out already (`halved`)."""
        late = self.late(t)
        self._turn += 1
        self._caught_up = self._caught_up or late <= BEHIND_S
        return late > (BEHIND_S if self._caught_up else BEGINS_S) and self._turn % 2 == 1 and not halved

    def gives_up(self, t: float) -> bool:
        """Whether it is too late for the span up to the look at `t`."""
        return self.late(t) > SPAN_PATIENCE_S


__all__ = ["SPAN_PATIENCE_S", "Haste"]
