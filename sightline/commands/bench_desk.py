"""`sightline bench desk`."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer


def desk(
    cases: Annotated[int, typer.Option(min=1000, max=5_000_000, help="Cases in the database.")] = 100_000,
    database: Annotated[Literal["sqlite", "postgresql"], typer.Option(help="A fresh one either way.")] = "sqlite",
    browser: Annotated[
        bool, typer.Option("--browser", help="Also decide cases in a real browser (chromium, playwright).")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Keep the result in this file, beside those of other runs.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the run, emptied; default ~/.local/state/sightline/bench-desk.")
    ] = None,
) -> None:
    """Fill a central with years of cases, and measure how long queue, case and decision let an officer wait.

    Exit status 1 when half of the decisions take over 150 ms to the next case, or one page of the queue in twenty
    over 200 ms.

    \b
    sightline bench desk --cases 100000 --browser --json docs/benchmarks/desk.json
    sightline bench desk --cases 1000000 --database postgresql
    """
    from sightline.bench import desk_results
    from sightline.bench.desk import Wish, bench_desk, shortfalls
    from sightline.bench.field import default_run

    folder = (data_dir or default_run().with_name("bench-desk")).expanduser().resolve()
    result = bench_desk(Wish(cases, database, folder, browser), _say)
    for line in _lines(result):
        typer.echo(line)
    if json_file is not None:
        desk_results.keep(json_file, result)
    found = shortfalls(result)
    for line in found:
        _say(line)
    if found:
        raise typer.Exit(1)


def _lines(result: dict[str, Any]) -> list[str]:
    told = {**result["http_s"], **{k: v for k, v in result.get("browser", {}).items() if k.endswith("_s")}}
    lines = [
        f"{name.removesuffix('_s').replace('_', ' '):26} p50 {one['p50']:.3f} s   p95 {one['p95']:.3f} s"
        for name, one in told.items()
    ]
    seeded = result["seeded"]
    return [f"{seeded['cases']} cases, {seeded['waiting']} waiting, {result['database']}", *lines]


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
