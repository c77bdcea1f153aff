"""`sightline central media`: what boxes have in the store, orphans, and legal holds of cases."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.errors import InputError
from sightline.commands.central_options import ConfigPath

if TYPE_CHECKING:
    from central.config import CentralConfig
    from central.db.database import Database
    from central.media.store import MediaStore

app = typer.Typer(no_args_is_help=True, help="Stills and clips: what boxes have here, orphans, legal holds, retention.")

Number = Annotated[str, typer.Argument(help="The case's number, for example 20261121-0001.")]
Name = Annotated[str, typer.Option("--by", help="Who orders it: name and office, as the case's history shows it.")]
Reason = Annotated[str, typer.Option(help="Why, for example the file number of the court.")]


@app.command()
def usage(config: ConfigPath) -> None:
    """Bytes of each box in the store, uploads under way included, and the most it may have."""
    from central.edges import enrolment
    from central.media import quota
    from central.media.opening import quotas_of

    with _opened(config) as (settings, db), db.read() as session:
        quotas = quotas_of(settings)
        for edge in enrolment.enrolled(session):
            most = quotas.of(edge.id)
            limit = "no limit" if most is None else f"of {most}"
            typer.echo(f"{edge.id}  {quota.used(session, edge.id)} bytes  {limit}")


@app.command()
def sweep(
    config: ConfigPath,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as one line of JSON.")] = False,
) -> None:
    """Take away objects that no event names and that came longer than media.orphan_days ago. Central does so by itself.

    What an event, a case or a message in quarantine names stays, also when it arrives meanwhile.
    """
    from central.media.sweep import Sweep

    with _opened(config) as (settings, db):
        grace = timedelta(days=settings.media.orphan_days)
        tally = Sweep(db, _store(settings), grace, dry_run=dry_run).run()
    if as_json:
        typer.echo(json.dumps(asdict(tally)))
        return
    done = "nothing was changed" if dry_run else f"{tally.removed} removed ({tally.removed_bytes} bytes)"
    typer.echo(
        f"{tally.looked} objects, {tally.orphans} orphans ({tally.orphan_bytes} bytes): {done}; "
        f"{tally.locked} locked by the bucket, {tally.entered} entered anew, {tally.missing} lost by the store"
    )


@app.command()
def hold(number: Number, config: ConfigPath, by: Name, reason: Reason) -> None:
    """Put a case under legal hold: nothing that it names is removed until the hold is released."""
    from central.media import holds

    with _opened(config) as (settings, db):
        marked = holds.place(db, _store(settings), number, _line(by, "--by", 64), _line(reason, "--reason", 1000))
    typer.echo(f"case {number} is under legal hold: {marked.here} objects, {marked.missing} more when they arrive")


@app.command()
def release(number: Number, config: ConfigPath, by: Name, reason: Reason) -> None:
    """End the legal hold of a case. What another held case names stays held."""
    from central.media import holds

    with _opened(config) as (settings, db):
        holds.release(db, _store(settings), number, _line(by, "--by", 64), _line(reason, "--reason", 1000))
    typer.echo(f"case {number} is no longer under legal hold")


@app.command("holds")
def list_holds(config: ConfigPath) -> None:
    """Every legal hold in force, oldest first."""
    from central.media import holds

    with _opened(config) as (_, db), db.read() as session:
        for one in holds.in_force(session):
            typer.echo(f"{one.number}  since {one.since:%Y-%m-%d %H:%M} UTC  by {one.by}: {one.reason}")


@app.command()
def retention(
    config: ConfigPath,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is due, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as one line of JSON.")] = False,
) -> None:
    """Archive cases whose time has come and delete what only they name, with a certificate. Central does so by itself.

    The times are those of each case's profile; pictures of cameras in shadow have that of rejected cases. What a legal
    hold keeps stays, and nothing goes before its time.
    """
    from central.ledger.key import office_key
    from central.retention.rounds import clear
    from central.retention.sweep import Retention

    with _opened(config) as (settings, db):
        with db.read() as session:
            key = office_key(session, settings.ledger_key) if settings.ledger_key.exists() else None
        tally = Retention(db, _store(settings), key, dry_run=dry_run).run()
        if not dry_run:
            clear(db, settings.copies_folder)
    if as_json:
        typer.echo(json.dumps(asdict(tally)))
        return
    if dry_run:
        typer.echo(
            f"{tally.archived} cases and {tally.shadows} decisions in shadow are due, "
            f"{tally.unknown} are of a profile that is not here: nothing was changed"
        )
        return
    typer.echo(
        f"{tally.archived} cases archived, {tally.shadows} decisions in shadow past their time, "
        f"{tally.removed} objects deleted ({tally.removed_bytes} bytes), "
        f"{tally.kept} kept by a hold, {tally.locked} locked by the bucket, {tally.certified} certified"
    )
    if key is None:
        typer.echo("no certificate was made: the office's key is not on this machine (ledger.key_file)", err=True)


@app.command()
def certificates(config: ConfigPath) -> None:
    """Certificates of deletion, newest first."""
    from central.retention import certificates as kept

    with _opened(config) as (_, db), db.read() as session:
        for row in kept.listed(session):
            count = len(json.loads(row.raw)["objects"])
            typer.echo(f"{row.number}  {row.at:%Y-%m-%d %H:%M} UTC  {count} objects")


@app.command()
def certificate(
    number: Annotated[str, typer.Argument(help="The certificate's number, for example D20261122-001.")],
    config: ConfigPath,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
) -> None:
    """Hand out a certificate of deletion: one file that `sightline evidence certificate` checks offline."""
    from central.ledger.key import office_key
    from central.retention import certificates as kept

    if output.exists():
        raise InputError(f"{output}: is there already - choose another name, nothing is written over")
    with _opened(config) as (settings, db), db.read() as session:
        raw = kept.as_file(session, number, office_key(session, settings.ledger_key))
    try:
        output.write_bytes(raw)
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror}) - choose another place") from error
    typer.echo(f"wrote {output}")


@contextmanager
def _opened(path: ConfigPath) -> "Iterator[tuple[CentralConfig, Database]]":
    from central.config import load_config
    from central.serve import open_database

    settings = load_config(path)
    db = open_database(settings)
    try:
        yield settings, db
    finally:
        db.close()


def _store(settings: "CentralConfig") -> "MediaStore":
    from central.media.opening import open_store

    return open_store(settings)


def _line(text: str, option: str, most: int) -> str:
    """`text` as one printable line of at most `most` signs; else InputError."""
    said = text.strip()
    if not said or len(said) > most or not said.isprintable():
        raise InputError(f"{option}: one line of 1 to {most} signs is needed - say who and why in words")
    return said
