"""`sightline edge masks`: privacy masks in the cameras themselves, for stations with `masks: camera`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.errors import InputError
from sightline.commands.edge import Config

if TYPE_CHECKING:
    from edge.judgement import Place

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Privacy masks in the cameras themselves (ONVIF Media2), for polling stations with `masks: camera`.",
)
Camera = Annotated[str, typer.Argument(help="Its id in the site file.", show_default=False)]


@app.command()
def show(camera: Camera, config: Config) -> None:
    """What the camera masks now, and whether that hides every privacy_mask zone of the site file (exit status 1: no).

    \b
    sightline edge masks show hall-1 --config edge.yaml
    """
    from edge.onvif.device import Device
    from edge.onvif.fitting import hides
    from edge.onvif.masks import masks
    from edge.onvif.process import hidden_by_camera

    place = _place(config, camera)
    device = Device(place.camera.onvif_url or "")
    device.connect()
    found = masks(device)
    for one in found:
        corners = " ".join(f"{x:+.3f},{y:+.3f}" for x, y in one.corners)
        typer.echo(f"{one.token}  {'on' if one.enabled else 'OFF'}  {corners}")
    well = hides([one.corners for one in found if one.enabled], hidden_by_camera(place), place.camera.frame)
    typer.echo(f"{camera}: {'hides' if well else 'DOES NOT hide'} every privacy_mask zone of the site file")
    if not well:
        raise typer.Exit(1)


@app.command("set")
def set_masks(camera: Camera, config: Config) -> None:
    """Have the camera hide the privacy_mask zones of its site file, and nothing else. Look at its picture afterwards.

    \b
    sightline edge masks set hall-1 --config edge.yaml
    """
    from edge.onvif.device import Device
    from edge.onvif.fitting import CannotHide, fitted
    from edge.onvif.masks import limits, put
    from edge.onvif.process import hidden_by_camera

    place = _place(config, camera)
    device = Device(place.camera.onvif_url or "")
    device.connect()
    try:
        drawn = fitted(hidden_by_camera(place), place.camera.frame, limits(device))
    except CannotHide as error:
        raise InputError(f"{camera}: {error}") from error
    put(device, drawn)
    typer.echo(f"{camera}: masks {len(drawn)} zone(s) - now look at its picture, a camera may draw them elsewhere")
    show(camera, config)


def _place(config: Path, camera: str) -> "Place":
    """The camera's place. Raises InputError for one that masks nothing itself."""
    from edge.box import places
    from edge.config import load_config
    from edge.onvif.process import hidden_by_camera

    known = {place.camera.id: place for place in places(load_config(config))}
    place = known.get(camera)
    if place is None:
        raise InputError(f"no camera {camera[:64]!r} on this box - it has: {', '.join(sorted(known))}")
    if not hidden_by_camera(place):
        raise InputError(
            f"{camera}: the site file leaves nothing to the camera - `masks: camera` and a privacy_mask zone"
        )
    if place.camera.onvif_url is None:
        raise InputError(
            f"{camera}: has no `onvif_url` in the site file - give it one, or set the masks on its own page"
        )
    return place


__all__ = ["app"]
