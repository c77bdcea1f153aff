"""`sightline central list`: plates, the vehicle register, and matters of others, taken in whole or not at all."""

import getpass
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, available_timezones

import typer

from contract.errors import InputError
from sightline.commands.central_options import ConfigPath

if TYPE_CHECKING:
    from central.db.database import Database

app = typer.Typer(
    no_args_is_help=True,
    help="Lists of the authority: what is taken in replaces the list before it, or changes nothing when a line is bad.",
)
File = Annotated[Path, typer.Argument(help="The file, UTF-8. Forms and columns: docs/precheck.md.")]
Zone = Annotated[str, typer.Option(help="Time zone of times that name none.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        help="Until when the office kept it, such as 2026-11-21T18:00; a day means its beginning. Without it nobody "
        "can tell that a plate was not on it, and the case page says so."
    ),
]


@app.command("plates")
def plates(
    kind: Annotated[str, typer.Argument(help="stolen, cloned, emergency, exempt, permit or works.")],
    file: File,
    config: ConfigPath,
    as_of: AsOf = None,
    zone: Zone = "Asia/Shanghai",
) -> None:
    """A list of plates, one a line, if need be with the last day on which the entry holds.

    Central asks about a case whose plate stands on it, before anything is approved; it decides nothing by itself.

    \b
    sightline central list plates stolen stolen.txt --as-of 2026-11-21T06:00 --config central.yaml
    """
    from central.lists import imports

    moment = _moment(as_of, _zone(zone))
    _take(config, f"list {kind}", lambda db, by: imports.plates(db, kind, file, by, moment, _progress))


@app.command("register")
def register(file: File, config: ConfigPath) -> None:
    """The vehicle register: plate, plate_type, vehicle_type, color. A column of owners refuses the file.

    \b
    sightline central list register vehicles.csv --config central.yaml
    """
    from central.lists import imports

    _take(config, "register", lambda db, by: imports.register(db, file, by, _progress))


@app.command("on-site")
def on_site(file: File, config: ConfigPath, as_of: AsOf = None, zone: Zone = "Asia/Shanghai") -> None:
    """What officers settled on the spot: plate, at, and perhaps site, code, number. Its case asks if it is that."""
    _matters(config, file, "on_site", as_of, zone)


@app.command("reports")
def reports(file: File, config: ConfigPath, as_of: AsOf = None, zone: Zone = "Asia/Shanghai") -> None:
    """What the public reported: plate, at, and perhaps site, code, number. It is shown beside cases of that plate."""
    _matters(config, file, "reports", as_of, zone)


@app.command("show")
def show(config: ConfigPath) -> None:
    """What was taken in last of each list: rows, when, by whom, the file's name and SHA-256."""
    from sqlalchemy import select

    from central.config import load_config
    from central.db.lists import ListImport
    from central.serve import open_database

    with closing(open_database(load_config(config))) as db, db.read() as session:
        for one in session.execute(select(ListImport).order_by(ListImport.kind, ListImport.id)).scalars():
            told = f"{one.imported_at:%Y-%m-%d %H:%M} UTC  {one.imported_by}  {one.file}  {one.sha256}"
            kept = f"kept until {one.as_of:%Y-%m-%d %H:%M} UTC" if one.as_of else "kept until -"
            typer.echo(f"{one.kind}  {one.state}  {one.rows} rows  {kept}  {told}")


def _matters(config: Path, file: Path, kind: str, as_of: str | None, zone: str) -> None:
    from central.lists import imports

    place = _zone(zone)
    moment = _moment(as_of, place)
    _take(config, kind, lambda db, by: imports.handled(db, kind, file, by, place, moment, _progress))


def _zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise InputError(f"--zone {name!r} is not a time zone of the IANA list - for example Asia/Shanghai")
    return ZoneInfo(name)


def _moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    """Until when a list was kept; a day means its beginning, because nobody says at what hour it was written."""
    if text is None:
        typer.echo("without --as-of nobody can tell that a plate was not on it: such a check is not known", err=True)
        return None
    try:
        said = datetime.fromisoformat(text)
        return (said if said.tzinfo else said.replace(tzinfo=zone)).astimezone(zone)
    except (ValueError, OverflowError) as error:
        raise InputError(f"--as-of {text[:40]!r} is not a time like 2026-11-21T18:00 - mend it") from error


def _progress(what: str, done: int) -> None:
    """How many rows were checked, and how many are in: on a terminal as it goes, in a log now and then."""
    whole = done % 100_000 == 0
    if sys.stderr.isatty() or whole:
        typer.echo(f"\r{done:,} rows {what}", nl=whole, err=True)


def _take(config: Path, what: str, take: "Callable[[Database, str], int]") -> None:
    """All of it or nothing."""
    from central.config import load_config
    from central.serve import open_database
    from central.tickets import asking

    with closing(open_database(load_config(config))) as db:
        rows = take(db, f"cli:{getpass.getuser()}"[:100])
        typer.echo(f"{what}: {rows} rows")
        if asked := asking.sweep(db):
            typer.echo(f"{asked} open cases are asked about anew")
