"""The next car in a place that stood empty is another car, though only its last rolling metre was seen."""

from datetime import timedelta

import numpy as np

from contract.site import Camera, Zone, ZoneType
from edge.frames import CAR, Scene, Tracks
from edge.rules.ground import plane_of
from edge.rules.parking import ParkingRule
from tests.scenes.kerbside import SHANGHAI, START, Said

PLACE, ROLLING = (521.0, 167.0, 613.0, 253.0), (534.0, 173.0, 616.0, 260.0)
KERB = Zone(
    id="kerb",
    type=ZoneType.NO_PARKING,
    polygon=[(480, 190), (660, 190), (660, 300), (480, 300)],
    permitted_wait_s=30,
)


def seen(t: float, track_id: int, box: tuple[float, ...]) -> Scene:
    row = np.array([box], dtype=np.float32)
    return Scene(t, Tracks(np.array([track_id]), row, np.array([0.8], np.float32), np.array([CAR], np.int8)))


def judged(first: tuple[float, ...]) -> Said:
    """One stands from 15 s to 40 s; from 65 s to 90 s another id is there, first seen at `first`. One picture a second."""
    camera = Camera(id="cam-1", url="rtsp://127.0.0.1:8554/cam-1", frame=(1280, 720), zones=[KERB])
    rule = ParkingRule(camera, SHANGHAI, lambda t: START + timedelta(seconds=t), plane_of(camera))
    scenes = [seen(float(t), 1, PLACE) for t in range(15, 41)]
    scenes += [Scene(float(t), Tracks.empty()) for t in range(41, 65)]
    scenes += [seen(65.0, 2, first)] + [seen(float(t), 2, PLACE) for t in range(66, 91)]
    return Said([said for scene in scenes for said in rule.step(scene)] + list(rule.finish()))


def test_who_rolls_into_an_empty_place_does_not_inherit_the_wait() -> None:
    assert judged(ROLLING).violations == []


def test_who_shows_up_where_it_stood_goes_on_waiting() -> None:
    (violation,) = judged(PLACE).violations
    assert violation.first.t <= 16
