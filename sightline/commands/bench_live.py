"""`sightline bench live`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer


def live(
    stations: Annotated[int, typer.Option(min=16, max=5000, help="Polling stations on the wall.")] = 500,
    viewers: Annotated[int, typer.Option(min=1, max=240, help="Who watches the camera beside the browser.")] = 100,
    duration: Annotated[float, typer.Option(min=5, max=3600, help="Seconds of each measurement.")] = 30.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the result in this file.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the run, emptied; default ~/.local/state/sightline/bench-live.")
    ] = None,
) -> None:
    """Measure live pictures: how soon the wall opens, how old a picture is on the screen, what the fan-out costs.

    Needs Chromium and playwright. Exit status 1 when a limit is missed: the wall of 500 stations opens in 1 s and a
    picture is on the screen within 500 ms (p95 both), 100 viewers cost central 10 % of a core and get every picture.

    \b
    sightline bench live --json docs/benchmarks/live.json
    """
    from sightline.bench.field import default_run
    from sightline.bench.live import Wish, bench_live, rows, shortfalls

    folder = (data_dir or default_run().with_name("bench-live")).expanduser().resolve()
    result = bench_live(Wish(stations, viewers, duration, folder), _say)
    for name, value, limit, holds in rows(result):
        typer.echo(f"{'kept  ' if holds else 'MISSED'} {name:42} {value:>18}   limit {limit}")
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    found = shortfalls(result)
    for line in found:
        _say(line)
    if found:
        raise typer.Exit(1)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
