"""`sightline central report`: what became of the captures of some days, as a file."""

from contextlib import closing
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from contract.errors import InputError
from sightline.commands.central_options import ConfigPath

_DAY = ["%Y-%m-%d"]
_NARROWS = ("rule", "site", "camera")


class StepName(StrEnum):
    """How days are put together."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Tag(StrEnum):
    """Languages of reports."""

    EN = "en"
    ZH = "zh-CN"


def report(
    config: ConfigPath,
    out: Annotated[Path, typer.Option("--out", help="File to write: .csv, .xlsx or .pdf.", show_default=False)],
    first: Annotated[datetime, typer.Option("--from", formats=_DAY, help="First day, as sites count days.")],
    last: Annotated[datetime, typer.Option("--to", formats=_DAY, help="Last day, itself within.")],
    by: Annotated[StepName, typer.Option(help="In steps of.")] = StepName.DAY,
    only: Annotated[
        list[str] | None, typer.Option(help="rule=NAME, site=NAME or camera=ID; one of each.", show_default=False)
    ] = None,
    people: Annotated[bool, typer.Option("--people", help="With the decisions of each person, by name.")] = False,
    language: Annotated[Tag, typer.Option(help="Of the words in it.")] = Tag.EN,
) -> None:
    """Write captures, approved, rejected by reason, expired and the time to decision as CSV, XLSX or PDF.

    The same figures are on central's page /reports; docs/reports.md says what each of them counts.

    \b
    sightline central report --from 2026-11-01 --to 2026-11-30 --out november.xlsx --config central.yaml
    """
    from central.config import load_config
    from central.reports import facts
    from central.reports import report as reports
    from central.reports.ask import Ask, Step
    from central.serve import open_database
    from central.tickets.errors import Unfit
    from central.web.language import load
    from central.web.report_routes import FILE_TYPES, as_file

    kind = out.suffix.removeprefix(".").lower()
    if kind not in FILE_TYPES:
        raise InputError(f"{out}: is none of {', '.join(f'.{one}' for one in FILE_TYPES)} - choose one of these")
    try:
        rule, site, camera = _narrowed(only or [])
        ask = Ask(first.date(), last.date(), Step(by.value), rule, site, camera)
    except Unfit as error:
        raise InputError(str(error)) from error
    with closing(open_database(load_config(config))) as db:
        facts.catch_up(db)
        with db.read() as session:
            made = reports.report(session, ask, people=people)
    out.write_bytes(as_file(made, kind, load(language.value)))
    typer.echo(f"{out}: {made.total.captures} captures of {ask.first} to {ask.last}")


def _narrowed(only: list[str]) -> tuple[str | None, str | None, str | None]:
    """Rule, site and camera."""
    said = dict(one.partition("=")[::2] for one in only)
    if unknown := said.keys() - set(_NARROWS):
        raise InputError(f"--only {min(unknown)}: is none of rule=NAME, site=NAME, camera=ID")
    return said.get("rule"), said.get("site"), said.get("camera")


__all__ = ["report"]
