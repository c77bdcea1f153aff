"""What the public may see: real cars and people, real finders, and finders that miss everything."""

import json
from importlib.util import find_spec
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from central.redaction.faces import CenterFace, YuNet
from central.redaction.finder import Box, Picture
from central.redaction.public import Place, public_copy
from central.redaction.redactor import Redactor
from contract.plates import load_plates
from edge.plates.china import ChinaPlateReader
from edge.plates.protocol import Unreadable
from models.bundles import prepare
from sightline.redacting import redactor
from tests.bench.plates import picture

#: Second 9 of the clip: a white car stands in the lane beside a black one, each with its plate, 75 px wide and too
#: small to be read without doubt. At second 3 the white car is near, and its plate is read.
CLIP, WHITE, BLACK, OWN = (
    "road_cn_parallel_park_ltb2k.mp4",
    (45.0, 165.0, 290.0, 385.0),
    (330.0, 165.0, 576.0, 385.0),
    "京EMC139",
)
NEAR = (0.0, 350.0, 215.0, 600.0)
#: A box that has both cars in it: what a detector draws around one that stands behind another.
BOTH = (45.0, 165.0, 576.0, 385.0)
WHITE_AT, BLACK_AT = (150.0, 334.0), (488.0, 299.0)
#: Two photographs side by side, and the middle of each plate.
LEFT, RIGHT, LEFT_AT, RIGHT_AT = "皖A195K9", "皖AMK620", (390.0, 540.0), (1048.0, 534.0)
SIDE_BY_SIDE = (0.0, 0.0, 1440.0, 1160.0)


class Blind:
    """A finder that misses all: the failure that must give nobody away."""

    def find(self, picture: Picture) -> list[Box]:
        return []


@pytest.fixture(scope="module")
def real() -> Redactor:
    prepare("faces", lambda _: None)
    prepare("plates-cn", lambda _: None)
    return redactor()


@pytest.fixture(scope="module")
def reader() -> ChinaPlateReader:
    return ChinaPlateReader(prepare("plates-cn", lambda _: None), load_plates("cn").alphabet)


@pytest.fixture(scope="module")
def street(shared: Path) -> Picture:
    return frame(shared / "clips" / CLIP, 9.0)


def frame(clip: Path, second: float) -> Picture:
    with av.open(str(clip)) as film:
        return next(one.to_ndarray(format="bgr24") for one in film.decode(video=0) if one.time >= second - 0.001)


def reads(reader: ChinaPlateReader, shown: Picture, box: Box) -> str:
    try:
        return reader.read(shown, box).text
    except Unreadable:
        return ""


def car(shared: Path, plate: str) -> Picture:
    folder = shared / "plates" / "photos"
    names = {truth: name for name, truth in json.loads((folder / "truth.json").read_text(encoding="utf-8")).items()}
    return picture(folder / names[plate])


def covers(boxes: list[Box], x: float, y: float) -> bool:
    return any(box[0] < x < box[2] and box[1] < y < box[3] for box in boxes)


@pytest.fixture(scope="module")
def pair(shared: Path) -> Picture:
    return np.hstack([car(shared, LEFT), car(shared, RIGHT)])


def test_a_neighbours_plate_alone_in_the_accused_box_is_blurred(pair: Picture, real: Redactor) -> None:
    """The accused's own plate is hidden; the one that is found in its box is another's."""
    hidden = pair.copy()
    hidden[480:600, 250:530] = 128
    found = real.found(hidden, SIDE_BY_SIDE, LEFT)
    assert covers(found.boxes, *RIGHT_AT) and found.own is None


def test_of_two_plates_in_the_box_the_one_that_reads_right_stays(pair: Picture, real: Redactor) -> None:
    for plate, own, other in ((LEFT, LEFT_AT, RIGHT_AT), (RIGHT, RIGHT_AT, LEFT_AT), ("皖a·mk620", RIGHT_AT, LEFT_AT)):
        found = real.found(pair, SIDE_BY_SIDE, plate)
        assert found.own is not None and covers([found.own], *own)
        assert covers(found.boxes, *other) and not covers(found.boxes, *own)
    for unknown in (None, "", "皖A195K8", "AB12CDE"):
        found = real.found(pair, SIDE_BY_SIDE, unknown)
        assert found.own is None and covers(found.boxes, *LEFT_AT) and covers(found.boxes, *RIGHT_AT)


