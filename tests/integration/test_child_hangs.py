"""Real processes under `edge.child.Child`: which of them hang, and which are only slow."""

import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from edge.child import Child
from edge.supervisor import HUNG_S, TURN_S

#: A part that beats well for a second, and then `{then}`.
_PART = """
import ctypes, os, signal, threading, time
from edge import pulse
def well(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pulse.beat()
        time.sleep(0.1)
well(1.0)
{then}
well(60.0)
"""
#: The kernel holds a parent that shares its fork with the child (state D) as it holds one that waits for a disk.
_WAITS = """
child = ctypes.CDLL(None).syscall({clone}, {flags}, 0, 0, 0, 0)
if child == 0:
    time.sleep(7.0)
    os._exit(0)
"""
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE_VFORK = 0x4000


class Tended:
    """A part, and a supervisor's turns."""

    def __init__(self, then: str, patience_s: float = HUNG_S) -> None:
        self.child = Child("part", ["-c", _PART.format(then=then)], patience_s=patience_s)
        self.child.start()

    def turns(self, seconds: float, until: Callable[[], object] = lambda: False) -> float:
        """Tend it for `seconds` at most, or until; the seconds it took."""
        began = time.monotonic()
        while time.monotonic() - began < seconds and not until():
            self.child.tend()
            time.sleep(TURN_S)
        return time.monotonic() - began

    def longest(self, seconds: float) -> float:
        """Tend it for `seconds`; its longest silence."""
        ages: list[float] = []
        self.turns(seconds, lambda: ages.append(self.child.beat_age_s or 0.0))
        return max(ages)


@pytest.fixture
def part() -> Iterator[Callable[..., Tended]]:
    made: list[Tended] = []

    def make(then: str, **more: float) -> Tended:
        made.append(Tended(then, **more))
        return made[-1]

    yield make
    for one in made:
        one.child.kill()
        one.child.wait(10.0)


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ("threading.Event().wait(60)", "killed"),
        ("while True: pass", "killed"),
        ("os.kill(os.getpid(), signal.SIGSTOP)", "stopped by a signal, killed"),
    ],
    ids=["waits for ever", "computes for ever", "is stopped"],
)
def test_a_part_that_hangs_is_killed_and_the_gap_says_why(part: Callable[..., Tended], then: str, why: str) -> None:
    one = part(then)
    took = one.turns(30.0, lambda: one.child.kills)
    print(f"{why}: noticed {took:.1f} s after its start")
    one.turns(30.0, lambda: one.child.restarts)
    gaps = []
    one.turns(30.0, lambda: gaps.extend(one.child.take_gaps()) or gaps)
    assert one.child.kills == 1
    assert gaps[0].cause.startswith("hung: no sign of life for") and gaps[0].cause.endswith(why)
    assert gaps[0].until - gaps[0].since > 1.0


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in _CLONE, reason="knows the call of two kernels only"
)
def test_a_part_that_waits_for_the_kernel_as_for_a_slow_disk_is_left_alone(part: Callable[..., Tended]) -> None:
    one = part(_WAITS.format(clone=_CLONE[platform.machine()], flags=_CLONE_VFORK | signal.SIGCHLD))
    assert one.longest(12.0) > HUNG_S + 1.0, "it was silent for longer than a part that hangs may be"
    assert (one.child.kills, one.child.restarts) == (0, 0) and one.child.running


#: Least weight, on the same processor as the greedy; the weight of a session is that of its group (sched(7)).
_STARVED = """
os.sched_setaffinity(0, [{processor}])
os.nice(19)
if os.path.exists("/proc/self/autogroup"):
    open("/proc/self/autogroup", "w").write("19")
while True:
    begun = time.thread_time()
    while time.thread_time() - begun < {needs}:
        pass
    pulse.beat()
"""
_GREEDY = "import os\nos.sched_setaffinity(0, [{processor}])\nwhile True: pass"


def test_a_part_that_gets_no_processor_is_slow_and_not_hung(part: Callable[..., Tended]) -> None:
    processor = max(os.sched_getaffinity(0))
    hogs = [Child(f"hog-{number}", ["-c", _GREEDY.format(processor=processor)]) for number in range(2)]
    for hog in hogs:
        hog.start()
    try:
        one = part(_STARVED.format(processor=processor, needs=0.02), patience_s=1.5)
        longest = one.longest(16.0)
        print(f"longest silence of a starved part: {longest:.1f} s")
        assert (one.child.kills, one.child.restarts) == (0, 0) and one.child.running
        assert longest > 1.5, "it was silent for longer than a part that hangs may be"
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait(10.0)
