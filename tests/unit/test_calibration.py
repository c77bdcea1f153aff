"""Planes from clicked points: as exact as the law of the approach needs, wrong points named, doubts told."""

import numpy as np
import pytest

from survey.calibration import MOST_APPROACH, MOST_CROSSING, Length, Verdict, calibrate
from survey.fitting import Spread, fit
from survey.grid import grid
from survey.suspicion import suspect
from tests.bench.calibration import campaign
from tests.scenes.poles import FRAME, Pole, pole


@pytest.fixture
def view() -> Pole:
    return pole(np.random.default_rng(11))


def clicks(view: Pole, count: int, seed: int = 3, px: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    marks = view.marks(count)
    return view.to_image.apply(marks) + np.random.default_rng(seed).normal(0, px, marks.shape), marks


@pytest.mark.parametrize("points", [6, 7, 8])
def test_lengths_hold_with_clicks_two_pixels_off(points: int) -> None:
    tally = campaign(points, 60, 1)
    assert np.percentile(tally.across, 95) <= MOST_CROSSING
    assert np.percentile(tally.along, 95) <= MOST_APPROACH
    assert np.mean(tally.held) >= 0.93
    assert tally.falsely <= 1
    assert all(said["another named"] == 0 and said["refused"] == 0 for said in tally.said.values())
    told = tally.said["4 m"]
    assert told["named"] + told["first of several"] >= 0.9 * 60


def test_exact_clicks_give_the_exact_plane_and_leave_nothing(view: Pole) -> None:
    image, metres = clicks(view, 8, px=0)
    made = calibrate(image, metres)
    assert made.left_px == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(made.to_road.apply(image), metres, atol=1e-6)


def test_two_points_in_each_others_place_are_both_named(view: Pole) -> None:
    image, metres = clicks(view, 6)
    image[[1, 4]] = image[[4, 1]]
    assert suspect(image, metres).swapped == (1, 4)


def test_four_points_ask_for_two_lengths_and_five_for_one(view: Pole) -> None:
    wanted = {count: calibrate(*clicks(view, count)).lengths_wanted for count in (4, 5, 6, 8)}
    assert wanted == {4: 2, 5: 1, 6: 0, 8: 0}
    assert calibrate(*clicks(view, 4)).left_px is None


def test_a_length_measured_on_the_spot_finds_what_four_points_hide(view: Pole) -> None:
    image, metres = clicks(view, 4)
    ends = np.array([[0, view.near], [view.width, view.near]])
    begin, end = (tuple(map(float, p)) for p in view.to_image.apply(ends))
    good = calibrate(image, metres).check(Length(begin, end, view.width, MOST_CROSSING))  # type: ignore[arg-type]
    assert good.verdict is Verdict.GOOD and abs(good.off) < 0.02
    mistyped = metres.copy()
    mistyped[1, 0] *= 1.2
    made = calibrate(image, mistyped)
    assert made.suspicion.agree
    assert made.check(Length(begin, end, view.width, MOST_CROSSING)).verdict is Verdict.OFF  # type: ignore[arg-type]


def test_a_length_too_short_to_tell_says_so(view: Pole) -> None:
    far = view.near + 30
    begin, end = (tuple(map(float, p)) for p in view.to_image.apply(np.array([[1.0, far], [1.0, far + 0.5]])))
    made = calibrate(*clicks(view, 6))
    assert made.check(Length(begin, end, 0.5)).verdict is Verdict.SHORT  # type: ignore[arg-type]
    for metres in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="measure one"):
            made.check(Length(begin, end, metres))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="same point"):
        made.check(Length(begin, begin, 1.0))  # type: ignore[arg-type]


def test_the_covariance_says_what_happens(view: Pole) -> None:
    place = np.array([[view.width / 2, view.near + 12.0]])
    pixel, off, said = view.to_image.apply(place), [], []
    for seed in range(200):
        made = calibrate(*clicks(view, 6, seed), Spread(2.0, 0.0))
        off.append(np.linalg.norm(made.to_road.apply(pixel) - place))
        said.append(made.place_error((float(place[0, 0]), float(place[0, 1]))))
    assert 0.85 <= np.mean(np.array(off) <= np.array(said)) <= 1.0
    assert np.median(said) <= 3.5 * np.median(off)


@pytest.mark.parametrize("count", [4, 6])
@pytest.mark.parametrize("case", ["one line", "repeated", "not a number"])
def test_points_that_fix_no_plane_are_refused_with_a_sentence(count: int, case: str) -> None:
    metres = np.random.default_rng(2).uniform(0, 30, (count, 2))
    image = np.random.default_rng(4).uniform(0, 1000, (count, 2))
    if case == "one line":
        image[:, 1] = image[:, 0]
    if case == "repeated":
        image[:] = image[0]
    if case == "not a number":
        image[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"points|number"):
        calibrate(image, metres)


def test_the_fit_is_the_same_in_any_order_and_any_frame_of_metres(view: Pole) -> None:
    image, metres = clicks(view, 7)
    order = np.random.default_rng(1).permutation(7)
    moved = metres @ np.array([[0.0, 1.0], [-1.0, 0.0]]) + (
        512_345.0,
        3_290_876.0,
    )  # a projected map: hundreds of km away
    probe = view.to_image.apply(np.array([[1.0, view.near + 2], [5.0, view.near + 25]]))

    def length(fitted: object) -> float:
        ends = fitted.to_image.inverse().apply(probe)  # type: ignore[attr-defined]
        return float(np.linalg.norm(ends[1] - ends[0]))

    whole = length(fit(image, metres))
    assert length(fit(image[order], metres[order])) == pytest.approx(whole, rel=1e-6)
    assert length(fit(image, moved)) == pytest.approx(whole, rel=1e-5)


def test_the_grid_lies_in_the_picture_and_its_errors_grow_away_from_the_points(view: Pole) -> None:
    image, metres = clicks(view, 6)
    made = calibrate(image, metres)
    drawn = grid(made, metres, FRAME)
    assert drawn.step in (0.5, 1.0, 2.0, 5.0) and {line.axis for line in drawn.lines} == {"x", "y"}
    for line in drawn.lines:
        assert len(line.points) == len(line.error_m) >= 2
        road = made.to_road.apply(line.points)[:, 0 if line.axis == "x" else 1]
        np.testing.assert_allclose(road, line.at, atol=1e-6)
    inside = made.place_error((view.width / 2, view.near + 2))
    assert made.place_error((view.width / 2, view.near + 80)) > 3 * inside
