"""`sightline central list`: plates, the vehicle register, and matters of others, taken in whole or not at all."""

import getpass
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, available_timezones

import typer

from contract.errors import InputError
from sightline.commands.central_options import ConfigPath

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

app = typer.Typer(
    no_args_is_help=True,
    help="Lists of the authority: what is taken in replaces the list before it, or changes nothing when a line is bad.",
)
File = Annotated[Path, typer.Argument(help="The file, UTF-8. Forms and columns: docs/precheck.md.")]
Zone = Annotated[str, typer.Option(help="Time zone of times that name none.")]


@app.command("plates")
def plates(
    kind: Annotated[str, typer.Argument(help="stolen, cloned, emergency, exempt, permit or works.")],
    file: File,
    config: ConfigPath,
) -> None:
    """A list of plates, one a line, if need be with the last day on which the entry holds.

    Central asks about a case whose plate stands on it, before anything is approved; it decides nothing by itself.

    \b
    sightline central list plates stolen stolen.txt --config central.yaml
    """
    from central.lists import imports

    _take(config, f"list {kind}", lambda session, by: imports.plates(session, kind, file, by))


@app.command("register")
def register(file: File, config: ConfigPath) -> None:
    """The vehicle register: plate, plate_type, vehicle_type, color. A column of owners refuses the file.

    \b
    sightline central list register vehicles.csv --config central.yaml
    """
    from central.lists import imports

    def told(done: int) -> None:
        if sys.stderr.isatty() or done % 100_000 == 0:
            typer.echo(f"\r{done:,} rows", nl=done % 100_000 == 0, err=True)

    _take(config, "register", lambda session, by: imports.register(session, file, by, told))


@app.command("on-site")
def on_site(file: File, config: ConfigPath, zone: Zone = "Asia/Shanghai") -> None:
    """What officers settled on the spot: plate, at, and perhaps site, code, number. Its case asks if it is that."""
    _matters(config, file, "on_site", zone)


@app.command("reports")
def reports(file: File, config: ConfigPath, zone: Zone = "Asia/Shanghai") -> None:
    """What the public reported: plate, at, and perhaps site, code, number. It is shown beside cases of that plate."""
    _matters(config, file, "reports", zone)


@app.command("show")
def show(config: ConfigPath) -> None:
    """What was taken in last of each list: rows, when, by whom, the file's name and SHA-256."""
    from sqlalchemy import select

    from central.config import load_config
    from central.db.lists import ListImport
    from central.serve import open_database

    with closing(open_database(load_config(config))) as db, db.read() as session:
        for one in session.execute(select(ListImport).order_by(ListImport.kind, ListImport.id)).scalars():
            told = f"{one.imported_at:%Y-%m-%d %H:%M}  {one.imported_by}  {one.file}  {one.sha256}"
            typer.echo(f"{one.kind}  {one.rows} rows  {told}")


def _matters(config: Path, file: Path, kind: str, zone: str) -> None:
    from central.lists import imports

    if zone not in available_timezones():
        raise InputError(f"--zone {zone!r} is not a time zone of the IANA list - for example Asia/Shanghai")
    _take(config, kind, lambda session, by: imports.handled(session, kind, file, by, ZoneInfo(zone)))


def _take(config: Path, what: str, take: "Callable[[Session, str], int]") -> None:
    """One transaction: all of it or nothing."""
    from central.config import load_config
    from central.serve import open_database

    with closing(open_database(load_config(config))) as db:
        with db.write() as session:
            rows = take(session, f"cli:{getpass.getuser()}"[:100])
        typer.echo(f"{what}: {rows} rows")
