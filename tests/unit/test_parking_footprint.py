"""Without calibration the footprint lies along the kerb in the picture: a truck's box is mostly what stands up."""

import numpy as np
import pytest
from shapely import Polygon

from edge.frames import CAR, TRUCK
from edge.rules.stance import Area, footprint_of
from tests.scenes.kerbside import ZONE, Street, parked
from tests.scenes.world import Pinhole, Thing

POLES = [Pinhole(x=-1.0, height=8.0, tilt=18.0, pan=6.0), Pinhole(x=0.0, height=9.0, tilt=18.0, pan=4.0)]


def area_of(street: Street) -> Area:
    return Area.of([(x, y) for x, y in street.pinhole.ground(ZONE)], street.rule()._roster._plane)


def box_of(thing: Thing, pole: Pinhole) -> np.ndarray:
    corners = thing.corners(0.0)
    assert corners is not None
    seen = pole.project(corners)
    return np.concatenate([seen.min(axis=0), seen.max(axis=0)])


@pytest.mark.parametrize("pole", POLES)
@pytest.mark.parametrize(("kind", "name"), [(CAR, "car"), (TRUCK, "truck")])
@pytest.mark.parametrize("y", [20.0, 30.0])
def test_who_stands_in_the_zone_is_in_it_and_who_stands_in_the_lane_is_not(
    pole: Pinhole, kind: int, name: str, y: float
) -> None:
    street = Street(pinhole=pole, calibrated=False)
    zone, plane = area_of(street), street.rule()._roster._plane
    shares = {}
    for x in (4.2, 1.2):
        box = box_of(Thing(name, parked(x, y), 1), pole)
        way = zone.way_at(np.array([(box[0] + box[2]) / 2, box[3]]))
        assert way is not None and way[1] < 0
        shares[x] = footprint_of(box, kind, None, plane, pole.frame, way).share_in(zone)
    assert shares[4.2] >= 0.7
    assert shares[1.2] <= 0.4


def test_a_square_zone_leads_nowhere_and_then_it_is_the_lower_half() -> None:
    plane = Street(calibrated=False).rule()._roster._plane
    square = Area.of([(0, 0), (100, 0), (100, 95), (0, 95)], plane)
    assert square.way_at(np.array([50.0, 50.0])) is None
    box = np.array([10.0, 20.0, 50.0, 60.0])
    lower = footprint_of(box, CAR, None, plane, (1280, 720)).image
    assert lower.equals(Polygon([(10, 40), (50, 40), (50, 60), (10, 60)]))
    across = footprint_of(box, CAR, None, plane, (1280, 720), np.array([0.99, -0.14])).image
    assert across.equals(lower)
