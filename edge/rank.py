"""Who gets the processor first on a box that has none to spare: nice values of threads (Linux has them by thread).

A crossing is decided within two seconds, while a kerb's look can wait for the next one; packets that are not taken off
the network in time are lost for good. The detector serves both, crossings first: behind them it would hold them up.
"""

import os
import threading
from enum import IntEnum


class Rank(IntEnum):
    """Lower goes first, by some 25 % of processor time a step (sched(7))."""

    CAPTURE = 0
    CROSSING = 0
    DETECTOR = 0
    KERB = 6
    PLATES = 10


def rank_thread(rank: Rank) -> None:
    """Give the calling thread, and those that it starts from now on, their rank; a thread never rises."""
    here = threading.get_native_id()
    if os.getpriority(os.PRIO_PROCESS, here) < rank:
        os.setpriority(os.PRIO_PROCESS, here, rank)


__all__ = ["Rank", "rank_thread"]
