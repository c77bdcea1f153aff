"""Illegal parking (domain D2): what is one stay, when its wait is proven, and when it ends."""

import numpy as np
import pytest

from edge.frames import Facts, Scene, Tracks
from edge.rules.decision import Outcome
from tests.scenes.kerbside import POLE, Said, Street, car, parked, path, renamed, visit, world
from tests.scenes.world import Thing


def only(said: Said) -> None:
    assert len(said.violations) == 1
    assert len(said.closed) == 1
    assert said.violations[0].passage == said.closed[0].passage


def test_a_car_that_stands_longer_than_permitted_is_a_candidate() -> None:
    said = Street(wait_s=60).say(world(car(visit(4.2, 22, 20, 120))).scenes(0, 150))
    only(said)
    violation, closed = said.violations[0], said.closed[0]
    assert violation.first.t == pytest.approx(20, abs=1)
    assert violation.trigger is not None
    assert violation.trigger.t == pytest.approx(violation.first.t + 60, abs=0.1)
    assert violation.last.t == violation.trigger.t
    assert violation.verdict == "candidate"
    assert violation.numbers["driver_present"] == "unknown"
    assert violation.numbers["share"] == pytest.approx(1.0, abs=0.01)
    assert violation.ground == "calibrated"
    assert closed.first == violation.first
    assert closed.how_ended == "left"
    assert closed.last.t == pytest.approx(120, abs=1)
    assert closed.numbers["dwell_s"] == pytest.approx(100, abs=1.5)


def test_the_reviewer_is_asked_for_the_driver_where_the_policy_says_that_it_decides() -> None:
    rule = Street(wait_s=20).rule(ask_driver=True)
    sayings = [one for scene in world(car(parked(4.2, 22))).scenes(0, 30) for one in rule.step(scene)]
    violation = Said(sayings).violations[0]
    assert violation.verdict == "needs_human"
    assert [question.fact for question in violation.unknown] == ["driver_present"]


def test_pictures_are_kept_from_the_first_standing_instant_and_ten_seconds_later() -> None:
    said = Street(wait_s=60).say(world(car(visit(4.2, 22, 20, 120))).scenes(0, 150))
    first, spacing = said.keeps
    assert (first.moment, spacing.moment) == ("first", "spacing")
    assert first.t == said.violations[0].first.t
    assert spacing.t >= first.t + 10
    assert first.passage == said.violations[0].passage
    assert said.releases == []


def test_who_leaves_in_time_is_cleared_with_the_reason_and_its_pictures_go() -> None:
    said = Street(wait_s=60).say(world(car(visit(4.2, 22, 20, 60))).scenes(0, 100))
    assert said.violations == []
    (cleared,) = said.acquitted
    assert cleared.outcome is Outcome.CLEARED
    assert cleared.suppression == ("within_wait",)
    assert cleared.numbers["proven_s"] == pytest.approx(40, abs=1.5)
    assert [one.passage for one in said.releases] == [cleared.passage]


def test_a_stop_shorter_than_ten_seconds_is_no_stay_at_all() -> None:
    said = Street(wait_s=60).say(world(car(visit(4.2, 22, 20, 26))).scenes(0, 60))
    assert said.sayings == []


def test_a_car_already_there_counts_from_its_first_sighting() -> None:
    said = Street(wait_s=60).say(world(car(parked(4.2, 22))).scenes(0, 90))
    only(said)
    assert said.violations[0].first.t == 0.0
    assert said.violations[0].trigger is not None
    assert said.violations[0].trigger.t == pytest.approx(60, abs=0.1)
    assert said.closed[0].how_ended == "stream_end"


def test_ten_hours_are_one_event() -> None:
    said = Street(wait_s=300).say(world(car(parked(4.2, 22))).scenes(0, 36_000, 0.5))
    only(said)
    assert said.closed[0].numbers["dwell_s"] == pytest.approx(36_000, abs=5)


def test_a_new_id_every_few_seconds_is_still_one_stay() -> None:
    scenes = renamed(world(car(visit(4.2, 22, 20, 120))).scenes(0, 150), lambda t, one: one * 1000 + int(t / 3))
    said = Street(wait_s=60).say(scenes)
    only(said)
    assert said.violations[0].first.t == pytest.approx(20, abs=1)
    assert int(str(said.violations[0].numbers["track_ids"])) > 5


def test_a_bus_that_hides_it_for_a_minute_does_not_end_the_stay() -> None:
    scenes = list(world(car(visit(4.2, 22, 20, 160))).scenes(0, 200, 5))
    hidden = [scene if not 50 < scene.t < 110 else Scene(scene.t, Tracks.empty()) for scene in scenes]
    said = Street(wait_s=100).say(hidden)
    only(said)
    assert said.violations[0].trigger is not None
    assert said.violations[0].trigger.t == pytest.approx(120, abs=1)
    assert float(str(said.violations[0].numbers["longest_gap_s"])) == pytest.approx(60, abs=1)


