"""What a copy must not show: every face, and every plate but that of the accused vehicle."""

from collections.abc import Sequence
from dataclasses import dataclass

from central.redaction.blur import blurred, grown
from central.redaction.finder import Box, Finder, Picture

#: Finders draw faces from brow to chin; hair and ears tell people apart too.
_FACE_AROUND = 0.25
_PLATE_AROUND = 0.15


@dataclass(frozen=True, slots=True)
class Redacted:
    """A copy, and the boxes (px) in which it differs from the original."""

    picture: Picture
    boxes: list[Box]


class Redactor:
    """Blurs copies. Used by one thread at a time; the original is never touched."""

    def __init__(self, faces: Sequence[Finder], plates: Sequence[Finder] = ()) -> None:
        """Everything that any finder finds is blurred. Raises ValueError without a finder of faces."""
        if not faces:
            raise ValueError("a copy cannot be redacted without a finder of faces")
        self._faces = tuple(faces)
        self._plates = tuple(plates)

    def picture(self, picture: Picture, accused: Box | None = None) -> Redacted:
        """A redacted copy of a BGR picture (H, W, 3). The plate within the box `accused` (px) stays readable."""
        boxes = self.boxes(picture, accused)
        return Redacted(blurred(picture, boxes), boxes)

    def boxes(self, picture: Picture, accused: Box | None = None) -> list[Box]:
        """Where to blur.

        Faces go wherever they are, behind the accused windscreen too. Of several plates within `accused` it is open
        which one is the accused vehicle's, and all go.
        """
        faces = [grown(box, _FACE_AROUND) for finder in self._faces for box in finder.find(picture)]
        plates = [box for finder in self._plates for box in finder.find(picture)]
        own = _distinct([box for box in plates if accused is not None and _inside(box, accused)])
        kept = own[0] if len(own) == 1 else None
        others = [grown(box, _PLATE_AROUND) for box in plates if kept is None or not _overlap(box, kept)]
        return faces + others


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
