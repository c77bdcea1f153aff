"""The calibration campaign: clicks 2 px off on generated cameras, and how far lengths are off then.

    python -m tests.bench.calibration --cameras 1000 --seed 1

For 4 to 8 clicked points: what 95 of 100 lengths keep within, from kerb to kerb on the crossing and along the approach;
how often the plane's own expectation held; and, with one of the points wrong, how often that one was named. Leaves with 1
where six points or more miss 2 % on the crossing or 4 % on the approach, or where a good point was called wrong.
"""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from survey.calibration import MOST_APPROACH, MOST_CROSSING, Calibration, calibrate
from survey.suspicion import suspect
from tests.scenes.poles import Pole, pole

Array = NDArray[np.float64]

CLICK_PX = 2.0
#: A point is off by so much: metres mistyped, or pixels beside the mark.
WRONG = {"1 m": (1.0, 0.0), "2 m": (2.0, 0.0), "4 m": (4.0, 0.0), "30 px": (0.0, 30.0), "120 px": (0.0, 120.0)}


@dataclass
class Tally:
    """Of one number of points: shares of error, how often expectations held, what was said of wrong points."""

    across: list[float] = field(default_factory=list)
    along: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)
    falsely: int = 0
    said: dict[str, Counter[str]] = field(default_factory=dict)


def campaign(points: int, cameras: int, seed: int) -> Tally:
    """Click `points` marks of `cameras` generated cameras."""
    rng, tally = np.random.default_rng([seed, points]), Tally()
    for _ in range(cameras):
        view = pole(rng)
        marks = view.marks(points)
        clicked = view.to_image.apply(marks) + rng.normal(0, CLICK_PX, marks.shape)
        made = calibrate(clicked, marks)
        tally.falsely += not made.suspicion.agree
        _measure(view, made, rng, tally)
        if points >= 5:
            _mistake(clicked, marks, rng, tally)
    return tally


def _measure(view: Pole, made: Calibration, rng: np.random.Generator, tally: Tally) -> None:
    for found, draw in ((tally.across, view.across), (tally.along, view.along)):
        for _ in range(5):
            length = draw(rng)
            true = float(np.linalg.norm(length[1] - length[0]))
            ends = made.to_road.apply(view.to_image.apply(length))
            off = abs(float(np.linalg.norm(ends[1] - ends[0])) / true - 1)
            found.append(off)
            tally.held.append(off <= made.expected(_pair(length[0]), _pair(length[1])))


def _pair(point: Array) -> tuple[float, float]:
    return float(point[0]), float(point[1])


def _mistake(clicked: Array, marks: Array, rng: np.random.Generator, tally: Tally) -> None:
    for kind, (metres, pixels) in WRONG.items():
        number, turn = int(rng.integers(len(marks))), rng.uniform(0, 2 * np.pi)
        away = np.array([np.cos(turn), np.sin(turn)])
        typed, seen = marks.copy(), clicked.copy()
        typed[number] += metres * away
        seen[number] += pixels * away
        tally.said.setdefault(kind, Counter())[_said(seen, typed, number)] += 1


def _said(seen: Array, typed: Array, number: int) -> str:
    try:
        found = suspect(seen, typed)
    except ValueError:
        return "refused"
    if found.agree:
        return "passed"
    if found.point is None:
        return "told, unnamed"
    if found.point == number:
        return "first of several" if found.or_else else "named"
    return "among several" if number in found.or_else else "another named"


def main() -> None:
    """Run the campaign, print its table, leave with 1 where it fell short."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--cameras", type=int, default=1000, help="cameras for each number of points")
    asked.add_argument("--seed", type=int, default=1)
    given, short = asked.parse_args(), False
    print("points  crossing p95  approach p95  expectation held  good points suspected")
    tallies = {points: campaign(points, given.cameras, given.seed) for points in (4, 5, 6, 7, 8)}
    for points, tally in tallies.items():
        across, along = np.percentile(tally.across, 95), np.percentile(tally.along, 95)
        short |= points >= 6 and (across > MOST_CROSSING or along > MOST_APPROACH)
        print(
            f"{points:6}  {across:12.2%}  {along:12.2%}  {np.mean(tally.held):16.1%}  {tally.falsely}/{given.cameras}"
        )
    print("\nof cameras with one point wrong:")
    for points, tally in tallies.items():
        for kind, said in tally.said.items():
            words = ", ".join(f"{word} {many / given.cameras:.1%}" for word, many in said.most_common())
            print(f"{points:6} points, {kind:>6}: {words}")
            short |= said["another named"] > 0.01 * given.cameras
    sys.exit(int(short))


if __name__ == "__main__":
    main()
