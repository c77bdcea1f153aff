"""`sightline edge`: everything that runs at the roadside."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from edge.config import Plates

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The box at the roadside: watch cameras, try one out, enrol, replay recordings.",
)

Config = Annotated[
    Path, typer.Option("--config", help="The box's settings (YAML, see docs/configuration.md).", show_default=False)
]


@app.command()
def run(config: Config) -> None:
    """Watch the cameras of this box until Ctrl-C (or SIGTERM), which stops all of its processes in order.

    \b
    sightline edge enrol CODE --config edge.yaml     once
    sightline edge run --config edge.yaml
    """
    from edge.box import judged, places
    from edge.config import load_config
    from edge.deliver.certificate import broker_of
    from edge.deliver.keys import KeyRing
    from edge.deliver.link import check_broker
    from edge.logs import configure
    from edge.supervisor import Supervisor
    from sightline.undumped import never_dumped

    never_dumped()
    configure()
    settings = load_config(config)
    KeyRing(settings.data_dir / "keys").load()
    roads = any(judged(place) for place in places(settings))
    package, plates = (_package(settings.detection.model), _plates(settings.plates)) if roads else (None, None)
    supervisor = Supervisor(settings, config.resolve(), package, _tell, plates)
    if (problem := check_broker(broker_of(settings), settings.edge_id)) is not None:
        _tell(f"{problem}; events wait on disk until it can be reached")
    raise typer.Exit(supervisor.run())


@app.command()
def enrol(
    code: Annotated[
        str,
        typer.Argument(
            help="One-time code from `sightline central enrol-code`, or the text of its QR code.", show_default=False
        ),
    ],
    config: Config,
) -> None:
    """Make this box's keys and register them with central. The keys never leave the box.

    Where central has a certificate authority the box gets its certificate for the broker as well, and renews it by
    itself. The QR code's text also says which authority that must be: use it where it can be pasted.

    \b
    sightline edge enrol ABCD-EFGH --config edge.yaml
    """
    from edge.config import load_config
    from edge.deliver.enrol import enrol as register

    enrolled = register(load_config(config), code)
    typer.echo(f"{enrolled.edge_id} is enrolled; its key is {enrolled.kid}")
    if enrolled.until is not None:
        typer.echo(f"its certificate for the broker holds until {enrolled.until:%Y-%m-%d}; the box renews it by itself")


@app.command()
def probe(
    url: Annotated[str, typer.Argument(help="rtsp://user:password@host/path, or a video file.", show_default=False)],
    transport: Annotated[str, typer.Option(help="tcp or udp.")] = "tcp",
    seconds: Annotated[float, typer.Option(min=1, max=60, help="How long to listen.")] = 6.0,
) -> None:
    """Try a camera: codec, size, rate, keyframes, clock, and what should be changed at it. Exit status 1 when it fails.

    \b
    sightline edge probe rtsp://127.0.0.1:8554/cam-1
    """
    from contract.errors import InputError
    from edge.cameras.probe import probe as listen

    if transport not in {"tcp", "udp"}:
        raise InputError(f"--transport {transport!r} is not tcp or udp")
    way: Literal["tcp", "udp"] = "udp" if transport == "udp" else "tcp"
    _show(listen(url, way, seconds))


def _show(seen: "object") -> None:
    """One screen about a stream."""
    from edge.cameras.probe import Probe

    assert isinstance(seen, Probe)
    clock = seen.clock
    offset = (
        f"{clock.offset_ms:+.0f} ms, within {clock.uncertainty_ms:.0f} ms ({clock.source})"
        if clock.offset_ms is not None and clock.uncertainty_ms is not None
        else "unknown"
    )
    rows = [
        ("camera", seen.address),
        ("video", f"{seen.codec} {seen.width}x{seen.height}{', B-frames' if seen.b_frames else ''}"),
        ("rate", f"{seen.fps:g} pictures/s, {seen.kbit_s:.0f} kbit/s"),
        ("keyframes", f"every {seen.gop_s:g} s" if seen.gop_s else "one while listening"),
        ("opened in", f"{seen.open_s:g} s"),
        ("decoded", f"{seen.pictures} pictures, {seen.damaged} damaged packets"),
        ("its clock", f"{'sender reports' if seen.camera_clock else 'no sender reports'}; offset {offset}"),
    ]
    for name, value in rows:
        typer.echo(f"{name:<10} {value}")
    for advice in seen.advice:
        typer.echo(f"{'mend':<10} {advice}")
    if not seen.advice:
        typer.echo(f"{'verdict':<10} works for parking, crossings and evidence")


def _package(chosen: Path | None) -> Path:
    """The detector: the one that the settings name, else the best that this machine can have, prepared when needed."""
    if chosen is not None:
        return chosen
    from models.prepare import default_package

    return default_package(_tell)


def _plates(settings: "Plates") -> Path | None:
    """The weights of the plate reader, None (said) where plates are not read."""
    from models.bundles import prepared

    if not settings.read:
        return None
    found = settings.weights or prepared("plates-cn")
    if found is None:
        _tell("plates are not read: their weights are not here - run `sightline models fetch plates-cn`")
    return found


def _tell(line: str) -> None:
    sys.stderr.write(f"sightline: {line}\n")
    sys.stderr.flush()
