"""`sightline bench`: figures that anyone can measure again."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from contract.errors import InputError, RunError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure a box under real streams, beside the usual pipelines; compose the streams; make the table.",
)

Streams = Annotated[
    Path | None,
    typer.Option(help="Folder of composed streams; default ~/.cache/sightline/streams.", show_default=False),
]
Clips = Annotated[
    Path | None,
    typer.Option(
        help="Real fixed-camera clips; default $SIGHTLINE_SHARED/clips, else ../shared/clips.", show_default=False
    ),
]


@app.command()
def compose(
    out: Annotated[Path | None, typer.Option("--out", help="Default ~/.cache/sightline/streams.")] = None,
    clips: Clips = None,
    only: Annotated[str | None, typer.Option(help="Only the stream of this name.")] = None,
) -> None:
    """Draw and encode the streams of the county mix: 1080p25, 4 Mbit/s, a keyframe every 2 s. What is there is kept.

    Streets come from real clips where they are, else from the photograph of the demo alone.

    \b
    sightline bench compose --clips ../shared/clips
    """
    from sightline.bench.mix.compose import compose as make
    from sightline.bench.mix.compose import default_streams

    for folder in make(out or default_streams(), _clips(clips), _say, only):
        typer.echo(folder)


@app.command()
def edge(  # noqa: PLR0913, PLR0917 - every wish of a benchmark
    parking: Annotated[int, typer.Option("--parking", min=0, max=200, help="Kerb cameras.")] = 50,
    crossings: Annotated[int, typer.Option("--yield", min=0, max=50, help="Zebra cameras.")] = 6,
    duration: Annotated[float, typer.Option(min=10, max=86_400, help="Seconds measured.")] = 600.0,
    peer: Annotated[
        Literal["ultralytics", "supervision"] | None,
        typer.Option(help="Run a usual pipeline on the same streams.", show_default=False),
    ] = None,
    peer_seconds: Annotated[float, typer.Option(min=5, max=3600, help="Seconds of the peer on each stream.")] = 60.0,
    peer_weights: Annotated[Path | None, typer.Option(help="Default: those of the box's detector.")] = None,
    cpu: Annotated[Literal["native", "avx2_vnni"], typer.Option(help="avx2_vnni stands in for an N100.")] = "native",
    model: Annotated[Path | None, typer.Option(help="Model package; default: the best here.")] = None,
    streams: Streams = None,
    clips: Clips = None,
    only: Annotated[str | None, typer.Option(help="All cameras show this stream.")] = None,
    short: Annotated[
        bool, typer.Option("--short", help="For CI: 3 kerbs and 1 zebra for 50 s over short loops, a peer for 12 s.")
    ] = False,
    moving: Annotated[
        bool, typer.Option("--moving", help="Zebras alone, where somebody meets a vehicle all the time: no rest.")
    ] = False,
    history: Annotated[
        Path | None,
        typer.Option(help="Exit 1 when the ratio to the peer falls below 0.6 of the median of what is kept here."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Add this run to the history.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result here.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the run; default ~/.local/state/sightline/bench.")
    ] = None,
) -> None:
    """Watch N real RTSP streams with a whole box, broker and central beside it, and report what it costs and finds.

    Exit status 1 when something planted was missed or something false was said.

    \b
    sightline bench edge --parking 50 --yield 6 --duration 600 --json docs/benchmarks/county.json
    sightline bench edge --parking 4 --yield 1 --duration 60 --peer ultralytics
    """
    from sightline.bench.edge import SHORT_PARKING, SHORT_PEER_S, SHORT_S, SHORT_YIELD, Wish, bench_edge, shortfalls
    from sightline.bench.field import default_run
    from sightline.bench.history import floor_of, read_history
    from sightline.bench.history import keep as append
    from sightline.bench.mix.compose import default_streams
    from sightline.bench.show import show

    if history is not None and peer is None:
        raise InputError("--history compares ratios to a peer - give --peer")
    if moving:
        parking = 0
    if short:
        parking, crossings, duration, peer_seconds = SHORT_PARKING, SHORT_YIELD, SHORT_S, SHORT_PEER_S
    wish = Wish(
        parking,
        crossings,
        duration,
        streams or default_streams(short=short),
        _clips(clips),
        (data_dir or default_run()).expanduser().resolve(),
        peer,
        peer_seconds,
        peer_weights,
        model,
        cpu,
        short,
        streams is not None,
        moving,
        only,
    )
    result = bench_edge(wish, _say)
    show(result)
    if json_file is not None:
        _write(json_file, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    floor = floor_of(read_history(history), result) if history is not None else None
    if history is not None and keep:
        append(history, result)
    _end(shortfalls(result, floor))


@app.command()
def central(
    replicas: Annotated[int, typer.Option(min=1, max=16, help="Processes of central on one shared subscription.")] = 2,
    boxes: Annotated[int, typer.Option(min=1, max=500, help="Boxes, each with a connection of its own.")] = 20,
    events: Annotated[
        int, typer.Option(min=100, max=2_000_000, help="Events at full rate; half as many later.")
    ] = 30_000,
    window: Annotated[int, typer.Option(min=1, max=1000, help="Unacknowledged events a box, at full rate.")] = 40,
    database: Annotated[Literal["postgresql", "sqlite"], typer.Option(help="A fresh one either way.")] = "postgresql",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result here.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the run; default ~/.local/state/sightline/bench-central.")
    ] = None,
) -> None:
    """Send sealed events of many boxes to N replicas of central: how many a second, how soon committed, at what cost.

    Exit status 1 when an event was lost or doubled, or a decision did not become exactly one ticket.

    \b
    sightline bench central --replicas 2 --events 30000 --json docs/benchmarks/central.json
    """
    from sightline.bench.central import Wish, bench_central, shortfalls
    from sightline.bench.central_show import show
    from sightline.bench.field import default_run

    run = data_dir or default_run().with_name("bench-central")
    result = bench_central(Wish(replicas, boxes, events, window, database, run.expanduser().resolve()), _say)
    show(result)
    if json_file is not None:
        _write(json_file, json.dumps(result, indent=1) + "\n")
    _end(shortfalls(result))


@app.command()
def table(
    folder: Annotated[Path, typer.Option(help="Where results are kept.")] = Path("docs/benchmarks"),
    out: Annotated[Path, typer.Option("--out", help="The page.")] = Path("docs/benchmarks.md"),
) -> None:
    """Write the page of benchmarks from the results that are kept.

    \b
    sightline bench table
    """
    from sightline.bench.page import page

    if not folder.is_dir():
        raise InputError(f"--folder {folder}: is no folder - run this in a checkout, or say where results are kept")
    _write(out, page(folder))


def _end(found: list[str]) -> None:
    for line in found:
        _say(line)
    if found:
        raise typer.Exit(1)


def _clips(given: Path | None) -> Path | None:
    """The folder of clips: the one given (it must be there), that of the environment, or a checkout's neighbour."""
    if given is not None:
        if not given.is_dir():
            raise InputError(f"--clips {given}: is no folder - give the folder of the clips, or leave it out")
        return given
    shared = os.environ.get("SIGHTLINE_SHARED")
    usual = (Path(shared) if shared else Path("..") / "shared") / "clips"
    return usual if usual.is_dir() else None


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror}) - choose another place") from error
    finally:
        part.unlink(missing_ok=True)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
