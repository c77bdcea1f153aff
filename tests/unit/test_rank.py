"""Threads of a busy box get the processor by their rank."""

import os
import threading

from edge.rank import Rank, rank_thread


def nice_of(*ranks: Rank) -> list[int]:
    """Nice values of a new thread, and of one that it starts, after it took these ranks."""
    seen: list[int] = []

    def body() -> None:
        for rank in ranks:
            rank_thread(rank)
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        child = threading.Thread(target=lambda: seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
        child.start()
        child.join()

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    return seen


def test_a_thread_takes_its_rank_and_passes_it_on_and_no_other_thread_changes() -> None:
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert nice_of(Rank.KERB) == [max(before, Rank.KERB)] * 2
    assert nice_of(Rank.PLATES, Rank.KERB) == [max(before, Rank.PLATES)] * 2, "a thread never rises"
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_a_kerb_waits_for_a_crossing_and_its_detector_and_a_plate_for_all() -> None:
    assert Rank.CAPTURE <= Rank.CROSSING <= Rank.DETECTOR < Rank.KERB < Rank.PLATES
