"""Where pictures are rare a thing has an id from its first sighting on; where they are not, from its second."""

import numpy as np
import pytest

from edge.frames import CAR, Detections
from edge.track.tracker import Tracker

BOX = np.array([[100.0, 100.0, 200.0, 180.0]], np.float32)


def ids(step_s: float, seen: list[bool]) -> list[list[int]]:
    """The ids at each picture of a car that stands still; an empty picture comes before."""
    tracker, found = Tracker(), []
    for number, here in enumerate([False, *seen]):
        boxes = BOX if here else np.zeros((0, 4), np.float32)
        given = Detections(boxes, np.full(len(boxes), 0.6, np.float32), np.full(len(boxes), CAR, np.int64))
        found.append(tracker.update(number * step_s, given).ids.tolist())
    return found[1:]


@pytest.mark.parametrize("step_s", [0.5, 1.0])
def test_the_first_of_rare_pictures_counts(step_s: float) -> None:
    first, second, third = ids(step_s, [True, True, True])
    assert len(first) == 1
    assert first == second == third


def test_what_every_third_of_rare_pictures_shows_is_seen() -> None:
    found = ids(1.0, [True, False, False, True, False, False, True])
    assert [len(one) for one in found] == [1, 0, 0, 1, 0, 0, 1]


def test_at_a_video_rate_one_box_alone_is_nothing() -> None:
    assert ids(0.08, [True, False, False, False]) == [[], [], [], []]
    first, second, third = ids(0.08, [True, True, True])
    assert first == []
    assert second == third != []
