"""Pass or fail of the day before (domain E2): each check of a station by what is known of it. Pure.

Nothing says pass that nobody knows: what no box tells is `unknown` until a person says it, by name. A person's word
never covers what a box says is wrong.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from central.duty.roster import Span
from contract.polling import Window

#: What a rehearsal promises of every camera (domain E2.3), and how far a clock may be off (E2.4), milliseconds.
SHARE: Final = 0.999
CLOCK_MS: Final = 1000.0
#: People who look at the masks, each by themselves (E2.5).
BOOTH_LOOKS: Final = 2
#: The last block of a window is here so long after its end.
TOLD_AFTER: Final = timedelta(minutes=3)


class Verdict(StrEnum):
    """Worst first."""

    FAIL = "fail"
    NOT_YET = "not_yet"
    UNKNOWN = "unknown"
    PASS = "pass"  # noqa: S105 - no secret, a verdict


#: What a person says by their own look; the first two are asked of people alone.
WORDS: Final = ("view", "booth", "masks", "baseline", "disk", "message")


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody says of a station, having looked; the later one counts."""

    kind: str
    ok: bool
    by: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """One camera. Microseconds of the window: `planned` so far, `recorded`, and `untold` by anybody.

    `offset_ms`: of its clock; None nobody knows. `masks`: how many the site file draws; None nobody knows.
    `watched`: somebody was given live pictures of it since the rehearsal began. `learned`: its box has learned what is
    usual in its picture; None no box tells. `box`: the box that records it.
    """

    name: str
    heard: bool = False
    planned_us: int = 0
    recorded_us: int = 0
    untold_us: int = 0
    fault: bool = False
    offset_ms: float | None = None
    masks: int | None = None
    watched: bool = False
    learned: bool | None = None
    box: str | None = None


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """What a box told lately of its disk: `full_at` when what it must keep has no room left, None never."""

    box: str
    full_at: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of a station. `troubles`: the checks of pictures that are open now. `holes`: nobody is on duty.

    `masked_by`: edge or camera, None where the site file is not known. `to_come`: planned windows there are ahead.
    `disks`: of boxes that tell; `last`: when the last planned hours end.
    """

    rehearsal: Window | None
    cameras: Sequence[CameraFacts]
    troubles: Sequence[str] = ()
    masked_by: str | None = None
    holes: Sequence[Span] = ()
    to_come: int = 0
    words: Sequence[Word] = ()
    disks: Sequence[DiskFacts] = ()
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the sheet. `key` and `values` are its sentence; `words`: who said what, where people did."""

    check: str
    verdict: Verdict
    key: str
    values: Mapping[str, object] = field(default_factory=dict)
    words: tuple[Word, ...] = ()


def sheet(facts: Facts, now: datetime) -> list[Item]:
    """Every check, in the order in which somebody goes about them."""
    return [check(facts, now) for check in _CHECKS]


def overall(items: Iterable[Item]) -> Verdict:
    """As good as the worst of them."""
    found = {one.verdict for one in items}
    return next((one for one in Verdict if one in found), Verdict.UNKNOWN)


def rehearsal_of(windows: Sequence[Window], now: datetime) -> Window | None:
    """The rehearsal that counts: the one begun last, else the first to come."""
    planned = sorted((one for one in windows if one.phase == "rehearsal"), key=lambda one: one.begin)
    begun = [one for one in planned if one.begin <= now]
    return begun[-1] if begun else planned[0] if planned else None


def _recorded(facts: Facts, now: datetime) -> Item:
    window = facts.rehearsal
    if window is None:
        return Item("recorded", Verdict.NOT_YET, "no_window")
    if now < window.begin:
        return Item("recorded", Verdict.NOT_YET, "before", {"at": window.begin})
    if any(one.fault for one in facts.cameras):
        return Item("recorded", Verdict.FAIL, "fault", {"cameras": [one.name for one in facts.cameras if one.fault]})
    whole = (window.until - window.begin) / timedelta(microseconds=1)
    over = now >= window.until + TOLD_AFTER
    # While it runs, what nobody has told yet may still come; once it is over, all of it is there or it is missing.
    lost = [whole - one.recorded_us if over else _lost(one) for one in facts.cameras]
    bad = [one.name for one, us in zip(facts.cameras, lost, strict=True) if us > (1 - SHARE) * whole]
    share = min((one.recorded_us / (one.planned_us or whole) for one in facts.cameras), default=0.0)
    if bad or not facts.cameras:
        return Item("recorded", Verdict.FAIL, "missing", {"cameras": bad, "share": share})
    if not over:
        return Item("recorded", Verdict.NOT_YET, "running", {"share": share, "at": window.until})
    return Item("recorded", Verdict.PASS, "whole", {"share": share})


def _lost(one: CameraFacts) -> int:
    return one.planned_us - one.recorded_us - one.untold_us


def _troubles(facts: Facts, _now: datetime) -> Item:
    if facts.troubles:
        return Item("troubles", Verdict.FAIL, "open", {"troubles": list(facts.troubles)})
    silent = [one.name for one in facts.cameras if not one.heard]
    if silent or not facts.cameras:
        return Item("troubles", Verdict.NOT_YET, "silent", {"cameras": silent})
    return Item("troubles", Verdict.PASS, "none")


