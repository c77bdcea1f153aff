"""The page of one station as plain values: phases with every gap as a time line, and what was wrong with pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from central.db.marks import TroubleAct
from central.db.polling import FeedTrouble
from central.polling import taking
from central.polling.continuity import CameraCoverage, PhaseCoverage, micros
from central.polling.states import moment
from central.web import words
from central.web.language import Language
from central.web.stations import percent, phase

#: Width of a time line in its own units. A gap is never narrower than `_LEAST`: one second of a day must be seen.
WIDTH = 1000.0
_LEAST = 2.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a time line, in its units; `kind` is `gap`, `untold`, or `step` where a phase was marked."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class CameraSpan:
    """One camera in one phase. `line` says in words what the time line draws."""

    name: str
    line: str
    bars: list[Bar]
    fault: str | None
    untold: str | None


@dataclass(frozen=True, slots=True)
class GapLine:
    """One gap in a row of the table."""

    camera: str
    begin: str
    until: str
    long: str
    cause: str


@dataclass(frozen=True, slots=True)
class PhaseView:
    """One planned window as far as it has gone."""

    name: str
    share: str
    begin: str
    until: str
    cameras: list[CameraSpan]
    gaps: list[GapLine]
    #: From when to when, as the form asks that hands a recording out.
    handed: str
    marked: str


@dataclass(frozen=True, slots=True)
class TroubleLine:
    """What was wrong with a picture; `can` is what may still be said of it."""

    id: int
    kind: str
    camera: str
    reason: str
    begin: str
    until: str
    said: list[str]
    can: list[str]


def phase_view(
    one: PhaseCoverage, names: dict[str, str], say: Language, marked: tuple[str, Sequence[datetime]] = ("", ())
) -> PhaseView:
    """A phase in words and bars; `marked` is what people marked of it, and when."""
    zone = one.window.begin.tzinfo
    planned = length((one.until - one.window.begin).total_seconds())
    gaps = [
        GapLine(
            names[camera.camera_id],
            words.stamp(moment(gap.start_us).astimezone(zone)),
            words.stamp(moment(gap.end_us).astimezone(zone)),
            length((gap.end_us - gap.start_us) / 1e6),
            say(f"cause.{gap.cause}") + (f": {gap.detail}" if gap.detail else ""),
        )
        for camera in one.cameras
        for gap in camera.coverage.gaps
    ]
    return PhaseView(
        phase(one.window, say),
        say("station.share", share=percent(one.share), planned=planned),
        words.stamp(one.window.begin),
        words.stamp(one.until.astimezone(zone)),
        [_span(camera, one, names, say, marked[1]) for camera in one.cameras],
        gaps,
        f"from_us={micros(one.window.begin)}&until_us={micros(one.until)}",
        marked[0],
    )


def troubles(
    found: Sequence[FeedTrouble],
    acts: Mapping[int, Sequence[TroubleAct]],
    names: dict[str, str],
    zone: tzinfo | None,
    say: Language,
) -> list[TroubleLine]:
    """What was wrong with pictures, and what people said of it, in words."""
    return [
        TroubleLine(
            one.id,
            say.known(f"check.kind.{one.kind}", one.kind),
            names.get(one.camera_id, one.camera_id),
            one.reason,
            words.stamp(one.at_first.astimezone(zone)),
            words.stamp(one.at_end.astimezone(zone)) if one.at_end else say("station.open"),
            [
                say(f"trouble.said.{act.action}", who=act.name, at=words.stamp(act.at.astimezone(zone)), note=act.note)
                for act in acts.get(one.id, ())
            ],
            _can(one, acts.get(one.id, ())),
        )
        for one in found
    ]


def _can(one: FeedTrouble, acts: Sequence[TroubleAct]) -> list[str]:
    """Who has it in hand says later what came of it; what nobody took and is over is left alone."""
    if any(act.action != taking.TAKEN for act in acts):
        return []
    if one.taken_by is None:
        return list(taking.ACTS) if one.at_end is None else []
    return [taking.DONE, taking.FALSE]


def length(seconds: float) -> str:
    """`2:00:06`, `2:00:06.5`: hours, minutes, seconds to the tenth."""
    return str(timedelta(milliseconds=round(seconds * 10) * 100)).removesuffix("00000")


def _span(
    camera: CameraCoverage, one: PhaseCoverage, names: dict[str, str], say: Language, marked: Sequence[datetime]
) -> CameraSpan:
    covered, name = camera.coverage, names[camera.camera_id]
    first, last = micros(one.window.begin), micros(one.until)
    bars = [bar("gap", gap.start_us, gap.end_us, first, last) for gap in covered.gaps]
    if camera.told is None:
        bars = [Bar("untold", 0.0, WIDTH)]
    else:
        ends = [(first, max(first, camera.told[0])), (min(last, camera.told[1]), last)]
        bars += [bar("untold", begin, end, first, last) for begin, end in ends if begin < end]
    bars += [bar("step", micros(at), micros(at), first, last) for at in marked if first <= micros(at) <= last]
    untold = None
    if covered.unledgered_us:
        untold = say("station.unledgered", long=length(covered.unledgered_us / 1e6), camera=name)
    line = say("station.line", camera=name, share=percent(covered.share), gaps=len(covered.gaps))
    return CameraSpan(name, line, bars, camera.fault, untold)


def bar(kind: str, begin: int, end: int, first: int, last: int) -> Bar:
    """A stretch from `begin` to `end` on a line from `first` to `last`, all Unix microseconds."""
    scale = WIDTH / max(1, last - first)
    width = max(_LEAST, (end - begin) * scale)
    return Bar(kind, round(min(WIDTH - width, max(0.0, (begin - first) * scale)), 2), round(min(WIDTH, width), 2))


__all__ = ["WIDTH", "Bar", "PhaseView", "TroubleLine", "bar", "length", "phase_view", "troubles"]
