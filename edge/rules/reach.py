"""Where a vehicle may be found again after a hole in its sightings: on its way, not behind it and not far beside it."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: A hole above this, seconds, is long enough for another vehicle to have taken the place.
HOLE_S = 0.5
#: A standing vehicle goes on or rolls back a little, metres and metres a second; what is farther back is another.
_BACK_M, _BACK_MS = 1.5, 0.5
#: One that goes at least so fast drifts sideways no faster, m/s.
_GOES_MS, _SIDEWAYS_MS = 2.0, 1.0


def not_behind(ways: Array, course: Array | None, gap: float) -> Flags:
    """Which `ways` (N, 2) m a vehicle that stood may have made in `gap` seconds; `course` (2,) is how it came."""
    if course is None:
        return np.ones(len(ways), bool)
    ahead: Flags = ways @ course > -(_BACK_M + _BACK_MS * gap)
    return ahead


def not_beside(off: Array, pace: Array, sight: Array, base: float, blur: float, gap: float) -> Flags:
    """Which places, `off` (N, 2) m from the expected one, a vehicle going at `pace` (2,) m/s may have reached.

    Allowed to a side: `base` m, the drift of `gap` seconds, and what of `blur` m along the line of sight (N, 2) lies
    across its way.
    """
    speed = float(np.hypot(*pace))
    if speed < _GOES_MS:
        return np.ones(len(off), bool)
    aside = np.array([pace[1], -pace[0]]) / speed
    beside: Flags = np.abs(off @ aside) <= base + _SIDEWAYS_MS * gap + blur * np.abs(sight @ aside)
    return beside
