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
    max_gb: Annotated[
        float, typer.Option(min=0.1, help="Disk budget; full before recordings may go, recording stops.")
    ] = 20.0,
    keep: Annotated[
        float, typer.Option(min=30, help="Seconds after which recordings go; their disk is used again.")
    ] = 120.0,
    saturate: Annotated[bool, typer.Option("--saturate", help="Keep every core busy beside it.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result here.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the run, emptied; default ~/.local/state/sightline/record.")
    ] = None,
) -> None:
    """Record N real RTSP streams and look after their pictures, as a box does: the cost, and what is missing.

    Exit status 1 when a second is missing; when recording a stream costs more than 0.5 % of a core or looking after it
    more than 0.6 %, 100 of them more than one core; when memory grows; when something is said to be wrong with pictures
    that are well.

    \b
    sightline bench record --streams 100 --duration 600 --keep 120 --max-gb 20
    sightline bench record --streams 50 --duration 600 --saturate --json docs/benchmarks/record/50.json
    """
    from sightline.bench.field import default_run
    from sightline.bench.record import RecordWish, bench_record
    from sightline.bench.recorded import shortfalls

    folder = (data_dir or default_run().with_name("record")).expanduser().resolve()
    result = bench_record(RecordWish(streams, per, duration, folder, round(max_gb * 1e9), saturate, keep), _say)
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
