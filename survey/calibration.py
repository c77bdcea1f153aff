"""A road plane made from clicked points, and how far to trust it: by its own figures and by check lengths."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from survey.fitting import Fit, Spread, fit
from survey.homography import Homography
from survey.suspicion import Suspicion, suspect

Array = NDArray[np.float64]

#: Lengths on the crossing and on the approach may be off by so much (the approach decides the stopping distance).
MOST_CROSSING = 0.02
MOST_APPROACH = 0.04
#: From standard deviations to what 95 of 100 lengths keep within.
_P95 = 1.96
_LEAST_POINTS = 4


class Verdict(StrEnum):
    """What a check length says."""

    GOOD = "good"
    OFF = "off"
    SHORT = "short"  # its own two clicks may be off by more than what is asked: a longer one would tell


@dataclass(frozen=True, slots=True)
class Length:
    """A length measured on the spot: two clicks (px), metres by tape, and how far the plane may be off (share)."""

    begin: tuple[float, float]
    end: tuple[float, float]
    metres: float
    most: float = MOST_APPROACH


@dataclass(frozen=True, slots=True)
class Checked:
    """`metres` by the plane; `off` its error as a share, with its sign; `clicks` what good clicks may add to it."""

    verdict: Verdict
    metres: float
    off: float
    clicks: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A plane from N clicked points. Pixels are of the camera's frame, metres lie on the road."""

    fit: Fit
    count: int
    spread: Spread
    suspicion: Suspicion

    @property
    def to_road(self) -> Homography:
        """From the image (px) to the road (m)."""
        return self.fit.to_image.inverse()

    @property
    def lengths_wanted(self) -> int:
        """Check lengths that have to be good before the plane counts: four points fit any mistake without a trace."""
        return {4: 2, 5: 1}.get(self.count, 0)

    @property
    def left_px(self) -> float | None:
        """RMS of clicked minus computed, in px of each direction; None for four points, which leave nothing over."""
        spare = 2 * self.count - 2 * _LEAST_POINTS
        return float(np.sqrt(np.sum(self.fit.left_px**2) / spare)) if spare > 0 else None

    def expected(self, begin: tuple[float, float], end: tuple[float, float]) -> float:
        """Share that the plane's length between two road points (m) keeps within, 95 times of 100."""
        ends = np.array([begin, end], dtype=np.float64)
        direction = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
        slopes = _by_matrix(self.fit.to_image, ends)
        # A pixel that stays where it is finds another place on the road: d road = -(d image / d road)^-1 d image.
        moved = [np.linalg.solve(self.fit.to_image.jacobian(_pair(p)), s) for p, s in zip(ends, slopes, strict=True)]
        row = direction @ (moved[1] - moved[0])
        return float(_P95 * np.sqrt(row @ self.fit.covariance @ row) / np.linalg.norm(ends[1] - ends[0]))

    def place_error(self, place: tuple[float, float]) -> float:
        """What a place on the road (m) may be off by in the worst direction, metres, 95 times of 100."""
        slopes = _by_matrix(self.fit.to_image, np.array([place], dtype=np.float64))[0]
        moved = np.linalg.solve(self.fit.to_image.jacobian(place), slopes)
        worst = np.linalg.eigvalsh(moved @ self.fit.covariance @ moved.T)[-1]
        return float(_P95 * np.sqrt(max(float(worst), 0.0)))

    def check(self, length: Length) -> Checked:
        """Hold the plane to a length measured on the spot. Raises ValueError where it cannot be one."""
        if not length.metres > 0 or not np.isfinite(length.metres):
            raise ValueError(f"a check length of {length.metres:g} m says nothing - measure one of at least a metre")
        back = self.to_road
        ends = back.apply(np.array([length.begin, length.end]))
        found = float(np.linalg.norm(ends[1] - ends[0]))
        if found == 0:
            raise ValueError("both ends of the check length are the same point")
        clicks = self._clicks((length.begin, length.end), (ends[1] - ends[0]) / found) / length.metres
        off = found / length.metres - 1
        if clicks > length.most:
            verdict = Verdict.SHORT
        else:
            verdict = Verdict.GOOD if abs(off) <= length.most + clicks else Verdict.OFF
        return Checked(verdict, found, off, clicks)

    def _clicks(self, clicked: tuple[tuple[float, float], tuple[float, float]], direction: Array) -> float:
        shares = [direction @ self.to_road.jacobian(point) for point in clicked]
        return float(_P95 * self.spread.image_px * np.sqrt(sum(share @ share for share in shares)))


def calibrate(image: Array, metres: Array, spread: Spread | None = None) -> Calibration:
    """Fit a plane to image (N, 2) px and metres (N, 2), N >= 4, and look for a wrong point.

    Raises ValueError with a sentence when the points fix no plane and no one of them is to blame.
    """
    spread = spread or Spread()
    image, metres = np.asarray(image, dtype=np.float64), np.asarray(metres, dtype=np.float64)
    suspicion = suspect(image, metres, spread)
    return Calibration(fit(image, metres, spread), len(image), spread, suspicion)


def _pair(point: Array) -> tuple[float, float]:
    return float(point[0]), float(point[1])


def _by_matrix(to_image: Homography, points: Array) -> Array:
    """(N, 2, 9): how the image of each road point moves with the nine numbers of the matrix."""
    lifted = np.column_stack([points, np.ones(len(points))])
    found = lifted @ to_image.matrix.T
    slopes = np.zeros((len(points), 2, 9))
    for axis in (0, 1):
        slopes[:, axis, 3 * axis : 3 * axis + 3] = lifted / found[:, 2:]
        slopes[:, axis, 6:9] = -found[:, axis : axis + 1] * lifted / found[:, 2:] ** 2
    return slopes
