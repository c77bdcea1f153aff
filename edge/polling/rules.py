"""What numbers of one look mean (domain E2.4): pure tables, no pictures, no clock, no disk.

Each rule says of its check whether it is bad, well or cannot be told now (`None`), with the figures it went by. A check
that is bad keeps being so a little beyond the line at which it began (`open_`), so that nothing flaps.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Literal

from contract.feedhealth import Check, Severity

Source = Literal["picture", "stream", "clock", "onvif"]

#: Start values of the field (docs/polling.md says where each comes from). The second number of a pair ends it.
DARK, BRIGHT = (30.0, 36.0), (220.0, 212.0)
FLAT_STD, EDGES_LEFT = (25.0, 30.0), (0.30, 0.40)
SHARPNESS_LEFT = (0.50, 0.60)
SHIFT = (0.02, 0.012)
LIKENESS = (0.40, 0.50)
SAME_BLOCKS, NOISE_LEFT, NO_NOISE = 0.97, 0.25, 0.4
OFFSET_WARNING_S, OFFSET_ALARM_S = (1.0, 0.8), (5.0, 4.5)
UNMASKED = (0.03, 0.015)
SILENT_S = 5.0
#: A picture flatter than this shows nothing that could stand still or come again.
_SHOWS = 10.0
#: Without a baseline of its own, a picture with fewer edges than this is of nothing.
_NO_EDGES = 0.004
#: And with anything to be seen in a smaller share of its cells.
_NO_TEXTURE = 0.2
#: A group of pictures whose length differs by this factor from the learned one is another encoder's setting.
_GOP = 1.6


@dataclass(frozen=True, slots=True)
class Rule:
    """How long (s) a check must be bad to be certain and well to be over, and whom it wants."""

    confirm_s: float
    clear_s: float
    severity: Severity = "alarm"


RULES: Mapping[Check, Rule] = {
    "lost": Rule(0.0, 3.0),
    "frozen": Rule(5.0, 10.0),
    "looped": Rule(4.0, 60.0),
    "dark": Rule(10.0, 10.0),
    "bright": Rule(10.0, 10.0),
    "covered": Rule(5.0, 10.0),
    "defocused": Rule(10.0, 15.0, "warning"),
    "moved": Rule(5.0, 15.0),
    "scene": Rule(10.0, 15.0),
    "time": Rule(5.0, 30.0),
    "replaced": Rule(0.0, 30.0),
    "mask": Rule(0.0, 10.0),
}
#: Checks that need more than one bad look, however long those lie apart.
LOOKS: Mapping[Check, int] = {"lost": 1, "mask": 1, "replaced": 1, "frozen": 3, "looped": 3}


@dataclass(frozen=True, slots=True)
class Look:
    """Numbers of one picture. None: could not be measured, or there is no baseline to measure against.

    `textured` is the share of the picture's cells in which there is anything to be seen.
    `contrast` is `std` as it would be in usual light: a dim lamp is no hand. `edges`, `sharpness` and `noise` are
    shares of the camera's own baseline, `noise_level` grey levels; `shift` is a share of the width; `lag` (s) says
    how long ago the same picture was there before; `steady` whether brightness is as it was.
    """

    mean: float
    std: float
    usual_std: float | None = None
    contrast: float = 0.0
    edges: float | None = None
    edge_density: float = 1.0
    textured: float = 1.0
    sharpness: float | None = None
    same: float | None = None
    usual_same: float = 0.0
    noise: float | None = None
    noise_level: float = 0.0
    steady: bool = True
    lag: float | None = None
    in_place: float | None = None
    shift: float | None = None
    likeness: float | None = None
    unmasked: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one source says of one check: bad, well, or None. Any adapter (ONVIF, one day) may bring its own."""

    check: Check
    bad: bool | None
    reason: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    source: Source = "picture"
    severity: Severity | None = None

    @property
    def key(self) -> str:
        """One matter at a time has this name."""
        return f"{self.check}/{self.source}/{self.severity or RULES[self.check].severity}"


def of_look(look: Look, open_: Set[Check]) -> Iterator[Finding]:
    """All that a picture says. `open_`: checks that are troubles now.

    A stronger trouble hides the weaker: nobody can say of a covered camera whether it is sharp.
    """
    dark = look.mean < DARK["dark" in open_]
    bright = look.mean > BRIGHT["bright" in open_]
    yield Finding("dark", dark, f"mean brightness {look.mean:.0f} of 255", {"mean": look.mean})
    yield Finding("bright", bright, f"mean brightness {look.mean:.0f} of 255", {"mean": look.mean})
    covered = _covered(look, "covered" in open_)
    yield covered
    blind = bool(covered.bad) or dark or bright
    frozen = _frozen(look, blind=blind)
    yield frozen
    yield _looped(look, frozen=bool(frozen.bad), blind=blind)
    moved = _moved(look, "moved" in open_, blind=blind)
    yield moved
    yield _scene(look, "scene" in open_, blind=blind or bool(moved.bad))
    yield _defocused(look, "defocused" in open_, blind=blind)
    yield _mask(look, "mask" in open_)


