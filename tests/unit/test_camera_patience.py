"""How often a camera that refuses is asked again: seldom enough that it locks nobody out."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from edge.cameras.patience import FIRST_WAIT_S, LONGEST_WAIT_S, Patience

#: Makers lock an address or an account after five to seven failures within so long [s].
LOCKS_WITHIN_S, LOCKS_AFTER = 1800.0, 5


class Hurried(threading.Event):
    """An event that notes how long it was to be waited for, and waits no longer."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return False


@pytest.fixture
def camera() -> Iterator[str]:
    """A port that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"rtsp://127.0.0.1:{server.getsockname()[1]}/x"


def test_a_camera_that_refuses_the_login_is_never_asked_so_often_that_it_locks(camera: str) -> None:
    for _ in range(50):  # waits have jitter
        stop, patience = Hurried(), Patience(camera)
        for _ in range(12):
            patience.wait(stop, well=False, refused=True)
        tries = [sum(stop.waits[:count]) for count in range(len(stop.waits) + 1)]
        assert tries[2] < 90, "twice within a minute or so: some refuse while they start"
        for first in tries:
            assert sum(first <= at < first + LOCKS_WITHIN_S for at in tries) < LOCKS_AFTER


def test_other_failures_are_asked_again_within_seconds(camera: str) -> None:
    stop, patience = Hurried(), Patience(camera)
    for _ in range(4):
        patience.wait(stop, well=False, refused=True)
    stop.waits.clear()
    for _ in range(8):
        patience.wait(stop, well=False)
    assert max(stop.waits) <= 1.25 * LONGEST_WAIT_S
    stop.waits.clear()
    patience.wait(stop, well=False, refused=True)
    assert stop.waits[0] <= 1.0, "the first refusal of a row"


def test_who_comes_home_is_asked_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    stop, patience = threading.Event(), Patience(f"rtsp://127.0.0.1:{port}/x")
    opened: list[float] = []

    def open_later() -> None:
        time.sleep(1.2)
        with socket.create_server(("127.0.0.1", port)):
            opened.append(time.monotonic())
            time.sleep(2)

    thread = threading.Thread(target=open_later)
    thread.start()
    patience.wait(stop, well=True)
    waited = time.monotonic()
    assert opened and waited - opened[0] < 0.5
    thread.join()


def test_a_camera_that_says_nothing_is_asked_again_at_once(camera: str) -> None:
    stop, patience = Hurried(), Patience(camera)
    for _ in range(8):
        patience.wait(stop, well=False, silent=True)
    assert max(stop.waits) <= 1.25 * FIRST_WAIT_S


def test_who_is_told_to_stop_knocks_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    stop = threading.Event()
    threading.Timer(0.8, stop.set).start()
    began = time.monotonic()
    Patience(f"rtsp://127.0.0.1:{port}/x").wait(stop, well=True)
    assert 0.7 < time.monotonic() - began < 2.0
