"""What is kept of one passage until it is decided: a folder with pictures and one JSON that says what they are.

A stay can wait for minutes, longer than any ring holds, and the box may restart meanwhile; so the pictures are on
disk, and their wall clock with them (stream time begins anew with every start).
"""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ValidationError

from edge.cameras.packets import Picture
from edge.deliver.durable import write_durable
from edge.evidence.stills import NEAR_QUALITY, crop, encode, scaled
from edge.rules.decision import Box

Moment = Literal["first", "spacing", "trigger", "last"]
Role = Literal["far", "mid", "near", "plate", "composite"]
MOMENTS: tuple[Moment, ...] = ("first", "spacing", "trigger", "last")
#: Crops: how many times the vehicle's box they show.
_AROUND: dict[Role, float] = {"mid": 3.0, "near": 1.25}
#: Spacing pictures of one stay: the earliest and the latest tell most; a middle one goes first.
_MAX_SPACING = 3
_INDEX = "kept.json"


class Still(BaseModel):
    """One JPEG in the folder, with its size in pixels."""

    role: Role
    file: str
    w: int
    h: int


class Shot(BaseModel):
    """The pictures of one instant. `t` belongs to the run of the box that took it, `at` to everyone.

    `box` is the vehicle's, in pixels of the whole picture.
    """

    moment: Moment
    t: float
    at: AwareDatetime
    stills: list[Still]
    box: Box | None = None


class Decided(BaseModel):
    """What the pack must know of the decision, kept so that a restart can still hand it over.

    `looks` are instants (stream seconds) and boxes (px of the site's `frame`) at which the vehicle is seen largest.
    """

    case_key: str
    rule: str
    zone_id: str
    t_first: float
    t_trigger: float
    t_last: float
    at_last: AwareDatetime
    at_first: AwareDatetime | None = None
    at_trigger: AwareDatetime | None = None
    missing: list[str] = []
    vehicle_class: str = ""
    color: str | None = None
    looks: list[tuple[float, Box]] = []


class Kept(BaseModel):
    """The content of the JSON."""

    passage: str
    shots: list[Shot] = []
    decided: Decided | None = None


class KeptPassage:
    """One passage's folder. Every change is on disk, whole, when the call returns; OSError when it cannot be."""

    def __init__(self, folder: Path, kept: Kept) -> None:
        self.folder = folder
        self.kept = kept

    @classmethod
    def begin(cls, root: Path, passage: str) -> "KeptPassage":
        """The folder of `passage` under `root`; it is made with the first picture."""
        folder = root / hashlib.sha256(passage.encode()).hexdigest()[:32]
        return cls(folder, Kept(passage=passage))

    @classmethod
    def found(cls, root: Path) -> Iterator["KeptPassage"]:
        """What an earlier run left under `root`. A folder that cannot be read is of no use and is removed."""
        for index in sorted(root.glob(f"*/{_INDEX}")):
            try:
                yield cls(index.parent, Kept.model_validate_json(index.read_bytes()))
            except (OSError, ValidationError):
                shutil.rmtree(index.parent, ignore_errors=True)

    def add(
        self, moment: Moment, t: float, at: AwareDatetime, picture: Picture, box: Box, frame: tuple[int, int] | None
    ) -> None:
        """Keep `picture` (BGR, whole frame) of stream second `t` for `moment`, with crops around `box` (px of `frame`).

        A later picture of first, trigger or last takes the place of the earlier.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = f"{moment}-{round(t * 1000):012d}"
        stills = [self._write("far", stem, picture, None)]
        where = scaled(box, frame, picture)
        for role, around in _AROUND.items():
            part = crop(picture, where, around)
            if part is not None:
                stills.append(self._write(role, stem, part, NEAR_QUALITY))
        old = [shot for shot in self.kept.shots if shot.moment == moment and (moment != "spacing" or shot.t == t)]
        shots = [shot for shot in self.kept.shots if shot not in old]
        shots.append(Shot(moment=moment, t=t, at=at, stills=stills, box=where))
        spacing = [shot for shot in shots if shot.moment == "spacing"]
        if len(spacing) > _MAX_SPACING:
            old.append(spacing[1])
            shots.remove(spacing[1])
        self.kept = self.kept.model_copy(update={"shots": shots})
        self.save()
        self._remove(old)

    def decide(self, decided: Decided) -> None:
        """Note the decision; it holds in memory even when the disk refuses (OSError)."""
        self.kept = self.kept.model_copy(update={"decided": decided})
        self.save()

    def shot(self, moment: Moment) -> Shot | None:
        """The newest shot of a moment."""
        return next((shot for shot in reversed(self.kept.shots) if shot.moment == moment), None)

    def save(self) -> None:
        """Write the JSON."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_durable(self.folder / _INDEX, self.kept.model_dump_json(indent=1).encode())

    def remove(self) -> None:
        """Take the folder away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, role: Role, stem: str, picture: Picture, quality: int | None) -> Still:
        name = f"{stem}-{role}.jpg"
        raw = encode(picture) if quality is None else encode(picture, quality)
        write_durable(self.folder / name, raw)
        return Still(role=role, file=name, w=picture.shape[1], h=picture.shape[0])

    def _remove(self, shots: list[Shot]) -> None:
        named = {still.file for shot in self.kept.shots for still in shot.stills}
        for still in (still for shot in shots for still in shot.stills):
            if still.file not in named:
                (self.folder / still.file).unlink(missing_ok=True)
