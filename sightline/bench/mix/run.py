"""One actor's run along its own recorded way, faster or slower than it was: braking, standing, driving off.

The way is that of a `Passage`; time runs in seconds of the segment it plays in. Braking is 1.9 m/s^2 and driving off
1.6 m/s^2, what drivers do who are not in a hurry [I].
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.bench.mix.passage import Passage
from sightline.bench.mix.view import View

Floats = NDArray[np.float64]
STEP = 0.02
BRAKES, GATHERS = 1.9, 1.6
#: Metres over which one who stops at the kerb draws to it, and comes back into the lane.
DRAWS_OVER = 11.0


@dataclass(frozen=True, slots=True)
class Halt:
    """Stand with the foot at row `row` of the clip until second `until`; `aside` m to the right of the own way."""

    row: float
    until: float
    aside: float = 0.0


class Run:
    """A passage replayed from second `start` on, `pace` times as fast as it was, with at most one halt."""

    def __init__(
        self,
        passage: Passage,
        view: View,
        start: float,
        halt: Halt | None = None,
        *,
        fps: float = 25.0,
        pace: float = 1.0,
        mid_halt: bool = False,
    ) -> None:
        """`fps` is the clip's. With `mid_halt` the run begins standing: the actor has halted before the segment."""
        self.passage, self.view, self.start, self.halt = passage, view, start, halt
        way = np.array([view.metres((float(x), float(y))) for x, y in passage.feet])
        steps = np.hypot(*np.diff(way, axis=0).T)
        self._along = np.concatenate([[0.0], np.cumsum(steps)])
        self._free = np.maximum(np.gradient(self._along) * fps * pace, 0.5)
        self._stop = self._place(halt)
        self._whole = self._along[_first_whole(passage)]
        self._s = self._driven(self._stop if mid_halt else 0.0, standing=mid_halt)

    @property
    def end(self) -> float:
        """The second at which it has left the picture."""
        return self.start + (len(self._s) - 1) * STEP

    @property
    def stands_from(self) -> float:
        """The second at which it comes to rest; `inf` without a halt."""
        if self.halt is None:
            return math.inf
        return self.start + float(np.searchsorted(self._s, self._stop - 0.03)) * STEP

    @property
    def room(self) -> float:
        """Metres before the halt over which the whole of it is in the picture; negative when it is cut off there."""
        return float(self._stop - self._whole)

    def reaches(self, row: float) -> float:
        """The second at which its foot passes row `row` of the clip."""
        rows = np.array([self.passage.foot(self._frame(s))[1] for s in self._s])
        return self.start + float(np.argmin(np.abs(rows - row))) * STEP

    def at(self, t: float) -> tuple[float, float] | None:
        """(frame of the passage, metres aside) at second `t`; None before and after."""
        index = (t - self.start) / STEP
        if not 0 <= index < len(self._s) - 1:
            return None
        s = float(np.interp(index, np.arange(len(self._s)), self._s))
        return self._frame(s), self._aside(s)

    def _frame(self, s: float) -> float:
        return float(np.interp(s, self._along, np.arange(len(self._along))))

    def _place(self, halt: Halt | None) -> float:
        if halt is None:
            return math.inf
        return float(self._along[int(np.argmin(np.abs(self.passage.feet[:, 1] - halt.row)))])

    def _aside(self, s: float) -> float:
        if self.halt is None or not self.halt.aside:
            return 0.0
        over = min(DRAWS_OVER, self._stop - self._whole) if s < self._stop else DRAWS_OVER
        return self.halt.aside * smooth(1 - abs(s - self._stop) / max(over, 0.1))

    def _driven(self, s: float, standing: bool) -> Floats:
        out, t = [s], self.start
        v = 0.0 if standing else float(self._free[0])
        waiting = self.halt is not None
        while s < self._along[-1] - 0.01 and len(out) < 50_000:
            room = self._stop - s if waiting else math.inf
            free = float(np.interp(s, self._along, self._free))
            wanted = min(free, math.sqrt(2 * BRAKES * max(0.0, room)))
            v = min(wanted, v + GATHERS * STEP)
            if waiting and room < 0.02 and self.halt is not None and t >= self.halt.until:
                waiting = False
            s, t = s + v * STEP, t + STEP
            out.append(s)
        return np.array(out)


def _first_whole(passage: Passage) -> int:
    """The first frame in which the edge of the clip does not cut the actor off: before that it cannot be shifted."""
    right = passage.feet[:, 0] + passage.sizes[:, 0] * 0.6
    edge = max(cut.at[0] + cut.alpha.shape[1] for cut in passage.cuts)
    return int(np.argmax(right < edge))


def smooth(share: float) -> float:
    """0..1 eased at both ends (a polynomial without jerk)."""
    part = min(max(share, 0.0), 1.0)
    return part * part * part * (part * (part * 6 - 15) + 10)


def traffic(
    passages: Sequence[Passage],
    view: View,
    span: tuple[float, float],
    gap: tuple[float, float],
    seed: int,
    fps: float = 25.0,
) -> list[Run]:
    """Passages one after another from `span[0]`, each `gap` seconds after the one before; all are over at `span[1]`.

    None drives into the one before: a start is put off until both keep their distance all the way.
    """
    rng = np.random.default_rng(seed)
    runs: list[Run] = []
    at = span[0]
    while True:
        passage = passages[int(rng.integers(len(passages)))]
        pace = float(rng.uniform(0.85, 1.15))
        run = Run(passage, view, at, fps=fps, pace=pace)
        while runs and _meet(runs[-1], run):
            at += 0.4
            run = Run(passage, view, at, fps=fps, pace=pace)
        if run.end > span[1]:
            return runs
        runs.append(run)
        at += float(rng.uniform(*gap))


def _meet(one: Run, other: Run, distance: float = 5.0) -> bool:
    """Whether both are ever nearer than `distance` m (after one another in one stream of traffic)."""
    for t in np.arange(other.start, min(one.end, other.end), 0.2):
        a, b = one.at(float(t)), other.at(float(t))
        if a is None or b is None:
            continue
        here, there = one.view.metres(one.passage.foot(a[0])), other.view.metres(other.passage.foot(b[0]))
        if float(np.hypot(here[0] - there[0], here[1] - there[1])) < distance:
            return True
    return False
