"""What happens in the drawn street: a kerb where a bus stays once in ten minutes, and a zebra with its offence.

A bus needs about fourteen seconds from the corner to the camera; takes are cut so that nobody drives at their ends.
"""

from functools import partial

from sightline.bench.mix.drawn import PAINTS, DrawnStreet, OnFoot, OnWheels, drawn_camera
from sightline.bench.mix.filmed import Light
from sightline.bench.mix.kerb import PERMITTED_WAIT_S
from sightline.bench.mix.script import Mark, Pace, Script, Take, planted
from sightline.demo.scene.cutouts import LENGTH
from sightline.demo.scene.motion import Drive, Stop, Walk, down_the_street
from sightline.demo.scene.world import STOP_LINE

SOURCE = "bus.jpg of the package ultralytics"
_LEFT, _RIGHT, _KERB = -8.88, -5.62, -11.78
_HALF = LENGTH / 2
_ARRIVE_S, _LEAVE_S = 20.0, 18.0
#: Where the bus stands at the kerb, and the strip it draws into and out of (x, in at y, out from y, back at y).
_STANDS, _STRIP = 29.6, (_KERB, 30.6, 27.6, 20.0)
#: At the zebra: when the front of who does not yield passes the stop line, and when the other person steps out.
_RUN_OVER, _STEP_OUT = 13.0, 12.0
_YIELD_S, _OFFEND_S = 28.0, 30.0
_ROW, _PACE = 19.4, 1.25


def drawn_kerb(pace: Pace) -> Script:
    """Nobody, arrival, standing, departure at the yellow kerb."""
    street = DrawnStreet(Light((0.97, 1.0, 1.03), 2.2), seed=31)
    stop = Drive(down_the_street(_LEFT, _STRIP), 7.5, 0.3, [Stop(_STANDS, 500.0)])
    leaving = _standing(2.0)
    casts = {
        "flow": (pace.flow_s, _passing(0.2, pace.flow_s)),
        "arrive": (_ARRIVE_S, [OnWheels(stop, 0), *_passing(3.5, _ARRIVE_S, lane=_RIGHT)]),
        "stand": (pace.stand_s, [OnWheels(_standing(500.0), 0), *_passing(0.2, pace.stand_s)]),
        "leave": (_LEAVE_S, [OnWheels(leaving, 0)]),
    }
    takes = [Take(name, seconds, partial(street.frame, wheels, [])) for name, (seconds, wheels) in casts.items()]
    mark = Mark("illegal_parking", "kerb", ("arrive", _rests(stop)), ("leave", 2.0))
    found = planted(mark, list(pace.kerb), {take.name: take.seconds for take in takes})
    camera = drawn_camera("drawn-kerb", {"kerb", "bay"}, PERMITTED_WAIT_S)
    return Script("drawn-kerb", "parking", SOURCE, camera, takes, list(pace.kerb), found)


def drawn_zebra(pace: Pace) -> Script:
    """Traffic alone; one who waits for a person; traffic alone; one who does not."""
    street = DrawnStreet(Light((1.04, 1.0, 0.95), 2.2), seed=32)
    yields = Drive(down_the_street(_RIGHT), 7.0, _STEP_OUT - 10.8, [Stop(STOP_LINE + 0.9 + _HALF, _STEP_OUT + 6.4)])
    trial = Drive(down_the_street(_LEFT), 6.1, 0.0)
    offends = Drive(down_the_street(_LEFT), 6.1, _RUN_OVER - trial.reaches(STOP_LINE + _HALF))
    casts: dict[str, tuple[float, list[OnWheels], list[OnFoot]]] = {
        "empty": (pace.empty_s, _passing(0.2, pace.empty_s), []),
        "yields": (_YIELD_S, [OnWheels(yields, 3)], [OnFoot(_guest(), 1)]),
        "offends": (_OFFEND_S, [OnWheels(offends, 2)], [OnFoot(_crosser(), 0)]),
    }
    takes = [
        Take(name, seconds, partial(street.frame, wheels, feet))
        for name, (seconds, wheels, feet) in casts.items()
        if name in pace.zebra
    ]
    playlist = list(pace.zebra)
    mark = Mark("failure_to_yield", "zebra", ("offends", _RUN_OVER - 5.8), ("offends", _RUN_OVER))
    found = planted(mark, playlist, {take.name: take.seconds for take in takes})
    return Script("drawn-zebra", "yield", SOURCE, drawn_camera("drawn-zebra", {"zebra"}), takes, playlist, found)


def _passing(begin: float, end: float, lane: float | None = None) -> list[OnWheels]:
    """A bus every four to six seconds, the lanes in turn, all gone at `end`."""
    found: list[OnWheels] = []
    at, number = begin, 0
    while True:
        speed = (8.4, 7.6, 8.0)[number % 3]
        drive = Drive(down_the_street(lane if lane is not None else (_LEFT, _RIGHT)[number % 2]), speed, at)
        if drive.start + drive.path.length / speed + 0.3 > end:
            return found
        found.append(OnWheels(drive, (number + 1) % len(PAINTS)))
        at, number = at + (4.2, 5.6, 4.8)[number % 3], number + 1


def _standing(until: float) -> Drive:
    """The bus at the kerb from the beginning of a take on: its arrival happened long before."""
    return Drive(down_the_street(_LEFT, _STRIP), 7.5, -60.0, [Stop(_STANDS, until)])


def _rests(drive: Drive) -> float:
    """The second at which a drive with a stop comes to rest there."""
    return next(t / 10 for t in range(600) if (pose := drive.pose(t / 10)) is not None and abs(pose.y - _STANDS) < 0.05)


def _crosser() -> Walk:
    """Crosses from the right, waits between the lanes when a bus does not stop, goes on behind it."""
    at = _RUN_OVER
    return Walk(
        (
            (at - 12.0, 3.6, _ROW),
            (at - 6.4, -3.5, _ROW),
            (at - 5.8, -3.6, _ROW),
            (at - 4.2, -5.6, _ROW),
            (at - 1.7, -6.75, _ROW),
            (at + 2.2, -6.8, _ROW),
            (at + 5.6, -11.0, _ROW),
            (at + 8.4, -14.2, _ROW - 0.5),
            (at + 13.5, -16.0, _ROW - 7.0),
            (at + 16.0, -16.2, _ROW - 11.0),
        )
    )


def _guest() -> Walk:
    """Comes along the left walk, steps out and crosses before a bus that waits."""
    at = _STEP_OUT
    return Walk(
        (
            (at - 11.0, -16.2, _ROW - 11.0),
            (at - 3.2, -12.8, _ROW - 1.8),
            (at - 1.2, -10.9, _ROW + 0.2),
            (at - 0.2, -10.7, _ROW + 0.2),
            (at + 5.3, -10.7 + 5.5 * _PACE, _ROW + 0.2),
            (at + 11.8, 4.2, _ROW - 0.4),
        )
    )
