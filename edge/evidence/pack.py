"""The evidence of one decision, ready to be handed over: stills, clip, and what is honest to say is missing."""

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from contract.events import FactSaid, Image, Vehicle, Video
from contract.jpeg import JpegHeader, jpeg_header
from edge.cameras.packets import PacketStore, Picture
from edge.deliver.durable import write_durable
from edge.evidence.clip import Clip
from edge.evidence.composite import compose, matter_number, shots_of
from edge.evidence.kept import Decided, KeptPassage, Shot, Still
from edge.evidence.label import Label, Stamp
from edge.evidence.light import shadows
from edge.evidence.stills import MAX_JPEG_BYTES, decode, encode_within, labelled


@dataclass(frozen=True, slots=True)
class Pack:
    """What a manifest says of one passage. `files` maps hex SHA-256 to where the bytes lie until `done`.

    `case_key` is what the keeper was given with the decision; `at` the wall clock of its last instant. `vehicle` is
    None where nobody tried to read the plate; `facts` is what is said of the plate that was read, `suppression` names
    those facts that would have kept the decision from being an accusation.
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
    facts: dict[str, FactSaid] = field(default_factory=dict)
    suppression: list[str] = field(default_factory=list)


class Packer:
    """Builds the images and the video of one passage."""

    def __init__(self, store: PacketStore, held: KeptPassage, label: Label | None) -> None:
        """`held` was decided; without a `label` there are neither overlay copies nor a sheet."""
        assert held.kept.decided is not None
        self._decided: Decided = held.kept.decided
        self._store = store
        self._held = held
        self._label = label
        self.files: dict[str, Path] = {}
        self.dropped: list[str] = []

    def images(self) -> list[Image]:
        """Every still of every shot in order of time, each whole frame followed by its overlay copy.

        What the disk does not give is named in `dropped`.
        """
        shots = shots_of(self._held)
        matter = matter_number(self._held, self._decided)
        images: list[Image] = []
        for number, shot in enumerate(shots, start=1):
            for still in shot.stills:
                try:
                    images += self._both(shot, still, f"{matter}-{number}/{len(shots)}")
                except OSError as error:
                    self.dropped.append(
                        f"still of {shot.moment} ({still.role}): the disk refuses it ({error.strerror})"
                    )
        return images

    def plate(self, shot: Shot) -> Image:
        """The plate's crop as the manifest names it: the one still of `shot`."""
        still = shot.stills[0]
        return self._image(shot, still, self._held.folder / still.file)

    def composite(self, images: Sequence[Image]) -> list[Image]:
        """The composite sheet of these images; empty when it cannot be made, and then `dropped` says why."""
        if self._label is None:
            return []
        plate = next((self.files[image.sha256] for image in images if image.role == "plate"), None)
        path = self._held.folder / "composite.jpg"
        try:
            drawn = compose(self._held, self._decided, self._label, plate)
            if drawn is None:
                return []
            write_durable(path, encode_within(drawn, MAX_JPEG_BYTES))
        except OSError as error:
            self.dropped.append(f"composite: the disk refuses it ({error.strerror})")
            return []
        shots = shots_of(self._held)
        shot = next((shot for shot in shots if shot.moment == "trigger"), shots[-1])
        seen = Still(role="composite", file=path.name, w=drawn.shape[1], h=drawn.shape[0])
        return [self._image(shot, seen, path, overlay=True)]

    def shadows(self, images: Sequence[Image]) -> list[str]:
        """What the light of these pictures lets nobody see; a picture that cannot be read tells nothing."""
        shown: dict[str, list[Picture]] = {"far": [], "near": []}
        for image in images:
            if image.role in shown and not image.overlay:
                with contextlib.suppress(OSError, ValueError):  # `headers` names what cannot be read
                    shown[image.role].append(decode(self.files[image.sha256].read_bytes()))
        return shadows(shown["far"], shown["near"], any(image.role == "plate" for image in images))

    def headers(self, images: Sequence[Image]) -> dict[str, JpegHeader]:
        """What the files of these images say of themselves, by SHA-256; one that is no JPEG is left out and named."""
        found = {}
        for image in images:
            try:
                found[image.sha256] = jpeg_header(self.files[image.sha256].read_bytes())
            except (OSError, ValueError) as error:
                self.dropped.append(f"{image.role} of {image.moment}: cannot be read again ({error})")
        return found

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
        decided = self._decided
        stamp = Stamp(shot.at, shot.moment, decided.rule, decided.zone_id, number, original.sha256)
        picture = decode((self._held.folder / still.file).read_bytes())
        copy = labelled(picture, self._label.rows(stamp))
        path = self._held.folder / still.file.replace(".jpg", "-overlay.jpg")
        write_durable(path, encode_within(copy, MAX_JPEG_BYTES))
        seen = Still(role=still.role, file=path.name, w=copy.shape[1], h=copy.shape[0])
        return self._image(shot, seen, path, overlay=True)


def _digest(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size
