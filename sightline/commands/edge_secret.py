"""`sightline edge secret`: passwords of cameras, encrypted on the box; site files name them as `${secret:name}`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.errors import InputError
from sightline.commands.edge import Config

if TYPE_CHECKING:
    from edge.config import EdgeConfig

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Passwords of cameras, encrypted on this box; a site file names them: rtsp://admin:${secret:cam-1}@10.0.0.5/",
)
Name = Annotated[str, typer.Argument(help="Its name in ${secret:name}.", show_default=False)]


@app.command("set")
def set_secret(name: Name, config: Config) -> None:
    """Keep a password under a name. It is asked for, or read from standard input; never from the command line.

    \b
    sightline edge secret set cam-1 --config edge.yaml
    sightline edge secret set cam-1 --config edge.yaml < password.txt
    """
    from edge.secrets import secrets_of

    store = secrets_of(_settings(config))
    try:
        store.set(name, _asked())
    except ValueError as error:
        raise InputError(str(error)) from error
    typer.echo(f"${{secret:{name}}} is kept; the box uses it from its next start on")


@app.command("list")
def list_secrets(config: Config) -> None:
    """Names of the secrets of this box, and whether a site file names them. Their values are shown nowhere."""
    from edge.secrets import secrets_of

    settings = _settings(config)
    known, needed = secrets_of(settings).names(), _needed(settings)
    for name in sorted({*known, *needed}):
        state = "is missing" if name not in known else "in use" if name in needed else "named by no site file"
        typer.echo(f"{name}  {state}")


@app.command("remove")
def remove(name: Name, config: Config) -> None:
    """Forget a password."""
    from edge.secrets import secrets_of

    try:
        secrets_of(_settings(config)).remove(name)
    except KeyError as error:
        raise InputError(f"no secret {name[:64]!r} on this box - see `sightline edge secret list`") from error
    typer.echo(f"{name} is forgotten")


def _settings(path: Path) -> "EdgeConfig":
    from edge.config import load_config

    return load_config(path)


def _needed(config: "EdgeConfig") -> set[str]:
    from contract.secretref import references
    from contract.sitefile import load_site

    cameras = [camera for path in config.sites for camera in load_site(path).site.cameras]
    return {name for camera in cameras for url in camera.addresses.values() for name in references(url)}


def _asked() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    raw = sys.stdin.buffer.read(4097)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("the password on standard input is not text in UTF-8") from error
    return text.removesuffix("\n").removesuffix("\r")
