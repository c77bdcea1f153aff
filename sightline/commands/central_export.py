"""`sightline central export`: hand approved cases to the police system, and fetch an archive again."""

from pathlib import Path
from typing import Annotated

import typer

from contract.errors import InputError
from sightline.commands.central_options import ConfigPath


def export(
    config: ConfigPath,
    by: Annotated[str, typer.Option("--by", help="The account that hands over, as it is entered.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the archive.")] = Path(),
    ask: Annotated[str | None, typer.Option("--ask", help="Ask another person, for this reason.")] = None,
    request: Annotated[
        str | None, typer.Option("--request", help="The number of the request that another person has approved.")
    ] = None,
    again: Annotated[
        str | None, typer.Option("--again", help="Fetch this export once more, unchanged: its number.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go and what not; change nothing.")] = False,
) -> None:
    """Put approved cases into one archive for the police system, and enter them: ask, have it approved, then make it.

    What cannot go is named with its reason. An archive that was made can be fetched again with --again.
    """
    from central.accounts.errors import AccountError
    from central.after import after_of
    from central.config import load_config
    from central.export import archive, service
    from central.media.opening import open_store
    from central.serve import open_database
    from central.workflow.errors import Refused
    from sightline.commands.desk import account

    settings = load_config(config)
    after, db, store = after_of(settings), open_database(settings), open_store(settings)
    try:
        if not output.is_dir():
            raise InputError(f"{output}: is no folder - make it first")
        with db.read() as session:
            user = account(session, by)
        found = service.plan(db, store, after.map)
        for left in found.left:
            typer.echo(f"{left.number}: {left.why}", err=True)
        if dry_run:
            typer.echo(f"{len(found.ready)} cases can go, {len(found.left)} cannot: nothing was changed")
            return
        if ask is not None:
            key = service.ask(db, store, after.map, user, ask)
            typer.echo(f"request {key}: another person approves it on /approvals, then run this with --request {key}")
            return
        if again is None and request is None:
            raise InputError("two people hand over - give --ask REASON, or --request NUMBER once it is approved")
        number = again or service.make(db, store, after.map, user, request or "")
        with db.read() as session:
            row = service.export_of(session, number)
        target = output / f"{number}.zip"
        if target.exists():
            raise InputError(f"{target}: is there already - choose another folder, nothing is written over")
        path = archive.build(db, store, row, output)
        with db.write() as session:
            service.note_fetch(session, row, user)
        path.replace(target)
        typer.echo(f"{target}: {row.cases} cases, SHA-256 {row.sha256}")
    except (Refused, AccountError) as refusal:
        raise InputError(str(refusal)) from refusal
    finally:
        db.close()
