"""Failure to yield, seen past others: lower edges hidden, vehicles and people who take one another's place."""

from collections.abc import Callable

import numpy as np
import pytest

from edge.frames import Scene, Tracks
from edge.rules.decision import Decision, Outcome
from edge.rules.footing import COVERED, OPEN, Footing, covered_feet
from edge.rules.ground import plane_of
from edge.rules.mover import Group
from edge.rules.movers import Movers
from edge.rules.yielding import YieldRule
from tests.scenes.crossing import CLEAR, steady, vehicle, walker
from tests.scenes.street import VIEW, Street, decisions, judge
from tests.scenes.world import Thing, World, path

PEDESTRIAN = 50


def scenes_of(street: Street, *things: Thing, t0: float = -4.0, t1: float = 16.0) -> list[Scene]:
    return list(World(street.view, list(things), noise=0.3).scenes(t0, t1, 12.5))


def changed(scenes: list[Scene], change: Callable[[float, Tracks], Tracks]) -> list[Scene]:
    return [Scene(scene.t, change(scene.t, scene.tracks), scene.signals) for scene in scenes]


def lifted(tracks: Tracks, number: int, share: float) -> Tracks:
    """The box of one track with only the upper `share` of it left."""
    boxes = tracks.boxes.copy()
    for row in np.flatnonzero(tracks.ids == number):
        boxes[row, 3] = boxes[row, 1] + share * (boxes[row, 3] - boxes[row, 1])
    return Tracks(tracks.ids, boxes, tracks.scores, tracks.classes, tracks.facts)


def renamed(tracks: Tracks, old: int, new: int) -> Tracks:
    return Tracks(np.where(tracks.ids == old, new, tracks.ids), tracks.boxes, tracks.scores, tracks.classes)


@pytest.mark.parametrize("place", [(0.0, 20.0), (-3.0, 19.0), (3.0, 35.0)])
@pytest.mark.parametrize("share", [0.35, 0.6, 0.85])
def test_a_hidden_foot_is_found_from_head_and_height(place: tuple[float, float], share: float) -> None:
    plane = plane_of(Street().camera())
    corners = [(place[0] + a, place[1] + b, z) for a in (-0.25, 0.25) for b in (-0.15, 0.15) for z in (0.0, 1.7)]
    seen = VIEW.project(np.array(corners))
    whole = np.concatenate([seen.min(axis=0), seen.max(axis=0)])[None]
    height = Footing.of(whole, plane).height
    shown = whole.copy()
    shown[0, 3] = whole[0, 1] + share * (whole[0, 3] - whole[0, 1])
    assert Footing.of(shown, plane).low(height, COVERED) == pytest.approx(whole[:, 3], abs=1.5)


def test_a_box_as_high_as_ever_is_left_alone() -> None:
    boxes = np.array([[600.0, 300.0, 640.0, 400.0]])
    footing = Footing.of(boxes, plane_of(Street().camera()))
    assert footing.low(footing.height * 1.04, COVERED) == pytest.approx([400.0])
    assert footing.low(footing.height * 1.1, OPEN) == pytest.approx([400.0])
    assert footing.low(footing.height * 1.1, COVERED)[0] > 405.0


def test_only_what_is_nearer_covers_feet() -> None:
    person, before, behind, aside = (
        [600.0, 300.0, 640.0, 380.0],
        [560.0, 370.0, 700.0, 480.0],
        [590.0, 250.0, 660.0, 360.0],
        [700.0, 370.0, 800.0, 480.0],
    )
    for other, expected in ((before, True), (behind, False), (aside, False)):
        found = covered_feet(np.array([person, other]), np.array([True, True]))
        assert bool(found[0]) is expected
    assert not covered_feet(np.array([person, before]), np.array([True, False]))[0]


def test_a_pedestrian_whose_legs_a_passing_car_hides_is_still_where_he_is() -> None:
    """From 3.2 to 4.4 s only head and chest are seen; the tracker calls him somebody else afterwards."""
    street = Street()

    def hide(t: float, tracks: Tracks) -> Tracks:
        tracks = lifted(tracks, PEDESTRIAN, 0.45) if 3.2 <= t <= 4.4 else tracks
        return renamed(tracks, PEDESTRIAN, 77) if t > 4.0 else tracks

    seen = scenes_of(street, steady(1, "l1"), walker(PEDESTRIAN, *CLEAR))
    free, hidden = (decisions(judge(street.camera(), one)) for one in (seen, changed(seen, hide)))
    assert [one.outcome for one in hidden] == [Outcome.VIOLATION], [one.reason for one in hidden]
    assert hidden[0].verdict == "candidate"
    assert hidden[0].first.t == pytest.approx(free[0].first.t, abs=0.17)


def test_a_vehicle_whose_lower_half_is_hidden_is_still_where_it_is() -> None:
    street = Street()
    seen = scenes_of(street, steady(1, "l1", 7.0, 6.0), walker(PEDESTRIAN, *CLEAR))
    hidden = changed(seen, lambda t, tracks: lifted(tracks, 1, 0.6) if 3.0 <= t <= 4.5 else tracks)
    free, found = (decisions(judge(street.camera(), one)) for one in (seen, hidden))
    assert [one.outcome for one in found] == [one.outcome for one in free] == [Outcome.VIOLATION]
    for name in ("distance_m", "speed_kmh"):
        assert found[0].numbers[name] == pytest.approx(free[0].numbers[name], rel=0.12)


