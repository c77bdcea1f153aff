"""`sightline evidence`: what leaves the system."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.errors import InputError, MediaError
from sightline.commands import evidence_bundle

if TYPE_CHECKING:
    from central.redaction.finder import Box

app = typer.Typer(no_args_is_help=True, help="Evidence that leaves the system.")

app.command()(evidence_bundle.export)
app.command()(evidence_bundle.verify)
app.command()(evidence_bundle.audit)


@app.command()
def certificate(
    file: Annotated[Path, typer.Argument(help="A certificate of deletion.", show_default=False)],
    trust: Annotated[
        str | None, typer.Option("--trust", help="Thumbprint of the office's key, as the office has published it.")
    ] = None,
) -> None:
    """Check a certificate of deletion, offline. Exit 0 when it holds, else 1 and why not."""
    from contract.deletion import checked

    try:
        raw = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}) - give a certificate") from error
    for line in checked(raw, trust):
        typer.echo(line)


_PICTURES = frozenset({".jpg", ".jpeg", ".png"})
_VIDEOS = frozenset({".mp4", ".mkv", ".mov", ".ts", ".avi"})
_BEAT_S = 2.0


@app.command()
def redact(
    original: Annotated[Path, typer.Argument(help="A still or a clip; it is only read.", show_default=False)],
    copy: Annotated[Path, typer.Argument(help="Where the copy goes: .jpg or .png, or .mp4.", show_default=False)],
    accused: Annotated[
        str | None,
        typer.Option(help="X1,Y1,X2,Y2 in pixels: the accused vehicle, whose plate stays readable."),
    ] = None,
    plate: Annotated[
        str | None, typer.Option(help="The accused vehicle's plate; without it every plate is blurred.")
    ] = None,
    plates: Annotated[bool, typer.Option("--plates/--faces-only", help="Blur plates too, or faces only.")] = True,
) -> None:
    """Make a copy in which faces, and plates of other vehicles, cannot be recognised.

    \b
    sightline evidence redact still.jpg copy.jpg --accused 410,300,520,380 --plate 京A12345
    sightline evidence redact clip.mp4 copy.mp4

    The original and its hash stay as they are. A finder can miss what it has never seen: look at the copy before it
    leaves the house.
    """
    box = _box(accused)
    kind = original.suffix.lower()
    if copy.exists():
        raise InputError(f"{copy}: is there already - choose another name, nothing is written over")
    if not copy.parent.is_dir():
        raise InputError(f"{copy.parent}: is no folder - make it first")
    if kind in _PICTURES and copy.suffix.lower() in _PICTURES:
        _picture(original, copy, _Own(box, plate), plates)
    elif kind in _VIDEOS and copy.suffix.lower() == ".mp4":
        _video(original, copy, _Own(box, plate), plates)
    else:
        raise InputError(f"{original} to {copy}: a still becomes .jpg or .png, a clip .mp4 - mend the names")


@dataclass(frozen=True, slots=True)
class _Own:
    """The accused vehicle: where it stands (px), and what its plate reads."""

    box: "Box | None"
    plate: str | None


def _picture(original: Path, copy: Path, own: _Own, plates: bool) -> None:
    import cv2
    import numpy as np

    from sightline.redacting import redactor

    try:
        shown = cv2.imdecode(np.frombuffer(original.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except OSError as error:
        raise MediaError(f"{original}: cannot be read ({error.strerror}) - give a still") from error
    except cv2.error:
        shown = None
    if shown is None:
        raise MediaError(f"{original}: is no picture - give a JPEG or PNG")
    done = redactor(plates).picture(np.asarray(shown, np.uint8), own.box, own.plate)
    options = [] if copy.suffix.lower() == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 95]
    written, raw = cv2.imencode(copy.suffix.lower(), done.picture, options)
    if not written:
        raise MediaError(f"{copy}: the copy could not be encoded - choose .jpg or .png")
    part = copy.with_name(f".{copy.name}.part")
    try:
        part.write_bytes(raw.tobytes())
        part.replace(copy)
    except OSError as error:
        raise InputError(f"{copy}: cannot be written ({error.strerror}) - choose another place") from error
    finally:
        part.unlink(missing_ok=True)
    typer.echo(f"{copy}: {len(done.boxes)} part(s) blurred", err=True)


def _video(original: Path, copy: Path, own: _Own, plates: bool) -> None:
    from central.redaction.video import redact_video
    from sightline.redacting import redactor

    if not original.is_file():
        raise MediaError(f"{original}: is not there - give a clip")
    said = time.monotonic()

    def progress(done: float, whole: float) -> None:
        nonlocal said
        if time.monotonic() - said >= _BEAT_S:
            said = time.monotonic()
            typer.echo(f"{done:.1f} of {whole:.1f} s", err=True)

    try:
        count = redact_video(original, copy, redactor(plates), lambda _: own.box, progress, own.plate)
    except OSError as error:
        raise InputError(f"{copy}: cannot be written ({error.strerror}) - choose another place") from error
    typer.echo(f"{copy}: {count} picture(s) redacted", err=True)


def _box(text: str | None) -> "Box | None":
    if text is None:
        return None
    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--accused {text}: is not X1,Y1,X2,Y2 - for example 410,300,520,380") from None
    if not (x2 > x1 and y2 > y1):
        raise InputError(f"--accused {text}: is empty - give left, top, right and bottom")
    return x1, y1, x2, y2
