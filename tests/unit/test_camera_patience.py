"""How often a camera that refuses is asked again: seldom enough that it locks nobody out."""

import socket
import threading
from collections.abc import Iterator

import pytest

from edge.cameras.patience import LONGEST_WAIT_S, Patience

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
