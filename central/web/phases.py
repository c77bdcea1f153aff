"""The phases of a station as plain values in the reader's language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from central.db.marks import PhaseMarker, PhaseStill
from central.db.polling import Station
from central.polling import phases, phasing
from central.polling.continuity import windows_of
from central.polling.phases import WINDOWS, Phase
from central.web import words
from central.web.duty import zone_of
from central.web.language import Language
from contract.polling import Window


@dataclass(frozen=True, slots=True)
class MarkerLine:
    """One marker. `local` is its time as a form's field has it."""

    id: int
    phase: str
    name: str
    at: str
    local: str
    who: str
    note: str
    reason: str
    #: Numbers and cameras of its stills.
    stills: list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Step:
    """One phase of the day: `state` is `done`, `now` or `open`; `planned` its planned hours, where it has some."""

    name: str
    state: str
    word: str
    planned: str
    markers: list[MarkerLine]


@dataclass(frozen=True, slots=True)
class DayView:
    """The day of a station: its phases, what was corrected, and what the form begins with."""

    steps: list[Step]
    corrected: list[str]
    options: list[tuple[str, str]]
    expected: str
    zone: str


def day(
    rows: Sequence[PhaseMarker],
    stills: Mapping[int, Sequence[PhaseStill]],
    station: Station,
    now: datetime,
    say: Language,
) -> DayView:
    """The whole day in words."""
    windows, zone = windows_of(station), zone_of([station])
    names = {str(said["id"]): str(said["name"]) for said in station.cameras}
    pictures = {
        marker: [(one.id, names.get(one.camera_id, one.camera_id)) for one in some] for marker, some in stills.items()
    }
    markers = [phasing.marker(one) for one in rows]
    stands = {one.id for one in phases.standing(markers)}
    at = phases.current(markers, now)
    by_id = {one.id: one for one in rows}
    lines = {one.id: _line(one, pictures.get(one.id, []), zone, say) for one in rows}
    steps = []
    for phase in Phase:
        mine = [lines[one.id] for one in rows if one.id in stands and one.phase == phase]
        state = "now" if at is not None and at.phase is phase else "done" if mine else "open"
        planned = _planned(phase, windows, say)
        steps.append(Step(name(phase, say), state, say(f"phase_mark.state.{state}"), planned, mine))
    corrected = [_corrected(lines[one.corrects], by_id[one.id], lines[one.id], say) for one in rows if one.corrects]
    expected = phases.expected(markers)
    options = [(str(one), name(one, say)) for one in Phase]
    return DayView(steps, corrected, options, str(expected or ""), words.offset(now.astimezone(zone)))


def name(phase: Phase | str, say: Language) -> str:
    """The phase's word."""
    return say(f"phase_mark.{phase}")


def beside(rows: Sequence[PhaseMarker], window: Window, say: Language) -> tuple[str, list[datetime]]:
    """When a planned window began and ended by people's word, and the moments of all markers."""
    there = phases.standing(phasing.marker(one) for one in rows)
    if window.phase not in WINDOWS:
        return "", [one.at for one in there]
    zone = window.begin.tzinfo
    first, last = WINDOWS[window.phase]
    begun = next((one.at for one in there if one.phase is first), None)
    ended = next((one.at for one in reversed(there) if one.phase is last), None)
    told = []
    for key, phase, at in (("marked", first, begun), ("marked", last, ended)):
        if at is not None:
            told.append(say(f"phase_mark.{key}", phase=name(phase, say), at=words.stamp(at.astimezone(zone))))
    return (say("list.and").join(told) if told else say("phase_mark.unmarked")), [one.at for one in there]


def _line(one: PhaseMarker, stills: list[tuple[int, str]], zone: tzinfo, say: Language) -> MarkerLine:
    there = one.at.astimezone(zone)
    named = name(one.phase, say) if one.phase else ""
    return MarkerLine(
        one.id,
        one.phase,
        named,
        words.stamp(there),
        f"{there:%Y-%m-%dT%H:%M:%S}",
        one.name,
        one.note,
        one.reason,
        stills,
    )


def _planned(phase: Phase, windows: Sequence[Window], say: Language) -> str:
    """The planned hours that the phase begins: the next or last of them."""
    mine = [one for one in windows if WINDOWS.get(one.phase, (None,))[0] is phase]
    spans = [f"{one.begin:%m-%d %H:%M} - {one.until:%m-%d %H:%M}" for one in mine]
    return say("phase_mark.planned", spans=", ".join(spans)) if spans else ""


def _corrected(old: MarkerLine, row: PhaseMarker, new: MarkerLine, say: Language) -> str:
    what = f"{old.name} {old.at} ({old.who})" if old.name else old.at
    now = f"{new.name} {new.at}" if row.phase else say("phase_mark.nothing")
    return say("phase_mark.corrected", old=what, new=now, who=row.name, reason=row.reason)


__all__ = ["DayView", "MarkerLine", "Step", "beside", "day", "name"]