def _baseline(facts: Facts, _now: datetime) -> Item:
    learning = [one.name for one in facts.cameras if one.learned is False]
    if learning:
        said = _by_word(facts, Item("baseline", Verdict.NOT_YET, "learning", {"cameras": learning}))
        if said.verdict is not Verdict.PASS:  # a word never covers what a box says
            return said
        return Item("baseline", Verdict.NOT_YET, "learning", {"cameras": learning})
    if not facts.cameras or any(one.learned is None for one in facts.cameras):
        return _by_word(facts, Item("baseline", Verdict.UNKNOWN, "not_told"))
    return Item("baseline", Verdict.PASS, "learned")


def _clock(facts: Facts, _now: datetime) -> Item:
    known = [one.offset_ms for one in facts.cameras if one.offset_ms is not None]
    worst = max(known, key=abs, default=0.0)
    if abs(worst) > CLOCK_MS:
        return Item("clock", Verdict.FAIL, "off", {"ms": worst})
    unknown = [one.name for one in facts.cameras if one.offset_ms is None]
    if unknown or not known:
        return Item("clock", Verdict.UNKNOWN, "unknown", {"cameras": unknown})
    return Item("clock", Verdict.PASS, "good", {"ms": worst})


def _masks(facts: Facts, _now: datetime) -> Item:
    if "mask" in facts.troubles:
        return Item("masks", Verdict.FAIL, "gone")
    if facts.masked_by is None or any(one.masks is None for one in facts.cameras):
        return _by_word(facts, Item("masks", Verdict.UNKNOWN, "no_file"))
    drawn = [one for one in facts.cameras if one.masks]
    if not drawn:
        return _by_word(facts, Item("masks", Verdict.UNKNOWN, "none_drawn"))
    if not all(one.recorded_us for one in drawn):
        return Item("masks", Verdict.NOT_YET, "not_recorded")
    return Item("masks", Verdict.PASS, str(facts.masked_by), {"cameras": [one.name for one in drawn]})


def _resolution(facts: Facts, _now: datetime) -> Item:
    """A box records no stream that is higher than the site file allows: it is refused, or made smaller."""
    missing = [one.name for one in facts.cameras if not one.recorded_us]
    if missing or not facts.cameras:
        return Item("resolution", Verdict.NOT_YET, "not_recorded", {"cameras": missing})
    return Item("resolution", Verdict.PASS, "kept")


def _live(facts: Facts, _now: datetime) -> Item:
    missing = [one.name for one in facts.cameras if not one.watched]
    if missing or not facts.cameras:
        return Item("live", Verdict.NOT_YET, "not_tried", {"cameras": missing})
    return Item("live", Verdict.PASS, "tried")


def _disk(facts: Facts, _now: datetime) -> Item:
    """What must be kept has room until the last planned hours are over; it is kept for its days in any case."""
    ends = [one.full_at for one in facts.disks if one.full_at is not None]
    if facts.last is not None and ends and min(ends) < facts.last:
        return Item("disk", Verdict.FAIL, "full", {"at": min(ends), "until": facts.last})
    telling = {one.box for one in facts.disks}
    if facts.last is None or not facts.cameras or any(one.box not in telling for one in facts.cameras):
        return _by_word(facts, Item("disk", Verdict.UNKNOWN, "not_told"))
    if ends:
        return Item("disk", Verdict.PASS, "until", {"at": min(ends)})
    return Item("disk", Verdict.PASS, "fits")


def _message(facts: Facts, _now: datetime) -> Item:
    return _by_word(facts, Item("message", Verdict.NOT_YET, "none"))


def _roster(facts: Facts, _now: datetime) -> Item:
    if facts.holes:
        return Item("roster", Verdict.FAIL, "holes", {"holes": list(facts.holes)})
    if not facts.to_come:
        return Item("roster", Verdict.NOT_YET, "no_window")
    return Item("roster", Verdict.PASS, "covered")


def _view(facts: Facts, _now: datetime) -> Item:
    return _by_word(facts, Item("view", Verdict.NOT_YET, "nobody"))


def _booth(facts: Facts, _now: datetime) -> Item:
    """Two people, each of whom said last that it is masked."""
    said = {one.by: one for one in _said(facts, "booth")}
    words = tuple(said.values())
    if any(not one.ok for one in words):
        return Item("booth", Verdict.FAIL, "said_bad", words=words)
    verdict = Verdict.PASS if len(words) >= BOOTH_LOOKS else Verdict.NOT_YET
    return Item("booth", verdict, "looks", {"n": len(words), "of": BOOTH_LOOKS}, words)


def _by_word(facts: Facts, otherwise: Item) -> Item:
    """What a person said of it last; `otherwise` where nobody did."""
    said = _said(facts, otherwise.check)
    if not said:
        return otherwise
    last = said[-1]
    verdict = Verdict.PASS if last.ok else Verdict.FAIL
    return Item(otherwise.check, verdict, "said_good" if last.ok else "said_bad", words=(last,))


def _said(facts: Facts, kind: str) -> list[Word]:
    """Words since the rehearsal began, by time: what was seen before says nothing of it."""
    if facts.rehearsal is None:
        return []
    found = [one for one in facts.words if one.kind == kind and one.at >= facts.rehearsal.begin]
    return sorted(found, key=lambda one: one.at)


_CHECKS: Final[Sequence[Callable[[Facts, datetime], Item]]] = (
    _recorded, _troubles, _masks, _booth, _view, _clock, _resolution, _live, _message, _roster, _baseline, _disk,
)  # fmt: skip

__all__ = [
    "BOOTH_LOOKS", "CLOCK_MS", "SHARE", "WORDS", "CameraFacts", "DiskFacts", "Facts", "Item", "Verdict", "Word",
    "overall", "rehearsal_of", "sheet",
]  # fmt: skip
