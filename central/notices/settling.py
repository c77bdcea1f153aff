"""Many cases that are dealt with at once: those chosen on the page, and a list of numbers as a cash desk writes it."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from central.accounts.service import SignedInUser
from central.db.cases import Case
from central.db.database import Database
from central.db.notices import Notice
from central.notices import service
from central.notices.errors import NoticeMissing
from central.sites.areas import EVERYWHERE, within
from central.tickets.states import NOTIFIED, UPHELD
from central.workflow.errors import Refused, Unfit
from central.workflow.said import Said

#: Most cases of one list, and most that the page offers: a form has room for no more.
MOST, SHOWN = 500, 80
_BETWEEN: Final = re.compile(r"[\s,;，；、]+")


def waiting(session: Session, areas: Collection[str] = EVERYWHERE) -> list[Case]:
    """Cases in `areas` of which the party was told and that nobody has closed, nearest deadline first."""
    query = select(Case).where(Case.state.in_((NOTIFIED, UPHELD)), *within(Case.site, areas))
    return list(session.execute(query.order_by(Case.sort_at, Case.number).limit(SHOWN)).scalars())


def numbers_of(text: str) -> list[str]:
    """The numbers of a list, each once, in its order. Raises Unfit for one that is too long."""
    found = list(dict.fromkeys(one.upper() for one in _BETWEEN.split(text) if one))
    if len(found) > MOST:
        english = f"the list has {len(found)} numbers, at most {MOST} are taken at once - send it in parts"
        raise Unfit(english, "settle.long", n=len(found), most=MOST)
    return found


def settle(
    db: Database, user: SignedInUser, numbers: Sequence[str], seen: Mapping[str, int], note: str
) -> tuple[list[str], list[tuple[str, Said]]]:
    """Each case is HANDLED, in a transaction and with a line of its history of its own: numbers, and (number, why not).

    `numbers` are those of cases or of their notices; `seen` has the versions of those that the person saw. Raises Unfit
    without a note that says how, or without a number.
    """
    if not note.strip():
        raise Unfit("say how they were dealt with: it stands in the history of each", "settle.how")
    if not numbers:
        raise Unfit("choose cases, or give a list of numbers", "settle.none")
    done: list[str] = []
    left: list[tuple[str, Said]] = []
    for number in numbers:
        try:
            with db.write() as session:
                case, version = _named(session, number, user.areas)
                if case not in done:
                    service.handled(session, case, seen.get(case, version), user, note)
        except Refused as refusal:
            left.append((number[:40], refusal.said))
        else:
            done.append(case)
    return list(dict.fromkeys(done)), left


def _named(session: Session, number: str, areas: Collection[str]) -> tuple[str, int]:
    """Number and version of the case that has this number, or whose notice has. Raises NoticeMissing."""
    notices = select(Notice.case_id).where(Notice.number == number[:40])
    query = select(Case.number, Case.version).where(
        or_(Case.number == number[:40], Case.id.in_(notices)), *within(Case.site, areas)
    )
    found = session.execute(query).first()
    if found is None:
        raise NoticeMissing("no case and no notice has this number", "settle.unknown")
    return found[0], found[1]


__all__ = ["MOST", "SHOWN", "numbers_of", "settle", "waiting"]
