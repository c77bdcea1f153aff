"""Whether a vehicle stands (domain D2): its robust centre stays near an anchor, by real time stamps.

Robust centre: the median foot point (bottom centre of the box) over >= 1 s. Near: within max(0.3 m, 0.05 x vehicle
length, 3 sigma), where sigma is the noise of localisation at that place, taken from differences between sightings so
that motion itself does not count as noise. The anchor is set only when the vehicle has come to rest. All places are
metres from an origin in the picture (`Yard`), all times stream seconds; no frame is ever counted as time.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.frames import BICYCLE, BUS, CAR, MOTORCYCLE, TRUCK
from edge.rules.ground import Plane
from edge.rules.halting import halted, set_off
from edge.rules.sizes import size_of

Array = NDArray[np.float64]

#: Least tolerance [m], and least as a share of the vehicle's length (domain D2).
LEAST_M, LEAST_LENGTHS = 0.3, 0.05
#: However noisy a place is, a vehicle that has moved by this share of its length has moved.
MOST_LENGTHS = 0.15
#: Rest is looked for over this long [s], the robust centre taken over that long [s].
REST_S, CENTRE_S = 2.0, 1.0
#: Fewer sightings than this say nothing, however slow the camera.
LEAST_SIGHTINGS = 3
#: Coming to rest and moving off are dated by medians over this long [s], and by this much of a move [m].
EDGE_S, EDGE_M = 0.5, 0.15
#: Noise throws a short median no farther than this times the usual tolerance of one.
NOISE_THROWS = 2.0

#: A detector's edges waver by about this share of the root of a box's area; weighed like so many sightings.
EXPECTED_SHARE, EXPECTED_WEIGHT = 0.015, 8

#: Without calibration: the root of (width x height) of a box in metres, typical views of each class.
_VIEW_M = {BICYCLE: 1.3, MOTORCYCLE: 1.5, CAR: 2.6, BUS: 5.5, TRUCK: 4.2}

#: ... and how much more road a pixel up the picture is than one across, at least, from a pole at the roadside.
FORESHORTENING = 1.5


@dataclass(frozen=True, slots=True)
class Yard:
    """The surroundings of one place, in which pixels become metres by one fixed linear map (2, 2)."""

    origin: Array
    matrix: Array

    @classmethod
    def around(cls, box: Array, kind: int, plane: Plane) -> "Yard":
        """The yard of a box (4,) px of class `kind`."""
        origin = np.array([(box[0] + box[2]) / 2, box[3]])
        width, height = float(box[2] - box[0]), float(box[3] - box[1])
        if plane.calibrated:
            step = 0.05 * math.sqrt(width * height)
            ends = plane.metres(origin + np.array([[-step, 0], [step, 0], [0, -step], [0, step]]))
            matrix = np.column_stack([ends[1] - ends[0], ends[3] - ends[2]]) / (2 * step)
            if np.isfinite(matrix).all() and 0 < np.abs(matrix).max() * math.sqrt(width * height) < 100:
                return cls(origin, matrix)
        scale = _VIEW_M.get(kind, 2.6) / math.sqrt(width * height)
        # Along the view the road is foreshortened: a pixel up is more road than a pixel across.
        return cls(origin, np.diag([scale, FORESHORTENING * scale]))

    def expected_noise(self, box: Array) -> float:
        """What a detector's usual noise, a share of the box's size, means here in metres."""
        root = math.sqrt(float((box[2] - box[0]) * (box[3] - box[1])))
        return float(EXPECTED_SHARE * root * np.linalg.norm(self.matrix, 2))

    def metres(self, points: Array) -> Array:
        """Offsets (N, 2) in metres of points (N, 2) in pixels."""
        offsets: Array = (points - self.origin) @ self.matrix.T
        return offsets


def noise(times: Array, places: Array, expected: float) -> float:
    """Standard deviation [m] of one sighting's place, from differences of sightings one step and 0.5 s apart.

    A steady motion is the median difference and drops out; the second distance sees a box that sways slowly. Few
    sightings tell little: what is `expected` of a detector at this place weighs as much as eight of them.
    """
    count = len(times)
    if count < LEAST_SIGHTINGS:
        return expected
    step = float(np.median(np.diff(times)))
    far = max(1, round(EDGE_S / step)) if step > 0 else 1
    seen = max(_spread(places, lag) for lag in {1, far} if count - lag >= 2)
    return math.sqrt((count * seen**2 + EXPECTED_WEIGHT * expected**2) / (count + EXPECTED_WEIGHT))


def _spread(places: Array, lag: int) -> float:
    steps = places[lag:] - places[:-lag]
    # The upper quartile, not the median: a detector that wavers between two boxes is noisy, though mostly steady.
    deviation = np.quantile(np.abs(steps - np.median(steps, axis=0)), 0.75, axis=0)
    return float(deviation.max() / 1.1503 / math.sqrt(2))


def tolerance(kind: int, sigma: float) -> float:
    """How far [m] a standing vehicle's centre may seem to be from its anchor."""
    length = size_of(kind).length
    least = max(LEAST_M, LEAST_LENGTHS * length)
    return max(least, min(3 * sigma, MOST_LENGTHS * length))


