"""Real processes under `edge.child.Child`: which of them hang, and which are only slow."""

import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from edge.child import Child, Gap
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

    def longest(self, seconds: float, enough: Callable[[list[float]], bool] = lambda _: False) -> float:
        """Tend it for `seconds` at most, or until its silences so far are `enough`; the longest of them."""
        ages: list[float] = []

        def told() -> bool:
            ages.append(self.child.beat_age_s or 0.0)
            return enough(ages)

        self.turns(seconds, told)
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


HANGS = {
    "waits for ever": ("threading.Event().wait(60)", "killed"),
    "computes for ever": ("while True: pass", "killed"),
    "is stopped": ("os.kill(os.getpid(), signal.SIGSTOP)", "stopped by a signal, killed"),
}


@pytest.fixture(scope="module")
def hung() -> dict[str, tuple[int, list[Gap]]]:
    """Parts that hang, tended together as a supervisor does: how often each was killed, and its gaps."""
    parts = {name: Tended(then) for name, (then, _) in HANGS.items()}
    found: dict[str, tuple[int, list[Gap]]] = {}
    began = time.monotonic()
    try:
        while len(found) < len(parts) and time.monotonic() - began < 90.0:
            for name in parts.keys() - found.keys():
                child = parts[name].child
                child.tend()
                if gaps := child.take_gaps():  # it is back
                    found[name] = child.kills, gaps
                    child.kill()
                    print(f"{name}: back {time.monotonic() - began:.1f} s after its start")
            time.sleep(TURN_S)
    finally:
        for one in parts.values():
            one.child.kill()
            one.child.wait(10.0)
    return found


@pytest.mark.parametrize("name", HANGS)
def test_a_part_that_hangs_is_killed_and_the_gap_says_why(hung: dict[str, tuple[int, list[Gap]]], name: str) -> None:
    kills, (gap, *more) = hung[name]
    assert kills == 1 and not more
    assert gap.cause.startswith("hung: no sign of life for") and gap.cause.endswith(HANGS[name][1])
    assert gap.until - gap.since > 1.0


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in _CLONE, reason="knows the call of two kernels only"
)
def test_a_part_that_waits_for_the_kernel_as_for_a_slow_disk_is_left_alone(part: Callable[..., Tended]) -> None:
    one = part(_WAITS.format(clone=_CLONE[platform.machine()], flags=_CLONE_VFORK | signal.SIGCHLD))
    longest = one.longest(20.0, lambda ages: ages[-1] < 1.0 < max(ages) - HUNG_S)
    assert longest > HUNG_S + 1.0, "it was silent for longer than a part that hangs may be"
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
