"""`sightline demo`: the whole system on this machine, with a street of its own."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Nobody watches: no invitation, result as JSON on standard output.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Play the scene exactly once; exit status 0 when it gave what it contains.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Give up after so many seconds (with --once).")] = 300.0,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the web front; default 8080, or any free one.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the demo; default ~/.local/state/sightline/demo.")
    ] = None,
) -> None:
    """Watch a camera's street turn into tickets: camera, box, broker and central, each a process, all on this machine.

    Prints the address to open and the account to use. Two violations happen and two drivers do right; after a pass
    the street stays quiet until you have decided the tickets. Ctrl-C stops everything.

    \b
    sightline demo
    sightline demo --headless --once --timeout 300      for a machine: JSON on standard output, exit status 0 or 1
    """
    from sightline.demo.folder import default_home
    from sightline.demo.runner import Wish, run

    home = (data_dir or default_home()).expanduser().resolve()
    raise typer.Exit(run(Wish(headless, once or headless, timeout, port, home)))
