"""A zebra on a filmed road: painted where the clip has none, crossed by somebody who really walked there.

The road has coordinates of its own, metres: `across` from its edge to the right, `along` with the traffic. Three
takes: `empty` (traffic alone), `yields` (one waits for the pedestrian), `offends` (one does not).
"""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from sightline.bench.mix.clips import Picture
from sightline.bench.mix.filmed import FilmedStreet, Light
from sightline.bench.mix.kerb import GAP, QUIET, ground_of, passing_by
from sightline.bench.mix.passage import Passage
from sightline.bench.mix.run import Halt, Run, traffic
from sightline.bench.mix.script import Mark, Pace, Script, Take, planted
from sightline.bench.mix.view import Point, View, Window
from sightline.bench.mix.walker import Stroll, gait_of

YIELDS_S, OFFENDS_S = 32.0, 34.0
#: The pedestrian's pace, m/s, and how far from a driving vehicle's side she stops, m.
PACE, SHY = 1.35, 1.1
#: She stands before the lane so long before the front of who does not stop is over the line, and as long as
#: it takes; she does not quite stand still.
HESITATES, WAITS_S, CREEPS = 2.2, 5.0, 0.25
#: How long a vehicle of the clip is, m [I]: its box's foot is its rear, the stop line is for its front.
LENGTH = 4.0
#: Who drives near a crossing drives slower than the clip's traffic does.
CALM = 0.65
_DRIVES = frozenset({"car", "truck", "bus"})


@dataclass(frozen=True, slots=True)
class Zebra:
    """`edge`: two points of the road's edge, px of the clip, near end first. Distances in metres of the road.

    `erased`: boxes (x0, y0, x1, y1) px of the clip in which somebody stands throughout it; he would wait at the zebra.
    """

    name: str
    clip: str
    fps: float
    view: View
    window: Window
    edge: tuple[Point, Point]
    road: float
    stop_line: float
    bars: tuple[float, float]
    lanes: tuple[float, ...]
    light: Light
    seed: int
    who: int = 0
    erased: tuple[tuple[int, int, int, int], ...] = ()

    def ground(self, across: float, along: float) -> Point:
        """(X, Z) of a point of the road."""
        near, far = (np.array(self.view.metres(point)) for point in self.edge)
        ahead = (far - near) / float(np.hypot(*(far - near)))
        x, z = near + across * np.array([ahead[1], -ahead[0]]) + along * ahead
        return float(x), float(z)

    def place(self, point: Point) -> tuple[float, float]:
        """(across, along) of a pixel of the clip."""
        near, far = (np.array(self.view.metres(one)) for one in self.edge)
        ahead = (far - near) / float(np.hypot(*(far - near)))
        away = np.array(self.view.metres(point)) - near
        return float(away @ np.array([ahead[1], -ahead[0]])), float(away @ ahead)

    def pixel(self, across: float, along: float) -> Point:
        """The pixel of the picture."""
        return self.window.pixel(self.view.pixel(self.ground(across, along)))

    def area(self, across: tuple[float, float], along: tuple[float, float]) -> list[Point]:
        """The outline of a rectangle of the road, with points between its corners."""
        (a0, a1), (b0, b1) = across, along
        ways = [((a0, b0), (a1, b0)), ((a1, b0), (a1, b1)), ((a1, b1), (a0, b1)), ((a0, b1), (a0, b0))]
        steps = (0.0, 0.25, 0.5, 0.75)
        return [self.pixel(p + (q - p) * s, v + (w - v) * s) for (p, v), (q, w) in ways for s in steps]


def zebra_script(zebra: Zebra, pace: Pace, street: Picture, passages: list[Passage]) -> Script:
    """The three takes. Raises LookupError when the clip has nobody who drives or nobody who walks."""
    passing = [one for one in passing_by(zebra.window, passages, street.shape[1]) if not one.walks]
    drives = [one for one in passing if one.kind in _DRIVES and _comes_by(one, zebra)]
    walks = [one for one in passages if one.walks and one.score > 0.5]
    if not drives or not walks:
        raise LookupError(f"{zebra.clip}: nobody drives or nobody walks whom the detector sees")
    who = drives[zebra.who % len(drives)]
    street = _erased(street, zebra.erased)
    scene = FilmedStreet(street, zebra.view, zebra.window, zebra.light, zebra.seed, _paint(zebra))
    gait = gait_of(walks[0], street)
    steps_out, crossed = _walk_times(zebra)
    shy = _side_of(who, zebra) - SHY
    meets = steps_out + shy / PACE + HESITATES
    waits = Run(
        drives[0],
        zebra.view,
        steps_out - 4.5,
        Halt(_row(drives[0], zebra, zebra.stop_line - 1.2 - LENGTH), crossed),
        fps=zebra.fps,
    )
    rushes = _passing_at(meets, who, zebra)
    casts: dict[str, tuple[float, list[Run], list[Stroll]]] = {
        "empty": (
            pace.empty_s,
            traffic(passing, zebra.view, (QUIET, pace.empty_s - QUIET), GAP, zebra.seed, zebra.fps),
            [],
        ),
        "yields": (YIELDS_S, [waits], [Stroll(gait, _way(zebra, None))]),
        "offends": (OFFENDS_S, [rushes], [Stroll(gait, _way(zebra, shy))]),
    }
    takes = [
        Take(name, seconds, partial(scene.frame, runs, strolls))
        for name, (seconds, runs, strolls) in casts.items()
        if name in pace.zebra
    ]
    mark = Mark("failure_to_yield", "zebra", ("offends", steps_out), ("offends", meets))
    found = planted(mark, list(pace.zebra), {take.name: take.seconds for take in takes})
    return Script(zebra.name, "yield", zebra.clip, camera_of(zebra), takes, list(pace.zebra), found)


