"""How well plates are read, on the real plates of ../shared. Floors stand just below what was measured and only rise.

Measured: `python -m tests.bench.plates`.
"""

from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from contract.errors import ModelError
from contract.plates import load_plates
from edge.plates.china import ChinaPlateReader
from edge.plates.colour import plate_colour
from edge.plates.open import open_reader
from edge.plates.protocol import Unreadable
from models.bundles import bundle, prepare
from tests.bench.plates import Score, measure, picture


@pytest.fixture(scope="module")
def weights() -> Path:
    return prepare("plates-cn", lambda _: None)


@pytest.fixture(scope="module")
def figures(shared: Path, weights: Path) -> dict[str, Score]:
    return measure(shared / "plates", weights)


def test_crops_are_read(figures: dict[str, Score]) -> None:
    crops = figures["crops"]
    assert crops.pictures >= 480
    assert crops.exact >= 0.98
    assert crops.characters >= 0.995
    assert crops.accepted >= 0.95


def test_what_is_accepted_is_right(figures: dict[str, Score]) -> None:
    crops = figures["crops"]
    assert crops.right_when_accepted >= 0.988, crops.wrong


def test_street_lamps_make_no_blue_plate_yellow(shared: Path) -> None:
    crops = [picture(path) for path in sorted((shared / "plates" / "crops").glob("*.jpg"))]
    told = Counter(plate_colour(crop, crop) for crop in crops)  # all of them are blue
    assert told["blue"] >= 0.92 * len(crops)
    assert told.total() - told["blue"] - told[None] <= 1, told


@pytest.mark.parametrize("size", ["1.0", "0.5", "0.33"])
def test_photographs_of_cars_are_read_whole(figures: dict[str, Score], size: str) -> None:
    assert figures[f"photographs x {size}"].right_when_accepted == 1.0
    assert figures[f"photographs x {size}"].accepted == 1.0


def test_a_picture_without_a_plate_is_unreadable(weights: Path) -> None:
    reader = ChinaPlateReader(weights, load_plates("cn").alphabet)
    grey = np.full((400, 600, 3), 120, np.uint8)
    with pytest.raises(Unreadable, match="no plate"):
        reader.read(grey, (50.0, 50.0, 500.0, 350.0))
    with pytest.raises(Unreadable, match="outside"):
        reader.read(grey, (900.0, 900.0, 950.0, 950.0))


def test_a_bus_front_without_a_readable_plate_is_none(weights: Path) -> None:
    spec = find_spec("ultralytics")
    assert spec is not None and spec.origin is not None
    street = picture(Path(spec.origin).parent / "assets" / "bus.jpg")
    reader = ChinaPlateReader(weights, load_plates("cn").alphabet)
    with pytest.raises(Unreadable):
        reader.read(street, (15.0, 230.0, 805.0, 750.0))


def test_weights_that_were_altered_are_refused(weights: Path, tmp_path: Path) -> None:
    for path in weights.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "recogniser.onnx").write_bytes(b"not it")
    with pytest.raises(ModelError, match=r"recogniser\.onnx: is altered"):
        open_reader(tmp_path, load_plates("cn"), pytest.fail)
    (tmp_path / "recogniser.onnx").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        open_reader(tmp_path, load_plates("cn"), pytest.fail)


def test_where_there_is_no_reader_it_is_said_once() -> None:
    said: list[str] = []
    assert open_reader(None, load_plates("cn"), said.append) is None
    assert open_reader(Path("anywhere"), load_plates("uk"), said.append) is None
    assert ["models fetch" in line for line in said] == [True, False]


def test_fetching_again_mends_a_damaged_bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGHTLINE_MODELS", str(tmp_path))
    folder = prepare("plates-cn", lambda _: None)
    before = (folder / "detector.onnx").read_bytes()
    (folder / "detector.onnx").write_bytes(b"damaged")
    assert prepare("plates-cn", lambda _: None) == folder
    assert (folder / "detector.onnx").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".building")] == []


def test_an_unknown_bundle_names_the_known_ones() -> None:
    with pytest.raises(ModelError, match="plates-cn, faces"):
        bundle("plates-mars")
