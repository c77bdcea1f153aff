"""Which boxes may speak for a site. Who enrols a box trusts it with its own station, and with no other's.

A site for which no box is named hears every box, as before. What another box says is kept, shown nowhere, and told on
the station's page.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, delete, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from central.clock import office_now
from central.db.polling import FeedTrouble, RecordingLedger
from central.db.sites import Site, SiteBox
from contract.errors import InputError
from contract.topics import check_identifier

_Column = InstrumentedAttribute[str] | ColumnElement[str]
MOST = 50


def name(session: Session, site: str, boxes: Collection[str], by: str) -> None:
    """From now on these boxes speak for `site` and no others; none: every box may. Raises InputError."""
    if session.get(Site, site, with_for_update=True) is None:
        raise InputError(f"site {site!r} is not registered - put its file in force first: sightline central site add")
    given = sorted(set(boxes))
    try:
        for one in given:
            check_identifier(one, "edge id")
    except ValueError as error:
        raise InputError(str(error)) from error
    if len(given) > MOST:
        raise InputError(f"{MOST} boxes are the most of one site")
    session.execute(delete(SiteBox).where(SiteBox.site == site))
    session.add_all(SiteBox(site=site, edge_id=one, named_by=by, named_at=office_now()) for one in given)
    session.flush()


def named(session: Session, site: str) -> Sequence[str]:
    """The boxes that speak for a site; none where every box may."""
    query = select(SiteBox.edge_id).where(SiteBox.site == site).order_by(SiteBox.edge_id)
    return session.execute(query).scalars().all()


def speaks(site: _Column, edge_id: _Column) -> ColumnElement[bool]:
    """As a condition on the columns of what a box said: whether it may speak for that site."""
    some = select(SiteBox.edge_id).where(SiteBox.site == site)
    return or_(~exists(some), exists(some.where(SiteBox.edge_id == edge_id)))


def strangers(session: Session, site: str) -> list[str]:
    """Boxes that speak for a site and may not."""
    found: set[str] = set()
    for table in (RecordingLedger, FeedTrouble):
        query = select(table.edge_id).where(table.site == site, ~speaks(table.site, table.edge_id)).distinct()
        found |= set(session.execute(query).scalars())
    return sorted(found)


__all__ = ["name", "named", "speaks", "strangers"]
