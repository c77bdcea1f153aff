"""The evidence of one decision, ready to be handed over: stills, clip, and what is honest to say is missing."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from contract.events import Image, Rule, Vehicle, Video
from edge.cameras.packets import PacketStore
from edge.deliver.durable import write_durable
from edge.evidence.clip import Clip
from edge.evidence.kept import KeptPassage, Shot, Still
from edge.evidence.stills import MAX_JPEG_BYTES, MIN_SIZE, Label, decode, encode, labelled

#: GA/T 832-2014: pictures of something stationary are at least this far apart, in seconds.
SPACING_S = 10.0


@dataclass(frozen=True, slots=True)
class Pack:
    """What a manifest says of one passage. `files` maps hex SHA-256 to where the bytes lie until `done`.

    `case_key` is what the keeper was given with the decision; `at` the wall clock of its last instant. `vehicle` is
    None where nobody tried to read the plate.
    """

    passage: str
    case_key: str
    at: datetime
    images: list[Image]
    video: Video | None
    dropped: list[str]
    below_profile: list[str]
    files: dict[str, Path] = field(default_factory=dict)
    vehicle: Vehicle | None = None


class Packer:
    """Builds the images and the video of one passage."""

    def __init__(self, store: PacketStore, held: KeptPassage, label: Label | None) -> None:
        self._store = store
        self._held = held
        self._label = label
        self.files: dict[str, Path] = {}
        self.dropped: list[str] = []

    def images(self) -> list[Image]:
        """Every still of every shot in order of time, each whole frame followed by its overlay copy.

        What the disk does not give is named in `dropped`.
        """
        shots = sorted(self._held.kept.shots, key=lambda shot: shot.at)
        images: list[Image] = []
        for number, shot in enumerate(shots, start=1):
            for still in shot.stills:
                try:
                    images += self._both(shot, still, f"{number}/{len(shots)}")
                except OSError as error:
                    self.dropped.append(
                        f"still of {shot.moment} ({still.role}): the disk refuses it ({error.strerror})"
                    )
        return images

    def plate(self, shot: Shot) -> Image:
        """The plate's crop as the manifest names it: the one still of `shot`."""
        still = shot.stills[0]
        return self._image(shot, still, self._held.folder / still.file)

    def video(self, clip: Clip) -> Video:
        """The clip as the manifest names it."""
        sha256, size = _digest(clip.path)
        self.files[sha256] = clip.path
        return Video(
            t0=clip.t0,
            t1=clip.t1,
            at0=self._store.wall(clip.t0),
            fps=clip.fps,
            codec=clip.codec,
            w=clip.w,
            h=clip.h,
            sha256=sha256,
            bytes=size,
        )

    def _both(self, shot: Shot, still: Still, number: str) -> list[Image]:
        """A still, and the overlay copy of a whole frame."""
        image = self._image(shot, still, self._held.folder / still.file)
        if still.role != "far" or self._label is None:
            return [image]
        return [image, self._overlay(shot, still, image, number)]

    def _image(self, shot: Shot, still: Still, path: Path, overlay: bool = False) -> Image:
        sha256, size = _digest(path)
        self.files[sha256] = path
        return Image(
            role=still.role,
            moment=shot.moment,
            t=shot.t,
            at=shot.at,
            w=still.w,
            h=still.h,
            sha256=sha256,
            bytes=size,
            overlay=overlay,
        )

    def _overlay(self, shot: Shot, still: Still, original: Image, number: str) -> Image:
        assert self._label is not None
        decided = self._held.kept.decided
        what = f"{decided.rule} {decided.zone_id} " if decided else ""
        picture = decode((self._held.folder / still.file).read_bytes())
        copy = labelled(picture, self._label, shot.at, f"{what}{shot.moment} {number}", original.sha256)
        path = self._held.folder / still.file.replace(".jpg", "-overlay.jpg")
        write_durable(path, encode(copy))
        seen = Still(role=still.role, file=path.name, w=copy.shape[1], h=copy.shape[0])
        return self._image(shot, seen, path, overlay=True)


def below_profile(images: list[Image], rule: str) -> list[str]:
    """What GA/T 832-2014 asks for (domain B2) and these images lack; one sentence each."""
    far = [image for image in images if image.role == "far" and not image.overlay]
    lacks = []
    times = sorted({image.at for image in far})
    if len(times) < 2:
        lacks.append(f"{len(times)} whole picture(s); at least 2 at different times are asked for")
    small = [image for image in far if image.w < MIN_SIZE[0] or image.h < MIN_SIZE[1]]
    if small:
        lacks.append(f"pictures of {small[0].w}x{small[0].h}; at least {MIN_SIZE[0]}x{MIN_SIZE[1]} is asked for")
    if rule == Rule.ILLEGAL_PARKING and len(times) >= 2:
        apart = (times[-1] - times[0]).total_seconds()
        if apart < SPACING_S:
            lacks.append(f"pictures {apart:.1f} s apart; {SPACING_S:.0f} s are asked for while it stands")
    heavy = [image for image in images if image.bytes > MAX_JPEG_BYTES]
    if heavy:
        lacks.append(f"{len(heavy)} picture(s) over 1 MB")
    return lacks


def _digest(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size
