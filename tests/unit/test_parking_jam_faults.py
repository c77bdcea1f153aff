"""The jam veto of illegal parking before a detector with faults: boxes that flicker, speeds that are no longer true."""

from collections.abc import Iterator

import numpy as np
import pytest

from edge.frames import CLASSES, Facts, Scene, Tracks
from edge.rules.ground import plane_of
from edge.rules.sighting import Sighting
from edge.rules.vehicle import Vehicle
from tests.scenes.kerbside import Street, car, parked, visit, world
from tests.scenes.world import Pinhole, Thing

#: How far the false box is from its place [px], sighting by sighting.
FLICKER = (0.0, 3.0, 1.0)


def jammed(fps: float) -> Iterator[Scene]:
    """One pulls into the kerb while three stand in the lane beside it all the time."""
    queue = [car(parked(1.2, y), 10 + n) for n, y in enumerate((18, 25, 32))]
    yield from world(car(visit(4.2, 22, 12, 200), 1), *queue).scenes(0, 100, fps)


def with_box(scene: Scene, box: tuple[float, ...], id: int) -> Scene:
    tracks = scene.tracks
    return Scene(
        scene.t,
        Tracks(
            np.append(tracks.ids, id),
            np.vstack([tracks.boxes, np.array([box], dtype=np.float32)]),
            np.append(tracks.scores, np.float32(0.4)),
            np.append(tracks.classes, np.int8(CLASSES.index("car"))),
            {id: Facts()},
        ),
        scene.signals,
    )


def test_while_the_lane_beside_it_stands_nothing_counts() -> None:
    assert Street(wait_s=40).say(jammed(2)).violations == []


@pytest.mark.parametrize("every_s", [15, 18])
def test_a_false_box_that_flickers_far_away_is_nobody_who_passes(every_s: int) -> None:
    scenes = []
    for scene in jammed(2):
        # A few pixels apart, far up the road: so fast would be a car.
        step = round(scene.t * 2) % (2 * every_s)
        scenes.append(scene if step > 2 else with_box(scene, (700, 150 + FLICKER[step], 716, 162 + FLICKER[step]), 900))
    assert Street(wait_s=40).say(scenes).violations == []


def test_who_seemed_to_move_off_and_stands_again_has_no_speed() -> None:
    place, plane = np.array([600.0, 300, 700, 380]), plane_of(Street().camera())
    shifts = [*[0.0] * 25, 20.0, 20.0, 20.0, *[0.0] * 10]
    found = [Sighting(0.2 * step, place + shift, 2, 0.9, 1, Facts()) for step, shift in enumerate(shifts)]
    vehicle = Vehicle.born(0, found[0])
    speeds = []
    for one in found[1:]:
        vehicle.see(one, plane)
        speeds.append(vehicle.speed_mps or 0.0)
    assert max(speeds[20:]) > 1.0
    assert vehicle.rest is not None
    assert vehicle.speed_mps == 0.0


def test_a_truck_that_stands_near_the_camera_is_in_its_lane_though_the_lower_edge_of_its_box_is_not() -> None:
    """The middle of the lower edge of a long vehicle's box, seen from the side, lies beside its lane."""
    street = Street(pinhole=Pinhole(focal=966, height=6.7, x=4.3, y=-2.9, tilt=15.0, pan=-2.4), wait_s=40)
    street.lanes = [street.lane("r1", ((-0.5, 8.0), (3.0, 8.0), (3.0, 45.0), (-0.5, 45.0)), (1.2, 47.0))]
    truck = Thing("truck", parked(1.2, 11), 10, size=(6.6, 2.3, 3.0))
    queue = [car(parked(1.2, y), 11 + n) for n, y in enumerate((26, 33))]
    scenes = list(world(car(visit(4.2, 22, 12, 200), 1), truck, *queue, pinhole=street.pinhole).scenes(0, 100, 2))
    assert street.say(scenes).violations == []
