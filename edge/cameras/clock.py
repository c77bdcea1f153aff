"""Stream time and wall clock of one camera (design section 3).

Stream time `t` begins with the worker and rises. Within an epoch it is the camera's own RTP time, to the microsecond
(at the pace of true time, where the stamps were found to drift); a new epoch (first connection, reconnect, a jump of
the time stamps) is put onto it by this machine's monotonic clock, so that a clock that is set on the box cannot stretch
a wait. Wall clock comes from the camera's RTCP sender reports (RFC 3550 section 6.4.1) once one came, else from the
arrival of the epoch's first packet. What was said about a past `t` never changes: the name of a case is made of it.
"""

import ctypes
import threading
from bisect import bisect_right
from datetime import UTC, datetime

from contract.events import Clock
from edge.cameras.packets import exact

#: The camera's clock said something else by this much: from here on the new mapping holds. Seconds.
_STEP_S = 0.020
#: An RTCP time further from ours than this is not a wall clock but a counter since the camera's start. Seconds.
_NO_CLOCK_S = 366 * 86_400.0
#: How long after its instant a picture may leave a camera's encoder and network at best. Milliseconds [I].
_LATENCY_MS = 200.0


class StreamClock:
    """Maps a camera's presentation times to stream time and wall clock. Written by capture, read by anyone."""

    def __init__(self, same_host: bool = False, measured: bool = True) -> None:
        """`same_host`: the camera runs on this machine; `measured`: its reports tell a clock (files have none)."""
        self._same_host = same_host
        self._measured = measured
        self._lock = threading.Lock()
        self._origin: float | None = None
        self._base = 0.0
        self._shift = 0.0
        self._pace = 1.0
        self._last = -1.0
        self._from: list[float] = []
        self._offsets: list[float] = []
        self._from_report = False
        self._lead: float | None = None
        self.epoch = -1

    def begin(self, pts: float, monotonic: float, wall: float, pace: float = 1.0) -> None:
        """A new epoch whose first picture has time stamp `pts` and arrived at `monotonic` and `wall`, all seconds.

        `pace`: seconds of true time that a second of its stamps is worth, for a camera whose stamps drift.
        """
        with self._lock:
            if self._origin is None:
                self._origin = monotonic
            start = max(monotonic - self._origin, self._last + 0.001 if self._last >= 0 else 0.0)
            self._base, self._shift, self._pace = pts, exact(start), pace
            self._from_report = False
            self._lead = None
            self.epoch += 1
            self._map(exact(start), wall)

    def t_of(self, pts: float) -> float:
        """Stream second of a time stamp of the present epoch, whole microseconds."""
        t = exact((pts - self._base) * self._pace + self._shift)
        self._last = max(self._last, t)
        return t

    def report(self, t: float, camera: float, arrived: float) -> None:
        """The camera's own clock says `camera` (Unix seconds) for the picture of `t`, which `arrived` here then."""
        if abs(camera - arrived) > _NO_CLOCK_S:
            return
        with self._lock:
            lead = camera - arrived
            self._lead = lead if self._lead is None else max(lead, self._lead - 0.0005)
            if not self._from_report or abs(camera - t - self._offsets[-1]) > _STEP_S:
                self._from_report = True
                self._map(max(t, self._last), camera + max(t, self._last) - t)

    @property
    def reported(self) -> bool:
        """Whether the wall clock of the newest pictures is the camera's own."""
        with self._lock:
            return self._from_report

    def set_by(self, step_s: float) -> None:
        """This machine's clock was set by so much: from here on the wall clock follows, unless it is the camera's."""
        with self._lock:
            if self._offsets and not self._from_report:
                self._map(self._last, self._last + self._offsets[-1] + step_s)

    def wall(self, t: float) -> datetime:
        """Wall clock (UTC) of stream second `t`. Raises LookupError before the first packet."""
        with self._lock:
            if not self._from:
                raise LookupError("no packet has come yet, so stream time has no wall clock")
            index = max(bisect_right(self._from, t) - 1, 0)
            return datetime.fromtimestamp(t + self._offsets[index], UTC)

    def t_at(self, wall: datetime) -> float:
        """The stream second of a wall clock, by the newest mapping. Raises LookupError before the first packet."""
        with self._lock:
            if not self._from:
                raise LookupError("no packet has come yet, so wall clock has no stream time")
            return wall.timestamp() - self._offsets[-1]

    def clock(self) -> Clock:
        """How far the camera's clock is from true time. Unknown is said as unknown.

        On the same host it is the same clock. Else the sender reports are compared with arrival: the fastest packet
        bounds the difference up to the camera's own latency; it is worth as much as this machine's clock is, and a
        machine that is not synchronised (adjtimex) knows nothing.
        """
        with self._lock:
            lead, reported = self._lead, self._from_report
        if self._same_host:
            return Clock(offset_ms=0.0, uncertainty_ms=_LATENCY_MS, source="same_host")
        if not self._measured or not reported or lead is None:
            return Clock()
        own = host_error_ms()
        if own is None:
            return Clock()
        offset = lead * 1000 + _LATENCY_MS / 2
        return Clock(offset_ms=round(offset, 1), uncertainty_ms=round(_LATENCY_MS / 2 + own, 1), source="rtcp")

    def _map(self, t: float, wall: float) -> None:
        self._from.append(t)
        self._offsets.append(wall - t)


class _Timex(ctypes.Structure):
    """The head of struct timex, adjtimex(2); the tail is left to the kernel."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def host_error_ms() -> float | None:
    """The kernel's bound on this machine's clock error in ms (adjtimex), None when it is not synchronised."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    unsynchronised = 0x40
    if state < 0 or state == 5 or timex.status & unsynchronised:
        return None
    return float(timex.maxerror) / 1000
