"""For how long the box has heard its sensors: credited up to the last bytes of the broker, and not a second beyond.

A cable that is pulled resets nothing: the connection looks well until its keepalive has run out, and what was published
meanwhile is lost. TCP keeps the order of bytes, so bytes that come prove that all before them have come; what has not
been proven when the loss is found is never counted.
"""

from dataclasses import dataclass

from edge.sensors.settling import SETTLE_S

#: A loop that took no turn for so long was away: nobody knows in which order what waited for it came. Seconds.
AWAY_S = 10.0


@dataclass(frozen=True, slots=True)
class Line:
    """A connection on which sensors are heard; instants by `time.monotonic`.

    Greeted at `since`, every topic `granted`, and the last bytes of the broker came at `heard`.
    """

    since: float
    granted: float
    heard: float


@dataclass(frozen=True, slots=True)
class Span:
    """A time of listening that is proven, from `begin` to `end`, by `time.monotonic`.

    Nothing was missed of what came at or after `since`; None while the box does not listen.
    """

    since: float | None
    begin: float
    end: float


class Listening:
    """Used by the loop alone. Spans end where readings do not wait for their order any more, and meet each other."""

    def __init__(self, now: float) -> None:
        self._turned = self._counted = now
        self._away = now
        self._since: float | None = None

    def turn(self, line: Line | None, now: float) -> Span:
        """The time of listening since the last turn; `line` is looked at before the mailbox is emptied."""
        if now - self._turned > AWAY_S:
            self._away = now
        self._turned = now
        if line is None:
            self._since = None
            return Span(None, now, now)
        since = max(line.since, self._away)
        if since != self._since:
            self._since, self._counted = since, max(line.granted, since)
        begin = self._counted
        self._counted = max(begin, min(line.heard, now - SETTLE_S))
        return Span(since, begin, self._counted)


__all__ = ["AWAY_S", "Line", "Listening", "Span"]
