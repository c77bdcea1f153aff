"""The link by which a station reads its messages: no account, one station, until the election is over or it is revoked.

Whoever has the link can do two things: read that station's messages, and acknowledge them. It is shown once, when a
chief makes it; of its token of 256 bits only the SHA-256 is kept: nothing can be guessed, and nothing leaks from here.
"""

import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts import limits
from central.accounts.sessions import SignedInUser, digest
from central.db.messages import MessageAnswer, StationLink, StationMessage
from central.db.polling import Station
from central.polling import acts
from central.polling.continuity import windows_of
from central.polling.messages import LONGEST_ANSWER, LONGEST_NAME, MOST_ANSWERS, plain
from central.tickets.errors import CaseMissing, Unfit
from central.workflow.errors import Refused
from contract.events import now as machine_now

#: A link lives on so long after the last planned window, and never longer than `LONGEST`.
AFTER: Final = timedelta(hours=24)
LONGEST: Final = timedelta(days=60)
#: Answers that one link may give in the window of the limits (15 minutes).
MOST_AT_ONCE: Final = 60


class LinkEnded(Refused):
    """The link was revoked, has expired, or never was."""

    status = 404


class TooOften(Refused):
    """More answers in a quarter of an hour than anybody writes."""

    status = 429


def make(session: Session, user: SignedInUser, site: str, now: datetime) -> tuple[str, StationLink]:
    """A new link's token and row; those before end. Raises CaseMissing."""
    station = acts.locked(session, user, site)
    _end(session, user, station.site, now)
    last = max((one.until for one in windows_of(station)), default=now)
    token = secrets.token_urlsafe(32)
    row = StationLink(
        site=station.site, digest=digest(token), made_by=user.name, made_at=now,
        expires_at=min(max(last, now) + AFTER, now + LONGEST),
    )  # fmt: skip
    session.add(row)
    session.flush()
    acts.note(session, station.site, user, "link made", now, link=row.id)
    return token, row


def revoke(session: Session, user: SignedInUser, site: str, now: datetime) -> None:
    """Every link of a station ends now. Raises CaseMissing."""
    _end(session, user, acts.locked(session, user, site).site, now)


def active(session: Session, site: str, now: datetime) -> StationLink | None:
    """The link by which a station reads now."""
    query = select(StationLink).where(
        StationLink.site == site, StationLink.revoked_at.is_(None), StationLink.expires_at > now
    )
    return session.execute(query.order_by(StationLink.id.desc()).limit(1)).scalar_one_or_none()


def opened(session: Session, token: str | None, now: datetime, *, hold: bool = False) -> tuple[StationLink, Station]:
    """The link of a token, and its station; `hold`: nobody else answers by it meanwhile. Raises LinkEnded."""
    query = select(StationLink, Station).join(Station, Station.site == StationLink.site)
    query = query.where(StationLink.digest == digest((token or "")[:100]))
    if hold:
        query = query.with_for_update(of=StationLink)
    found = session.execute(query).one_or_none()
    if found is None or found[0].revoked_at is not None or found[0].expires_at <= now:
        raise LinkEnded("this link is good no more - ask the office for a new one", "link.ended")
    return found[0], found[1]


def answer(session: Session, token: str | None, message_id: int, name: str, text: str, now: datetime) -> None:
    """Somebody at the station has read a message. Raises LinkEnded, TooOften, CaseMissing, or Unfit."""
    link, station = opened(session, token, now, hold=True)
    key = f"s-answer:{link.id}"
    if limits.failures(session, key, machine_now()) >= MOST_AT_ONCE:
        raise TooOften("that was too often - wait a quarter of an hour", "link.often")
    limits.failed(session, key, machine_now())
    message = session.get(StationMessage, message_id)
    if message is None or message.site != station.site:
        raise CaseMissing("there is no such message", "message.none")
    name, text = plain(name), plain(text)
    if not name or len(name) > LONGEST_NAME or len(text) > LONGEST_ANSWER:
        raise Unfit("give your name (up to 40 characters); an answer has up to 200", "message.answer")
    given = session.execute(select(MessageAnswer.id).where(MessageAnswer.message_id == message.id)).scalars().all()
    if len(given) >= MOST_ANSWERS:
        raise Unfit("this message was answered often enough", "message.enough")
    session.add(MessageAnswer(message_id=message.id, link_id=link.id, name=name, text=text, at=now))
    acts.note_of_station(session, station.site, name, now, message=message.id, link=link.id, text=text)


def form_token(token: str) -> str:
    """What a form of this link's page must carry: nobody else's page knows it."""
    return digest(f"form:{token}")[:32]


def _end(session: Session, user: SignedInUser, site: str, now: datetime) -> None:
    query = select(StationLink).where(StationLink.site == site, StationLink.revoked_at.is_(None))
    for one in session.execute(query.with_for_update()).scalars():
        one.revoked_at, one.revoked_by = now, user.name
        acts.note(session, site, user, "link revoked", now, link=one.id)


__all__ = [
    "AFTER", "MOST_AT_ONCE", "LinkEnded", "TooOften", "active", "answer", "form_token", "make", "opened", "revoke",
]  # fmt: skip
