"""A halt is dated by the way that was braked, not by the tolerance within which the vehicle already seems to stand."""

import numpy as np
import pytest

from edge.rules.halting import halted, set_off
from edge.rules.stillness import first_standing, last_standing

RATES = [1.0, 2.0, 5.0, 25.0]


def braked(times: np.ndarray, t0: float, rate: float = 2.0) -> np.ndarray:
    """Places (N, 2) m from its anchor of one that brakes at `rate` m/s^2, comes from (0, -1) and halts at `t0`."""
    left = np.maximum(t0 - times, 0.0)
    return np.column_stack([np.zeros(len(times)), -rate / 2 * left**2])


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("rate", [0.8, 1.5, 3.0])
@pytest.mark.parametrize("phase", [0.0, 0.3, 0.8])
def test_a_halt_and_a_start_are_dated_to_the_nearest_sighting(fps: float, rate: float, phase: float) -> None:
    times = np.arange(0.0, 16.0, 1 / fps) + phase / fps
    places = braked(times, 8.0, rate)
    frame = 1 / fps
    assert first_standing(times, places, 0.05) == pytest.approx(8.0, abs=max(0.1, frame / 2 + 0.35 * (fps < 2)))
    gone = -(places + 0.0)[::-1]
    ended = last_standing(16.0 - times[::-1], gone, 0.05, 16.0)
    assert ended == pytest.approx(8.0, abs=max(0.1, frame / 2 + 0.35 * (fps < 2)))


def test_noise_hardly_moves_a_halt() -> None:
    times = np.arange(0.0, 12.0, 0.2)
    found = []
    for seed in range(40):
        noise = np.random.default_rng(seed).normal(0, 0.08, (len(times), 2))
        found.append(first_standing(times, braked(times, 6.0, 1.5) + noise, 0.08))
    assert abs(np.median(found) - 6.0) <= 0.2
    assert np.quantile(np.abs(np.array(found) - 6.0), 0.9) <= 0.6


def test_one_that_was_not_seen_to_come_or_go_keeps_its_first_and_last_sighting() -> None:
    times = np.arange(0.0, 5.0, 0.5)
    still = np.zeros((len(times), 2))
    assert halted(times, still, 0, 0.05) == 0
    assert set_off(times, still, len(times) - 1, 0.05) == len(times) - 1
    # Seen far away before, and after a gap at its place: nothing tells when it stopped.
    still[:2] = [[0.0, -40.0], [0.0, -30.0]]
    assert halted(times, still, 2, 0.05) == 2


def test_a_halt_is_never_before_the_first_sighting_within_the_tolerance() -> None:
    times = np.array([0.0, 1.0, 2.0, 5.0, 6.0, 7.0, 8.0])
    places = np.column_stack([np.zeros(7), [-3.0, -1.3, -0.4, 0.0, 0.0, 0.0, 0.0]])
    assert halted(times, places, 3, 0.05) == 3
