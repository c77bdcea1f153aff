"""Illegal parking at one or two pictures a second, where a vehicle that moves has a new id at every sighting."""

import pytest

from tests.scenes.kerbside import Said, Street, car, renamed, visit, world
from tests.scenes.world import World

#: Two cars, one after the other in one place; each stands for less than the permitted wait.
FIRST, SECOND = visit(4.2, 22, 15, 45), visit(4.2, 22.2, 75, 105)


def two_cars() -> World:
    return world(car(FIRST, 1), car(SECOND, 2))


def said_at(fps: float, name_moving: bool, wait_s: float = 45) -> Said:
    """What is said of two cars; those that move have a new id at each sighting when `name_moving`."""

    def name(t: float, one: int) -> int:
        place = (FIRST if one == 1 else SECOND)(t)
        moves = place is None or place[0] != 4.2
        return one if not (moves and name_moving) else 100 + round(t * 100)

    return Street(wait_s=wait_s).say(renamed(two_cars().scenes(0, 125, fps), name))


@pytest.mark.parametrize("fps", [1, 2, 5])
@pytest.mark.parametrize("name_moving", [False, True])
def test_a_seen_departure_ends_the_stay_however_few_sightings_show_it(fps: float, name_moving: bool) -> None:
    said = said_at(fps, name_moving)
    assert said.violations == []
    assert len(said.acquitted) == 2
    for one in said.acquitted:
        assert float(str(one.numbers["dwell_s"])) == pytest.approx(30, abs=2)


@pytest.mark.parametrize("fps", [1, 2])
def test_who_was_seen_arriving_has_a_stay_of_its_own_though_the_departure_was_missed(fps: float) -> None:
    scenes = [scene for scene in two_cars().scenes(0, 125, fps) if not 45.5 < scene.t < 60]

    def name(t: float, one: int) -> int:
        # The second loses its id at the very sighting in which it stands for the first time.
        return 3 if one == 2 and t >= 75 else one

    said = Street(wait_s=45).say(renamed(scenes, name))
    assert said.violations == []
    assert len(said.acquitted) == 2


def test_one_that_passes_and_hides_a_parked_car_for_a_moment_does_not_end_its_stay() -> None:
    passing = visit(1.4, 60, 48, 49)
    parked = visit(4.2, 22, 10, 90)
    scenes = world(car(parked, 1), car(passing, 2)).scenes(0, 110, 2)

    def hidden(t: float, one: int) -> int:
        # For two seconds the passing one has the parked one's id, and the parked one another.
        swapped = {1: 7, 2: 1} if 44 <= t < 46 else {}
        return swapped.get(one, one)

    said = Street(wait_s=60).say(renamed(scenes, hidden))
    (violation,) = said.violations
    assert violation.first.t == pytest.approx(10, abs=1)
