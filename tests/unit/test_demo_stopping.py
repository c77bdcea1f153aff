"""Ctrl-C reaches the demo whatever Python is doing, and once."""

import os
import signal
import time

import pytest

from sightline.demo import runner


class Finaliser:
    """Gets the signal while Python runs a finaliser, where what a handler raises is dropped."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_AGAIN_S", 0.2)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stop_that_python_drops_is_said_again(quick: None) -> None:
    wish = runner.Wish(headless=True, once=True, timeout_s=60, port=None, home=None)  # type: ignore[arg-type]
    with pytest.raises(runner.Stopped), runner._stopping(), runner._time_limit(wish):
        thing = Finaliser()
        del thing
        time.sleep(20)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_second_signal_disturbs_nothing() -> None:
    wish = runner.Wish(headless=True, once=True, timeout_s=60, port=None, home=None)  # type: ignore[arg-type]
    whole = False
    with runner._stopping(), runner._time_limit(wish):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(20)
        except runner.Stopped:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            whole = True
    assert whole
