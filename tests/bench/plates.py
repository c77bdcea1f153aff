"""How well plates are read: `python -m tests.bench.plates [--json]`, on ../shared/plates (or SIGHTLINE_SHARED).

Crops are 94 x 24 px and already cut out: they measure the recogniser. Photographs go the whole way: find, straighten,
recognise, check. The widths in `edge.plates.recogniser` were chosen on these crops, so the crops flatter a little.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path

import cv2
import numpy as np

from contract.plates import PlateSchema, load_plates
from edge.plates.china import ChinaPlateReader
from edge.plates.protocol import Picture, PlateReading, Unreadable
from edge.plates.recogniser import PlateRecogniser
from edge.plates.voted import vote

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Score:
    """Rates (0..1) over `pictures`.

    `exact`: the recogniser's text is the plate, checked or not. `characters`: characters right. `accepted`: answered
    at all after the schema and the least confidence; `right_when_accepted`: of those, the plate exactly.
    """

    pictures: int
    exact: float
    characters: float
    accepted: float
    right_when_accepted: float
    wrong: list[str]


def crops(folder: Path, recogniser: PlateRecogniser, schema: PlateSchema) -> Score:
    """The recogniser on plates that are cut out; the file's name is the text."""
    box, quad = (0.0, 0.0, 94.0, 24.0), np.zeros((4, 2), np.float32)
    readings = []
    for path in sorted(folder.glob("*.jpg")):
        text, conf = recogniser.read(picture(path))
        readings.append((path.stem, PlateReading(text, conf, box, quad, 1.0)))
    return score(readings, schema)


def photographs(folder: Path, reader: ChinaPlateReader, schema: PlateSchema, size: float) -> Score:
    """The whole reader on photographs of cars, `size` times their size; `truth.json` has the texts."""
    readings = []
    for name, truth in json.loads((folder / "truth.json").read_text(encoding="utf-8")).items():
        photo = cv2.resize(picture(folder / name), None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
        try:
            readings.append((truth, reader.read(photo, (0.0, 0.0, float(photo.shape[1]), float(photo.shape[0])))))
        except Unreadable:
            readings.append((truth, None))
    return score(readings, schema)


def score(readings: Iterable[tuple[str, PlateReading | None]], schema: PlateSchema) -> Score:
    """Compare what was read of each picture alone with the truth."""
    rows = [
        (truth, reading.text if reading else "", vote([reading] if reading else [], schema).text)
        for truth, reading in readings
    ]
    accepted = [(truth, answer) for truth, _, answer in rows if answer is not None]
    return Score(
        pictures=len(rows),
        exact=round(sum(truth == text for truth, text, _ in rows) / len(rows), 4),
        characters=round(
            sum(_right(truth, text) for truth, text, _ in rows) / sum(len(truth) for truth, _, _ in rows), 4
        ),
        accepted=round(len(accepted) / len(rows), 4),
        right_when_accepted=round(sum(t == a for t, a in accepted) / len(accepted), 4) if accepted else 0.0,
        wrong=[f"{truth} -> {answer}" for truth, answer in accepted if truth != answer],
    )


def picture(path: Path) -> Picture:
    """A picture from a path that may hold Chinese."""
    return np.asarray(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def _right(truth: str, text: str) -> int:
    if len(truth) == len(text):
        return sum(a == b for a, b in zip(truth, text, strict=True))
    return sum(block.size for block in SequenceMatcher(None, truth, text, autojunk=False).get_matching_blocks())


def measure(plates: Path, weights: Path) -> dict[str, Score]:
    """All figures: crops, and photographs at several sizes."""
    schema = load_plates("cn")
    reader = ChinaPlateReader(weights, schema.alphabet)
    found = {"crops": crops(plates / "crops", PlateRecogniser(weights / "recogniser.onnx", schema.alphabet), schema)}
    for size in (1.0, 0.5, 0.33):
        found[f"photographs x {size}"] = photographs(plates / "photos", reader, schema, size)
    return found


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.plates", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    options = parser.parse_args()
    from models.bundles import prepare

    shared = Path(os.environ.get("SIGHTLINE_SHARED", ROOT.parent / "shared"))
    found = measure(shared / "plates", prepare("plates-cn", lambda line: print(line, file=sys.stderr)))
    if options.json:
        print(json.dumps({name: asdict(one) for name, one in found.items()}, ensure_ascii=False, indent=1))
        return 0
    print(f"{'':20} pictures  exact  characters  accepted  right when accepted")
    for name, one in found.items():
        print(
            f"{name:20} {one.pictures:8}  {one.exact:5.3f}  {one.characters:10.4f}  {one.accepted:8.3f}  {one.right_when_accepted:19.4f}"
        )
        for wrong in one.wrong:
            print(f"{'':20}   wrong: {wrong}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
