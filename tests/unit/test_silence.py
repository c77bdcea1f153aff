"""What excuses the silence of a part: `edge.silence` over a folder written as proc(5) describes it."""

import os
from pathlib import Path

import pytest

from edge.silence import QUIET_S, STEP_S, Silence

TICKS = os.sysconf("SC_CLK_TCK")
PID = 41


class Kernel:
    """What the kernel tells of one process, thread by thread."""

    def __init__(self, proc: Path) -> None:
        self.proc = proc

    def tell(self, *threads: tuple[str, float]) -> None:
        """Each thread's state and processor seconds; the first is the main one."""
        for number, (state, seconds) in enumerate(threads):
            place = self.proc / str(PID) / "task" / str(PID + number)
            place.mkdir(parents=True, exist_ok=True)
            ticks = round(seconds * TICKS)
            fields = [state, "1", *["0"] * 9, str(ticks // 2), str(ticks - ticks // 2), *["0"] * 30]
            (place / "stat").write_text(f"{PID + number} (a (bad) name) {' '.join(fields)}\n")


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def silent(kernel: Kernel, seconds: float, *threads: tuple[str, float], share: float = 0.0) -> Silence:
    """A silence of `seconds` in turns of 0.25 s, in which the first thread is given `share` of a processor."""
    silence = Silence(PID, 0.0, kernel.proc)
    for turn in range(1, round(seconds / 0.25) + 1):
        (state, cpu), *others = threads
        kernel.tell((state, cpu + share * turn * 0.25), *others)
        silence.look(turn * 0.25)
    return silence


def test_a_part_that_sleeps_has_no_excuse(kernel: Kernel) -> None:
    silence = silent(kernel, 4.0, ("S", 9.0), ("S", 1.0))
    assert silence.unexcused_s == silence.whole_s == pytest.approx(4.0)
    assert silence.stopped_s == 0.0


def test_a_part_that_was_stopped_is_seen_at_once(kernel: Kernel) -> None:
    silence = silent(kernel, 2.5, ("T", 9.0), ("T", 1.0))
    assert silence.stopped_s == pytest.approx(2.5 - QUIET_S, abs=0.26)
    kernel.tell(("S", 9.0), ("S", 1.0))
    silence.look(2.75)
    assert silence.stopped_s == 0.0, "it was let go on"


def test_a_debugger_that_holds_a_part_is_no_stop(kernel: Kernel) -> None:
    assert silent(kernel, 3.0, ("t", 9.0)).stopped_s == 0.0


@pytest.mark.parametrize("threads", [(("D", 9.0), ("S", 1.0)), (("S", 9.0), ("D", 1.0))])
def test_a_slow_disk_excuses(kernel: Kernel, threads: tuple[tuple[str, float], ...]) -> None:
    silence = silent(kernel, 10.0, *threads)
    assert silence.unexcused_s < QUIET_S and silence.whole_s == pytest.approx(10.0)


@pytest.mark.parametrize(("share", "counted"), [(0.0, 0.0), (0.1, 0.9), (1.0, 9.0), (3.0, 9.0)])
def test_who_wants_a_processor_is_counted_for_what_he_was_given(kernel: Kernel, share: float, counted: float) -> None:
    silence = silent(kernel, 10.0, ("R", 9.0), ("S", 1.0), share=share)
    assert silence.unexcused_s == pytest.approx(QUIET_S + counted, abs=0.6)


def test_a_machine_that_stood_still_as_a_whole_hung_no_part(kernel: Kernel) -> None:
    kernel.tell(("S", 9.0))
    silence = Silence(PID, 0.0, kernel.proc)
    silence.look(30.0)
    assert silence.whole_s == silence.unexcused_s == STEP_S


def test_a_beat_ends_it(kernel: Kernel) -> None:
    silence = silent(kernel, 3.5, ("S", 9.0))
    silence.beat(3.6)
    assert (silence.whole_s, silence.unexcused_s, silence.beaten_at) == (0.0, 0.0, 3.6)
    silence.look(3.85)
    assert silence.whole_s == pytest.approx(0.25)


def test_where_the_kernel_tells_nothing_nothing_is_excused(tmp_path: Path) -> None:
    silence = Silence(PID, 0.0, tmp_path / "none")
    for turn in range(1, 9):
        silence.look(turn * 0.5)
    assert silence.unexcused_s == pytest.approx(4.0)
