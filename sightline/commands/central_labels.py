"""`sightline central labels`: what people have decided, as a folder that `sightline eval` runs on."""

import getpass
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sightline.commands.central_options import ConfigPath


def labels(
    config: ConfigPath,
    out: Annotated[Path, typer.Option("--out", help="A new folder: clips, site files and labels.", show_default=False)],
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Captures from this day (UTC) on.")
    ] = None,
) -> None:
    """Write decided cases as labelled scenes: right ones to be found, wrong ones that must not be said.

    Every face and every plate is blurred, the accused vehicle's too: rules are tuned on these, nobody is accused with
    them. Cases whose clip, site file or whole wait is not there are counted and left out. The export is on record.

    \b
    sightline central labels --out decided/ --config central.yaml
    sightline eval decided/
    """
    from central.config import load_config
    from central.learning import labelled, log
    from central.media.opening import open_store
    from central.reports import facts
    from central.serve import open_database
    from sightline.evaluation.labelling import write
    from sightline.redacting import redactor

    settings = load_config(config)
    blurs = redactor()

    def told(done: int) -> None:
        if sys.stderr.isatty() or done % 50 == 0:
            typer.echo(f"\r{done} scenes", nl=done % 50 == 0, err=True)

    with closing(open_database(settings)) as db:
        facts.catch_up(db)
        begin = since.replace(tzinfo=UTC) if since else None
        with db.read() as session:
            cases = labelled.decided(session, begin)
            done = write(cases, open_store(settings), blurs, out, settings.review.jurisdictions, told)
        with db.write() as session:
            log.write(
                session, f"cli:{getpass.getuser()}"[:64], log.EXPORTED, scenes=dict(done.scenes),
                left_out=dict(done.left_out),
            )  # fmt: skip
    counts = ", ".join(f"{count} {what}" for what, count in sorted(done.scenes.items())) or "none"
    typer.echo(f"{out}: {done.scenes.total()} scenes ({counts})")
    for why, count in done.left_out.most_common():
        typer.echo(f"left out: {count} - {why}")


__all__ = ["labels"]
