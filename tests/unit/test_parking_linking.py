"""Whose a box is when the tracker's ids say otherwise: by place first, the id is a hint (issue 3 item 1)."""

from collections.abc import Sequence

import numpy as np
import pytest

from edge.frames import BUS, CAR, Facts
from edge.rules.ground import plane_of
from edge.rules.linking import Links, link
from edge.rules.sighting import Sighting
from edge.rules.vehicle import Vehicle
from tests.scenes.kerbside import Street, car, parked, renamed, world

Box = tuple[float, float, float, float]

HERE: Box = (500.0, 300.0, 600.0, 380.0)
#: Drives up to HERE and past it; the second and the third overlap it by less than half, and by more.
WAY: tuple[Box, ...] = ((380.0, 310.0, 490.0, 395.0), (455.0, 305.0, 558.0, 390.0), (522.0, 302.0, 624.0, 383.0))
PLANE = plane_of(Street(calibrated=False).camera())


def sighting(t: float, box: Box, track_id: int, kind: int = CAR) -> Sighting:
    return Sighting(t, np.array(box), kind, 0.8, track_id, Facts())


def vehicle(key: int, *seen: tuple[float, Box]) -> Vehicle:
    """One seen at those instants in those boxes, with its key for id."""
    first, *more = [sighting(t, box, key) for t, box in seen]
    found = Vehicle.born(key, first)
    for one in more:
        found.see(one, PLANE)
    return found


def whose(links: Links) -> dict[int, int | None]:
    """By track id of a sighting the vehicle that it was given to; None: a new one."""
    return {one.track_id: owner.key for owner, one in links.whole} | {one.track_id: None for one in links.fresh}


def seen_twice() -> Vehicle:
    return vehicle(1, (9.0, HERE), (10.0, HERE))


@pytest.mark.parametrize(("after_s", "owner"), [(4.0, 1), (6.0, None)])
def test_one_not_yet_at_rest_is_found_in_its_very_box_within_five_seconds(after_s: float, owner: int | None) -> None:
    one = seen_twice()
    assert one.rest is None
    assert whose(link([one], [sighting(10 + after_s, HERE, 9)], 10 + after_s)) == {9: owner}


@pytest.mark.parametrize(
    "other",
    [
        (470.0, 303.0, 572.0, 386.0),
        (500.0, 300.0, 620.0, 380.0),
        (512.0, 308.0, 612.0, 388.0),
    ],
)
def test_a_box_that_is_not_the_very_same_is_another_thing(other: Box) -> None:
    assert whose(link([seen_twice()], [sighting(14.0, other, 9)], 14.0)) == {9: None}


def test_seen_in_a_box_but_once_it_did_not_stand_there() -> None:
    # Of traffic that runs evenly each vehicle is once where the one before was.
    runs = vehicle(1, (9.0, WAY[0]), (10.0, HERE))
    assert whose(link([runs], [sighting(14.0, HERE, 9)], 14.0)) == {9: None}


def test_one_that_is_known_under_this_id_is_not_given_to_who_stood_in_its_box() -> None:
    comes = vehicle(2, (12.0, WAY[0]), (13.0, WAY[1]))
    assert whose(link([seen_twice(), comes], [sighting(14.0, HERE, 2)], 14.0)) == {2: 2}
    # Nor when it cannot be that one itself, a third as large: then nobody can tell whose it is.
    small = vehicle(2, (12.0, (100.0, 100.0, 140.0, 130.0)), (13.0, (110.0, 100.0, 150.0, 130.0)))
    assert whose(link([seen_twice(), small], [sighting(14.0, HERE, 2)], 14.0)) == {2: None}


def test_the_wait_of_one_found_again_begins_when_it_was_first_seen_there() -> None:
    def name(t: float, one: int) -> int:
        return one if t < 8 else 7

    # Two sightings, four seconds of nothing, then another id: at night and a picture a second nothing rare.
    scenes = [scene for scene in world(car(parked(4.2, 22))).scenes(5, 80, 1) if not 6.5 < scene.t < 9.5]
    (violation,) = Street(wait_s=60).say(renamed(scenes, name)).violations
    assert violation.first.t == pytest.approx(5.0, abs=0.01)


def standing(until: float = 13.0, step: float = 0.5) -> Vehicle:
    one = vehicle(1, *[(t, HERE) for t in np.arange(5.0, until + step / 2, step).tolist()])
    assert one.rest is not None
    assert one.rest.settled
    return one


def coming(until: float, kind: int = CAR) -> Vehicle:
    found = Vehicle.born(2, sighting(until - 0.5, WAY[0], 2, kind))
    found.see(sighting(until, WAY[1], 2, kind), PLANE)
    return found


def owners(one: Vehicle, other: Vehicle, seen: Sequence[Sighting], t: float) -> dict[int, int | None]:
    return whose(link([one, other], seen, t))


@pytest.mark.parametrize("box", [HERE, (501.0, 302.0, 599.0, 379.0), (500.0, 300.0, 572.0, 380.0)])
def test_a_standing_vehicles_own_box_is_its_own_though_a_passers_id_has_jumped_to_it(box: Box) -> None:
    # Whole, with a detector's noise, or with its right side hidden behind the one that passes.
    assert owners(standing(), coming(13.0), [sighting(13.5, box, 2)], 13.5) == {2: 1}


def test_a_passers_own_box_is_not_the_standing_vehicles_however_much_they_overlap() -> None:
    assert owners(standing(), coming(13.0), [sighting(13.5, WAY[2], 2)], 13.5) == {2: 2}


def test_of_one_unseen_for_longer_the_place_is_who_came_there() -> None:
    assert owners(standing(until=13.0), coming(17.5), [sighting(18.0, HERE, 2)], 18.0) == {2: 2}


#: The place of the next in a queue, seen from a low pole: its box overlaps HERE by a third.
NEXT: Box = (512.0, 340.0, 625.0, 428.0)


@pytest.mark.parametrize(("until", "owner"), [(17.5, 1), (15.0, 2)])
def test_an_id_that_jumps_along_a_queue_moves_no_vehicle_that_stood_just_now(until: float, owner: int) -> None:
    # The one in HERE was seen last at 13 s; the next, or only its id, is in HERE at 18 s. From a standstill it takes
    # longer than half a second to get there.
    queued = vehicle(2, *[(t, NEXT) for t in np.arange(5.0, until + 0.25, 0.5).tolist()])
    assert queued.rest is not None
    assert owners(standing(until=13.0), queued, [sighting(18.0, HERE, 2)], 18.0) == {2: owner}


def test_a_bus_whose_id_jumps_to_the_car_behind_it_leaves_the_car_its_wait() -> None:
    one, passer = standing(), coming(13.0, BUS)
    for t in (13.5, 14.0, 14.5):
        ((owner, found),) = link([one, passer], [sighting(t, HERE, 2)], t).whole
        assert owner is one
        owner.see(found, PLANE)
    assert one.rest is not None
    assert one.rest.t_last == 14.5
    assert one.rest.t_first == 5.0
