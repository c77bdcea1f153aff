"""Illegal parking of one that came to rest half hidden: when the whole of it is shown it has not moved."""

from collections.abc import Iterator

import numpy as np
import pytest

from edge.frames import Scene, Tracks
from tests.scenes.kerbside import Street, car, parked, visit, world


def hidden(until: float, again: float = 1e9, fps: float = 5, leave: float = 200) -> Iterator[Scene]:
    """A car at the kerb; the lowest quarter of it is hidden until `until`, and from `again` on."""
    for scene in world(car(visit(4.2, 22, 10, leave), 1)).scenes(0, 110, fps):
        boxes = scene.tracks.boxes.copy()
        if scene.t < until or scene.t >= again:
            boxes[:, 3] -= np.float32(0.25) * (boxes[:, 3] - boxes[:, 1])
        tracks = scene.tracks
        yield Scene(scene.t, Tracks(tracks.ids, boxes, tracks.scores, tracks.classes, tracks.facts), scene.signals)


@pytest.mark.parametrize("fps", [1, 5])
@pytest.mark.parametrize("again", [1e9, 60])
def test_who_is_shown_whole_only_later_stood_all_the_time(fps: float, again: float) -> None:
    (violation,) = Street(wait_s=70).say(hidden(40, again, fps)).violations
    assert violation.first.t == pytest.approx(10, abs=1.5)
    assert violation.trigger is not None
    assert violation.trigger.t == pytest.approx(80, abs=1.5)
    assert float(str(violation.numbers["displacement_m"])) < 0.5


@pytest.mark.parametrize("fps", [1, 5])
def test_who_is_half_hidden_for_the_rest_of_its_stay_stands_all_the_same(fps: float) -> None:
    """Another has parked before it at 25 s: its three other edges show that it stands, its whole box where."""
    said = Street(wait_s=60).say(hidden(0, again=25, fps=fps, leave=90))
    (violation,) = said.violations
    assert violation.trigger is not None
    assert violation.trigger.t == pytest.approx(70, abs=1.5)
    assert float(str(violation.numbers["share"])) > 0.9
    assert said.closed[0].last.t == pytest.approx(90, abs=1.5)


def test_a_neighbour_run_together_with_it_for_a_moment_changes_nothing() -> None:
    scenes = world(car(parked(4.2, 22), 1)).scenes(0, 60, 5)
    wider = []
    for scene in scenes:
        boxes = scene.tracks.boxes.copy()
        if 20 <= scene.t < 23:
            boxes[:, 2] += np.float32(60)
        tracks = scene.tracks
        wider.append(
            Scene(scene.t, Tracks(tracks.ids, boxes, tracks.scores, tracks.classes, tracks.facts), scene.signals)
        )
    (violation,) = Street(wait_s=40).say(wider).violations
    assert violation.first.t == 0.0


def test_who_leaves_after_it_was_shown_whole_has_left() -> None:
    said = Street(wait_s=70).say(hidden(40, leave=65))
    assert said.violations == []
    assert float(str(said.acquitted[0].numbers["dwell_s"])) == pytest.approx(55, abs=2)


@pytest.mark.parametrize("fps", [1, 5])
def test_one_whose_lowest_tenth_is_uncovered_has_not_moved(fps: float) -> None:
    """A car before it drives off: its lower edge alone is lower, by more than the tolerance of standing."""
    shown = []
    for scene in world(car(visit(4.2, 22, 10, 95), 1)).scenes(0, 110, fps):
        boxes = scene.tracks.boxes.copy()
        if scene.t < 50:
            boxes[:, 3] -= np.float32(0.08) * (boxes[:, 3] - boxes[:, 1])
        tracks = scene.tracks
        shown.append(Scene(scene.t, Tracks(tracks.ids, boxes, tracks.scores, tracks.classes, tracks.facts)))
    (violation,) = Street(wait_s=70).say(shown).violations
    assert violation.first.t == pytest.approx(10, abs=1.5)
    assert violation.numbers["shuffles"] == 0


@pytest.mark.parametrize("fps", [1, 5])
def test_one_edge_that_wavers_delays_no_proof(fps: float) -> None:
    """Upper and lower edge waver by turns in 19 of 20 pictures: the other three prove each time that it stands."""
    shown = []
    for number, scene in enumerate(world(car(visit(4.2, 22, 10, 95), 1)).scenes(0, 110, fps)):
        boxes = scene.tracks.boxes.copy()
        if scene.t > 30 and number % 20 != 7:
            edge, way = ((1, 1), (3, -1))[number % 2]
            boxes[:, edge] += np.float32(way * 0.09) * (boxes[:, 3] - boxes[:, 1])
        tracks = scene.tracks
        shown.append(Scene(scene.t, Tracks(tracks.ids, boxes, tracks.scores, tracks.classes, tracks.facts)))
    (violation,) = Street(wait_s=70).say(shown).violations
    assert violation.trigger is not None
    assert violation.trigger.t == pytest.approx(80, abs=1.1 / fps + 0.6)