def test_the_wait_is_proven_at_a_sighting_never_inside_a_gap() -> None:
    scenes = list(world(car(visit(4.2, 22, 20, 160))).scenes(0, 200, 5))
    hidden = [scene if not 50 < scene.t < 110 else Scene(scene.t, Tracks.empty()) for scene in scenes]
    said = Street(wait_s=60).say(hidden)
    assert said.violations[0].trigger is not None
    assert said.violations[0].trigger.t == pytest.approx(110, abs=0.5)


def test_out_of_sight_for_more_than_two_minutes_nothing_is_proven() -> None:
    scenes = list(world(car(visit(4.2, 22, 20, 260))).scenes(0, 300, 5))
    hidden = [scene if not 50 < scene.t < 190 else Scene(scene.t, Tracks.empty()) for scene in scenes]
    said = Street(wait_s=100).say(hidden)
    assert said.violations == []
    assert {one.suppression for one in said.acquitted} == {("unproven",), ("within_wait",)}


def test_after_the_event_a_long_blackout_makes_no_second_event() -> None:
    scenes = list(world(car(visit(4.2, 22, 20, 7000))).scenes(0, 7100, 1))
    hidden = [scene for scene in scenes if not 150 < scene.t < 6000]
    said = Street(wait_s=60).say(hidden)
    only(said)
    assert ("same_case",) in {one.suppression for one in said.acquitted}


def test_a_passing_bus_that_takes_the_id_away_does_not_end_the_stay() -> None:
    bus = Thing("bus", path((60, 0.6, -5), (66, 0.6, 60)), 2, heading=0.0)
    scenes = list(world(car(visit(4.2, 22, 20, 120)), bus).scenes(0, 150, 12.5))

    def stolen(t: float, one: int) -> int:
        if t < 62.5:
            return one
        return {1: 3, 2: 1}[one]

    covered = [_without(scene, 1) if 62.0 <= scene.t <= 63.2 else scene for scene in scenes]
    said = Street(wait_s=90).say(renamed(covered, stolen))
    only(said)
    assert said.violations[0].first.t == pytest.approx(20, abs=1)


def _without(scene: Scene, one: int) -> Scene:
    tracks = scene.tracks
    rows = tracks.ids != one
    return Scene(
        scene.t, Tracks(tracks.ids[rows], tracks.boxes[rows], tracks.scores[rows], tracks.classes[rows], tracks.facts)
    )


def test_shuffling_restarts_the_clock_not_the_stay() -> None:
    place = path((0, 4.2, 20), (50, 4.2, 20), (53, 4.2, 23), (200, 4.2, 23))
    said = Street(wait_s=60).say(world(car(place)).scenes(0, 200))
    only(said)
    assert said.violations[0].first.t == pytest.approx(53, abs=1)
    assert said.violations[0].numbers["shuffles"] == 1
    # The pictures of the wait that was broken off are given up before new ones are kept.
    assert len(said.releases) == 1


def test_shuffling_after_the_event_makes_no_second_one() -> None:
    place = path((0, 4.2, 20), (90, 4.2, 20), (93, 4.2, 23), (300, 4.2, 23))
    only(Street(wait_s=60).say(world(car(place)).scenes(0, 300, 5)))


def test_leaving_and_coming_back_after_more_than_five_minutes_is_a_new_case() -> None:
    first, second = visit(4.2, 22, 20, 120), visit(4.2, 22, 500, 600)
    said = Street(wait_s=60).say(world(car(lambda t: first(t) if t < 300 else second(t))).scenes(0, 650, 5))
    assert len(said.violations) == 2
    assert len({one.passage for one in said.violations}) == 2
    assert [one.first.t for one in said.violations] == [pytest.approx(20, abs=1), pytest.approx(500, abs=1)]


def test_the_same_plate_back_within_five_minutes_is_the_same_case() -> None:
    first, second = visit(4.2, 22, 20, 120), visit(4.2, 22, 250, 350)
    thing = car(lambda t: first(t) if t < 200 else second(t), facts=Facts(plate="浙A12345"))
    said = Street(wait_s=60).say(world(thing).scenes(0, 400, 5))
    only(said)
    assert ("same_case",) in {one.suppression for one in said.acquitted}


def test_identical_cars_that_swap_places_are_two_stays() -> None:
    said = Street(wait_s=60).say(
        world(car(visit(4.2, 22, 20, 100), 1), car(visit(4.2, 22, 115, 200), 2)).scenes(0, 240, 12.5)
    )
    assert len(said.violations) == 2
    assert [one.first.t for one in said.violations] == [pytest.approx(20, abs=1), pytest.approx(115, abs=1)]


