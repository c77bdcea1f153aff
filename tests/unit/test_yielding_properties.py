"""What may not change a judgement: mirroring, scale, time of day, track numbers, the camera's place, a stranger far away."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.site import Camera
from edge.frames import CAR, Scene, Tracks
from edge.rules.decision import Decision
from tests.scenes.crossing import steady, vehicle, walker
from tests.scenes.street import Street, decisions, judge
from tests.scenes.world import Pinhole, Thing, World

FEW = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
Verdict = tuple[str, str, str | None, tuple[str, ...]]


def verdicts(made: list[Decision]) -> list[Verdict]:
    """What a court would read of decisions, without ids and times."""
    return [(d.outcome, d.verdict, d.lane_id, tuple(q.fact for q in d.unknown)) for d in made]


@st.composite
def scenes(draw: st.DrawFn) -> list[Thing]:
    """One vehicle and one to three walkers; away from the borders of the law, where noise may decide."""
    speed = draw(st.sampled_from([4.0, 6.0, 9.0]))
    car = draw(
        st.sampled_from(
            [
                steady(1, "l1", 7.0, speed),
                vehicle(1, "l1", (0.0, -25.0), (4.0, -2.0), (8.0, -2.0), (11.0, 13.0)),
                steady(1, "r1", 7.0, speed),
            ]
        )
    )
    people = []
    for number in range(draw(st.integers(1, 3))):
        start = draw(st.sampled_from([-3.0, 1.0, 2.0, 6.8]))
        side = draw(st.sampled_from([-1.0, 1.0]))
        walk = draw(st.sampled_from([0.9, 1.3]))
        people.append(walker(50 + number, (start, 4.2 * side), (start + 8.4 / walk, -4.2 * side), y=19.0 + number))
    return [car, *people]


def recorded(street: Street, things: list[Thing]) -> list[Scene]:
    return list(World(street.view, things, noise=0.3, seed=5).scenes(-4.0, 16.0, 10.0))


def remade(scenes: list[Scene], change: Callable[[Tracks], Tracks], later: float = 0.0) -> Iterator[Scene]:
    for scene in scenes:
        yield Scene(scene.t + later, change(scene.tracks), scene.signals)


def shaped(camera: Camera, point: Callable[[float, float], tuple[float, float]], frame: tuple[int, int]) -> Camera:
    """The site with every pixel moved; metres stay."""
    keys = {"polygon", "carriageway", "stop_line", "refuge", "centre_line", "image"}

    def moved(value: Any, key: str = "") -> Any:
        if key in keys and value:
            return [point(x, y) for x, y in value]
        if key == "towards":
            return point(*value)
        if isinstance(value, dict):
            return {name: moved(inner, name) for name, inner in value.items()}
        return [moved(inner) for inner in value] if isinstance(value, list) and key != "metres" else value

    return Camera.model_validate(moved(camera.model_dump(exclude_none=True)) | {"frame": list(frame)})


def both(one: Tracks, other: Tracks) -> Tracks:
    """What is tracked in either."""
    columns = ("ids", "boxes", "scores", "classes")
    joined = {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in columns}
    return Tracks(**joined, facts={**one.facts, **other.facts})


def with_boxes(tracks: Tracks, boxes: Any) -> Tracks:
    return replace(tracks, boxes=np.asarray(boxes, dtype=np.float32))


@FEW
@given(scenes(), st.sampled_from(["same_lane", "half_lane", "adjacent", "half_road"]), st.booleans())
def test_a_mirrored_street_is_judged_the_same(things: list[Thing], policy: str, ground: bool) -> None:
    street = Street(policy=policy, ground=ground)
    seen = recorded(street, things)
    camera = street.camera()
    width, height = camera.frame
    mirrored = shaped(camera, lambda x, y: (width - x, y), (width, height))
    flipped = remade(
        seen,
        lambda tracks: (
            with_boxes(tracks, [(width - x2, y1, width - x1, y2) for x1, y1, x2, y2 in tracks.boxes])
            if len(tracks)
            else tracks
        ),
    )
    assert verdicts(decisions(judge(mirrored, flipped))) == verdicts(decisions(judge(camera, seen)))


@FEW
@given(scenes(), st.sampled_from([0.5, 1.5, 3.0]), st.booleans())
def test_a_larger_image_is_judged_the_same(things: list[Thing], scale: float, ground: bool) -> None:
    street = Street(ground=ground)
    seen = recorded(street, things)
    camera = street.camera()
    frame = (round(camera.frame[0] * scale), round(camera.frame[1] * scale))
    larger = shaped(camera, lambda x, y: (x * scale, y * scale), frame)
    grown = remade(seen, lambda tracks: with_boxes(tracks, tracks.boxes * scale))
    assert verdicts(decisions(judge(larger, grown))) == verdicts(decisions(judge(camera, seen)))


@FEW
@given(scenes(), st.sampled_from([-1000.0, 0.37, 86_400.0, 1.7e6]))
def test_another_time_of_day_is_judged_the_same(things: list[Thing], later: float) -> None:
    street = Street()
    seen = recorded(street, things)
    now, then = (
        decisions(judge(street.camera(), seen)),
        decisions(judge(street.camera(), remade(seen, lambda tracks: tracks, later))),
    )
    assert verdicts(then) == verdicts(now)
    for early, late in zip(now, then, strict=True):
        assert late.first.t - early.first.t == pytest.approx(later, abs=0.101)
        assert late.last.t - early.last.t == pytest.approx(later, abs=0.101)


@FEW
@given(scenes(), st.permutations(range(100, 110)))
def test_other_track_numbers_are_judged_the_same(things: list[Thing], numbers: list[int]) -> None:
    street = Street()
    seen = recorded(street, things)
    renumbered = remade(
        seen,
        lambda tracks: replace(tracks, ids=np.array([numbers[int(i) % 10] for i in tracks.ids], dtype=np.int64)),
    )
    assert verdicts(decisions(judge(street.camera(), renumbered))) == verdicts(decisions(judge(street.camera(), seen)))


@FEW
@given(scenes())
def test_ids_that_mean_nothing_are_judged_the_same(things: list[Thing]) -> None:
    """Every box of every frame under a number of its own: place and motion tell who is who."""
    street = Street()
    seen = recorded(street, things)
    fresh = iter(range(10**6))
    strangers = remade(
        seen, lambda tracks: replace(tracks, ids=np.array([next(fresh) for _ in tracks.ids], dtype=np.int64))
    )
    assert verdicts(decisions(judge(street.camera(), strangers))) == verdicts(decisions(judge(street.camera(), seen)))


@FEW
@given(scenes(), st.sampled_from(["walker", "parked", "passing"]))
def test_a_distant_stranger_changes_nothing(things: list[Thing], who: str) -> None:
    stranger = {
        "walker": walker(77, (0.0, 30.0), (14.0, 14.0), y=60.0),
        "parked": Thing("car", lambda _t: (9.0, 40.0), 77, heading=0.0),
        "passing": Thing("truck", lambda t: (-40.0 + 5 * t, 66.0), 77, heading=90.0),
    }[who]
    street = Street()
    seen = recorded(street, things)
    joined = [
        Scene(scene.t, both(scene.tracks, other.tracks), scene.signals)
        for scene, other in zip(seen, recorded(street, [stranger]), strict=True)
    ]
    assert verdicts(decisions(judge(street.camera(), joined))) == verdicts(decisions(judge(street.camera(), seen)))


VIEWS = (
    Pinhole(x=0.0, y=-6.0, height=7.0, tilt=13.0),
    Pinhole(x=7.0, y=-8.0, height=6.0, tilt=10.0, pan=-8.0),
    Pinhole(x=-9.0, y=-4.0, height=9.0, tilt=17.0, pan=12.0, focal=900.0),
    Pinhole(x=3.0, y=-8.0, height=8.0, tilt=12.0, focal=850.0, frame=(1920, 1080)),
)


@FEW
@given(st.sampled_from(["l1"]), st.sampled_from(VIEWS), st.sampled_from([(True, 1.2), (False, 5.0)]))
def test_the_cameras_place_changes_nothing(lane: str, view: Pinhole, case: tuple[bool, float]) -> None:
    guilty, start = case
    street = Street(view=view)
    things = [steady(1, lane), walker(50, (start, 4.5), (start + 6.8, -3.6))]
    (decision,) = decisions(judge(street.camera(), recorded(street, things)))
    assert (decision.outcome == "violation") is guilty, decision.reason


def test_broken_boxes_are_left_out_and_accuse_nobody() -> None:
    street = Street()
    seen = recorded(street, [steady(1, "l1", 7.0), walker(50, (6.8, 4.2), (12.0, -4.2))])
    bad = np.array([[np.nan] * 4, [500, 300, 400, 350], [np.inf, 0, 0, 0], [600, 400, 600, 400]], dtype=np.float32)

    def spoil(tracks: Tracks) -> Tracks:
        return Tracks(
            ids=np.concatenate([tracks.ids, [900, 901, 902, 903]]),
            boxes=np.concatenate([tracks.boxes, bad]),
            scores=np.concatenate([tracks.scores, np.full(4, 0.9, np.float32)]),
            classes=np.concatenate([tracks.classes, np.array([CAR, CAR, 0, 0], dtype=np.int8)]),
        )

    assert verdicts(decisions(judge(street.camera(), remade(seen, spoil)))) == verdicts(
        decisions(judge(street.camera(), seen))
    )


def test_a_crowd_of_two_thousand_is_borne() -> None:
    rng = np.random.default_rng(4)
    street = Street()
    corners = rng.uniform((0, 150), (1200, 600), (2000, 2))
    boxes = np.hstack([corners, corners + rng.uniform(20, 80, (2000, 2))]).astype(np.float32)
    crowd = Tracks(np.arange(2000), boxes, np.full(2000, 0.5, np.float32), rng.integers(0, 6, 2000).astype(np.int8))
    said = judge(street.camera(), [Scene(index / 5, crowd) for index in range(4)])
    assert all(decision.outcome != "violation" for decision in decisions(said))
