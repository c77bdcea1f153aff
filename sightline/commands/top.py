"""`sightline edge top`: what a box does right now, in the terminal."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def top(
    config: Annotated[
        Path | None, typer.Option("--config", help="The box's settings: its health_port is asked.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Address of a box's health_port instead, http://127.0.0.1:9100.")
    ] = None,
    interval: Annotated[float, typer.Option(min=0.5, max=60, help="Seconds between two readings.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Show one interval and leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: one JSON object for scripts.")] = False,
) -> None:
    """Cameras and processes of a running box, those in trouble first; q or Ctrl-C leaves.

    \b
    sightline edge top --config edge.yaml
    sightline edge top --url http://127.0.0.1:9100 --once --json
    """
    from rich.console import Console

    from contract.errors import InputError
    from edge import top_loop

    address = _address(config, url)
    out = Console(highlight=False)
    if as_json and not once:
        raise InputError("--json shows one reading - give --once with it")
    if once:
        top_loop.once(address, interval, as_json, out)
        return
    if not sys.stdout.isatty():
        raise InputError("standard output is no terminal - give --once")
    try:
        top_loop.live(address, interval, out)
    except KeyboardInterrupt:
        return


def _address(config: Path | None, url: str | None) -> str:
    from contract.errors import ConfigError, InputError
    from edge.config import load_config

    if (config is None) == (url is None):
        raise InputError("give one of --config FILE and --url ADDRESS")
    if url is not None:
        if not url.startswith(("http://", "https://")):
            raise InputError(f"--url {url}: is no http address - give http://127.0.0.1:PORT of the box's health_port")
        return url.rstrip("/").removesuffix("/metrics")
    assert config is not None
    port = load_config(config).health_port
    if port is None:
        raise ConfigError(f"{config}: health_port is not set - set it, start the box anew, and it can be watched")
    return f"http://127.0.0.1:{port}"