def test_two_short_stays_of_identical_cars_do_not_add_up() -> None:
    said = Street(wait_s=60).say(
        world(car(visit(4.2, 22, 20, 65), 1), car(visit(4.2, 22, 80, 125), 2)).scenes(0, 160, 12.5)
    )
    assert said.violations == []
    assert len(said.acquitted) == 2


def test_passing_traffic_is_never_a_stay() -> None:
    things = [car(path((4 * n, 4.0, -5), (4 * n + 7, 4.0, 70)), n + 1) for n in range(30)]
    for fps in (12.5, 2, 1):
        said = Street(wait_s=5).say(world(*things, noise=2.0, miss=0.1).scenes(0, 130, fps))
        assert said.sayings == []


def test_a_slow_mover_is_never_a_stay() -> None:
    said = Street(wait_s=10).say(world(car(path((0, 4.2, 14), (90, 4.2, 38)))).scenes(0, 90))
    assert said.violations == []


def test_a_creeping_queue_is_no_stay() -> None:
    steps = [(20.0 * n + dt, 4.2, 14 + 2.0 * n + (2.0 if dt else 0)) for n in range(10) for dt in (0.0, 2.0)]
    points = [(t, x, y) for t, x, y in steps]
    said = Street(wait_s=30).say(
        world(car(path((0, 4.2, 14), *[(t + 18, x, y) for t, x, y in points]))).scenes(0, 200, 5)
    )
    assert said.violations == []


@pytest.mark.parametrize("sway", [0.05, 0.12])
def test_a_box_that_sways_at_night_is_still_one_stay(sway: float) -> None:
    scenes = list(world(car(visit(4.2, 22, 20, 120))).scenes(0, 150, 12.5))
    rng = np.random.default_rng(4)
    swayed = []
    for scene in scenes:
        tracks = scene.tracks
        shift = sway * np.sin(2.1 * scene.t) + rng.normal(0, sway / 3)
        width = (tracks.boxes[:, 2] - tracks.boxes[:, 0])[:, None]
        boxes = (tracks.boxes + shift * width * np.array([1, 0, 1, 0])).astype(np.float32)
        swayed.append(Scene(scene.t, Tracks(tracks.ids, boxes, tracks.scores, tracks.classes, {})))
    only(Street(wait_s=60).say(swayed))


def test_a_box_that_is_split_and_run_together_for_a_while_is_still_one_stay() -> None:
    scenes = list(world(car(visit(4.2, 22, 20, 120))).scenes(0, 150, 12.5))
    broken = []
    for scene in scenes:
        tracks, boxes = scene.tracks, scene.tracks.boxes.copy()
        if len(tracks) and 40 < scene.t < 44:
            boxes[:, 3] -= 0.45 * (boxes[:, 3] - boxes[:, 1])
        if len(tracks) and 60 < scene.t < 64:
            boxes[:, 0] -= 0.8 * (boxes[:, 2] - boxes[:, 0])
        broken.append(Scene(scene.t, Tracks(tracks.ids, boxes, tracks.scores, tracks.classes, {})))
    said = Street(wait_s=90).say(broken)
    only(said)
    assert said.violations[0].first.t == pytest.approx(20, abs=1)


def test_rubbish_boxes_are_passed_over() -> None:
    scenes = []
    for scene in world(car(parked(4.2, 22))).scenes(0, 40, 5):
        tracks = scene.tracks
        rubbish = np.array(
            [[np.nan, 1, 2, 3], [50, 50, 40, 40], [np.inf, 0, np.inf, 9], [10, 10, 10, 10]], dtype=np.float32
        )
        scenes.append(
            Scene(
                scene.t,
                Tracks(
                    np.concatenate([tracks.ids, [90, 91, 92, 93]]),
                    np.concatenate([tracks.boxes, rubbish]),
                    np.concatenate([tracks.scores, np.array([0.9, 0.9, np.nan, 0.9], np.float32)]),
                    np.concatenate([tracks.classes, np.array([3, 3, 3, 3], np.int8)]),
                ),
            )
        )
    said = Street(wait_s=20).say(scenes)
    only(said)
    numbers = [value for value in said.violations[0].numbers.values() if isinstance(value, float)]
    assert np.isfinite(numbers).all()


def test_time_must_rise() -> None:
    rule = Street().rule()
    list(rule.step(Scene(1.0, Tracks.empty())))
    with pytest.raises(ValueError, match="must rise"):
        list(rule.step(Scene(1.0, Tracks.empty())))


def test_the_camera_of_these_scenes_sees_the_zone() -> None:
    assert POLE.frame == (1280, 720)
    zone = Street().camera().zones[0].polygon
    assert all(0 <= x <= 1280 and 0 <= y <= 720 for x, y in zone)
