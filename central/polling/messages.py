"""Messages to stations: written by a monitor, acknowledged at the station, and told as late when nobody does."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Exists, exists, select
from sqlalchemy.orm import Session

from central.accounts.sessions import SignedInUser
from central.db.messages import MessageAnswer, StationMessage
from central.db.polling import Station
from central.db.sites import Site
from central.polling import acts, stations
from central.sites import areas as sites
from central.tickets.errors import CaseMissing, Unfit

LONGEST: Final = 300
LONGEST_NAME: Final = 40
LONGEST_ANSWER: Final = 200
#: Answers to one message.
MOST_ANSWERS: Final = 20
#: What nobody has acknowledged for so long is late, and is told so until it is `OLD`.
LATE: Final = timedelta(minutes=5)
OLD: Final = timedelta(hours=12)
#: So long an answer stands on the wall.
NEW: Final = timedelta(minutes=30)
#: How `where` names a site, an area, and everywhere.
SITE, AREA, EVERYWHERE = "site:", "area:", "everywhere"
_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Sent:
    """A message with what came back."""

    row: StationMessage
    station: Station
    answers: Sequence[MessageAnswer]


def plain(text: str) -> str:
    """A line of printable characters: nothing that breaks lines or turns the direction of writing around."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def send(session: Session, user: SignedInUser, where: str, text: str, now: datetime) -> int:
    """Write to a station, to those of an area, or to all of one's own; to how many. Raises CaseMissing, or Unfit."""
    text = plain(text)
    if not text or len(text) > LONGEST:
        raise Unfit("a message has 1 to 300 characters", "message.text")
    known = _places(session, user, where)
    for one in known:
        row = StationMessage(site=one.site, text=text, user_id=user.id, name=user.name, at=now)
        session.add(row)
        session.flush()
        acts.note(session, one.site, user, "message", now, message=row.id, text=text)
    return len(known)


def told(session: Session, user: SignedInUser, message_id: int, name: str, text: str, now: datetime) -> StationMessage:
    """Somebody at the station said on the telephone that they know. Raises CaseMissing, or Unfit."""
    message = session.get(StationMessage, message_id)
    if message is None:
        raise CaseMissing("there is no such message", "message.none")
    acts.locked(session, user, message.site)
    name, text = plain(name), plain(text)
    if not name or len(name) > LONGEST_NAME or len(text) > LONGEST_ANSWER:
        raise Unfit("say who it was (up to 40 characters); an answer has up to 200", "message.answer")
    session.add(MessageAnswer(message_id=message.id, user_id=user.id, name=name, text=text, at=now))
    acts.note(session, message.site, user, "message told", now, message=message.id, name=name, text=text)
    return message


def listed(
    session: Session, areas: Collection[str], site: str | None = None, *, waiting: bool = False, most: int = _SHOWN
) -> list[Sent]:
    """The newest first, of stations in `areas`; `waiting`: only what nobody has acknowledged."""
    query = select(StationMessage, Station).join(Station, Station.site == StationMessage.site)
    query = query.where(*sites.within(StationMessage.site, areas))
    if site is not None:
        query = query.where(StationMessage.site == site)
    if waiting:
        query = query.where(~_answered())
    found = session.execute(query.order_by(StationMessage.at.desc(), StationMessage.id.desc()).limit(most)).all()
    answers = _answers(session, [row.id for row, _ in found])
    return [Sent(row, station, answers.get(row.id, ())) for row, station in found]


def waiting(session: Session, now: datetime, among: Collection[str] | None = None) -> Mapping[str, StationMessage]:
    """The oldest message of each station that nobody has acknowledged, of the last `OLD`; `among`: of these sites."""
    query = select(StationMessage).where(StationMessage.at > now - OLD, ~_answered())
    if among is not None:
        query = query.where(StationMessage.site.in_(among))
    found: dict[str, StationMessage] = {}
    for one in session.execute(query.order_by(StationMessage.at.desc(), StationMessage.id.desc())).scalars():
        found[one.site] = one
    return found


def lately(session: Session, now: datetime, among: Collection[str]) -> Mapping[str, MessageAnswer]:
    """The newest answer of each of these sites, of the last `NEW`."""
    query = select(StationMessage.site, MessageAnswer).join(
        MessageAnswer, MessageAnswer.message_id == StationMessage.id
    )
    query = query.where(StationMessage.site.in_(among), MessageAnswer.at > now - NEW)
    return {site: one for site, one in session.execute(query.order_by(MessageAnswer.id))}  # noqa: C416 - no mapping


def _answered() -> Exists:
    return exists().where(MessageAnswer.message_id == StationMessage.id)


def _answers(session: Session, messages: Collection[int]) -> Mapping[int, list[MessageAnswer]]:
    found: dict[int, list[MessageAnswer]] = {}
    query = select(MessageAnswer).where(MessageAnswer.message_id.in_(messages)).order_by(MessageAnswer.id)
    for one in session.execute(query).scalars():
        found.setdefault(one.message_id, []).append(one)
    return found


def _places(session: Session, user: SignedInUser, where: str) -> Sequence[Station]:
    """Raises CaseMissing where there is no station of theirs."""
    known = stations.known(session, user.areas)
    if where.startswith(SITE):
        known = [one for one in known if one.site == where.removeprefix(SITE)]
    elif where.startswith(AREA):
        inside = select(Site.site).where(Site.area == where.removeprefix(AREA))
        named = set(session.execute(inside).scalars())
        known = [one for one in known if one.site in named]
    elif where != EVERYWHERE:
        known = []
    if not known:
        raise CaseMissing("there is no such station", "station.none")
    return known


__all__ = [
    "AREA", "EVERYWHERE", "LATE", "LONGEST", "LONGEST_ANSWER", "LONGEST_NAME", "MOST_ANSWERS", "NEW", "OLD", "SITE",
    "Sent", "lately", "listed", "plain", "send", "told", "waiting",
]  # fmt: skip
