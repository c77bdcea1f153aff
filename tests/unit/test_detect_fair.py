"""Whose picture is next: every claim of `FairQueue`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.detect.fair import FairQueue


def drain(queue: FairQueue[str]) -> list[str]:
    taken = []
    while (item := queue.take()) is not None:
        taken.append(item)
    return taken


def test_cameras_take_turns() -> None:
    queue: FairQueue[str] = FairQueue(depth=3)
    for item in ("a1", "a2", "a3", "b1", "b2", "c1"):
        assert queue.put(item[0], item)
    assert drain(queue) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_a_full_line_refuses_its_own_camera_alone() -> None:
    queue: FairQueue[str] = FairQueue(depth=1)
    assert queue.put("a", "a1")
    assert not queue.put("a", "a2")
    assert queue.put("b", "b1")
    assert len(queue) == 2


def test_urgent_goes_first_but_nobody_starves() -> None:
    queue: FairQueue[str] = FairQueue(depth=50, favour=4)
    for number in range(20):
        queue.put(f"u{number % 2}", "urgent", urgent=True)
    queue.put("p", "parking")
    queue.put("p", "parking")
    taken = drain(queue)
    assert taken[0] == "urgent"
    assert [index for index, item in enumerate(taken) if item == "parking"] == [4, 9]


def test_a_camera_that_left_takes_its_line_with_it() -> None:
    queue: FairQueue[str] = FairQueue(depth=3)
    queue.put("a", "a1")
    queue.put("b", "b1")
    queue.put("a", "a2")
    assert queue.drop("a") == ["a1", "a2"]
    assert queue.drop("a") == []
    assert queue.all() == ["b1"]
    assert drain(queue) == ["b1"]


def test_who_was_served_longest_ago_goes_first() -> None:
    """A camera that asks all the time does not push back one that asks seldom."""
    queue: FairQueue[str] = FairQueue(depth=3)
    for item in ("a1", "b1"):
        queue.put(item[0], item)
    assert drain(queue) == ["a1", "b1"]
    queue.put("b", "b2")
    queue.put("b", "b3")
    queue.put("a", "a2")
    queue.put("c", "c1")
    assert drain(queue) == ["c1", "a2", "b2", "b3"]


def test_what_waits_can_be_withdrawn() -> None:
    queue: FairQueue[str] = FairQueue(depth=3)
    queue.put("a", "a1")
    queue.put("a", "a2")
    queue.withdraw("a", "a1")
    assert queue.waiting("a") == ["a2"]
    queue.withdraw("a", "a2")
    assert queue.waiting("a") == []
    assert queue.take() is None
    with pytest.raises(ValueError, match="does not wait"):
        queue.withdraw("a", "a2")


@given(st.integers(2, 8), st.integers(5, 40), st.data())
def test_of_one_kind_no_camera_is_served_twice_while_another_waits_once(
    cameras: int, looks: int, data: st.DataObject
) -> None:
    queue: FairQueue[int] = FairQueue(depth=1)
    since = dict.fromkeys(range(cameras), 0)
    for camera in range(cameras):
        queue.put(str(camera), camera)
    for _ in range(looks):
        taken = queue.take()
        assert taken is not None
        since = {camera: 0 if camera == taken else waited + 1 for camera, waited in since.items()}
        assert max(since.values()) < cameras
        if data.draw(st.booleans()):
            queue.put(str(taken), taken)  # asks again at once
        elif not len(queue):
            break
        since = {camera: waited for camera, waited in since.items() if queue.waiting(str(camera))}


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=60))
def test_nothing_is_lost_and_nothing_is_doubled(puts: list[tuple[str, bool]]) -> None:
    queue: FairQueue[int] = FairQueue(depth=5)
    accepted = [index for index, (camera, urgent) in enumerate(puts) if queue.put(camera, index, urgent)]
    taken = []
    while (item := queue.take()) is not None:
        taken.append(item)
    assert sorted(taken) == accepted
    assert len(queue) == 0
