"""Cases of a state in the order of the queue, sought in an index however few of them are asked for.

The indexes `ix_cases_queue*` end with the order shown, so that a page of a state, or of a site in it, is read as it is
shown. An area has many sites: each is sought by itself, and what they give is put into order. The databases would
rather walk the whole state and look at each case, which takes as long as the state has cases where the area has none.
"""

from sqlalchemy import ColumnElement, Select, literal, select, true, tuple_
from sqlalchemy.orm import Session

from central.db.cases import Case
from central.db.sites import Site
from central.tickets.among import Among
from central.tickets.states import CLOSED

#: What the queue goes by; the indexes `ix_cases_queue*` end with it.
_PLACE = (Case.sort_at, Case.number)


def first(
    session: Session, state: str, among: Among, limit: int, *more: ColumnElement[bool], back: bool = False
) -> Select[Case]:
    """The first `limit` cases of a state among those asked for, that hold `more`; `back`: from its end."""
    down = _downward(state, back)
    place = [one.desc() for one in _PLACE] if down else list(_PLACE)
    if among.by_site or not among.narrowed:
        return select(Case).where(Case.state == state, *among.conditions(), *more).order_by(*place).limit(limit)
    own = (Case.state == state, *among.own(), *more)
    if session.connection().dialect.name != "postgresql":
        of_site = select(Case.number).where(*own, Case.site == Site.site).order_by(*place).limit(limit).correlate(Site)
        found = select(Case).join_from(Site, Case, Case.number.in_(of_site)).where(*among.on(Site.area))
        return found.order_by(*place).limit(limit)
    sites = select(Site.site).where(*among.on(Site.area)).subquery("narrowed")
    mine = select(*_PLACE).where(*own, Case.site == sites.c.site).order_by(*place).limit(limit).correlate(sites)
    each = mine.lateral("of_site")
    order = [one.desc() if down else one for one in (each.c.sort_at, each.c.number)]
    of_all = select(each.c.number).select_from(sites.join(each, true()))
    picked = of_all.order_by(*order).limit(limit).subquery("picked")
    return select(Case).join(picked, Case.number == picked.c.number).order_by(*place)


def some(session: Session, state: str, among: Among, limit: int) -> Select[int]:
    """One line for each case of a state among those asked for, `limit` of them and in no order: to be counted."""
    own = (Case.state == state, *among.own())
    if not among.narrowed:
        return select(literal(1)).where(*own).limit(limit)
    if session.connection().dialect.name != "postgresql":
        of_site = select(Case.number).where(*own, Case.site == Site.site).limit(limit).correlate(Site)
        found = select(literal(1)).join_from(Site, Case, Case.number.in_(of_site))
        return found.where(*among.on(Site.area)).limit(limit)
    sites = select(Site.site).where(*among.on(Site.area)).subquery("narrowed")
    mine = select(literal(1).label("one")).where(*own, Case.site == sites.c.site).limit(limit).correlate(sites)
    each = mine.lateral("of_site")
    return select(each.c.one).select_from(sites.join(each, true())).limit(limit)


def behind(state: str, row: Case, back: bool = False) -> ColumnElement[bool]:
    """A comparison of rows: both databases seek with it, which they do not with an `or`."""
    place = tuple_(*_PLACE)
    here = tuple_(*(literal(getattr(row, one.key), one.type) for one in _PLACE))
    return place < here if _downward(state, back) else place > here


def _downward(state: str, back: bool) -> bool:
    return (state in CLOSED) != back


__all__ = ["behind", "first", "some"]
