"""Where something was and how fast it went: smoothed on the ground plane, locally linear, on real time stamps.

Issue 3 item 2: position noise is estimated from successive differences, never assumed.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Half width in seconds of the window a line is laid through; wider only where sightings are few or noisy.
REACH_S = 0.4
_WIDEST_S = 1.2
_AROUND = 8
_NEIGHBOURS = 5
#: The error of a speed that a window is widened to reach, m/s.
_SPEED_ERROR = 0.09


@dataclass(frozen=True, slots=True)
class Motion:
    """Positions `xy` (N, 2) m, velocities `v` (N, 2) m/s at times `t` (N,) s; `sigma` m: noise of one sighting."""

    t: Array
    xy: Array
    v: Array
    sigma: float

    @property
    def speed(self) -> Array:
        """Metres a second, (N,)."""
        return np.hypot(self.v[:, 0], self.v[:, 1])

    def at(self, times: Array) -> "Motion":
        """The same motion at other times, linear between neighbours, held at the ends."""
        columns = [np.interp(times, self.t, column) for column in (*self.xy.T, *self.v.T)]
        return Motion(times, np.column_stack(columns[:2]), np.column_stack(columns[2:]), self.sigma)


def noise(t: Array, xy: Array) -> Array:
    """Standard deviation in metres of each sighting (N,), from how far those around it lie off their neighbours' line.

    It differs along a track: a pixel is worth more metres far away.
    """
    if len(t) < 3:
        return np.zeros(len(t))
    after = (t[1:-1] - t[:-2]) / (t[2:] - t[:-2])
    off = xy[1:-1] - (1 - after[:, None]) * xy[:-2] - after[:, None] * xy[2:]
    unit = np.sqrt(1 + after**2 + (1 - after) ** 2)
    size = np.pad(np.hypot(off[:, 0], off[:, 1]) / unit, _AROUND, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(size, 2 * _AROUND + 1)
    # the median length of a vector of two normal errors is 1.1774 sigma
    local = np.median(around, axis=1) / 1.1774
    return np.concatenate([local[:1], local, local[-1:]])


def smooth(t: Array, xy: Array) -> Motion:
    """Lay a line through the sightings around each: times (N,) s rising, positions (N, 2) m.

    Tricube weights (Cleveland 1979, LOESS of degree 1) with one pass that lets go of outliers.
    """
    if len(t) < 2:
        return Motion(t, xy.copy(), np.zeros_like(xy), 0.0)
    sigma = noise(t, xy)
    apart = np.abs(t[:, None] - t[None, :])
    weights = _tricube(apart, _reach(t, apart, sigma))
    position, velocity = _lines(t, xy, weights)
    off = np.hypot(*(xy - position).T)
    scale = 4 * np.maximum(np.maximum(1.4826 * float(np.median(off)), sigma), 0.03)
    trust = np.maximum(1 - (off / scale) ** 2, 0.0) ** 2
    if (trust < 0.2).any():
        position, velocity = _lines(t, xy, weights * np.maximum(trust, 1e-3)[None, :])
    return Motion(t, position, velocity, float(np.median(sigma)))


def _reach(t: Array, apart: Array, sigma: Array) -> Array:
    nearest = np.sort(apart, axis=1)[:, min(_NEIGHBOURS, len(t)) - 1]
    spacing = float(np.median(np.diff(t)))
    # a line's slope over +-h with sightings every dt has the error sigma * sqrt(1.5 * dt / h^3)
    wanted = (1.5 * spacing * (sigma / _SPEED_ERROR) ** 2) ** (1 / 3)
    return np.maximum(np.clip(wanted, REACH_S, _WIDEST_S), 1.1 * nearest)


def _tricube(apart: Array, reach: Array) -> Array:
    share = np.minimum(apart / reach[:, None], 1.0)
    kernel: Array = (1 - share**3) ** 3
    return kernel


def _lines(t: Array, xy: Array, weights: Array) -> tuple[Array, Array]:
    """Weighted straight lines, one per row of `weights` (N, N): position (N, 2) and velocity (N, 2) at t."""
    total = weights.sum(axis=1)
    mean_t = weights @ t / total
    mean = weights @ xy / total[:, None]
    spread = weights @ (t * t) / total - mean_t**2
    cross = weights @ (t[:, None] * xy) / total[:, None] - mean_t[:, None] * mean
    velocity = cross / np.maximum(spread, 1e-9)[:, None]
    return mean + velocity * (t - mean_t)[:, None], velocity


def fill(flags: NDArray[np.bool_], t: Array, hole_s: float) -> NDArray[np.bool_]:
    """`flags` (N,) with every hole shorter than or equal to `hole_s` seconds between two true ones closed."""
    true = np.flatnonzero(flags)
    filled = flags.copy()
    for left, right in pairwise(true):
        if right - left > 1 and t[right] - t[left] <= hole_s + (t[left + 1] - t[left]):
            filled[left:right] = True
    return filled


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of every unbroken stretch of true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(start), int(stop) - 1) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
