"""Which clicked point is wrong: a length mistyped, a click on the wrong corner, two points in the wrong order."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from survey.fitting import Spread, fit

Array = NDArray[np.float64]

#: Fewer than six points leave too little over to say which of them it is.
ENOUGH = 6
#: How much worse than the best another explanation may be and still be told as possible (chi squared, two degrees).
_ALSO_POSSIBLE = 9.0
#: Quantile of the normal distribution that good points exceed once in a thousand.
_RARELY = 3.0902


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What is wrong with clicked points, by their numbers from 0.

    `point` is the one without which the others agree; `or_else` are those of which that could be said as well, the
    likelier first. `swapped` are two that agree with all others in each other's place. `agree` false and nothing
    named: too few points to say, or more than one is wrong.
    """

    agree: bool
    point: int | None = None
    or_else: tuple[int, ...] = ()
    swapped: tuple[int, int] | None = None


def suspect(image: Array, metres: Array, spread: Spread | None = None) -> Suspicion:
    """Look for what contradicts, in pairs image (N, 2) px and metres (N, 2), N >= 4.

    Data snooping (Baarda 1968): what is left over of good points is chi squared with 2 N - 8 degrees; a wrong one takes
    nearly all of it along when it is left out. Raises ValueError with a sentence where the points fix no plane at all
    and leaving none out mends that.
    """
    count = len(image)
    told = _cost(image, metres, spread)
    if told <= _most(2 * count - 8):
        return Suspicion(agree=True)
    if count < ENOUGH:
        if not np.isfinite(told):
            fit(image, metres, spread)  # raises, with its own sentence
        return Suspicion(agree=False)
    costs = np.array([_cost(np.delete(image, k, axis=0), np.delete(metres, k, axis=0), spread) for k in range(count)])
    order = [int(number) for number in np.argsort(costs, kind="stable")]
    best = costs[order[0]]
    if best <= _most(2 * count - 10):
        others = tuple(number for number in order[1:] if costs[number] <= best + _ALSO_POSSIBLE)
        return Suspicion(agree=False, point=order[0], or_else=others)
    swapped = _swapped(image, metres, spread)
    if swapped is None and not np.isfinite(told) and not np.isfinite(best):
        fit(image, metres, spread)
    return Suspicion(agree=False, swapped=swapped)


def _swapped(image: Array, metres: Array, spread: Spread | None) -> tuple[int, int] | None:
    best, found = _most(2 * len(image) - 8), None
    for first, second in combinations(range(len(image)), 2):
        turned = metres.copy()
        turned[[first, second]] = turned[[second, first]]
        cost = _cost(image, turned, spread)
        if cost < best:
            best, found = cost, (first, second)
    return found


def _cost(image: Array, metres: Array, spread: Spread | None) -> float:
    try:
        return fit(image, metres, spread).cost
    except ValueError:
        return float("inf")


def _most(degrees: int) -> float:
    """Chi squared that good points exceed once in a thousand (Wilson and Hilferty 1931)."""
    if degrees <= 0:
        return np.finfo(float).max
    part = 2 / (9 * degrees)
    return float(degrees * (1 - part + _RARELY * np.sqrt(part)) ** 3)
