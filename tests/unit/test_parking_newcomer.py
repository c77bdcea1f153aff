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


#: A night at a picture a second, recorded from a generated scene: how the next car came, and the ids it was given.
COMING = [
    (96.0, 11, (662.0, 497.0, 1022.0, 765.0)),
    (97.0, 11, (888.0, 435.0, 1144.0, 642.0)),
    (98.0, 11, (960.0, 404.0, 1138.0, 608.0)),
    (99.0, 12, (970.0, 408.0, 1138.0, 601.0)),
    (100.0, 13, (974.0, 408.0, 1139.0, 601.0)),
    (102.0, 14, (970.0, 408.0, 1143.0, 603.0)),
    (103.0, 15, (970.0, 406.0, 1142.0, 596.0)),
]
STOOD = (972.0, 408.0, 1145.0, 604.0)


def night(coming: list[tuple[float, int, tuple[float, ...]]]) -> Said:
    """One stands from 22 s to 34 s and drives off unseen; then `coming`, and who stands there stands until 115 s."""
    kerb = KERB.model_copy(update={"polygon": [(940, 480), (1180, 480), (1180, 640), (940, 640)]})
    camera = Camera(id="cam-1", url="rtsp://127.0.0.1:8554/cam-1", frame=(1280, 720), zones=[kerb])
    rule = ParkingRule(camera, SHANGHAI, lambda t: START + timedelta(seconds=t), plane_of(camera))
    scenes = [seen(float(t), 9, STOOD) for t in range(22, 35)]
    scenes += [Scene(float(t), Tracks.empty()) for t in range(35, 96)]
    scenes += [seen(*sighting) for sighting in coming]
    scenes += [seen(float(t), 15, STOOD) for t in range(104, 116)]
    return Said([said for scene in scenes for said in rule.step(scene)] + list(rule.finish()))


def test_who_came_and_changed_its_id_before_it_stood_for_sure_does_not_inherit_the_wait() -> None:
    assert night(COMING).violations == []


def test_nor_who_was_seen_on_its_last_metre_only() -> None:
    rolling = (98.0, 11, (990.0, 415.0, 1158.0, 618.0))
    still = (101.0, 13, (972.0, 408.0, 1140.0, 602.0))
    assert night([rolling, *COMING[3:5], still, *COMING[5:]]).violations == []


def test_under_the_same_ids_who_was_not_seen_to_come_goes_on_waiting() -> None:
    (violation,) = night([(t, one, STOOD) for t, one, _ in COMING]).violations
    assert violation.first.t <= 23
