"""A box that looks no closer than it must decides as one that decodes everything: every labelled clip, and the demo."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from models.prepare import default_package
from sightline.demo.scene.render import prepare_scene
from sightline.evaluation.labels import LabelFile, LabelledScene, find_scenes
from sightline.evaluation.run import Said, run_scene
from tests.acceptance.test_replay_clips import CLIPS
from tests.scenes.recoded import recode

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.shared, pytest.mark.timeout(600)]
#: Instants of both agree within this [s].
WITHIN_S = 1.0


@pytest.fixture(scope="session")
def model(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package made of the shared weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHTLINE_WEIGHTS", str(shared / "weights"))
        patch.setenv("SIGHTLINE_MODELS", str(tmp_path_factory.mktemp("models")))
        return default_package(lambda _: None)


def same(full: list[Said], live: list[Said]) -> None:
    """Both say the same of the same, at the same instants."""

    def named(said: list[Said]) -> list[tuple[str, str, str | None, str]]:
        return [(one.rule, one.zone_id, one.lane_id, one.verdict) for one in by_time(said)]

    assert named(full) == named(live), (full, live)
    for one, other in zip(by_time(full), by_time(live), strict=True):
        assert other.t_first == pytest.approx(one.t_first, abs=WITHIN_S), (one, other)
        assert other.t_trigger == pytest.approx(one.t_trigger, abs=WITHIN_S), (one, other)


def by_time(said: list[Said]) -> list[Said]:
    return sorted(said, key=lambda one: (one.rule, one.zone_id, one.t_trigger))


def compare(scene: LabelledScene, model: Path) -> None:
    full, live = run_scene(scene, model), run_scene(scene, model, "live")
    assert (full.error, live.error) == (None, None)
    same(full.events, live.events)


@cache
def _scenes(folder: Path) -> dict[str, LabelledScene]:
    return {scene.name: scene for scene in find_scenes(folder)}


@pytest.mark.parametrize(
    "gop_s",
    [pytest.param(None, marks=pytest.mark.long, id="as recorded"), pytest.param(2.0, id="a keyframe every 2 s")],
)
@pytest.mark.parametrize("name", CLIPS)
def test_on_a_real_clip_both_decide_alike(
    name: str, gop_s: float | None, shared: Path, model: Path, tmp_path: Path
) -> None:
    scene = _scenes(shared / "clips")[name]
    assert scene.video is not None
    if gop_s is not None:
        scene = replace(scene, video=recode(scene.video, tmp_path / "recoded.mp4", gop_s))
    compare(scene, model)


@pytest.mark.long
def test_on_the_demos_street_both_decide_alike(model: Path, tmp_path: Path) -> None:
    film = prepare_scene(tmp_path, lambda _: None)
    site = ROOT / "configs" / "sites" / "demo.yaml"
    compare(LabelledScene("demo", site, None, film.scene, LabelFile(events=[])), model)
