"""What a camera's tile says, and a station's: one word, since when, and the sentence behind it. Pure.

A station is as bad as its worst camera. Outside its hours nothing must be on record, so that silence is no fault there;
a broken ledger and an open trouble are told at any hour.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from central.db.polling import BoxState, CameraState, FeedTrouble, RecordingLedger
from contract.polling import Window

#: A block is closed about once a minute: this long after the last one the ledger is late.
LATE_AFTER: Final = timedelta(seconds=180)
#: A box tells of time that has been: what it dates so much later than it came is dated by a wrong clock (domain E2).
AHEAD: Final = timedelta(seconds=5)
#: A gap stays on the tile this long after it was over: somebody must have had the time to see it.
GAP_SHOWN: Final = timedelta(minutes=5)
_ZERO: Final = datetime.fromtimestamp(0, UTC)


class Word(StrEnum):
    """The states, worst first: the order in which problems come to the front."""

    FAULT = "fault"
    LOST = "lost"
    TROUBLE = "trouble"
    GAP = "gap"
    LATE = "late"
    WARNING = "warning"
    LIVE = "live"
    IDLE = "idle"

    @property
    def rank(self) -> int:
        """0 is worst."""
        return _RANK[self]


_RANK: Final[Mapping[Word, int]] = {word: place for place, word in enumerate(Word)}
#: What somebody should look at.
PROBLEMS: Final = frozenset({Word.FAULT, Word.LOST, Word.TROUBLE, Word.GAP, Word.LATE, Word.WARNING})


@dataclass(frozen=True, slots=True)
class State:
    """A tile's word; `key` and `values` are its sentence in the catalogues (`tile.why.KEY`)."""

    word: Word
    since: datetime | None
    key: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gap:
    """The last stretch of a camera that is not recorded. Unix microseconds."""

    start_us: int
    end_us: int
    cause: str


@dataclass(frozen=True, slots=True)
class Hours:
    """Where a station stands in its planned windows: the one that runs, and the one that comes next."""

    running: Window | None
    next: Window | None


@dataclass(frozen=True, slots=True)
class Facts:
    """The rows of one camera; None where nothing of the kind was ever heard."""

    box: BoxState | None = None
    camera: CameraState | None = None
    ledger: RecordingLedger | None = None
    gap: Gap | None = None
    troubles: Sequence[FeedTrouble] = ()


def hours(windows: Iterable[Window], now: datetime) -> Hours:
    """The window that runs at `now`, and the first that begins later."""
    by_time = sorted(windows, key=lambda one: one.begin)
    running = next((one for one in by_time if one.begin <= now < one.until), None)
    return Hours(running, next((one for one in by_time if one.begin > now), None))


def camera(facts: Facts, when: Hours, now: datetime) -> State:
    """What one camera's tile says."""
    return worst(every(facts, when, now))


def every(facts: Facts, when: Hours, now: datetime) -> list[State]:
    """All that can be said of a camera: what is worse hides the rest on a tile, and never from who is on duty."""
    said = [state for state in (_fault(facts), _ahead(facts), _trouble(facts)) if state is not None]
    if when.running is None:
        said.append(_idle(when))
    else:
        recorded = (_lost(facts, when.running), _gap(facts, when.running, now), _late(facts, when.running, now))
        said += [state for state in recorded if state is not None]
        said.append(State(Word.LIVE, facts.camera.since if facts.camera else when.running.begin, "live"))
    return said


def worst(states: Iterable[State]) -> State:
    """The worst of them, of equal ones the one that lasts longest; idle where there is none."""
    found = sorted(states, key=lambda one: (one.word.rank, one.since or _ZERO))
    return found[0] if found else State(Word.IDLE, None, "no_camera")


def _fault(facts: Facts) -> State | None:
    ledger = facts.ledger
    if ledger is None or ledger.fault is None:
        return None
    values = {"number": str(ledger.fault_number), "why": ledger.fault}
    return State(Word.FAULT, None, "fault", values)


def _ahead(facts: Facts) -> State | None:
    ledger = facts.ledger
    if ledger is None or ledger.until_us is None or moment(ledger.until_us) - ledger.heard_at <= AHEAD:
        return None
    seconds = round((moment(ledger.until_us) - ledger.heard_at).total_seconds())
    return State(Word.TROUBLE, ledger.heard_at, "ahead", {"seconds": str(seconds)})


def _lost(facts: Facts, running: Window) -> State | None:
    box, seen = facts.box, facts.camera
    if box is not None and box.state == "offline":
        return State(Word.LOST, box.since, "offline")
    if seen is not None and seen.state == "lost":
        return State(Word.LOST, seen.since, "lost", {"cause": seen.cause})
    if seen is None and facts.ledger is None:
        return State(Word.LOST, running.begin, "unheard")
    return None


def _trouble(facts: Facts) -> State | None:
    open_ones = [one for one in facts.troubles if one.at_end is None]
    if not open_ones:
        return None
    one = min(open_ones, key=lambda each: (each.severity != "alarm", each.at_first))
    word = Word.WARNING if one.severity != "alarm" else Word.LOST if one.kind == "lost" else Word.TROUBLE
    return State(word, one.at_first, "trouble", {"kind": one.kind, "reason": one.reason})


def _gap(facts: Facts, running: Window, now: datetime) -> State | None:
    gap = facts.gap
    if gap is None:
        return None
    start, end = moment(gap.start_us), moment(gap.end_us)
    if end <= running.begin or end < now - GAP_SHOWN:
        return None
    return State(Word.GAP, max(start, running.begin), "gap", {"cause": gap.cause})


def _late(facts: Facts, running: Window, now: datetime) -> State | None:
    if facts.camera is not None and facts.camera.state == "starting":
        return State(Word.LATE, facts.camera.since, "starting")
    ledger = facts.ledger
    told = moment(ledger.until_us) if ledger is not None and ledger.until_us is not None else running.begin
    if ledger is not None and told > now:  # by a clock that is ahead: it is known when it was said
        told = min(now, ledger.heard_at)
    # What was told before the window began says nothing of it: it is late from the beginning on.
    told = max(told, running.begin)
    return State(Word.LATE, told, "late") if now - told > LATE_AFTER else None


def _idle(when: Hours) -> State:
    if when.next is None:
        return State(Word.IDLE, None, "over")
    return State(Word.IDLE, None, "before", {"phase": when.next.phase, "begin": when.next.begin.isoformat()})


def moment(micros: int) -> datetime:
    """The moment of Unix microseconds."""
    return _ZERO + timedelta(microseconds=micros)


__all__ = [
    "AHEAD", "GAP_SHOWN", "LATE_AFTER", "PROBLEMS", "Facts", "Gap", "Hours", "State", "Word", "camera", "every",
    "hours", "moment", "worst",
]  # fmt: skip
