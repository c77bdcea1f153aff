"""The register of sites: a site file is put in force from a day on, for an area, and found again by its SHA-256.

What was in force in the past stays told: a file given up and taken up again, or new terms from a day on (an inspection
renewed), is one more span, and never changes the ones before.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.sites import Site, SiteSpan, SiteVersion
from central.polling import stations
from contract import site as contract_site
from contract.errors import InputError
from contract.sitefile import SiteFile, load_site

#: What an area's code may look like: the code of an administration or a grid, as text.
AREA_LENGTH = 40
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a site file is put in force. Days are those of the site; `by` is who says so.

    `instead_of` is the first day of a span that was told wrongly and is now told anew.
    """

    area: str
    valid_from: date
    inspection_until: date | None
    by: str
    inspection_from: date | None = None
    valid_until: date | None = None
    published_on: date | None = None
    position: tuple[float, float] | None = None
    instead_of: date | None = None


def add(session: Session, path: Path, terms: Terms) -> SiteSpan:
    """Put the site file at `path` in force, and end what was in force before it on the day before.

    The same file from the same day on mends the terms. Raises SiteError for a file that does not hold,
    InputError for terms that contradict what is registered.
    """
    file = load_site(path)
    _refuse(terms)
    _of_site(session, file.site, terms)
    _keep(session, file)
    stations.keep(session, file.site, file.sha256)
    query = select(SiteSpan).where(SiteSpan.site == file.site.site).order_by(SiteSpan.valid_from)
    span = _span(session, file, list(session.execute(query).scalars()), terms)
    span.inspection_from, span.inspection_until = terms.inspection_from, terms.inspection_until
    span.published_on = terms.published_on
    span.imported_by, span.imported_at = terms.by, office_now()
    session.flush()
    return span


def spans(session: Session) -> list[tuple[Site, SiteSpan]]:
    """Every span of every site, by site and first day."""
    query = select(Site, SiteSpan).join(SiteSpan, SiteSpan.site == Site.site).order_by(Site.site, SiteSpan.valid_from)
    return [(site, span) for site, span in session.execute(query)]


def _refuse(terms: Terms) -> None:
    if not terms.area or len(terms.area) > AREA_LENGTH or not terms.area.isascii() or not terms.area.isalnum():
        raise InputError(
            f"area {terms.area!r} is no code of letters and digits - give the administration's or the grid's"
        )
    begun, ended = terms.inspection_from, terms.inspection_until
    if ended is not None and ended < terms.valid_from:
        raise InputError(f"the inspection ended on {ended}, before {terms.valid_from} - have the devices inspected")
    if begun is not None and (ended is None or ended < begun):
        raise InputError(f"the inspection holds from {begun} until {ended or 'no day'} - give both of its days")
    if terms.valid_until is not None and terms.valid_until < terms.valid_from:
        raise InputError(f"it ends on {terms.valid_until}, before it begins on {terms.valid_from} - mend the days")


def _of_site(session: Session, said: contract_site.Site, terms: Terms) -> None:
    """The row of the site, locked: of two who add to it at once, the second sees what the first did."""
    site = session.get(Site, said.site, with_for_update=True)
    if site is None:
        site = Site(site=said.site)
        session.add(site)
    site.name, site.area = said.name, terms.area
    if terms.position is not None:
        site.lon, site.lat = terms.position
    session.flush()


def _keep(session: Session, file: SiteFile) -> None:
    if session.get(SiteVersion, file.sha256) is not None:
        return
    raw = file.path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != file.sha256:
        raise InputError(f"{file.path}: was changed while it was read - give it again")
    session.add(SiteVersion(sha256=file.sha256, site=file.site.site, raw=raw))
    session.flush()


def _span(session: Session, file: SiteFile, told: Sequence[SiteSpan], terms: Terms) -> SiteSpan:
    """The span that `terms` are about, with its days: one that is there already, or a new one behind all others."""
    place = _place(file, told, terms)
    span = told[place] if place < len(told) else SiteSpan(site=file.site.site)
    before = told[place - 1] if place else None
    after = told[place + 1] if place + 1 < len(told) else None
    first = terms.valid_from
    if (before and before.valid_from >= first) or (after and after.valid_from <= first):
        raise InputError(f"site {span.site}: {first} lies beyond what is registered beside it - mend that first")
    if before:
        joined = span.valid_from is not None and before.valid_until == span.valid_from - _DAY
        if joined or before.valid_until is None or before.valid_until >= first:
            before.valid_until = first - _DAY
    ends = [day for day in (terms.valid_until, after.valid_from - _DAY if after else None) if day is not None]
    span.sha256, span.valid_from, span.valid_until = file.sha256, first, min(ends, default=None)
    if place == len(told):
        session.add(span)
    return span


def _place(file: SiteFile, told: Sequence[SiteSpan], terms: Terms) -> int:
    """Which of the spans told so far `terms` are about; their number for a new one."""
    days = [one.valid_from for one in told]
    if terms.instead_of is not None:
        if terms.instead_of not in days:
            known = ", ".join(map(str, days)) or "none"
            raise InputError(
                f"site {file.site.site} has nothing that begins on {terms.instead_of} - known are: {known}"
            )
        return days.index(terms.instead_of)
    if terms.valid_from in days and told[days.index(terms.valid_from)].sha256 == file.sha256:
        return days.index(terms.valid_from)
    if told and terms.valid_from <= days[-1]:
        raise InputError(
            f"site {file.site.site} has a version in force from {days[-1]} on - a newer one begins later; what was "
            "told wrongly is told anew with --instead-of and its first day"
        )
    return len(told)


__all__ = ["Terms", "add", "spans"]
