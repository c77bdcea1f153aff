"""How long a part has been silent without an excuse, by what the kernel says of its threads (proc(5)).

Silence alone does not tell a part that hangs from one that waits for its turn on a busy box or for a slow disk. So a
second of silence counts in full while every thread sleeps or the part was stopped by a signal, not at all while one
waits for a disk (killing would not help: the kernel ends such a thread when its disk has answered), and while one
wants a processor only as far as the part was given one: who is starved is slow, who computes for ever hangs.
"""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

#: From here on the kernel is asked; a part that is well beats at least once a second. Seconds.
QUIET_S = 1.0
#: The most that counts from one look to the next: when this machine stood still as a whole, its parts did not hang.
STEP_S = 0.5
_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class _Seen:
    """Threads of a process: the states they are in, processor seconds used so far, whether a signal stopped it."""

    states: frozenset[str]
    cpu_s: float
    stopped: bool


class Silence:
    """Seconds since the last `beat` of one process, looked at every fraction of a second."""

    def __init__(self, pid: int, now: float, proc: Path = Path("/proc")) -> None:
        """`now` is monotonic seconds, as everywhere here; `proc` where the kernel tells of processes."""
        self.beaten_at = now
        #: All of it; that which nothing excuses; and for how long it has been stopped by a signal. Seconds.
        self.whole_s = self.unexcused_s = self.stopped_s = 0.0
        self._tasks = proc / str(pid) / "task"
        self._pid = str(pid)
        self._looked = now
        self._cpu_s: float | None = None

    def beat(self, now: float) -> None:
        """It showed a sign of life."""
        self.beaten_at = self._looked = now
        self.whole_s = self.unexcused_s = self.stopped_s = 0.0
        self._cpu_s = None

    def look(self, now: float) -> None:
        """It did not since the last look."""
        step = min(now - self._looked, STEP_S)
        self._looked = now
        self.whole_s += step
        if self.whole_s < QUIET_S:
            self.unexcused_s += step
            return
        seen = self._seen()
        before, self._cpu_s = self._cpu_s, seen.cpu_s
        self.stopped_s = self.stopped_s + step if seen.stopped else 0.0
        if "D" in seen.states:
            return
        if "R" in seen.states:
            step = 0.0 if before is None else min(step, max(0.0, seen.cpu_s - before))
        self.unexcused_s += step

    def _seen(self) -> _Seen:
        states: set[str] = set()
        cpu_s, stopped = 0.0, False
        try:
            threads = list(self._tasks.iterdir())
        except OSError:
            threads = []  # it is gone, or this kernel tells nothing: then silence has no excuse
        looking = str(threading.get_native_id())  # one that looks at its own process is awake itself
        for thread in threads:
            if thread.name == looking:
                continue
            try:
                told = (thread / "stat").read_text()
            except OSError:
                continue  # this thread has just ended
            state, *numbers = told.rpartition(")")[2].split()
            states.add(state)
            cpu_s += (int(numbers[10]) + int(numbers[11])) * _TICK_S
            stopped = stopped or (state == "T" and thread.name == self._pid)
        return _Seen(frozenset(states), cpu_s, stopped)


__all__ = ["QUIET_S", "STEP_S", "Silence"]
