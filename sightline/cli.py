"""`sightline`: the one command. Groups live in `sightline.commands`, this file only gathers them."""

import sys

import typer

from contract.errors import SightlineError
from sightline import __version__
from sightline.commands import (
    bench,
    bench_desk,
    bench_live,
    bench_masks,
    bench_record,
    central,
    demo,
    edge,
    edge_masks,
    edge_relearn,
    edge_secret,
    evaluate,
    evidence,
    media,
    models,
    outbox,
    replay,
    top,
)

app = typer.Typer(
    name="sightline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Watches no-parking kerbs, zebra crossings and polling stations; signs what it saw; a person decides.",
)


edge.app.command()(replay.replay)
edge.app.command()(replay.check)
edge.app.command()(top.top)
edge.app.command()(edge_relearn.relearn)
edge.app.add_typer(outbox.app, name="outbox")
bench.app.command()(bench_record.record)
bench.app.command()(bench_desk.desk)
bench.app.command()(bench_live.live)
bench.app.command()(bench_masks.masks)
edge.app.add_typer(edge_secret.app, name="secret")
edge.app.add_typer(edge_masks.app, name="masks")
app.add_typer(bench.app, name="bench")
app.add_typer(demo.app, name="demo")
app.add_typer(edge.app, name="edge")
app.add_typer(central.app, name="central")
central.app.add_typer(media.app, name="media")
app.add_typer(models.app, name="models")
app.add_typer(evidence.app, name="evidence")
app.command("eval")(evaluate.evaluate)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and leave.")) -> None:
    if version:
        typer.echo(f"sightline {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line: one line on standard error and the right exit status for what a person can mend."""
    try:
        app()
    except SightlineError as error:
        typer.echo(f"sightline: {error}", err=True)
        sys.exit(error.exit_status)
    except OSError as error:
        # A disk that is full or read-only can fail anywhere; what a command knows better it has said itself.
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(
            f"sightline: {where}{error.strerror or error} - free space, or mend the place or its rights", err=True
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
