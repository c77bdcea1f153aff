"""Processes of a busy box get the processor by their rank."""

import subprocess
import sys

import pytest

from edge.rank import Rank

_BODY = """
import os, sys, threading
from edge.rank import Rank, rank_process
before = os.getpriority(os.PRIO_PROCESS, 0)
for name in sys.argv[1:]:
    rank_process(Rank[name])
seen = []
thread = threading.Thread(target=lambda: seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
thread.start()
thread.join()
print(os.getpriority(os.PRIO_PROCESS, 0) - before, seen[0] - before)
"""


@pytest.mark.parametrize(
    ("ranks", "risen"), [([Rank.KERB], Rank.KERB), ([Rank.KERB, Rank.DETECTOR], Rank.KERB), ([Rank.CROSSING], 0)]
)
def test_a_process_takes_its_rank_with_all_threads_and_never_rises(ranks: list[Rank], risen: int) -> None:
    names = [rank.name for rank in ranks]
    done = subprocess.run([sys.executable, "-c", _BODY, *names], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(int(risen))] * 2


def test_a_kerb_waits_for_a_crossing_and_its_detector() -> None:
    assert Rank.CROSSING <= Rank.DETECTOR < Rank.KERB
