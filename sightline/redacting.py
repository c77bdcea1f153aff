"""Puts the redactor together: central blurs, the edge's detector finds plates, the models bring the weights.

Central may not import the edge, so whoever starts central hands it this.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import ModelError
from contract.plates import PLATE_SURE, load_plates

if TYPE_CHECKING:
    from central.redaction.finder import Box, Picture
    from central.redaction.redactor import Redactor
    from edge.plates.detector import PlateDetector
    from edge.plates.protocol import PlateReader

#: Tiles overlap by more than a plate is wide, so that one of them has it whole. Pixels.
_TILE, _OVERLAP = 800, 160
#: A plate is read with so much of its width around it: its corners are found by what they stand on.
_ROUND = 0.5


class TiledPlates:
    """A finder of plates anywhere in a large picture: those of other vehicles are small."""

    def __init__(self, detector: "PlateDetector") -> None:
        self._detector = detector

    def find(self, picture: "Picture") -> "list[Box]":
        """See `central.redaction.finder.Finder.find`."""
        found = []
        for left, top in _tiles(picture.shape[1], picture.shape[0]):
            for plate in self._detector.find(picture[top : top + _TILE, left : left + _TILE]):
                x1, y1, x2, y2 = plate.box
                found.append((x1 + left, y1 + top, x2 + left, y2 + top))
        return found


class OwnPlate:
    """A `central.redaction.finder.Reader`: China's plates, for no reader of others is shipped."""

    def __init__(self, reader: "PlateReader") -> None:
        self._reader = reader

    def read(self, picture: "Picture", plate: "Box") -> str | None:
        """See `central.redaction.finder.Reader.read`."""
        from central.redaction.blur import grown
        from edge.plates.protocol import Unreadable

        try:
            reading = self._reader.read(picture, grown(plate, _ROUND))
        except Unreadable:
            return None
        x, y = (reading.box[0] + reading.box[2]) / 2, (reading.box[1] + reading.box[3]) / 2
        same = plate[0] <= x <= plate[2] and plate[1] <= y <= plate[3]
        return reading.text if same and reading.conf >= PLATE_SURE else None


def redactor(plates: bool = True) -> "Redactor":
    """The redactor of this machine. Raises ModelError where its weights are not here."""
    from central.redaction.faces import CenterFace
    from central.redaction.redactor import Redactor
    from edge.plates.china import ChinaPlateReader
    from edge.plates.detector import PlateDetector

    faces = CenterFace(_weights("faces") / "centerface.onnx")
    # A plate that is doubtful is blurred: the threshold is lower than that of reading.
    if not plates:
        return Redactor([faces])
    folder = _weights("plates-cn")
    reader = OwnPlate(ChinaPlateReader(folder, load_plates("cn").alphabet))
    return Redactor([faces], [TiledPlates(PlateDetector(folder / "detector.onnx", score=0.3))], reader)


def _weights(name: str) -> Path:
    from edge.plates.open import check
    from models.bundles import prepared

    folder = prepared(name)
    if folder is None:
        raise ModelError(f"{name}: the weights are not here - run `sightline models fetch {name}`")
    check(folder)
    return folder


def _tiles(width: int, height: int) -> Iterator[tuple[int, int]]:
    """Left and top of tiles that cover the picture."""
    for top in _starts(height):
        for left in _starts(width):
            yield left, top


def _starts(length: int) -> list[int]:
    step, last = _TILE - _OVERLAP, max(0, length - _TILE)
    return sorted({*range(0, last, step), last})
