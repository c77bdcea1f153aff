"""Who gets the processor first on a box that has none to spare: nice values of whole processes.

A crossing is decided within two seconds, while a kerb's look can wait for the next one. The detector serves both,
crossings first: behind them it would hold them up. Never a thread by itself: one that ranks low and holds the
interpreter's lock while it waits for the processor holds up every other thread of its process.
"""

import errno
import os
import time
from enum import IntEnum
from pathlib import Path

_GROUP = Path("/proc/self/autogroup")
#: The kernel lets one process in a tenth of a second change a group's rank; several parts start at once. Seconds.
_PATIENCE_S, _AGAIN_S = 3.0, 0.11
#: The nice value that this process was started with, and the highest there is.
_BORN, _LAST = os.getpriority(os.PRIO_PROCESS, 0), 19


class Rank(IntEnum):
    """Lower goes first, by some 25 % of processor time a step (sched(7))."""

    CROSSING = 0
    KERB = 5


def rank_process(rank: Rank) -> None:
    """Give this process its rank: called before it starts threads, which inherit it. A process never rises.

    It counts from the nice value that the process was started with: a box that runs as somebody's background work
    (nice, systemd's Nice=) still serves its crossings before its kerbs.

    Where the kernel groups sessions (sched(7), autogroup), as most do, nice values count within a session only, and
    parts of a box have one each: then it is the session that is ranked.
    """
    if os.getpriority(os.PRIO_PROCESS, 0) < _BORN + rank:
        os.setpriority(os.PRIO_PROCESS, 0, min(_BORN + rank, _LAST))
    if rank and os.getsid(0) == os.getpid():
        _rank_session(rank)


def _rank_session(rank: Rank) -> None:
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            _GROUP.write_text(str(int(rank)), encoding="ascii")
        except OSError as error:
            if error.errno == errno.EAGAIN and time.monotonic() < until:
                time.sleep(_AGAIN_S)
                continue
        return  # done, or a kernel without groups


__all__ = ["Rank", "rank_process"]
