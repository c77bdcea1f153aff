"""When one camera is not recorded, why, and for how long: by stream time, by the boot clock, else by the wall clock."""

from dataclasses import dataclass

from contract.continuity import Cause
from edge.record.index import Gap, Segment

#: A stretch without pictures is a gap from this length on. Seconds.
GAP_S = 1.0


@dataclass(frozen=True, slots=True)
class Ended:
    """Where the recording before ended: Unix us, stream second (None: of another run), boot clock; why it may have."""

    wall_us: int
    t: float | None
    boot: str
    boot_us: int
    cause: Cause
    detail: str


@dataclass(frozen=True, slots=True)
class Begins:
    """Where recording goes on: Unix us, stream second, boot clock of the machine's start `boot`."""

    wall_us: int
    t: float
    boot: str
    boot_us: int


class Absences:
    """`now` is why nothing is recorded at present, None while something is; any thread may read it."""

    def __init__(self, camera: str, ended: Ended | None) -> None:
        """`ended`: the recording of the run before, None when there was none."""
        self._camera = camera
        self._ended = ended
        self._missing: tuple[Cause, str] | None = None
        self.now: tuple[Cause, str] | None = self.why

    @property
    def why(self) -> tuple[Cause, str]:
        """Why nothing would be before a segment that began now."""
        if self._missing is not None:
            return self._missing
        return (self._ended.cause, self._ended.detail) if self._ended else ("start", "recording began")

    def because(self, cause: Cause, detail: str) -> None:
        """Nothing comes, or nothing can be written. A disk that refuses is the cause until it takes again."""
        if self._missing is None or self._missing[0] != "storage" or cause == "storage":
            self._missing = cause, detail
        if self.now is not None:
            self.now = self.why

    def noticed(self, cause: Cause, detail: str) -> None:
        """The stream goes on after a break of its own."""
        if self._missing is None:
            self._missing = cause, detail

    def over(self) -> None:
        """A segment was opened."""
        self.now = None

    def nothing_open(self) -> None:
        """None is open any more, and what was is handed over."""
        self.now = self.why

    def ends(self, ended: Ended) -> None:
        """A segment ended there."""
        self._ended = ended

    def closed(self, begins: Begins) -> list[Gap]:
        """A new segment is on disk: gaps between it and the recording before, for people (the ledger is exact)."""
        ended, (cause, detail) = self._ended, self.why
        self._missing = None
        if ended is None:
            return []
        apart = (begins.wall_us - ended.wall_us) / 1e6
        if ended.t is not None:
            lost = begins.t - ended.t
        elif ended.boot == begins.boot:
            lost = max(0.0, (begins.boot_us - ended.boot_us) / 1e6)
            lost = apart if abs(apart - lost) <= GAP_S else lost  # stamps of arrival; the clocks agree
        else:
            lost = max(0.0, apart)
        gaps = []
        if lost > GAP_S:
            gaps.append(Gap(self._camera, ended.wall_us, ended.wall_us + round(lost * 1e6), cause, detail))
        if abs(shift := apart - lost) > GAP_S:
            gaps.append(self._shift(begins, shift, same=ended.t is not None or ended.boot == begins.boot))
        return gaps

    def _shift(self, begins: Begins, shift: float, *, same: bool) -> Gap:
        if same:
            said = f"the stream's wall clock was set by {shift:+.1f} s"
        else:
            said = f"the clock is {-shift:.1f} s before the end of the recording before"
        start = begins.wall_us - round(max(0.0, shift) * 1e6)
        return Gap(self._camera, start, begins.wall_us, "clock", said)


def ended_by(last: Segment, cause: Cause, detail: str) -> Ended:
    """Where the newest segment of an earlier run ended."""
    length = last.end_us - last.start_us
    return Ended(last.end_us, None, last.boot, last.boot_us + length, cause, detail)


__all__ = ["GAP_S", "Absences", "Begins", "Ended", "ended_by"]