def camera_of(zebra: Zebra) -> dict[str, Any]:
    """The camera of the site file."""
    outline = partial(_outline, zebra)
    ends = (2.0, zebra.bars[1] + 4.0)
    lanes = [
        {
            "id": f"l{number}",
            "polygon": outline(between, ends),
            "stop_line": [_inside(zebra.pixel(side, zebra.stop_line)) for side in between],
            "towards": _inside(zebra.pixel(sum(between) / 2, ends[1])),
        }
        for number, between in enumerate(zip(zebra.lanes, zebra.lanes[1:], strict=False), start=1)
    ]
    crosswalk = {
        "id": "zebra",
        "type": "crosswalk",
        "polygon": outline((0.0, zebra.road), zebra.bars),
        "policy": "half_lane",
        "carriageway": outline((0.0, zebra.road), (ends[0], ends[1])),
        "centre": "paint",
        "signal": "none",
        "lanes": lanes,
    }
    running = [{key: lane[key] for key in ("id", "polygon", "towards")} for lane in lanes]
    frame = list(Window.SIZE)
    return {
        "name": zebra.name,
        "frame": frame,
        "ground": ground_of(zebra.view, zebra.window),
        "lanes": running,
        "zones": [crosswalk],
    }


def _outline(zebra: Zebra, across: tuple[float, float], along: tuple[float, float]) -> list[list[float]]:
    return [_inside(point) for point in zebra.area(across, along)]


def _inside(point: Point) -> list[float]:
    width, height = Window.SIZE
    return [round(min(max(point[0], 0), width), 1), round(min(max(point[1], 0), height), 1)]


def _paint(zebra: Zebra) -> list[list[Point]]:
    """Bars of 0.5 m along the road, half a metre between, and the stop line."""
    bars = [zebra.area((a, a + 0.5), zebra.bars) for a in np.arange(0.4, zebra.road - 0.6, 1.0)]
    return [*bars, zebra.area((0.2, zebra.road - 0.2), (zebra.stop_line, zebra.stop_line + 0.35))]


def _erased(street: Picture, boxes: tuple[tuple[int, int, int, int], ...]) -> Picture:
    """The street without those who stand in the boxes, filled from what is round them."""
    mask = np.zeros(street.shape[:2], np.uint8)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = 255
    return np.asarray(cv2.inpaint(street, mask, 5, cv2.INPAINT_TELEA), np.uint8) if boxes else street


def _comes_by(passage: Passage, zebra: Zebra) -> bool:
    """Whether it drives from well before the stop line to beyond the bars."""
    along = [zebra.place((float(x), float(y)))[1] for x, y in passage.feet]
    return min(along) < 4 and max(along) > zebra.bars[1]


def _row(passage: Passage, zebra: Zebra, along: float) -> float:
    """The row of the clip at which its foot is `along` the road."""
    places = np.array([zebra.place((float(x), float(y)))[1] for x, y in passage.feet])
    return float(passage.feet[int(np.argmin(np.abs(places - along))), 1])


def _side_of(passage: Passage, zebra: Zebra) -> float:
    """How far from the road's edge its near side is where it crosses the bars, m."""
    middle = min(passage.feet.tolist(), key=lambda foot: abs(zebra.place((foot[0], foot[1]))[1] - sum(zebra.bars) / 2))
    return zebra.place((middle[0], middle[1]))[0] - 0.9


def _passing_at(t: float, passage: Passage, zebra: Zebra) -> Run:
    """The passage timed so that its front is over the stop line at second `t`."""
    row = _row(passage, zebra, zebra.stop_line - LENGTH)
    trial = Run(passage, zebra.view, 0.0, fps=zebra.fps, pace=CALM)
    return Run(passage, zebra.view, t - trial.reaches(row), fps=zebra.fps, pace=CALM)


#: The pedestrian's way before and behind the bars: metres left of the edge, and along the road where she comes from.
_VERGE, _FROM, _MEDIAN = 0.9, 2.0, 0.4


def _approach(zebra: Zebra) -> list[tuple[float, float]]:
    """(across, along) from where she comes into the picture to where she steps onto the bars."""
    near = zebra.bars[0]
    return [(-_VERGE, _FROM), (-_VERGE, near - 1.2), (0.0, near + 0.6)]


def _walk_times(zebra: Zebra) -> tuple[float, float]:
    """When she steps onto the road, and when she is so far over that who waits may drive; s."""
    steps_out = (
        QUIET + sum(float(np.hypot(a1 - a0, b1 - b0)) for (a0, b0), (a1, b1) in pairwise(_approach(zebra))) / PACE
    )
    return steps_out, steps_out + zebra.road * 0.8 / PACE


def _way(zebra: Zebra, shy: float | None) -> tuple[tuple[float, float, float], ...]:
    """Up the verge, over the bars, down the median; with `shy` she stops so far over while somebody drives by."""
    middle, out = sum(zebra.bars) / 2, zebra.road - _MEDIAN
    points = [(QUIET, *_approach(zebra)[0])]

    def walk(across: float, along: float) -> None:
        t, a, b = points[-1]
        points.append((t + float(np.hypot(across - a, along - b)) / PACE, across, along))

    for place in _approach(zebra)[1:]:
        walk(*place)
    if shy is not None:
        walk(shy, middle)
        points.append((points[-1][0] + WAITS_S, shy + CREEPS, middle))
    walk(out, middle)
    walk(out + 0.2, _FROM - 6)
    return tuple((t, *zebra.ground(a, b)) for t, a, b in points)
