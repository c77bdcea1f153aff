"""`sightline central site`: which sites central knows, in whose area, and which of their files are in force."""

import getpass
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.commands.central_options import ConfigPath

if TYPE_CHECKING:
    from central.db.database import Database

app = typer.Typer(
    no_args_is_help=True, help="Sites that central knows: area, site file in force, inspection of the devices."
)
_DAY = ["%Y-%m-%d"]


@app.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="The very site file that the box runs with: events name its SHA-256.")],
    config: ConfigPath,
    area: Annotated[str, typer.Option(help="Code of the administration or grid; who reviews an area sees its cases.")],
    valid_from: Annotated[
        datetime, typer.Option("--from", formats=_DAY, help="First day in force, as the site counts days.")
    ],
    inspection_until: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="Last day on which the inspection of the devices holds.")
    ] = None,
    published: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="Day on which the place was made known.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="LONGITUDE,LATITUDE in degrees, WGS 84.")] = None,
) -> None:
    """Put a site file in force. The version before it ends on the day before; the same file again mends its terms.

    \b
    sightline central site add site.yaml --area 330122 --from 2026-04-01 --inspection-until 2027-03-31 --config F.yaml
    """
    from central.sites import register

    terms = register.Terms(
        area=area,
        valid_from=valid_from.date(),
        inspection_until=inspection_until.date() if inspection_until else None,
        published_on=published.date() if published else None,
        position=_position(at),
        by=f"cli:{getpass.getuser()}"[:100],
    )
    with closing(_database(config)) as db, db.write() as session:
        version = register.add(session, file, terms)
        typer.echo(
            f"site {version.site}: version {version.sha256[:12]} in force from {version.valid_from} on, area {area}"
        )


@app.command("list")
def list_sites(config: ConfigPath) -> None:
    """Every version of every site: area, SHA-256, days in force, until when its devices' inspection holds."""
    from central.sites import register

    with closing(_database(config)) as db, db.read() as session:
        for site, version in register.versions(session):
            until = version.valid_until or "now"
            inspected = (
                f"inspection until {version.inspection_until}" if version.inspection_until else "no inspection told"
            )
            typer.echo(f"{site.site}  {site.area}  {version.sha256[:12]}  {version.valid_from} to {until}  {inspected}")


def _position(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        lon = lat = float("nan")
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise typer.BadParameter(f"{text!r} is not LONGITUDE,LATITUDE such as 119.69,29.80", param_hint="--at")
    return lon, lat


def _database(path: Path) -> "Database":
    from central.config import load_config
    from central.serve import open_database

    return open_database(load_config(path))