def centre(times: Array, places: Array, until: float, span: float = CENTRE_S) -> Array:
    """Median place (2,) of the sightings in the last `span` seconds up to `until`, and of at least three if there."""
    upto = int(np.searchsorted(times, until + 1e-9, side="right"))
    since = int(np.searchsorted(times, until - span - 1e-9))
    since = max(0, min(since, upto - LEAST_SIGHTINGS))
    middle: Array = np.median(places[since:upto], axis=0)
    return middle


def rest_window(times: Array) -> int | None:
    """Where the window begins in which rest is looked for: >= 2 s and >= 3 sightings; None when too little is seen."""
    if len(times) < LEAST_SIGHTINGS or times[-1] - times[0] < REST_S - 0.15:
        return None
    since = int(np.searchsorted(times, times[-1] - REST_S - 1e-9))
    return max(0, min(since, len(times) - LEAST_SIGHTINGS))


def at_rest(places: Array, limit: float, sigma: float) -> bool:
    """Whether a window of places (N, 2) is that of a thing at rest: no drift between its halves, little spread."""
    half = (len(places) + 1) // 2
    drift = np.median(places[-half:], axis=0) - np.median(places[:half], axis=0)
    # Two medians of `half` sightings differ by 1.8 sigma / sqrt(half) when nothing moves; twice that is a drift.
    if math.hypot(*drift) > min(limit / 2, max(LEAST_M / 2, 3.6 * sigma / math.sqrt(half))):
        return False
    away = np.linalg.norm(places - np.median(places, axis=0), axis=1)
    return bool(np.quantile(away, 0.8) <= limit)


def first_standing(times: Array, places: Array, sigma: float) -> float:
    """The first instant [s] from which every short median stays at the anchor, which is the origin of `places`."""
    first, missed = len(times) - 1, 0
    for index in range(len(times) - 1, -1, -1):
        ahead = places[index : int(np.searchsorted(times, times[index] + EDGE_S + 1e-9, side="right"))]
        if at_anchor(ahead, sigma):
            first, missed = index, 0
            continue
        missed += 1
        # One alone may be noise, however far off, and some in a row while they are no farther than noise can throw
        # them; of a vehicle that is still rolling the one before is farther off yet.
        far = not at_anchor(ahead / NOISE_THROWS, sigma)
        if missed > 1 and (far or times[first] - times[index] > CENTRE_S):
            break
    return float(times[halted(times, places, first, sigma)])


def last_standing(times: Array, places: Array, sigma: float, until: float) -> float | None:
    """The last instant [s], `until` at the latest, up to which a short median was at the anchor; None when none was."""
    for index in range(int(np.searchsorted(times, until + 1e-9, side="right")) - 1, -1, -1):
        behind = places[int(np.searchsorted(times, times[index] - EDGE_S - 1e-9)) : index + 1]
        if at_anchor(behind, sigma):
            return float(times[set_off(times, places, index, sigma)])
    return None


def drifted(places: Array, sigma: float, kind: int) -> bool:
    """Whether a whole wait of places (N, 2) shows a net drift that noise does not explain."""
    third = len(places) // 3
    if third < 2:
        return False
    drift = np.median(places[-third:], axis=0) - np.median(places[:third], axis=0)
    # The error of a median of n is 1.25 sigma / sqrt(n); two of them are compared.
    return math.hypot(*drift) > tolerance(kind, 1.8 * sigma / math.sqrt(third))


def at_anchor(places: Array, sigma: float) -> bool:
    """Whether a short median is where the vehicle stands, as exactly as the noise allows (2.5 errors of a median)."""
    limit = max(EDGE_M, 2.5 * 1.25 * sigma / math.sqrt(len(places)))
    return math.hypot(*np.median(places, axis=0)) <= limit
