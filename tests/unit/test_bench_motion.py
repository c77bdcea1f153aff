"""Who is replayed keeps to the way that was filmed: stands where told, for as long as told, and meets nobody."""

import itertools

import numpy as np
import pytest

from sightline.bench.mix.passage import CutOut, Passage
from sightline.bench.mix.run import BRAKES, Halt, Run, traffic
from sightline.bench.mix.script import COUNTY, SHORT, Mark, planted
from sightline.bench.mix.view import View, Window

VIEW = View(horizon=-77, height=6.1, focal=560, middle=320)
FRAMES = 120


def passage() -> Passage:
    """A car that drives away from the camera at a steady pace, 120 frames long."""
    far = np.linspace(9, 30, FRAMES)
    feet = np.array([VIEW.pixel((5 - 0.25 * (z - 9), float(z))) for z in far])
    sizes = np.array([[1.9 * VIEW.scale(y), 1.5 * VIEW.scale(y)] for _, y in feet])
    blank = np.zeros((8, 8), np.uint8)
    cut = CutOut(np.zeros((8, 8, 3), np.uint8), blank, (600, 100))
    return Passage("car", 0.7, 0, (cut,) * FRAMES, feet, sizes)


def test_pixels_and_metres_are_each_other_undone() -> None:
    for point in ((12.0, 340.0), (320.0, 60.0), (600.0, 180.0)):
        assert VIEW.pixel(VIEW.metres(point)) == pytest.approx(point)
    window = Window(left=150, top=40, width=480, mirrored=True)
    assert window.pixel((150, 40)) == (1920, 0)
    assert window.pixel((630, 310)) == (0, 1080)
    matrix = np.array(window.matrix())
    assert matrix @ [400, 100, 1] == pytest.approx(window.pixel((400, 100)))


def test_who_halts_brakes_as_drivers_do_stands_and_drives_off() -> None:
    run = Run(passage(), VIEW, 1.0, Halt(row=150, until=40.0))
    row = run.passage.foot(run.at(run.stands_from + 5)[0])[1]  # type: ignore[index]
    assert row == pytest.approx(150, abs=1.5)
    assert run.at(run.stands_from + 1) == pytest.approx(run.at(39.5))
    assert run.at(41.5) != pytest.approx(run.at(39.5))
    assert run.at(0.9) is None
    assert run.at(run.end + 0.1) is None
    speed = [
        np.hypot(*np.subtract(place(run, t + 0.1), place(run, t))) / 0.1 for t in np.arange(1.2, run.stands_from, 0.1)
    ]
    assert max(np.diff(speed)) <= 1e-6 + 0.35
    assert min(np.diff(speed)) >= -(BRAKES * 0.1 + 0.35)


def place(run: Run, t: float) -> tuple[float, float]:
    """Metres on the ground at second `t`."""
    at = run.at(float(t))
    assert at is not None
    return VIEW.metres(run.passage.foot(at[0]))


def test_who_stands_at_the_kerb_has_drawn_over_and_comes_back() -> None:
    run = Run(passage(), VIEW, 0.0, Halt(row=150, until=30.0, aside=-4.0))
    asides = [run.at(t)[1] for t in (0.05, run.stands_from + 1, run.end - 0.1)]  # type: ignore[index]
    assert asides[0] == pytest.approx(0, abs=0.05)
    assert asides[1] == pytest.approx(-4.0, abs=0.01)
    assert asides[2] == pytest.approx(0, abs=0.3)


def test_one_who_halted_before_the_take_stands_from_its_first_frame() -> None:
    run = Run(passage(), VIEW, 0.0, Halt(row=150, until=2.0), mid_halt=True)
    assert run.at(0.0) == pytest.approx(run.at(1.9))
    assert run.end > 4


@pytest.mark.parametrize("seed", range(5))
def test_traffic_is_over_at_the_end_of_the_take_and_nobody_drives_through_another(seed: int) -> None:
    runs = traffic([passage()], VIEW, (0.4, 47.6), (2.5, 6.0), seed)
    assert len(runs) > 4
    assert max(run.end for run in runs) <= 47.6
    for one, other in itertools.pairwise(runs):
        both = np.arange(other.start + 0.01, min(one.end, other.end) - 0.1, 0.1)
        gaps = [np.hypot(*np.subtract(place(one, t), place(other, t))) for t in both]
        assert all(gap > 4 for gap in gaps)


def test_what_is_planted_is_found_in_the_loop_wherever_its_takes_stand() -> None:
    lengths = {"flow": COUNTY.flow_s, "arrive": 14.0, "stand": COUNTY.stand_s, "leave": 14.0}
    mark = Mark("illegal_parking", "kerb", ("arrive", 3.0), ("leave", 2.0))
    found = planted(mark, list(COUNTY.kerb), lengths)
    assert [(one.begins, one.ends) for one in found] == [(243.0, 352.0)]
    assert sum(lengths[name] for name in COUNTY.kerb) == pytest.approx(604)
    assert len(planted(mark, list(SHORT.kerb), lengths)) == 1