def test_another_vehicle_under_the_number_of_one_that_left_is_judged_for_itself() -> None:
    """r1 drives off; 1.6 s later another comes the other way from about there, and the tracker takes it for the first.

    The plate that was read belonged to the first one.
    """
    street = Street()
    first = vehicle(1, "r1", (1.0, 0.0), (2.0, 9.0), seen=(-9.0, 5.6))
    second = steady(1, "l1", 12.0, 8.0, seen=(7.2, 30.0))
    late = walker(PEDESTRIAN, (7.5, 4.2), (14.3, -3.8))
    said = decisions(judge(street.camera(), scenes_of(street, first, second, late, t1=18.0)))
    assert [(one.lane_id, one.outcome) for one in said] == [("r1", Outcome.CLEARED), ("l1", Outcome.VIOLATION)]


def test_who_comes_back_over_the_crossing_makes_a_second_passage() -> None:
    """A U-turn beyond the crosswalk: there by r1, back by l1 before a pedestrian. Each way is one decision."""
    there_and_back = path((-1, 1.75, 2.0), (4, 1.75, 34.0), (5.5, -1.75, 38.0), (7, -1.75, 34.0), (14, -1.75, -2.0))
    street = Street()
    seen = scenes_of(street, Thing("car", there_and_back, 1), walker(PEDESTRIAN, (3.5, 4.2), (11.5, -3.8)), t1=17.0)
    said = decisions(judge(street.camera(), seen))
    assert [one.lane_id for one in said] == ["r1", "l1"], [one.reason for one in said]


def test_who_comes_out_of_a_hole_the_other_way_is_another() -> None:
    """Two people meet behind a van; one is seen before, the other after it."""
    street = Street()
    plane = plane_of(street.camera())
    movers = Movers(plane, (0.0, 20.0), dict.fromkeys(Group, 60.0))
    one = Thing("person", path((0, 3.0, 20.0), (4, -1.8, 20.0)), 7)
    other = Thing("person", path((5, -1.8, 20.0), (9, 3.0, 20.0)), 8)
    for scene in World(street.view, [one, other]).scenes(0.0, 9.0, 12.5):
        movers.take(scene)
    people = movers.of(Group.PERSON)
    assert [set(mover.ids) for mover in people] == [{7}, {8}]
    assert people[0].last <= 4.0 < people[1].times[0]


def test_a_piece_of_somebody_does_not_take_his_name() -> None:
    """A second box of the left half of him turns up for a frame; he sways to the left under a new number, and is the same."""
    street = Street()
    movers = Movers(plane_of(street.camera()), (0.0, 20.0), dict.fromkeys(Group, 60.0))
    man = Thing(
        "person", path((0, 0.0, 20.0), (2.0, 0.0, 20.0), (2.08, -0.16, 20.0), (9, -0.16, 20.0)), 7, heading=90.0
    )
    for number, scene in enumerate(World(street.view, [man], noise=0.3).scenes(0.0, 4.0, 12.5)):
        tracks = renamed(scene.tracks, 7, 7 if number <= 25 else 9)
        if number == 25:
            half = tracks.boxes * np.array([1, 1, 0, 1], dtype=np.float32)
            half[0, 2] = tracks.boxes[0, [0, 2]].mean()
            ids = np.concatenate([tracks.ids, [8]])
            boxes = np.concatenate([tracks.boxes, half])
            tracks = Tracks(ids, boxes, np.tile(tracks.scores, 2), np.tile(tracks.classes, 2))
        movers.take(Scene(scene.t, tracks, {}))
    longest = max(movers.of(Group.PERSON), key=lambda mover: len(mover.times))
    assert len(longest.times) == 50 and set(longest.ids) == {7, 9}


class Moving:
    """A plane whose map changes once: a lane then misses the crosswalk, and later meets it again."""

    calibrated = True
    residual_m = None

    def __init__(self, street: Street) -> None:
        self._true = plane_of(street.camera())
        self.version = 0

    def metres(self, points: np.ndarray) -> np.ndarray:
        if self.version == 1:
            # the left half of the picture is far away
            return self._true.metres(points) + np.where(np.asarray(points)[:, :1] < 640, [[0.0, 500.0]], 0.0)
        return self._true.metres(points)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        return self._true.pixels(points)

    def sigma(self, point: tuple[float, float], sigma_px: float = 1.0) -> float:
        return self._true.sigma(point, sigma_px)

    def observe(self, tracks: Tracks) -> None:
        """It changes when the test says so."""


def test_a_plane_that_loses_a_lane_for_a_while_stops_no_stream() -> None:
    street = Street()
    plane = Moving(street)
    camera = street.camera()
    rule = YieldRule(camera, camera.zones[0], plane)
    said: list[Decision] = []
    for scene in scenes_of(street, steady(1, "l1", 9.0), walker(PEDESTRIAN, (3.2, 4.5), (11.0, -3.6))):
        plane.version = 0 if scene.t < -2.0 else 1 if scene.t < 0.0 else 2
        said += decisions(rule.step(scene))
    said += decisions(rule.finish())
    assert [one.outcome for one in said] == [Outcome.VIOLATION], [one.reason for one in said]
