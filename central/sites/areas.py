"""Areas: who is given some sees the cases and alarms of the sites in them and no others; who is given none sees all.

A site lies in the area that the register names today. One that is not registered lies in none, so that only who has no
areas sees what happens there.
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from central.db.sites import Site

#: The areas of somebody who is given none.
EVERYWHERE: Final[frozenset[str]] = frozenset()


def within(site: InstrumentedAttribute[str] | ColumnElement[str], areas: Collection[str]) -> list[ColumnElement[bool]]:
    """As conditions on the column with the name of a site; none for EVERYWHERE."""
    return [site.in_(select(Site.site).where(Site.area.in_(sorted(areas))))] if areas else []


def holds(session: Session, site: str, areas: Collection[str]) -> bool:
    """Whether a site lies in one of `areas`."""
    if not areas:
        return True
    return session.execute(select(Site.area).where(Site.site == site)).scalar_one_or_none() in areas


def known(session: Session) -> dict[str, list[str]]:
    """Every area with the names of its sites."""
    found: dict[str, list[str]] = {}
    for area, name in session.execute(select(Site.area, Site.name).order_by(Site.area, Site.name)):
        found.setdefault(area, []).append(name)
    return found


__all__ = ["EVERYWHERE", "holds", "known", "within"]
