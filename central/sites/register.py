"""The register of sites: a site file is put in force from a day on, for an area, and found again by its SHA-256."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.sites import Site, SiteVersion
from contract import site as contract_site
from contract.errors import InputError
from contract.sitefile import SiteFile, load_site

#: What an area's code may look like: the code of an administration or a grid, as text.
AREA_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a site file is put in force. Days are those of the site; `by` is who says so."""

    area: str
    valid_from: date
    inspection_until: date | None
    by: str
    published_on: date | None = None
    position: tuple[float, float] | None = None


def add(session: Session, path: Path, terms: Terms) -> SiteVersion:
    """Register the site file at `path`, and end the version before it on the day before.

    The same file again mends its terms. Raises SiteError for a file that does not hold,
    InputError for terms that contradict what is registered.
    """
    file = load_site(path)
    _refuse(terms)
    _of_site(session, file.site, terms)
    version = session.get(SiteVersion, file.sha256)
    if version is None:
        version = _new(session, file, terms)
    version.valid_from, version.inspection_until = terms.valid_from, terms.inspection_until
    version.published_on = terms.published_on
    version.imported_by, version.imported_at = terms.by, office_now()
    session.flush()
    return version


def versions(session: Session) -> list[tuple[Site, SiteVersion]]:
    """Every version with its site, by site and first day."""
    query = (
        select(Site, SiteVersion)
        .join(SiteVersion, SiteVersion.site == Site.site)
        .order_by(Site.site, SiteVersion.valid_from, SiteVersion.sha256)
    )
    return [(site, version) for site, version in session.execute(query)]


def areas(session: Session, sites: set[str]) -> dict[str, str]:
    """The area of each of `sites` that is registered, with one query."""
    if not sites:
        return {}
    return {row.site: row.area for row in session.execute(select(Site.site, Site.area).where(Site.site.in_(sites)))}


def _refuse(terms: Terms) -> None:
    if not terms.area or len(terms.area) > AREA_LENGTH or not terms.area.isascii() or not terms.area.isalnum():
        raise InputError(
            f"area {terms.area!r} is no code of letters and digits - give the administration's or the grid's"
        )
    if terms.inspection_until is not None and terms.inspection_until < terms.valid_from:
        raise InputError(
            f"the inspection ended on {terms.inspection_until}, before {terms.valid_from} - have the devices inspected"
        )


def _of_site(session: Session, said: contract_site.Site, terms: Terms) -> None:
    site = session.get(Site, said.site)
    if site is None:
        site = Site(site=said.site)
        session.add(site)
    site.name, site.area = said.name, terms.area
    if terms.position is not None:
        site.lon, site.lat = terms.position
    session.flush()


def _new(session: Session, file: SiteFile, terms: Terms) -> SiteVersion:
    query = select(SiteVersion).where(SiteVersion.site == file.site.site).order_by(SiteVersion.valid_from.desc())
    for before in session.execute(query).scalars():
        if before.valid_from >= terms.valid_from:
            raise InputError(
                f"site {file.site.site} has a version in force from {before.valid_from} on - a newer one begins later"
            )
        if before.valid_until is None:
            before.valid_until = terms.valid_from - timedelta(days=1)
    raw = file.path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != file.sha256:
        raise InputError(f"{file.path}: was changed while it was read - give it again")
    version = SiteVersion(sha256=file.sha256, site=file.site.site, raw=raw)
    session.add(version)
    return version


__all__ = ["Terms", "add", "areas", "versions"]
