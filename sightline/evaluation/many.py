"""All scenes of a folder, in worker processes of their own, with progress."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from sightline.evaluation.labels import LabelledScene
from sightline.evaluation.match import Compared, compare
from sightline.evaluation.run import Ran, run_scene

_AT_ONCE = 8


def evaluate(
    scenes: list[LabelledScene], processes: int, model: Path | None, done: Callable[[Compared], None]
) -> list[Compared]:
    """Judge every scene; `done` hears of each as it is finished. The order of the result is that of `scenes`."""
    found: dict[str, Compared] = {}
    by_name = {scene.name: scene for scene in scenes}
    for ran in _ran(scenes, processes, model):
        found[ran.name] = compare(by_name[ran.name], ran)
        done(found[ran.name])
    return [found[scene.name] for scene in scenes]


def _ran(scenes: list[LabelledScene], processes: int, model: Path | None) -> Iterator[Ran]:
    if processes <= 1 or len(scenes) == 1:
        yield from (run_scene(scene, model) for scene in scenes)
        return
    size = 1 if any(scene.video for scene in scenes) else _AT_ONCE
    batches = [scenes[at : at + size] for at in range(0, len(scenes), size)]
    # Spawned, not forked: the parent may hold threads of a detector or of the progress bar.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_batch, batch, model) for batch in batches]):
            yield from future.result()


def _batch(scenes: list[LabelledScene], model: Path | None) -> list[Ran]:
    return [run_scene(scene, model) for scene in scenes]