def _covered(look: Look, is_open: bool) -> Finding:
    if look.mean < 12:  # nothing is to be seen: `dark` says so
        return Finding("covered", None)
    figures = {"std": look.std, "edge_density": look.edge_density}
    if look.edges is None or look.usual_std is None:
        # A camera prints its clock over a hand as well: letters are edges, in few places.
        nothing = look.edge_density < 4 * _NO_EDGES or look.textured < _NO_TEXTURE
        flat = look.std < FLAT_STD[is_open] and nothing
        bad = flat or look.edge_density < _NO_EDGES
        return Finding("covered", bad, f"nothing to be seen since it began (contrast {look.std:.0f})", figures)
    flat = look.contrast < min(FLAT_STD[is_open], 0.6 * look.usual_std) and look.edges < 2 * EDGES_LEFT[is_open]
    bad = look.edges < EDGES_LEFT[is_open] or flat
    said = f"{look.edges:.0%} of its edges are left, contrast {look.contrast:.0f} of {look.usual_std:.0f}"
    return Finding("covered", bad, said, figures | {"edges": look.edges, "usual_std": look.usual_std})


def _frozen(look: Look, *, blind: bool) -> Finding:
    if look.same is None or blind or look.std < _SHOWS:
        return Finding("frozen", None)
    identical = look.same >= 1.0 or (look.same >= SAME_BLOCKS and look.usual_same < 0.8)
    # A full room that empties loses what moved, never its noise.
    silent = look.noise is not None and look.noise < NOISE_LEFT and look.noise_level < NO_NOISE and look.steady
    figures = {"same": look.same} | ({} if look.noise is None else {"noise": look.noise})
    said = f"{look.same:.0%} of the picture is the same to the last bit"
    if silent and not identical:
        said = f"{look.noise:.0%} of its sensor's noise is left"
    return Finding("frozen", identical or silent, said, figures)


def _looped(look: Look, *, frozen: bool, blind: bool) -> Finding:
    if blind or frozen or look.std < _SHOWS:
        return Finding("looped", None)
    if look.lag is None:
        return Finding("looped", bad=False)
    return Finding("looped", True, f"the same pictures were there {look.lag:.1f} s before", {"lag_s": look.lag})


def _moved(look: Look, is_open: bool, *, blind: bool) -> Finding:
    if look.shift is None or look.in_place is None or blind:
        return Finding("moved", None)
    figures = {"shift": look.shift, "in_place": look.in_place}
    return Finding("moved", look.shift > SHIFT[is_open], f"turned by {look.shift:.1%} of its width", figures)


def _scene(look: Look, is_open: bool, *, blind: bool) -> Finding:
    if look.in_place is not None and look.in_place >= 0.3:
        return Finding("scene", bad=False)
    if look.likeness is None or blind:
        return Finding("scene", None)
    figures = {"likeness": look.likeness, "in_place": look.in_place or 0.0}
    said = f"looks at something else: likeness to what it learned {look.likeness:.2f}"
    return Finding("scene", look.likeness < LIKENESS[is_open], said, figures)


def _defocused(look: Look, is_open: bool, *, blind: bool) -> Finding:
    if look.sharpness is None or blind:
        return Finding("defocused", None)
    bad = look.sharpness < SHARPNESS_LEFT[is_open]
    return Finding("defocused", bad, f"{look.sharpness:.0%} of its own sharpness", {"sharpness": look.sharpness})


def _mask(look: Look, is_open: bool) -> Finding:
    if look.unmasked is None:
        return Finding("mask", None)
    said = f"{look.unmasked:.0%} of a privacy mask is not painted"
    return Finding("mask", look.unmasked > UNMASKED[is_open], said, {"unmasked": look.unmasked})


def of_silence(silent_s: float, cause: str) -> Finding:
    """No picture for `silent_s` seconds, and what the recorder says of it."""
    said = f"no picture for {silent_s:.0f} s" + (f": {cause}" if cause else "")
    return Finding("lost", silent_s >= SILENT_S, said[:300], {"silent_s": silent_s}, "stream")


def of_clock(offset_s: float | None, open_keys: Set[str]) -> Iterator[Finding]:
    """The stream's clock less the box's, in seconds; nothing while unknown."""
    if offset_s is None:
        return
    limits: tuple[tuple[Severity, tuple[float, float]], ...] = (
        ("warning", OFFSET_WARNING_S),
        ("alarm", OFFSET_ALARM_S),
    )
    said = f"its clock is {offset_s:+.1f} s from the box's"
    for severity, (begins, ends) in limits:
        limit = ends if f"time/clock/{severity}" in open_keys else begins
        yield Finding("time", abs(offset_s) > limit, said, {"offset_s": offset_s}, "clock", severity)


@dataclass(frozen=True, slots=True)
class Stream:
    """What identifies a stream: FFmpeg's codec name, size in pixels, SHA-256 of its parameter sets, GOP in seconds."""

    codec: str
    width: int
    height: int
    sets: str = ""
    gop_s: float | None = None


def of_stream(known: Stream | None, now: Stream) -> Finding:
    """Whether the stream is still the one that was learned."""
    if known is None:
        return Finding("replaced", None, source="stream")
    changes = []
    if (known.codec, known.width, known.height) != (now.codec, now.width, now.height):
        changes.append(f"{now.codec} {now.width}x{now.height}, learned was {known.codec} {known.width}x{known.height}")
    elif known.sets and now.sets and known.sets != now.sets:
        changes.append("its parameter sets are others")
    if known.gop_s and now.gop_s and not 1 / _GOP < now.gop_s / known.gop_s < _GOP:
        changes.append(f"a keyframe every {now.gop_s:.1f} s, learned was {known.gop_s:.1f} s")
    return Finding("replaced", bool(changes), f"the stream changed: {'; '.join(changes)}"[:300], source="stream")


__all__ = [
    "LOOKS",
    "RULES",
    "SILENT_S",
    "Finding",
    "Look",
    "Rule",
    "Stream",
    "of_clock",
    "of_look",
    "of_silence",
    "of_stream",
]
