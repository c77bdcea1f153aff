"""Bookmarks as they are looked through: by area, station, category and severity, and what boxes answered."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from central.db.marks import Bookmark, BookmarkMark
from central.db.polling import BoxCommand, Station
from central.db.sites import Site
from central.polling.bookmarks import marks_of
from central.sites.areas import within

PAGE: Final = 50
Place = tuple[str, str]
#: What became of the wish to keep it: the box has not answered, keeps it, refused it, or need keep it no longer.
Kept = Literal["asked", "kept", "refused", "released"]


@dataclass(frozen=True, slots=True)
class Filter:
    """What is to be seen; "" for all. `area` is one of the register."""

    area: str = ""
    site: str = ""
    category: str = ""
    severity: str = ""
    #: Only what boxes still keep.
    unreleased: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One bookmark with its marks; `why` is the box's, where it refused."""

    row: Bookmark
    station: Station
    marks: Sequence[BookmarkMark]
    kept: Kept
    why: str


def listed(session: Session, areas: Collection[str], wanted: Filter, page: int = 1) -> tuple[list[Seen], bool]:
    """The newest first, `PAGE` at a time, and whether there are more; of stations in `areas`."""
    query = select(Bookmark, Station).join(Station, Station.site == Bookmark.site)
    query = query.where(Bookmark.gone_at.is_(None), *within(Bookmark.site, areas))
    if wanted.area:
        query = query.where(Bookmark.site.in_(select(Site.site).where(Site.area == wanted.area)))
    if wanted.site:
        query = query.where(Bookmark.site == wanted.site)
    if wanted.unreleased:
        query = query.where(Bookmark.released_at.is_(None))
    for column, value in ((BookmarkMark.category, wanted.category), (BookmarkMark.severity, wanted.severity)):
        if value:
            said = (BookmarkMark.bookmark_id == Bookmark.id, BookmarkMark.undone_at.is_(None), column == value)
            query = query.where(exists().where(*said))
    query = query.order_by(Bookmark.from_us.desc(), Bookmark.id.desc()).offset((page - 1) * PAGE).limit(PAGE + 1)
    found = [(row, station) for row, station in session.execute(query)]
    shown = found[:PAGE]
    marks = _by_bookmark(marks_of(session, [row.id for row, _ in shown]))
    answers = _answers(session, [row for row, _ in shown])
    seen = [Seen(row, station, marks[row.id], *_kept(row, answers)) for row, station in shown]
    return seen, len(found) > PAGE


def on_lines(
    session: Session, places: Collection[Place], from_us: int, until_us: int
) -> Mapping[Place, tuple[tuple[int, str, str, str], ...]]:
    """Of each camera the marks between two times: when, category and severity ("" where not said), and who."""
    query = select(Bookmark.edge_id, Bookmark.camera_id, BookmarkMark).join(
        BookmarkMark, BookmarkMark.bookmark_id == Bookmark.id
    )
    query = query.where(
        Bookmark.edge_id.in_({edge for edge, _ in places}), Bookmark.gone_at.is_(None),
        BookmarkMark.undone_at.is_(None), BookmarkMark.at_us.between(from_us, until_us),
    )  # fmt: skip
    found: dict[Place, list[tuple[int, str, str, str]]] = defaultdict(list)
    for edge, camera, one in session.execute(query.order_by(BookmarkMark.at_us)):
        if (edge, camera) in places:
            found[edge, camera].append((one.at_us, one.category or "", one.severity or "", one.name))
    return {place: tuple(some) for place, some in found.items()}


def _by_bookmark(marks: Sequence[BookmarkMark]) -> Mapping[int, list[BookmarkMark]]:
    found: dict[int, list[BookmarkMark]] = defaultdict(list)
    for one in marks:
        found[one.bookmark_id].append(one)
    return found


def _answers(session: Session, rows: Sequence[Bookmark]) -> Mapping[str, BoxCommand]:
    names = {str(hold) for row in rows for hold in row.holds}
    query = select(BoxCommand).where(BoxCommand.id.in_(names))
    return {one.id: one for one in session.execute(query).scalars()}


def _kept(row: Bookmark, answers: Mapping[str, BoxCommand]) -> tuple[Kept, str]:
    """The newest wish is for all of it; the older ones are parts."""
    if row.released_at is not None:
        return "released", ""
    answer = answers.get(str(row.holds[-1])) if row.holds else None
    if answer is None or answer.status is None:
        return "asked", ""
    return ("kept", "") if answer.status == "done" else ("refused", answer.reason or "")


__all__ = ["PAGE", "Filter", "Kept", "Seen", "listed", "on_lines"]
