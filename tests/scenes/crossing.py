"""Who drives and who walks over the drawn street: vehicles by when their front reaches the stop line, people by path."""

import numpy as np

from edge.frames import Facts
from edge.rules.decision import Decision, Outcome
from tests.scenes.street import LANE, STOP_L, STOP_R, Street, decisions, play
from tests.scenes.world import DRAWN, Thing, path

#: 20 km/h: the stopping distance of C2 is then 10.7 m.
SLOW = 20 / 3.6
#: A pedestrian in l1's cell or on the way to it, from well before the vehicle could be asked to stop; (t, x).
CLEAR = (1.2, 4.5), (8.0, -3.6)
LANE_X = {"l1": -LANE / 2, "l2": -3 * LANE / 2, "r1": LANE / 2, "r2": 3 * LANE / 2}


def vehicle(
    number: int,
    lane: str,
    *profile: tuple[float, float],
    kind: str = "car",
    facts: Facts | None = None,
    seen: tuple[float, float] = (-1e9, 1e9),
) -> Thing:
    """A vehicle whose front is `s` metres past the stop line at `t`, for (t, s) given; straight between them.

    It keeps the first and last speed before and after. `seen` limits when it is there at all.
    """
    times, places = np.array([t for t, _ in profile]), np.array([s for _, s in profile])
    slopes = np.diff(places) / np.diff(times)
    half = DRAWN[kind][0] / 2
    way = -1 if lane.startswith("l") else 1
    stop = STOP_L if way < 0 else STOP_R

    def place(t: float) -> tuple[float, float] | None:
        s = float(np.interp(t, times, places))
        s += min(t - times[0], 0.0) * slopes[0] + max(t - times[-1], 0.0) * slopes[-1]
        y = stop + way * (s - half)
        return (LANE_X[lane], y) if -4 < y < 75 and seen[0] <= t <= seen[1] else None

    return Thing(kind, place, number, heading=180.0 if way < 0 else 0.0, facts=facts or Facts())


def steady(number: int, lane: str, t_line: float = 6.0, speed: float = SLOW, **more: object) -> Thing:
    """A vehicle that does not brake: its front is at the stop line at `t_line`, at `speed` m/s throughout."""
    return vehicle(number, lane, (t_line, 0.0), (t_line + 1.0, speed), **more)  # type: ignore[arg-type]


def walker(number: int, *points: tuple[float, float], y: float = 20.0, kind: str = "person") -> Thing:
    """A person along (t, x) over the crosswalk; stands before the first and after the last point."""
    whole = [(points[0][0] - 60, points[0][1]), *points, (points[-1][0] + 60, points[-1][1])]
    return Thing(kind, path(*((t, x, y) for t, x in whole)), number, heading=90.0)


def only(street: Street, *things: Thing, **how: float) -> Decision:
    """The one decision of a scene with one vehicle."""
    made = decisions(play(street, things, **how))
    assert len(made) == 1, [decision.reason for decision in made]
    return made[0]


def accused(street: Street, *things: Thing, **how: float) -> bool:
    """Whether the one vehicle of a scene is accused."""
    return only(street, *things, **how).outcome is Outcome.VIOLATION
