"""Stills and clip of a case as the page shows them, each with what is drawn over it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from central.tickets.views import CaseView, MediaItem
from central.web import overlay, words
from central.web.language import Language
from contract.plates import PLATE_SURE

_ORDER = {"first": 0, "spacing": 1, "trigger": 2, "last": 3}
#: What the loop repeats: this much before the first and after the last decisive instant that the clip holds (s).
LOOP_MARGIN_S = 0.6
#: How close to the clip's ends an instant still counts as inside it (s): frames and moments are not the same instants.
EDGE_S = 0.2


@dataclass(frozen=True, slots=True)
class Still:
    """A still and what is drawn on it; `overlay` is None for crops and for copies that carry their own."""

    index: int
    href: str
    w: int
    h: int
    name: str
    caption: str
    alt: str
    overlay: overlay.Overlay | None


@dataclass(frozen=True, slots=True)
class Character:
    """One character that was read, and how sure the machine was of it in all of its looks together."""

    sign: str
    percent: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Plate:
    """The plate's close-up (`href` None where none is here) beside what was read of it."""

    href: str | None
    w: int
    h: int
    text: str | None
    characters: list[Character]

    @property
    def unsure(self) -> bool:
        """Whether a character is to be compared with the picture."""
        return any(not one.sure for one in self.characters)


@dataclass(frozen=True, slots=True)
class Tick:
    """A decisive instant on the clip's scale; `share` is its place in percent of the length."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Clip:
    """The clip. `t0`, `t1` in stream seconds; loop bounds, `length` in seconds from its beginning."""

    href: str
    download: str
    w: int
    h: int
    t0: float
    t1: float
    length: float
    loop_from: float
    loop_to: float
    track: list[list[float]]
    ticks: list[Tick]
    overlay: overlay.Overlay


def stills(view: CaseView, say: Language) -> list[Still]:
    """The stills that are here: whole pictures in order of time first, then close-ups, plates, and drawn copies."""
    ready = [item for item in view.media if item.kind == "image" and item.ready]
    ready.sort(key=_rank)
    return [_still(view, item, index, say) for index, item in enumerate(ready, start=1)]


def plate(view: CaseView) -> Plate | None:
    """The plate as it was seen and as it was read; None where it was neither."""
    seen, certain = view.vehicle, view.vehicle.per_char_conf or []
    close = next((one for one in view.media if one.role == "plate" and one.ready), None)
    if close is None and not seen.plate:
        return None
    whole = seen.plate is not None and len(certain) == len(seen.plate)
    pairs = zip(seen.plate or "", certain, strict=True) if whole else ()
    characters = [Character(sign, f"{conf:.0%}", conf >= PLATE_SURE) for sign, conf in pairs]
    size = (close.w, close.h) if close else (0, 0)
    return Plate(_href(view, close) if close else None, *size, seen.plate, characters)


def _still(view: CaseView, item: MediaItem, index: int, say: Language) -> Still:
    geometry = view.violation.geometry
    name = _name(view, item, say)
    at = words.clock(item.at.astimezone(view.violation.at_trigger.tzinfo or UTC))
    whole = not item.overlay and item.role == "far"
    drawn = whole and overlay.shows_frame(geometry, item.w, item.h)
    return Still(
        index=index,
        href=_href(view, item),
        w=item.w,
        h=item.h,
        name=name,
        caption=f"{name} · {at}",
        alt=say("case.still_alt", n=index, moment=name, at=at),
        overlay=overlay.of_moment(geometry, item.moment or "", item.t) if drawn else None,
    )


def _name(view: CaseView, item: MediaItem, say: Language) -> str:
    name = say.known(f"moment.{view.rule}.{item.moment}", item.moment or "")
    marks = [say(f"role.{item.role}")] if item.role in {"plate", "near", "mid", "composite"} else []
    marks += [say("role.overlay")] if item.overlay else []
    return ", ".join([name, *marks])


def clip(view: CaseView, say: Language) -> Clip | None:
    """The clip, None while it is not here."""
    item = next((one for one in view.media if one.kind == "video" and one.ready), None)
    if item is None or item.t1 is None:
        return None
    length = max(0.04, item.t1 - item.t)
    shown = [(name, min(length, max(0.0, at))) for name, at in _decisive(view, item, say, length)]
    return Clip(
        href=_href(view, item),
        download=f"{_href(view, item)}?download=1",
        w=item.w,
        h=item.h,
        t0=item.t,
        t1=item.t1,
        length=round(length, 3),
        loop_from=round(max(0.0, min((at for _, at in shown), default=0.0) - LOOP_MARGIN_S), 3),
        loop_to=round(min(length, max((at for _, at in shown), default=length) + LOOP_MARGIN_S), 3),
        track=overlay.sightings(view.violation.geometry),
        ticks=[Tick(name, round(100 * at / length, 2)) for name, at in shown],
        overlay=overlay.of_clip(view.violation.geometry),
    )


def _decisive(view: CaseView, item: MediaItem, say: Language, length: float) -> Iterator[tuple[str, float]]:
    """Name and place (s from the clip's beginning) of each decisive instant that the clip holds."""
    data = view.violation
    last = None
    for name, t in (("first", data.t_first), ("trigger", data.t_trigger), ("last", data.t_last)):
        at = t - item.t
        if -EDGE_S <= at <= length + EDGE_S and (last is None or at - last > EDGE_S):
            yield say(f"moment.{data.rule.value}.{name}"), at
            last = at


def _href(view: CaseView, item: MediaItem) -> str:
    return f"/cases/{view.number}/media/{item.sha256}"


def _rank(item: MediaItem) -> tuple[int, int, float]:
    """Whole pictures first in order of time; then the trigger's close-ups, its plate, and last what is drawn on."""
    place = _ORDER.get(item.moment or "", 9)
    if item.overlay or item.role == "composite":
        return 4, place, item.t
    kind = {"mid": 1, "near": 2, "plate": 3}.get(item.role or "", 0)
    return (kind, place, item.t) if kind == 0 else (1, 0 if item.moment == "trigger" else 1 + place, kind)
