"""Bookmarks: a monitor marks a moment of a camera, and its box keeps the minute before and after it from deletion.

Marks of one camera that lie within a minute of each other are one bookmark, whoever made them, also when they come at
the same instant at two replicas: the station's row is held meanwhile. What a bookmark keeps only grows until a chief
lets it go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts.sessions import SignedInUser
from central.db.marks import Bookmark, BookmarkMark
from central.live.cameras import site_of
from central.polling import acts, asking
from central.polling.continuity import micros
from central.tickets.errors import CaseMissing, Unfit
from contract.command import KeepSpan, ReleaseSpan

CATEGORIES: Final = ("crowd", "campaigning", "ballots", "box", "stranger", "dispute", "power", "other")
SEVERITIES: Final = ("low", "medium", "high")
LONGEST_NOTE: Final = 500
#: What is kept on both sides of a mark, and how near marks are to be one bookmark. Microseconds.
AROUND_US: Final = 60_000_000
NEAR_US: Final = 60_000_000
#: A bookmark grows no longer than this: a crowd that is marked all day is many. Microseconds.
LONGEST_US: Final = 3600 * 1_000_000
#: A mark is taken back within 10 s; the rest is for the way here.
UNDO: Final = timedelta(seconds=15)
#: Nobody marks what is older than any election's recordings.
OLDEST: Final = timedelta(days=400)
#: Longest reason that a box is told.
_TOLD: Final = 90


@dataclass(frozen=True, slots=True)
class Wanted:
    """The moment to be marked (Unix microseconds, None for now). `sent`: the browser's id, so that it may repeat."""

    edge_id: str
    camera_id: str
    at_us: int | None
    sent: str


@dataclass(frozen=True, slots=True)
class Words:
    """What a person says of their mark; None where they have not."""

    category: str | None
    severity: str | None
    note: str


def mark(session: Session, user: SignedInUser, wanted: Wanted, now: datetime) -> BookmarkMark:
    """Mark it, alone or with others. Raises CaseMissing for a camera that is not there, or not theirs; Unfit."""
    site = site_of(session, wanted.edge_id, wanted.camera_id, user.areas)
    if site is None:
        raise CaseMissing("there is no such camera", "bookmark.camera")
    if not (wanted.sent.isascii() and wanted.sent.isalnum() and len(wanted.sent) <= 32):
        raise Unfit("that is no mark", "bookmark.sent")
    acts.locked(session, user, site)
    query = select(BookmarkMark).where(BookmarkMark.user_id == user.id, BookmarkMark.sent == wanted.sent)
    before = session.execute(query).scalar_one_or_none()
    if before is not None:
        return before
    at_us = _moment(wanted.at_us, now)
    row = _bookmark(session, user, wanted, site, at_us, now)
    made = BookmarkMark(
        bookmark_id=row.id, user_id=user.id, name=user.name, at_us=at_us, made_at=now, sent=wanted.sent, note=""
    )
    session.add(made)
    session.flush()
    acts.note(
        session, site, user, "marked", now, bookmark=row.id, mark=made.id, edge=row.edge_id, camera=row.camera_id,
        at_us=at_us, from_us=row.from_us, until_us=row.until_us,
    )  # fmt: skip
    return made


def say(session: Session, user: SignedInUser, mark_id: int, words: Words, now: datetime) -> None:
    """What somebody says of their own mark; it may be said again. Raises CaseMissing, or Unfit."""
    made, row = _own(session, user, mark_id)
    known = words.category in (None, *CATEGORIES) and words.severity in (None, *SEVERITIES)
    if not known or len(words.note) > LONGEST_NOTE:
        raise Unfit("a category, a severity and a note of up to 500 characters", "bookmark.words")
    if made.undone_at is not None:
        raise Unfit("this mark was taken back", "bookmark.undone")
    note = words.note.strip()
    if (made.category, made.severity, made.note) == (words.category, words.severity, note):
        return
    made.category, made.severity, made.note = words.category, words.severity, note
    said = {"category": made.category, "severity": made.severity, "note": made.note}
    acts.note(session, row.site, user, "mark described", now, bookmark=row.id, mark=made.id, **said)


def undo(session: Session, user: SignedInUser, mark_id: int, now: datetime) -> None:
    """Take the own mark back, within `UNDO`. The span goes with the last mark in it. Raises CaseMissing, or Unfit."""
    made, row = _own(session, user, mark_id)
    if made.undone_at is not None:
        return
    if now - made.made_at > UNDO:
        raise Unfit("a mark is taken back within 10 seconds", "bookmark.late")
    made.undone_at = now
    acts.note(session, row.site, user, "mark taken back", now, bookmark=row.id, mark=made.id)
    if not marks_of(session, [row.id]):
        row.gone_at = now
        _let_go(session, row, user, "the mark was taken back", now)


