"""What may not change a decision does not: frame rate, lost frames, mirror, scale, time, numbers, strangers (issue 3)."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from sightline.evaluation.labels import find_scenes
from sightline.evaluation.run import Ran, Said, run_scene
from tests.scenes.generate import change, parking_scene, yield_scene
from tests.scenes.generate.scene import Made, Recording

#: Given ids: a tracker's numbers hang on the frame rate, and that is the tracker's matter.
AT_25 = Recording(25.0, "steady", "day", "given")
RATES = [AT_25, *(Recording(rate, "steady", "day", "given") for rate in (12.5, 5.0, 1.0))]
DROPPED = [AT_25, Recording(25.0, "drop", "day", "given"), Recording(5.0, "drop", "day", "given")]


def judged(made: Made, folder: Path) -> Ran:
    """What the rules say of a scene."""
    for old in folder.iterdir():
        old.unlink()
    made.write(folder)
    (scene,) = find_scenes(folder)
    ran = run_scene(scene)
    assert ran.error is None, ran.error
    return ran


def told(events: list[Said], shift: float = 0.0, digits: int = 1) -> list[tuple[object, ...]]:
    """What was decided, without the times that noise moves by milliseconds."""
    return sorted(
        (one.rule, one.zone_id, str(one.lane_id), one.verdict, round(one.t_trigger - shift, digits)) for one in events
    )


@pytest.mark.parametrize("recordings", [RATES, DROPPED], ids=["frame rates", "dropped frames"])
@pytest.mark.parametrize(
    ("kind", "seed"), [("long_stay", 301), ("short_stop", 302), ("double_parking", 305), ("shuffles", 304)]
)
def test_parking_is_the_same_at_every_frame_rate(
    kind: str, seed: int, recordings: list[Recording], tmp_path: Path
) -> None:
    made = parking_scene.variants(seed, recordings, kind)
    found = [judged(one, tmp_path).events for one in made]
    assert len(found[0]) == len(made[0].expect["events"])
    for recording, events in zip(recordings[1:], found[1:], strict=True):
        assert len(events) == len(found[0]), recording
        for one, other in zip(found[0], events, strict=True):
            assert one.verdict == other.verdict
            assert one.dwell_s is not None and other.dwell_s is not None
            assert other.dwell_s == pytest.approx(one.dwell_s, abs=max(1.0, 1 / recording.fps)), recording


CHANGES = {
    "mirror": (change.mirrored, 0.0),
    "scale": (change.scaled, 0.0),
    "shift": (change.shifted, 7200.0),
    "renumber": (change.renumbered, 0.0),
    "stranger": (change.with_stranger, 0.0),
}
RECORDING = Recording(12.5, "jitter", "day", "given")
SLOW = Recording(5.0, "jitter", "day", "given")
SCENES = [
    (yield_scene.variants, "into_lane", RECORDING),
    (yield_scene.variants, "moved_off", RECORDING),
    (yield_scene.variants, "several", RECORDING),
    (yield_scene.variants, "signalised", RECORDING),
    (parking_scene.variants, "many", SLOW),
    (parking_scene.variants, "returns", SLOW),
    (parking_scene.variants, "jam", SLOW),
]


@cache
def unchanged(
    variants: Callable[[int, list[Recording], str], list[Made]], kind: str, recording: Recording, seed: int
) -> tuple[Made, Ran]:
    """A scene that all changes begin from, and what the rules say of it: judged once."""
    (made,) = variants(seed, [recording], kind)
    with tempfile.TemporaryDirectory() as folder:
        return made, judged(made, Path(folder))


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize(("variants", "kind", "recording"), SCENES, ids=[kind for _, kind, _ in SCENES])
@pytest.mark.parametrize("seed", [401, pytest.param(402, marks=pytest.mark.long)])
def test_a_change_that_may_not_matter_does_not(
    name: str,
    variants: Callable[[int, list[Recording], str], list[Made]],
    kind: str,
    recording: Recording,
    seed: int,
    tmp_path: Path,
) -> None:
    changed, shift = CHANGES[name]
    made, before = unchanged(variants, kind, recording, seed)
    after = judged(changed(made), tmp_path)
    assert told(after.events, shift) == told(before.events)
    assert len(after.decisions) >= len(before.decisions) - 1
