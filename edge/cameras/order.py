"""When a picture is decoded, of cameras that only say when it is shown: RTP carries no decoding time."""

from bisect import insort


class DecodeOrder:
    """Stamps in decode order -> seconds: presentation, decoding, duration. With B-frames decoding runs ahead."""

    def __init__(self, clock: int) -> None:
        """`clock` ticks a second."""
        self._clock = clock
        self._window: list[int] = []
        self._depth = 0
        self._highest: int | None = None
        self._dts: int | None = None
        self._step = 0

    def place(self, stamp: int, depth: int) -> tuple[float, float, float]:
        """(pts, dts, duration) in seconds of the picture stamped `stamp`; `depth` pictures may be shown before it.

        dts rises by at least a tick and, where the stamps allow it, is no later than pts: it is the lowest of the last
        `depth` + 1 stamps, as FFmpeg reckons it.
        """
        if self._highest is not None and not -self._clock < stamp - self._highest < 5 * self._clock:
            self._window, self._highest, self._dts = [], None, None  # the stamps jumped: begin anew
        if self._highest is not None and stamp < self._highest:
            depth = max(depth, 1)
        self._depth = max(self._depth, depth)
        if self._highest is not None and stamp > self._highest:
            self._step = stamp - self._highest
        self._highest = stamp if self._highest is None else max(stamp, self._highest)
        insort(self._window, stamp)
        del self._window[: max(0, len(self._window) - self._depth - 1)]
        missing = self._depth + 1 - len(self._window)
        dts = self._window[0] - missing * (self._step or self._clock // 25)
        if self._dts is not None:
            dts = max(dts, self._dts + 1)
        self._dts = dts
        return stamp / self._clock, dts / self._clock, (self._step or self._clock // 25) / self._clock
