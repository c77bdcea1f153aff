"""`sightline eval`: labelled scenes against what the rules say of them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contract.errors import InputError, RunError

if TYPE_CHECKING:
    from rich.console import Console

    from sightline.evaluation.labels import LabelledScene
    from sightline.evaluation.match import Compared


def evaluate(
    folder: Annotated[Path, typer.Argument(help="Folder with *.expect.json files.", show_default=False)],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the whole report here.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Print every decision of each wrong scene.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when a scene is not as expected.")] = False,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Scenes judged at the same time.")] = 2,
    model: Annotated[Path | None, typer.Option(help="Model package for videos; default: the best here.")] = None,
) -> None:
    """Run every labelled scene of a folder and tell precision, recall, questions, duplicates and errors in time.

    A scene is NAME.expect.json beside NAME.site.yaml and NAME.jsonl (boxes) or a video. What stands in the label is
    right, anything else is a false accusation. Figures are given for each rule, day and night apart, with 95 % Wilson
    intervals; every scene that is not as expected is listed with why.

    \b
    sightline eval ../shared/clips
    sightline eval scenes/ --json state.json --strict
    """
    from rich.console import Console

    from sightline.evaluation.labels import find_scenes
    from sightline.evaluation.score import report
    from sightline.evaluation.table import show

    scenes = find_scenes(folder)
    told = Console(stderr=True)
    if model is None and any(scene.video for scene in scenes):
        from models.prepare import default_package

        model = default_package(told.print)
    result = report(_with_progress(scenes, processes, model, told))
    result = {"folder": folder.name, "model": model.name if model else None, **result}
    show(result, Console(width=None if told.is_terminal else 150), explain)
    if json_file is not None:
        _write(json_file, result)
    if strict and result["wrong"]:
        raise RunError(f"{len(result['wrong'])} of {len(scenes)} scene(s) are not as expected - see the list above")


def _with_progress(
    scenes: list["LabelledScene"], processes: int, model: Path | None, told: "Console"
) -> list["Compared"]:
    """Judge with a bar on a terminal, and a line now and then elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from sightline.evaluation.many import evaluate as judge

    columns = (
        TextColumn("scenes"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[bad]} wrong"),
    )
    with Progress(*columns, console=told, disable=not told.is_terminal) as progress:
        task, wrong, count = progress.add_task("", total=len(scenes), bad=0), 0, 0

        def done(compared: "Compared") -> None:
            nonlocal wrong, count
            wrong, count = wrong + (not compared.as_expected), count + 1
            progress.update(task, advance=1, bad=wrong)
            if not told.is_terminal and (count % 50 == 0 or count == len(scenes)):
                told.print(f"{count} of {len(scenes)} scenes, {wrong} not as expected")

        return judge(scenes, processes, model, done)


def _write(path: Path, result: dict[str, Any]) -> None:
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}) - choose another place") from error
    finally:
        part.unlink(missing_ok=True)
