"""Processes of a busy box get the processor by their rank."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.rank import Rank

#: The highest nice value there is (sched(7)).
_LAST = 19
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


@pytest.mark.parametrize("nicer", [0, 10])
@pytest.mark.parametrize(
    ("ranks", "risen"), [([Rank.KERB], Rank.KERB), ([Rank.KERB, Rank.CROSSING], Rank.KERB), ([Rank.CROSSING], 0)]
)
def test_a_process_takes_its_rank_with_all_threads_and_never_rises(ranks: list[Rank], risen: int, nicer: int) -> None:
    """Also where the whole box is background work, as all of a CI may be."""
    command = ["nice", "-n", str(nicer), sys.executable, "-c", _BODY, *(rank.name for rank in ranks)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    room = _LAST - min(_LAST, os.getpriority(os.PRIO_PROCESS, 0) + nicer)
    assert done.stdout.split() == [str(min(risen, room))] * 2


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel does not group sessions")
def test_parts_that_start_together_rank_their_sessions_each() -> None:
    command = [sys.executable, "-c", _BODY + "print(open('/proc/self/autogroup').read())", "KERB"]
    parts = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) for _ in range(4)]
    told = [part.communicate(timeout=60)[0] for part in parts]
    assert all(f"nice {Rank.KERB:d}" in one for one in told), told
