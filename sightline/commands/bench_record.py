"""`sightline bench record`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer


def record(
    streams: Annotated[int, typer.Option(min=1, max=200, help="Cameras: 1080p25, 4 Mbit/s.")] = 50,
    per: Annotated[int, typer.Option(min=1, max=25, help="Cameras that share a recorder process.")] = 20,
    duration: Annotated[float, typer.Option(min=15, max=86_400, help="Seconds measured.")] = 60.0,
    max_gb: Annotated[float, typer.Option(min=0.1, help="Disk budget; older segments are deleted meanwhile.")] = 4.0,
    saturate: Annotated[bool, typer.Option("--saturate", help="Keep every core busy beside it.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result here.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the run, emptied; default ~/.local/state/sightline/record.")
    ] = None,
) -> None:
    """Record N real RTSP streams with the box's recorders; report what it costs, and whether a second is missing.

    Exit status 1 when one is, or when a stream costs more than 0.5 % of a core.

    \b
    sightline bench record --streams 50 --duration 600 --saturate --json docs/benchmarks/record/50.json
    """
    from sightline.bench.field import default_run
    from sightline.bench.record import RecordWish, bench_record, shortfalls

    folder = (data_dir or default_run().with_name("record")).expanduser().resolve()
    result = bench_record(RecordWish(streams, per, duration, folder, round(max_gb * 1e9), saturate), _say)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    typer.echo(text)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(text + "\n", encoding="utf-8")
    short = shortfalls(result)
    for line in short:
        _say(line)
    if short:
        raise typer.Exit(1)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