def release(session: Session, user: SignedInUser, bookmark_id: int, reason: str, now: datetime) -> None:
    """The box need keep it no longer. One that was released stays as it is. Raises CaseMissing, or Unfit."""
    row = session.get(Bookmark, bookmark_id)
    if row is None:
        raise CaseMissing("there is no such bookmark", "bookmark.none")
    acts.locked(session, user, row.site)
    session.refresh(row)
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST_NOTE:
        raise Unfit("a release has a reason of up to 500 characters", "bookmark.reason")
    if row.released_at is not None or row.gone_at is not None:
        return
    row.released_at, row.released_by, row.reason = now, user.name, reason
    acts.note(session, row.site, user, "bookmark released", now, bookmark=row.id, reason=reason)
    _let_go(session, row, user, reason, now)


def marks_of(session: Session, bookmarks: Sequence[int]) -> Sequence[BookmarkMark]:
    """The marks in these bookmarks that stand, by time."""
    query = select(BookmarkMark).where(BookmarkMark.bookmark_id.in_(bookmarks), BookmarkMark.undone_at.is_(None))
    return session.execute(query.order_by(BookmarkMark.at_us, BookmarkMark.id)).scalars().all()


def _moment(at_us: int | None, now: datetime) -> int:
    """What somebody sees is never of the future, whatever the camera's clock says. Raises Unfit."""
    latest = micros(now)
    if at_us is None or at_us > latest:
        return latest
    if at_us < micros(now - OLDEST):
        raise Unfit("nothing is kept of that time", "bookmark.old")
    return at_us


def _bookmark(session: Session, user: SignedInUser, wanted: Wanted, site: str, at_us: int, now: datetime) -> Bookmark:
    """The bookmark that the mark belongs to, grown around it; those that it joins become one."""
    home: Bookmark | None = None
    first, last = at_us - AROUND_US, at_us + AROUND_US
    for one in _near(session, wanted.edge_id, wanted.camera_id, at_us):
        begin, end = min(first, one.from_us), max(last, one.until_us)
        if end - begin > LONGEST_US:
            continue
        first, last = begin, end
        if home is None:
            home = one
            continue
        home.holds = [*home.holds, *one.holds]
        one.gone_at = now
        for each in marks_of(session, [one.id]):
            each.bookmark_id = home.id
        acts.note(session, site, user, "bookmarks joined", now, bookmark=home.id, joined=one.id)
    if home is None:
        home = Bookmark(edge_id=wanted.edge_id, camera_id=wanted.camera_id, site=site, holds=[], made_at=now)
        session.add(home)
    elif (home.from_us, home.until_us) == (first, last):
        return home
    home.from_us, home.until_us = first, last
    hold = f"mark-{asking.new_id()[:24]}"
    home.holds = [*home.holds, hold]
    span: dict[str, Any] = {"camera_id": home.camera_id, "from_us": first, "until_us": last}
    keep = KeepSpan(command="keep_span", id=hold, by=user.name, reason="bookmark", **span)
    asking.ask(session, home.edge_id, keep, user.name, now)
    session.flush()
    return home


def _near(session: Session, edge_id: str, camera_id: str, at_us: int) -> Sequence[Bookmark]:
    """The bookmarks that have a mark within a minute, and are kept, the oldest first."""
    marked = select(BookmarkMark.bookmark_id).where(
        BookmarkMark.undone_at.is_(None), BookmarkMark.at_us.between(at_us - NEAR_US, at_us + NEAR_US)
    )
    query = select(Bookmark).where(
        Bookmark.edge_id == edge_id, Bookmark.camera_id == camera_id, Bookmark.id.in_(marked),
        Bookmark.gone_at.is_(None), Bookmark.released_at.is_(None),
    )  # fmt: skip
    found = session.execute(query.order_by(Bookmark.id).execution_options(populate_existing=True))
    return found.scalars().all()


def _own(session: Session, user: SignedInUser, mark_id: int) -> tuple[BookmarkMark, Bookmark]:
    made = session.get(BookmarkMark, mark_id)
    if made is None or made.user_id != user.id:
        raise CaseMissing("there is no such mark of yours", "bookmark.none")
    row = session.get_one(Bookmark, made.bookmark_id)
    acts.locked(session, user, row.site)
    # Meanwhile another's mark may have moved it to a bookmark of both.
    session.refresh(made)
    row = session.get_one(Bookmark, made.bookmark_id, populate_existing=True)
    return made, row


def _let_go(session: Session, row: Bookmark, user: SignedInUser, reason: str, now: datetime) -> None:
    # A box takes plain text alone; the whole reason stands in the history of the station.
    told = "".join(sign for sign in reason if sign.isprintable())[:_TOLD].strip() or "released"
    for hold in map(str, row.holds):
        said = ReleaseSpan(command="release_span", id=f"{hold}-r", hold=hold, by=user.name, reason=told)
        asking.ask(session, row.edge_id, said, user.name, now)


__all__ = [
    "AROUND_US", "CATEGORIES", "LONGEST_NOTE", "LONGEST_US", "SEVERITIES", "UNDO", "Wanted", "Words", "mark",
    "marks_of", "release", "say", "undo",
]  # fmt: skip
