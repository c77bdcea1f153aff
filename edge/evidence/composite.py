"""Which pictures of a passage go on its composite sheet, and what is written there."""

from collections.abc import Sequence
from pathlib import Path

from contract.events import Rule
from contract.sealing import sha256_hex
from edge.cameras.packets import Picture
from edge.evidence.kept import Decided, KeptPassage, Moment, Shot, Still
from edge.evidence.label import Label
from edge.evidence.sheet import Closeup, Panel, sheet, title_of
from edge.evidence.stills import decode

#: Domain C2: t1, t2, t3 of a yield; domain D2: start, at least 10 s later, expiry of the wait.
_SHOWN: dict[Rule, tuple[Moment, ...]] = {
    Rule.FAILURE_TO_YIELD: ("first", "trigger", "last"),
    Rule.ILLEGAL_PARKING: ("first", "spacing", "trigger"),
}


def matter_number(held: KeptPassage, decided: Decided) -> str:
    """What the pictures of one matter are numbered under: the beginning of its case key."""
    return (decided.case_key or sha256_hex(held.kept.passage.encode()))[:12]


def shots_of(held: KeptPassage) -> list[Shot]:
    """The shots in order of time; their place in this list is the number printed on them."""
    return sorted(held.kept.shots, key=lambda shot: shot.at)


def compose(held: KeptPassage, decided: Decided, label: Label, plate: Path | None) -> Picture | None:
    """The sheet of a decided passage, BGR; None when no whole picture is there.

    Raises OSError or ValueError when a picture that should be there cannot be read.
    """
    shots = shots_of(held)
    chosen = _chosen(shots, Rule(decided.rule))
    if not chosen:
        return None
    number = matter_number(held, decided)
    panels = [_panel(held, decided, label, shot, f"{number}-{shots.index(shot) + 1}/{len(shots)}") for shot in chosen]
    return sheet(
        panels,
        _closeup(held, label, shots, plate),
        title_of(label, decided.rule, decided.zone_id, number),
        "   ".join(label.where()),
    )


def _chosen(shots: Sequence[Shot], rule: Rule) -> list[Shot]:
    """At most three shots with a whole picture: those of the rule's moments, filled up with others in order of time."""
    whole = [shot for shot in shots if _still(shot, "far")]
    wanted: list[Shot] = []
    for moment in _SHOWN[rule]:
        wanted += [shot for shot in whole if shot.moment == moment][:1]
    wanted += [shot for shot in whole if shot not in wanted]
    return sorted(wanted[:3], key=lambda shot: shot.at)


def _panel(held: KeptPassage, decided: Decided, label: Label, shot: Shot, number: str) -> Panel:
    raw = _read(held, shot, "far")
    shows = label.word(f"{decided.rule}.{shot.moment}")
    lines = (f"{label.when(shot.at)}   {shows}", f"{number}   {label.word('original')} {sha256_hex(raw)}")
    return Panel(decode(raw), shot.box, lines)


def _closeup(held: KeptPassage, label: Label, shots: Sequence[Shot], plate: Path | None) -> Closeup:
    """The largest near picture, in which most of the plate is to be seen."""
    near = [(still.w * still.h, shot) for shot in shots if (still := _still(shot, "near"))]
    shown = decode(plate.read_bytes()) if plate else None
    if not near:
        return Closeup(None, shown, (label.word("plate"),))
    shot = max(near, key=lambda pair: pair[0])[1]
    raw = _read(held, shot, "near")
    what = label.word("near") + (f", {label.word('plate')}" if plate else "")
    lines = (f"{label.when(shot.at)}   {what}", f"{label.word('original')} {sha256_hex(raw)}")
    return Closeup(decode(raw), shown, lines)


def _still(shot: Shot, role: str) -> Still | None:
    return next((still for still in shot.stills if still.role == role), None)


def _read(held: KeptPassage, shot: Shot, role: str) -> bytes:
    still = _still(shot, role)
    assert still is not None
    return (held.folder / still.file).read_bytes()


__all__ = ["compose", "matter_number", "shots_of"]
