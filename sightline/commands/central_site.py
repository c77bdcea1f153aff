"""`sightline central site`: which sites central knows, in whose area, and which of their files are in force."""

import getpass
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.commands.central_options import ConfigPath

if TYPE_CHECKING:
    from central.db.database import Database
    from central.db.sites import SiteSpan

app = typer.Typer(
    no_args_is_help=True, help="Sites that central knows: area, site file in force, inspection of the devices."
)
_DAY = ["%Y-%m-%d"]


@app.command("add")
def add(  # noqa: PLR0913, PLR0917 - options of a command
    file: Annotated[Path, typer.Argument(help="The very site file that the box runs with: events name its SHA-256.")],
    config: ConfigPath,
    area: Annotated[str, typer.Option(help="Code of the administration or grid; who reviews an area sees its cases.")],
    valid_from: Annotated[
        datetime, typer.Option("--from", formats=_DAY, help="First day in force, as the site counts days.")
    ],
    until: Annotated[datetime | None, typer.Option(formats=_DAY, help="Last day in force, where it is known.")] = None,
    inspection_from: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="First day on which the inspection of the devices holds.")
    ] = None,
    inspection_until: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="Last day on which the inspection of the devices holds.")
    ] = None,
    published: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="Day on which the place was made known.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="LONGITUDE,LATITUDE in degrees, WGS 84.")] = None,
    instead_of: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="First day of what was told wrongly and is told anew by this.")
    ] = None,
) -> None:
    """Put a site file in force. What was in force before it ends on the day before, and stays told.

    The same file from a later day on: new terms, such as a renewed inspection. From the same day on: mended terms.

    \b
    sightline central site add site.yaml --area 330122 --from 2026-04-01 --published 2026-03-25
      --inspection-from 2026-03-01 --inspection-until 2027-02-28 --config F.yaml
    """
    from central.sites import register

    terms = register.Terms(
        area=area,
        valid_from=valid_from.date(),
        valid_until=_day(until),
        inspection_from=_day(inspection_from),
        inspection_until=_day(inspection_until),
        published_on=_day(published),
        instead_of=_day(instead_of),
        position=_position(at),
        by=f"cli:{getpass.getuser()}"[:100],
    )
    with closing(_database(config)) as db, db.write() as session:
        span = register.add(session, file, terms)
        typer.echo(f"site {span.site}: version {span.sha256[:12]} in force from {span.valid_from} on, area {area}")


@app.command("boxes")
def name_boxes(
    site: Annotated[str, typer.Argument(help="The site, as its file calls it.")],
    config: ConfigPath,
    box: Annotated[list[str] | None, typer.Option(help="Edge id of a box that speaks for it; once for each.")] = None,
    every: Annotated[bool, typer.Option("--every", help="Every box may speak for it again.")] = False,
) -> None:
    """Say which boxes speak for a site; what any other says of it is kept and not shown. Without options: who does.

    \b
    sightline central site boxes ps-0123 --box edge-0123 --config F.yaml
    """
    from central.sites import boxes

    if box and every:
        raise typer.BadParameter("give boxes or --every, not both", param_hint="--every")
    with closing(_database(config)) as db, db.write() as session:
        if box or every:
            boxes.name(session, site, box or [], f"cli:{getpass.getuser()}"[:100])
        typer.echo(f"site {site}: {', '.join(boxes.named(session, site)) or 'every box may speak for it'}")


@app.command("list")
def list_sites(config: ConfigPath) -> None:
    """What was in force at every site: area, SHA-256, days, when it was made public, its devices' inspection."""
    from central.sites import register

    with closing(_database(config)) as db, db.read() as session:
        for site, span in register.spans(session):
            days = f"{span.valid_from} to {span.valid_until or 'now'}"
            public = f"public since {span.published_on}" if span.published_on else "nobody told when it was made public"
            typer.echo(f"{site.site}  {site.area}  {span.sha256[:12]}  {days}  {public}  {_inspected(span)}")


def _day(told: datetime | None) -> date | None:
    return told.date() if told else None


def _inspected(span: "SiteSpan") -> str:
    if span.inspection_until is None:
        return "no inspection told"
    return f"inspection from {span.inspection_from or '(nobody told)'} to {span.inspection_until}"


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
