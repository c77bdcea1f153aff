"""What happens in the demo's street, and what must come of it.

Four vehicles and two people. One bus waits at the yellow kerb for longer than is allowed, one as long in the drawn
bay. One drives through the zebra although a person is crossing its lane, one stops for a person and goes on when the
crossing is free. Everybody has left the picture when the scene ends, so that a repeated pass is new stays.
"""

from dataclasses import dataclass
from typing import Any

from sightline.demo.scene.cutouts import LENGTH
from sightline.demo.scene.motion import Drive, Stop, Walk, down_the_street
from sightline.demo.scene.world import FPS, STOP_LINE

DURATION = 54.0
FRAMES = int(DURATION * FPS)
#: What the site file permits at the yellow kerb, seconds; the scene's offender stands for over 23.
PERMITTED_WAIT_S = 15.0

_LEFT, _RIGHT, _KERB = -8.88, -5.62, -11.78
_HALF = LENGTH / 2
#: When the front of the offender passes the stop line, and when the other person steps onto the crossing.
_RUN_OVER, _STEP_OUT = 21.0, 29.0


@dataclass(frozen=True, slots=True)
class VehicleActor:
    """A bus in its own paint: `hue` 0..179, saturation and brightness as shares of the photograph's."""

    name: str
    drive: Drive
    paint: tuple[int, float, float] | None


@dataclass(frozen=True, slots=True)
class WalkerActor:
    """One of the two people of the photograph, and where they walk. `height` in metres."""

    name: str
    walk: Walk
    sprite: int
    height: float = 1.80


def _offender_at_the_zebra() -> Drive:
    path = down_the_street(_LEFT)
    trial = Drive(path, 6.1, 0.0)
    return Drive(path, 6.1, _RUN_OVER - trial.reaches(STOP_LINE + _HALF))


VEHICLES = (
    VehicleActor(
        "legal",
        Drive(down_the_street(_LEFT, (_KERB - 0.1, 42.6, 39.0, 26.5)), 8.5, 0.2, [Stop(41.2, 40.5)]),
        (14, 0.9, 1.15),
    ),
    VehicleActor(
        "parker",
        Drive(down_the_street(_LEFT, (_KERB, 30.6, 27.6, 20.0)), 7.5, 3.4, [Stop(29.6, 37.5)]),
        None,
    ),
    VehicleActor("runner", _offender_at_the_zebra(), (2, 0.95, 1.0)),
    VehicleActor(
        "yielder",
        Drive(down_the_street(_RIGHT), 7.0, _STEP_OUT - 10.8, [Stop(STOP_LINE + 0.9 + _HALF, _STEP_OUT + 6.4)]),
        (150, 0.55, 0.9),
    ),
)

_ROW = 19.4
_PACE = 1.25
WALKERS = (
    WalkerActor(
        "crosser",
        Walk(
            (
                (_RUN_OVER - 12.0, 3.6, _ROW),
                (_RUN_OVER - 6.4, -3.5, _ROW),
                (_RUN_OVER - 5.8, -3.6, _ROW),
                (_RUN_OVER - 4.2, -5.6, _ROW),
                (_RUN_OVER - 1.7, -6.75, _ROW),
                (_RUN_OVER + 2.2, -6.8, _ROW),
                (_RUN_OVER + 5.6, -11.0, _ROW),
                (_RUN_OVER + 8.4, -14.2, _ROW - 0.5),
                (_RUN_OVER + 13.5, -16.0, _ROW - 7.0),
                (_RUN_OVER + 16.0, -16.2, _ROW - 11.0),
            )
        ),
        sprite=0,
    ),
    WalkerActor(
        "guest",
        Walk(
            (
                (_STEP_OUT - 11.0, -16.2, _ROW - 11.0),
                (_STEP_OUT - 3.2, -12.8, _ROW - 1.8),
                (_STEP_OUT - 1.2, -10.9, _ROW + 0.2),
                (_STEP_OUT - 0.2, -10.7, _ROW + 0.2),
                (_STEP_OUT + 5.3, -10.7 + 5.5 * _PACE, _ROW + 0.2),
                (_STEP_OUT + 11.8, 4.2, _ROW - 0.4),
            )
        ),
        sprite=1,
    ),
)


def truth() -> dict[str, Any]:
    """What exactly must come out of one pass: the tickets, with when (scene seconds), and who must not be accused."""
    parker = VEHICLES[1].drive
    stood = next(t / 10 for t in range(600) if _stands(parker, t / 10))
    return {
        "duration_s": DURATION,
        "tickets": [
            {"rule": "illegal_parking", "zone_id": "kerb", "t_trigger": round(stood + PERMITTED_WAIT_S, 1)},
            {"rule": "failure_to_yield", "zone_id": "zebra", "lane_id": "l1", "t_trigger": _RUN_OVER},
        ],
        "not_accused": [
            {"actor": "legal", "because": "stands in the drawn parking bay"},
            {"actor": "yielder", "because": "stops before the crossing until the person has crossed"},
        ],
    }


def _stands(drive: Drive, t: float) -> bool:
    now, then = drive.pose(t), drive.pose(t + 0.5)
    return now is not None and then is not None and now.y < 40 and abs(now.y - then.y) < 0.01
