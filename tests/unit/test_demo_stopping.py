"""Ctrl-C reaches the demo whatever Python is doing, and once. Each case is a process of its own: signals are its matter."""

import subprocess
import sys

DROPPED = """
import os, signal, time
from sightline.demo import runner

class Finaliser:
    # Gets the signal while Python runs a finaliser, where what a handler raises is dropped.
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)

runner._AGAIN_S = 0.2
wish = runner.Wish(headless=True, once=True, timeout_s=60, port=None, home=None)
try:
    with runner._stopping(), runner._time_limit(wish):
        thing = Finaliser()
        del thing
        time.sleep(20)
except runner.Stopped:
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    print("stopped")
"""

SECOND = """
import os, signal, time
from sightline.demo import runner

wish = runner.Wish(headless=True, once=True, timeout_s=60, port=None, home=None)
with runner._stopping(), runner._time_limit(wish):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(20)
    except runner.Stopped:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        print("undisturbed")
"""


def printed(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_stop_that_python_drops_is_said_again() -> None:
    assert printed(DROPPED) == "stopped"


def test_the_second_signal_disturbs_nothing() -> None:
    assert printed(SECOND) == "undisturbed"
