"""When a vehicle came to a halt and when it set off again, from the way it took and not from a tolerance.

Near its halt a vehicle is within any tolerance of its place while it still rolls: braking at 1 m/s^2 the last 0.15 m
take half a second. Braking (or pulling away) evenly, the root of the distance that is left falls (or grows) evenly with
time, s = a/2 (t0 - t)^2; the line through the roots of what was seen beyond the noise meets zero at the halt t0.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: The part of the way that tells: beyond the noise, and so near that braking is even [m].
LEAST_M, MOST_M = 0.3, 3.0
#: Such a part of the way is no longer ago than that [s].
WAY_S = 4.0
#: At 0.5 m/s^2, as gently as anybody brakes, 0.25 m take so long [s]; a line that says more is of cut or bad boxes.
ROLLS_S = 1.0


def halted(times: Array, places: Array, first: int, sigma: float) -> int:
    """The sighting nearest to the halt of one that stands, within the tolerance, from the sighting `first` on.

    `times` (N,) stream seconds, `places` (N, 2) metres from its anchor, `sigma` metres of noise of one sighting.
    """
    before = slice(int(np.searchsorted(times, times[first] - WAY_S)), first)
    left_s = _rolled(times[first] - times[before][::-1], places[before][::-1], sigma)
    return first if left_s is None else first + int(np.abs(times[first:] - times[first] - left_s).argmin())


def set_off(times: Array, places: Array, last: int, sigma: float) -> int:
    """The sighting nearest to the instant at which one that stood, within the tolerance, up to `last` set off."""
    after = slice(last + 1, int(np.searchsorted(times, times[last] + WAY_S, side="right")))
    left_s = _rolled(times[after] - times[last], places[after], sigma)
    return last if left_s is None else int(np.abs(times[: last + 1] - times[last] + left_s).argmin())


def _rolled(ages: Array, places: Array, sigma: float) -> float | None:
    """Seconds for which it rolled within the tolerance; `ages` (N,) rise from 0, that of the edge. None: unknown."""
    if len(ages) < 2:
        return None
    away = np.linalg.norm(places, axis=1)
    tells = (away >= max(LEAST_M, 3 * sigma)) & (away <= MOST_M)
    if int(tells.sum()) < 2 or np.ptp(ages[tells]) < 0.2:
        return None
    # Along the way it took; what it swerved, or the noise across, is no distance.
    way = places[tells].mean(axis=0)
    along = places[tells] @ way / np.hypot(*way)
    tells[tells] = along > 0
    age, root = ages[tells], np.sqrt(along[along > 0])
    if len(age) < 2 or np.ptp(age) < 0.2:
        return None
    # The root of a distance d is known to sigma / (2 root d).
    slope, offset = np.polyfit(age, root, 1, w=root)
    rolled_s = float(offset / slope) if slope > 0 and offset > 0 else np.inf
    return rolled_s if rolled_s <= ROLLS_S else None
