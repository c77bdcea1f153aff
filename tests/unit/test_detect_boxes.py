"""Letterbox, heads and suppression: the arithmetic between a picture and `Detections`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.detect.boxes import class_table, overlaps, read_head, settle
from edge.detect.fit import GREY, letterbox
from edge.frames import BUS, CAR, MOTORCYCLE, PERSON, TRUCK

NAMES = ["person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck"]


def head(*rows: tuple[float, float, float, float, dict[str, float]]) -> np.ndarray:
    """A dense head (1, 4 + 8, N) from (cx, cy, w, h, {class: score})."""
    raw = np.zeros((1, 4 + len(NAMES), max(1, len(rows))), np.float32)
    for column, (cx, cy, w, h, scores) in enumerate(rows):
        raw[0, :4, column] = cx, cy, w, h
        for name, score in scores.items():
            raw[0, 4 + NAMES.index(name), column] = score
    return raw


@settings(max_examples=60, deadline=None)
@given(st.integers(16, 900), st.integers(16, 900), st.sampled_from([(384, 640), (640, 640), (256, 416)]))
def test_a_box_comes_back_to_where_it_was(height: int, width: int, size: tuple[int, int]) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    x1, y1, x2, y2 = width // 4, height // 4, width // 4 + max(4, width // 2), height // 4 + max(4, height // 2)
    picture[y1:y2, x1:x2] = 255
    blob = np.empty((*size, 3), np.uint8)
    fit = letterbox(picture, blob)
    rows, columns = np.nonzero(blob[..., 0] > 200)
    if len(rows) == 0:  # squeezed to less than a pixel
        return
    box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
    slack = 2.0 / fit.scale + 1
    np.testing.assert_allclose(fit.back(box)[0], [x1, y1, x2, y2], atol=slack)


def test_all_around_the_picture_is_grey_even_in_a_used_slot() -> None:
    blob = np.full((384, 640, 3), 9, np.uint8)
    letterbox(np.full((1080, 810, 3), 200, np.uint8), blob)
    assert set(np.unique(blob)) == {GREY, 200}
    assert (blob[:, 0] == GREY).all()
    assert (blob[192, 320] == 200).all()


def test_boxes_are_cut_at_the_border_of_the_picture() -> None:
    fit = letterbox(np.zeros((100, 200, 3), np.uint8), np.empty((384, 640, 3), np.uint8))
    assert fit.back(np.array([[-50, -50, 9000, 9000]], np.float32)).tolist() == [[0, 0, 200, 100]]


def test_classes_are_renamed_and_strangers_left_out() -> None:
    table = class_table(NAMES)
    raw = head((100, 100, 50, 40, {"truck": 0.9}), (300, 100, 50, 40, {"airplane": 0.8, "bus": 0.3}))
    seen = read_head(raw, table, 0.25)
    assert seen.classes.tolist() == [TRUCK], "what is foremost an aeroplane is no bus"
    np.testing.assert_allclose(seen.boxes, [[75, 80, 125, 120]])


def test_scores_below_the_threshold_are_not_reported() -> None:
    raw = head((100, 100, 50, 40, {"car": 0.24}), (300, 100, 50, 40, {"car": 0.26}))
    assert read_head(raw, class_table(NAMES), 0.25).scores.tolist() == pytest.approx([0.26])


def test_a_head_that_suppressed_already_is_read_too() -> None:
    raw = np.zeros((1, 300, 6), np.float32)
    raw[0, 0] = [10, 20, 60, 80, 0.9, 5]
    raw[0, 1] = [10, 20, 60, 80, 0.1, 5]
    seen = read_head(raw, class_table(NAMES), 0.25)
    assert seen.classes.tolist() == [BUS]
    assert seen.boxes.tolist() == [[10, 20, 60, 80]]


@pytest.mark.parametrize("shape", [(1, 7, 100), (2, 12, 100), (12, 100)])
def test_another_head_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a head is"):
        read_head(np.zeros(shape, np.float32), class_table(NAMES), 0.25)


def test_broken_numbers_are_no_boxes() -> None:
    raw = head(
        (np.nan, 100, 50, 40, {"car": 0.9}), (300, 100, -5, 40, {"car": 0.9}), (500, np.inf, 50, 40, {"car": 0.9})
    )
    assert len(read_head(raw, class_table(NAMES), 0.25)) == 0


def boxes(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_one_vehicle_with_two_names_is_one_box() -> None:
    same = boxes((10, 10, 110, 60), (12, 10, 110, 60))
    seen = settle(same, np.array([0.5, 0.6], np.float32), np.array([CAR, TRUCK], np.int8))
    assert seen.classes.tolist() == [TRUCK]


def test_a_rider_stays_beside_the_motorcycle() -> None:
    same = boxes((10, 10, 110, 60), (12, 10, 110, 60))
    assert len(settle(same, np.array([0.5, 0.6], np.float32), np.array([PERSON, MOTORCYCLE], np.int8))) == 2


def test_vehicles_are_told_apart_below_half_of_overlap_and_people_below_six_tenths() -> None:
    def kept(overlap: float, one: int, other: int) -> int:
        pair = boxes((0, 0, 100, 100), (0, 0, 100, 100 * overlap))
        return len(settle(pair, np.array([0.9, 0.8], np.float32), np.array([one, other], np.int8)))

    assert [kept(overlap, TRUCK, CAR) for overlap in (0.45, 0.55)] == [2, 1]
    assert [kept(overlap, CAR, CAR) for overlap in (0.45, 0.55)] == [2, 1]
    assert [kept(overlap, PERSON, PERSON) for overlap in (0.55, 0.65)] == [2, 1]


def test_the_best_come_first_and_at_most_300() -> None:
    rng = np.random.default_rng(3)
    corner = rng.uniform(0, 5000, (2000, 2)).astype(np.float32)
    scores = rng.uniform(0, 1, 2000).astype(np.float32)
    seen = settle(np.concatenate([corner, corner + 8], axis=1), scores, np.full(2000, CAR, np.int8))
    assert len(seen) == 300
    assert (np.diff(seen.scores) <= 0).all()
    assert seen.scores[0] == scores.max()


def test_overlap_is_intersection_over_union() -> None:
    one = boxes((0, 0, 10, 10))
    np.testing.assert_allclose(overlaps(one, boxes((0, 0, 10, 10), (5, 0, 15, 10), (20, 20, 30, 30)))[0], [1, 1 / 3, 0])
