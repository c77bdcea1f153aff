"""Which pictures a plate is read from: the largest first, no more than settle it, each group of pictures decoded once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from contract.plates import load_plates
from edge.cameras.file import FilePackets
from edge.evidence.kept import Decided, KeptPassage
from edge.evidence.plate import PlateWitness
from edge.plates.protocol import Picture, PlateReading, Unreadable
from edge.rules.decision import Box
from tests.integration.test_plan_looker import film

START = datetime(2026, 1, 5, tzinfo=UTC)


class Reader:
    """Gives one answer after the other; remembers how wide the vehicle was."""

    def __init__(self, answers: Iterator[str]) -> None:
        self.widths: list[float] = []
        self._answers = answers

    def read(self, _picture: Picture, vehicle: Box) -> PlateReading:
        self.widths.append(vehicle[2] - vehicle[0])
        text = next(self._answers)
        if text == "-":
            raise Unreadable("no plate is to be seen")
        return PlateReading(
            text, (0.99,) * len(text), (0.0, 0.0, 60.0, 20.0), np.zeros((4, 2), np.float32), 0.9, "blue"
        )


@pytest.fixture
def store(tmp_path: Path) -> FilePackets:
    return FilePackets(film(tmp_path / "a.mp4", 12, lambda _: 300.0), lambda t: START + timedelta(seconds=t))


def decided(boxes: dict[float, float]) -> Decided:
    """Looks at these stream seconds, the vehicle as wide as told."""
    looks = [(t, (100.0, 100.0, 100.0 + wide, 200.0)) for t, wide in boxes.items()]
    at = START + timedelta(seconds=5)
    return Decided(
        case_key="k", rule="illegal_parking", zone_id="z", t_first=1.0, t_trigger=5.0, t_last=9.0,
        at_first=at, at_trigger=at, at_last=at, missing=[], vehicle_class="car", color=None, looks=looks,
    )  # fmt: skip


def look(store: FilePackets, folder: Path, answers: str, boxes: dict[float, float]) -> tuple[Reader, str | None]:
    held = KeptPassage.begin(folder, "p")
    held.folder.mkdir(parents=True, exist_ok=True)
    reader = Reader(iter(answers.split()))
    seen = PlateWitness(reader, load_plates("cn")).look(held, decided(boxes), store, None)
    return reader, seen.voted.text


def test_the_largest_is_read_first(store: FilePackets, tmp_path: Path) -> None:
    reader, _ = look(store, tmp_path / "kept", "- - - -", {1.6: 90.0, 3.2: 240.0, 8.0: 150.0})
    assert reader.widths == [240.0, 150.0, 90.0]


def test_three_that_agree_settle_it(store: FilePackets, tmp_path: Path) -> None:
    boxes = {1.6 * n: 200.0 for n in range(1, 7)}
    reader, text = look(store, tmp_path / "kept", "皖A12345 皖A12345 皖A12345", boxes)
    assert (len(reader.widths), text) == (3, "皖A12345")
    reader, text = look(store, tmp_path / "kept", "皖A12345 皖A12346 皖A12345 皖A12345 皖A12345 皖A12345", boxes)
    assert len(reader.widths) == 6, "a contradiction is not settled by three"


def test_four_large_pictures_without_a_plate_are_enough_and_one_with_it_is_not_given_up(
    store: FilePackets, tmp_path: Path
) -> None:
    boxes = {1.6 * n: 200.0 for n in range(1, 7)}
    reader, text = look(store, tmp_path / "kept", "- - - -", boxes)
    assert (len(reader.widths), text) == (4, None)
    reader, text = look(store, tmp_path / "kept", "- - - 皖A12345 - -", boxes)
    assert (len(reader.widths), text) == (6, "皖A12345")


def test_pictures_of_one_moment_settle_nothing(store: FilePackets, tmp_path: Path) -> None:
    """A moving vehicle is largest in pictures a fifth of a second apart: the same glare, the same half cut off."""
    close = {1.6: 200.0, 1.84: 200.0, 2.08: 200.0, 2.32: 200.0}
    reader, text = look(store, tmp_path / "kept", "皖A12345 皖A12345 皖A12345 皖A12345", close)
    assert (len(reader.widths), text) == (4, "皖A12345")
    reader, text = look(store, tmp_path / "kept", "- - - - 皖A12345", close | {8.0: 90.0})
    assert (len(reader.widths), text) == (5, "皖A12345")
