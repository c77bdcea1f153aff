"""Whether a camera's time stamps run as fast as time does, and how many pictures a second it sends."""

from collections import deque

#: Stamps that stray from this machine's clock by this much, steadily, falsify waits. Seconds.
_STRAYED_S = 0.5
_BUCKET_S = 10.0
#: So many stretches of 10 s in a row must say so: a network that is slow for a while says it once or twice.
_BUCKETS = 3
_SLOWEST, _FASTEST = 0.5, 2.0


class Drift:
    """Compares stamps with this machine's monotonic clock over stretches of 10 s.

    The packet that was fastest of a stretch tells how far stamps are ahead; what a network delays makes the others
    slower and is not seen. `see` answers with the pace to assume from now on when they strayed.
    """

    def __init__(self, pace: float = 1.0) -> None:
        """`pace`: seconds of true time a second of stamps is worth, as assumed so far."""
        self._pace = pace
        self._origin: tuple[float, float] | None = None
        self._first: tuple[float, float] | None = None
        self._best: tuple[float, float] | None = None
        self._until = 0.0
        self._strayed: deque[float] = deque(maxlen=_BUCKETS)

    def see(self, stamp: float, monotonic: float) -> float | None:
        """A picture stamped `stamp` came at `monotonic`, both seconds; the new pace when stamps strayed, else None."""
        if self._origin is None:
            self._origin, self._until = (stamp, monotonic), monotonic + _BUCKET_S
        since, passed = (stamp - self._origin[0]) * self._pace, monotonic - self._origin[1]
        lead = since - passed
        if self._best is None or lead > self._best[0]:
            self._best = lead, passed
        if monotonic < self._until:
            return None
        done, self._best, self._until = self._best, None, monotonic + _BUCKET_S
        if self._first is None:
            self._first = done
            return None
        return self._judged(done, self._first)

    def _judged(self, now: tuple[float, float], first: tuple[float, float]) -> float | None:
        self._strayed.append(now[0] - first[0])
        strayed = list(self._strayed)
        steady = strayed == sorted(strayed) or strayed == sorted(strayed, reverse=True)
        same_side = all(one * strayed[-1] > 0 for one in strayed)
        if len(strayed) < _BUCKETS or not steady or not same_side or abs(strayed[-1]) < _STRAYED_S:
            return None
        span = now[1] - first[1]
        return min(max(self._pace * span / (span + strayed[-1]), _SLOWEST), _FASTEST)


class Rate:
    """Pictures a second, over the last hundred pictures of an epoch."""

    def __init__(self) -> None:
        self._stamps: deque[float] = deque(maxlen=101)

    def see(self, dts: float) -> None:
        """A picture, `dts` in seconds."""
        self._stamps.append(dts)

    @property
    def measured(self) -> float | None:
        """None before there are enough pictures."""
        stamps = list(self._stamps)
        if len(stamps) < 26 or stamps[-1] <= stamps[0]:
            return None
        return round(2 * (len(stamps) - 1) / (stamps[-1] - stamps[0])) / 2  # halves: a lost picture is no news
