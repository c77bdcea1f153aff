"""A kerb as a clip filmed it: traffic passes every few seconds, and once in ten minutes somebody stays.

Four takes: `flow` (nobody at the kerb), `arrive`, `stand`, `leave`. The loop of ten minutes shows `flow` ten times
and one stay of about two minutes; who stands is pasted at the kerb from his own passage, braking and driving off.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from sightline.bench.mix.clips import Picture
from sightline.bench.mix.filmed import FilmedStreet, Light
from sightline.bench.mix.passage import Passage
from sightline.bench.mix.run import Halt, Run, traffic
from sightline.bench.mix.script import Draw, Mark, Pace, Script, Take, planted
from sightline.bench.mix.view import Point, View, Window

#: What the site permits at the composed kerbs, and how long who stays stands beyond that at least; seconds.
PERMITTED_WAIT_S = 60.0
ARRIVE_S, LEAVE_S = 14.0, 14.0
#: Seconds between two who pass, and the quiet at both ends of a take.
GAP, QUIET = (2.5, 6.0), 0.4
#: Metres in which one who parks draws to the kerb at least.
LEAST_ROOM = 2.5
_PARKS = frozenset({"car", "truck", "bus"})


@dataclass(frozen=True, slots=True)
class Kerb:
    """Where one may not stand: the kerb's line in px of the clip (near end last), metres to its left and right.

    `row` is where the foot of who stays comes to rest, `beside` how far it stands left of the line, m; `who` chooses
    among those who drive by, best seen first.
    """

    name: str
    clip: str
    fps: float
    view: View
    window: Window
    line: tuple[Point, ...]
    rows: tuple[float, float]
    width: tuple[float, float]
    row: float
    beside: float
    who: int = 0
    light: Light = field(default_factory=Light)
    seed: int = 1

    def line_at(self, row: float) -> float:
        """The line's column at a row."""
        ys, xs = [point[1] for point in self.line], [point[0] for point in self.line]
        return float(np.interp(row, ys, xs))


def kerb_script(kerb: Kerb, pace: Pace, street: Picture, passages: list[Passage]) -> Script:
    """The four takes. Raises LookupError when nobody in the clip could park there."""
    scene = FilmedStreet(street, kerb.view, kerb.window, kerb.light, kerb.seed)
    passing = passing_by(kerb.window, passages, street.shape[1])
    parks = [one for one in passing if one.kind in _PARKS and _room(one, kerb) > LEAST_ROOM]
    if not parks:
        raise LookupError(f"{kerb.clip}: nobody drives through whom the detector sees")
    who = parks[kerb.who % len(parks)]
    aside = (
        kerb.line_at(kerb.row) - kerb.beside * kerb.view.scale(kerb.row) - _foot_at(who, kerb.row)
    ) / kerb.view.scale(kerb.row)

    def stay(start: float, until: float, *, mid: bool) -> Run:
        return Run(who, kerb.view, start, Halt(kerb.row, until, aside), fps=kerb.fps, mid_halt=mid)

    def flow(begin: float, end: float, seed: int) -> list[Run]:
        return traffic(passing, kerb.view, (begin + QUIET, end - QUIET), GAP, kerb.seed * 10 + seed, kerb.fps)

    arriving, leaving = stay(QUIET, 500.0, mid=False), stay(0.0, 2.0, mid=True)
    casts = {
        "flow": (pace.flow_s, flow(0, pace.flow_s, 1)),
        "arrive": (ARRIVE_S, [arriving, *flow(arriving.stands_from, ARRIVE_S, 2)]),
        "stand": (pace.stand_s, [stay(0.0, 500.0, mid=True), *flow(0, pace.stand_s, 3)]),
        "leave": (LEAVE_S, [leaving, *flow(leaving.end + 0.5, LEAVE_S, 4)]),
    }
    takes = [Take(name, seconds, _drawn(scene, runs)) for name, (seconds, runs) in casts.items()]
    mark = Mark("illegal_parking", "kerb", ("arrive", arriving.stands_from), ("leave", 2.0))
    lengths = {take.name: take.seconds for take in takes}
    found = planted(mark, list(pace.kerb), lengths)
    return Script(kerb.name, "parking", kerb.clip, camera_of(kerb), takes, list(pace.kerb), found)


def passing_by(window: Window, passages: list[Passage], width: int) -> list[Passage]:
    """Those who drive in over the picture's edge (who is in its midst at once would pop up) at a driver's pace."""
    bottom = window.top + 40

    def fits(one: Passage) -> bool:
        enters = one.feet[0, 0] + one.sizes[0, 0] / 2 > width - 12
        speed = float(np.hypot(*(one.feet[-1] - one.feet[0]))) / len(one)
        return enters and float(one.feet[:, 1].max()) > bottom and speed > 1.6

    return [one for one in passages if fits(one)]


def camera_of(kerb: Kerb) -> dict[str, Any]:
    """The camera of the site file: ground from the same view that shifts and scales the cut-outs."""
    rows = np.linspace(*kerb.rows, 4)
    left = [(kerb.line_at(y) - kerb.width[0] * kerb.view.scale(y), float(y)) for y in rows]
    right = [(kerb.line_at(y) + kerb.width[1] * kerb.view.scale(y), float(y)) for y in rows]
    zone = [_rounded(kerb.window.pixel(point)) for point in [*left, *reversed(right)]]
    return {
        "name": kerb.name,
        "frame": list(Window.SIZE),
        "ground": ground_of(kerb.view, kerb.window),
        "zones": [{"id": "kerb", "type": "no_parking", "polygon": zone, "permitted_wait_s": PERMITTED_WAIT_S}],
    }


def ground_of(view: View, window: Window) -> dict[str, Any]:
    """Four points of the ground, px of the picture and metres."""
    height = window.width * Window.SIZE[1] / Window.SIZE[0]
    corners = [
        (window.left + window.width * across, window.top + height * down)
        for across, down in ((0.1, 0.95), (0.9, 0.95), (0.8, 0.3), (0.2, 0.3))
    ]
    side = -1 if window.mirrored else 1
    return {
        "image": [_rounded(window.pixel(point)) for point in corners],
        "metres": [[round(side * view.metres(point)[0], 2), round(view.metres(point)[1], 2)] for point in corners],
    }


def _room(passage: Passage, kerb: Kerb) -> float:
    return Run(passage, kerb.view, 0.0, Halt(kerb.row, 1.0), fps=kerb.fps).room


def _foot_at(passage: Passage, row: float) -> float:
    return float(passage.feet[int(np.argmin(np.abs(passage.feet[:, 1] - row))), 0])


def _rounded(point: Point) -> list[float]:
    width, height = Window.SIZE
    return [round(min(max(point[0], 0), width), 1), round(min(max(point[1], 0), height), 1)]


def _drawn(scene: FilmedStreet, runs: list[Run]) -> Draw:
    return partial(scene.frame, runs, [])
