"""What a copy must not show: every face, and every plate but that of the accused vehicle.

Where a plate stands does not tell whose it is: a neighbour's is seen beside the vehicle, through its windows and
between its wheels. The accused vehicle's is the one that reads as its plate does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from central.redaction.blur import blurred, grown
from central.redaction.finder import Box, Finder, Picture, Reader
from contract.exempt import plain

#: Finders draw faces from brow to chin; hair and ears tell people apart too.
_FACE_AROUND = 0.25
_PLATE_AROUND = 0.15


@dataclass(frozen=True, slots=True)
class Redacted:
    """A copy, and the boxes (px) in which it differs from the original."""

    picture: Picture
    boxes: list[Box]


@dataclass(frozen=True, slots=True)
class Found:
    """Where to blur (px), and where the accused vehicle's own plate stands, if that is certain."""

    boxes: list[Box]
    own: Box | None


class Redactor:
    """Blurs copies. Used by one thread at a time; the original is never touched."""

    def __init__(self, faces: Sequence[Finder], plates: Sequence[Finder] = (), reader: Reader | None = None) -> None:
        """Everything that any finder finds is blurred; without a `reader` that goes for every plate.

        Raises ValueError without a finder of faces.
        """
        if not faces:
            raise ValueError("a copy cannot be redacted without a finder of faces")
        self._faces = tuple(faces)
        self._plates = tuple(plates)
        self._reader = reader

    def picture(self, picture: Picture, accused: Box | None = None, plate: str | None = None) -> Redacted:
        """A redacted copy of a BGR picture (H, W, 3). Within `accused` (px) the plate that reads `plate` stays."""
        boxes = self.boxes(picture, accused, plate)
        return Redacted(blurred(picture, boxes), boxes)

    def boxes(self, picture: Picture, accused: Box | None = None, plate: str | None = None) -> list[Box]:
        """Where to blur: see `found`."""
        return self.found(picture, accused, plate).boxes

    def found(self, picture: Picture, accused: Box | None = None, plate: str | None = None) -> Found:
        """Where to blur, and which plate is the accused vehicle's own.

        Faces go wherever they are, behind the accused windscreen too. A plate stays when it alone, within `accused`,
        was read without doubt and reads `plate`; all others go.
        """
        faces = [grown(box, _FACE_AROUND) for finder in self._faces for box in finder.find(picture)]
        plates = [box for finder in self._plates for box in finder.find(picture)]
        own = self._own(picture, plates, accused, plate)
        others = [grown(box, _PLATE_AROUND) for box in plates if own is None or not _overlap(box, own)]
        return Found(faces + others, own)

    def _own(self, picture: Picture, plates: list[Box], accused: Box | None, plate: str | None) -> Box | None:
        if self._reader is None or accused is None or not plate:
            return None
        inside = _distinct([box for box in plates if _inside(box, accused)])
        same = [box for box in inside if plain(self._reader.read(picture, box) or "") == plain(plate)]
        return same[0] if len(same) == 1 else None


def _distinct(boxes: list[Box]) -> list[Box]:
    """The same plate found by two finders, or in two tiles, is one."""
    left: list[Box] = []
    for box in boxes:
        if not any(_overlap(box, other) for other in left):
            left.append(box)
    return left


def _inside(box: Box, other: Box) -> bool:
    """Whether the centre of `box` lies in `other`."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return other[0] <= x <= other[2] and other[1] <= y <= other[3]


def _overlap(one: Box, two: Box) -> bool:
    """Whether two boxes share at least half of the smaller one."""
    wide = min(one[2], two[2]) - max(one[0], two[0])
    high = min(one[3], two[3]) - max(one[1], two[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, two))
    return wide > 0 and high > 0 and wide * high >= 0.5 * smaller
