"""What stood still is found again by a faint detection at its place; what moves is left to ByteTrack."""

import numpy as np

from edge.frames import CAR, Detections
from edge.track.standing import Standing
from edge.track.tracker import Tracker

BOX = np.array([100.0, 100.0, 160.0, 150.0], np.float32)
NONE = np.zeros((0, 4), np.float32)


def watched(dx: float) -> Standing:
    """Track 7 has been seen for three seconds, moving by `dx` px each half second."""
    standing = Standing()
    for index in range(7):
        box = BOX + np.array([dx * index, 0, dx * index, 0], np.float32)
        standing.claim(index * 0.5, np.array([7]), box[None], NONE)
    return standing


def nobody(standing: Standing, t: float, free: np.ndarray) -> list[tuple[int, int]]:
    return standing.claim(t, np.zeros(0, np.int64), NONE, free)


def test_a_faint_detection_where_it_stood_is_its_own() -> None:
    standing = watched(dx=0.5)
    wider = BOX + np.array([-4, -5, 6, 1], np.float32)
    far = BOX + 200
    assert nobody(standing, 3.5, np.stack([far, wider])) == [(1, 7)]
    assert nobody(standing, 4.0, NONE) == []
    assert nobody(standing, 15.0, wider[None]) == [(0, 7)]


def test_what_moved_is_claimed_nowhere() -> None:
    standing = watched(dx=30.0)
    assert nobody(standing, 3.5, (BOX + np.array([180, 0, 180, 0], np.float32))[None]) == []


def test_a_place_that_another_track_stands_on_is_not_claimed() -> None:
    standing = watched(dx=0.0)
    assert standing.claim(3.5, np.array([8]), BOX[None] + 2, BOX[None]) == []


def test_after_twenty_seconds_unseen_a_place_is_forgotten() -> None:
    assert nobody(watched(dx=0.0), 23.5, BOX[None]) == []


def test_the_tracker_begins_no_track_on_a_faint_detection() -> None:
    tracker = Tracker()
    faint = Detections(BOX[None], np.array([0.2], np.float32), np.array([CAR], np.int8))
    assert all(len(tracker.update(index * 0.5, faint)) == 0 for index in range(6))