def test_the_same_text_twice_is_open_and_both_go(shared: Path, real: Redactor) -> None:
    twice = np.hstack([car(shared, LEFT)] * 2)
    found = real.found(twice, SIDE_BY_SIDE, LEFT)
    assert found.own is None and covers(found.boxes, *LEFT_AT) and covers(found.boxes, LEFT_AT[0] + 720, LEFT_AT[1])


@pytest.mark.parametrize("box", [WHITE, BLACK, BOTH])
def test_a_plate_that_is_read_with_doubt_goes(street: Picture, box: Box, real: Redactor) -> None:
    for plate in (OWN, "京CKR023"):
        found = real.found(street, box, plate)
        assert found.own is None and covers(found.boxes, *WHITE_AT) and covers(found.boxes, *BLACK_AT)


def test_only_the_own_plate_is_left_as_the_camera_saw_it(
    shared: Path, real: Redactor, reader: ChinaPlateReader
) -> None:
    original = frame(shared / "clips" / CLIP, 3.0)
    for lines in ((), [[(0.0, 510.0), (576.0, 510.0), (576.0, 520.0), (0.0, 520.0)]]):
        done = public_copy(original, Place(NEAR, lines), OWN, real)
        assert done.plate is not None and reads(reader, done.picture, NEAR) == OWN
        left, top, right, bottom = (round(v) for v in done.plate)
        same = (done.picture == original).all(axis=2)
        assert same[top + 1 : bottom - 1, left + 1 : right - 1].all()
        same[top - 1 : bottom + 1, left - 1 : right + 1] = False
        assert same.mean() < 0.02  # pixels that are of a square's colour by chance
        assert bool((done.picture[508:523, 300:500] == (0, 190, 255)).all(axis=2).any()) is bool(lines)


@pytest.mark.parametrize("finders", ["real", "blind"])
def test_no_plate_can_be_read_in_a_copy_whatever_the_finders_miss(
    finders: str, pair: Picture, street: Picture, real: Redactor, reader: ChinaPlateReader
) -> None:
    used = real if finders == "real" else Redactor([Blind()], [Blind()])
    left, right = (0.0, 0.0, 720.0, 1160.0), (720.0, 0.0, 1440.0, 1160.0)
    assert reads(reader, pair, left) == LEFT and reads(reader, pair, right) == RIGHT
    for original, boxes in ((pair, (left, right)), (street, (WHITE, BLACK))):
        for accused in (boxes[0], None):
            done = public_copy(original, Place(accused), "京A00000", used)
            assert done.plate is None
            assert [reads(reader, done.picture, box) for box in boxes] == ["", ""]


@pytest.mark.parametrize("share", [0.5, 1.0])
@pytest.mark.parametrize("known", [True, False])
def test_faces_that_no_finder_found_are_none_in_the_copy(share: float, known: bool, shared: Path) -> None:
    """People beside a bus, at two sizes, nobody of them found: two other finders look at the copy."""
    spec = find_spec("ultralytics")
    assert spec is not None and spec.origin is not None
    original = picture(Path(spec.origin).parent / "assets" / "bus.jpg")
    original = np.asarray(cv2.resize(original, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), np.uint8)
    bus = (20 * share, 230 * share, 805 * share, 740 * share) if known else None
    faces = [(134 * share, 443 * share), (288 * share, 450 * share)]
    finders = [CenterFace(prepare("faces", lambda _: None) / "centerface.onnx", 0.5),
               YuNet(shared / "weights" / "face_detection_yunet_2026may.onnx", 0.5)]  # fmt: skip
    assert all(covers(finders[0].find(original), *face) for face in faces)
    copy = public_copy(original, Place(bus), None, Redactor([Blind()])).picture
    assert [face for face in faces for one in finders if covers(list(one.find(copy)), *face)] == []
