"""Evidence is made beside analysis: in order, one case at a time, and a failure of it is not passed over."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from edge.evidence.lane import Lane, evidence_threads


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    (alone,) = evidence_threads(1)
    with alone:
        yield alone


def test_a_worker_has_few_threads_for_evidence_however_many_cameras() -> None:
    assert [len(evidence_threads(cameras)) for cameras in (1, 3, 28)] == [1, 3, 4]


def test_without_a_thread_work_is_done_at_once_and_what_it_gives_too() -> None:
    lane, done = Lane(None), []

    def pack(left: int) -> None:
        done.append(left)
        if left:
            lane.do(pack, left - 1)

    lane.do(pack, 3)
    assert done == [3, 2, 1, 0]
    assert (lane.idle, lane.busy_s, lane.waiting) == (True, 0.0, 0)
    lane.do(sum, range(500_000))
    assert lane.spent_s() > 0.0
    lane.do(lambda: 1 / 0)
    lane.do(done.append, "after the failure")
    assert isinstance(lane.failed, ZeroDivisionError)
    assert done[-1] == 0


def test_work_is_done_in_its_order_and_the_giver_does_not_wait(thread: ThreadPoolExecutor) -> None:
    lane, go, done = Lane(thread), threading.Event(), []
    lane.do(go.wait)
    for number in range(100):
        lane.do(done.append, number)
    assert (lane.idle, lane.waiting) == (False, 101)
    assert done == []
    go.set()
    lane.finish()
    assert lane.idle
    assert done == list(range(100))


def test_two_cameras_share_the_thread_and_one_case_is_made_at_a_time(thread: ThreadPoolExecutor) -> None:
    lanes = [Lane(thread), Lane(thread)]
    inside, most = [0], [0]

    def case() -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        inside[0] -= 1

    for _ in range(5):
        for lane in lanes:
            lane.do(case)
    for lane in lanes:
        lane.finish()
    assert most == [1]


def test_what_nobody_foresaw_ends_a_camera_and_not_its_neighbour(thread: ThreadPoolExecutor) -> None:
    bad, good, done = Lane(thread), Lane(thread), []
    bad.do(lambda: 1 / 0)
    bad.do(done.append, "after the failure")
    good.do(done.append, "the neighbour's")
    bad.finish()
    good.finish()
    assert isinstance(bad.failed, ZeroDivisionError)
    assert good.failed is None
    assert done == ["the neighbour's"]


def test_how_long_a_piece_takes_is_told_while_it_does(thread: ThreadPoolExecutor) -> None:
    lane, begun, go = Lane(thread), threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        go.wait()

    assert lane.busy_s == 0.0
    lane.do(hang)
    begun.wait()
    time.sleep(0.05)
    assert lane.busy_s >= 0.05
    go.set()
    lane.finish()
    assert lane.busy_s == 0.0


def test_processor_time_is_counted_once(thread: ThreadPoolExecutor) -> None:
    lane = Lane(thread)
    lane.do(sum, range(2_000_000))
    lane.finish()
    assert lane.spent_s() > 0.001
    assert lane.spent_s() == 0.0
