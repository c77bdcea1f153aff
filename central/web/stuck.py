"""What stands still, as lines above the queue and the list of people, for who can do something about it."""

from sqlalchemy.orm import Session

from central.accounts.permissions import Permission
from central.accounts.roles import Role
from central.accounts.sessions import SignedInUser
from central.clock import office_now
from central.tickets.queue import MOST_COUNTED
from central.tickets.stuck import Late, Stranded, late, stranded
from central.web.language import Language
from central.web.words import age


def lines(session: Session, user: SignedInUser, say: Language) -> list[tuple[str, str]]:
    """(class, sentence) of each; none for who can neither take a case over nor give anybody a role."""
    if Role.CHIEF not in user.roles and not user.may(Permission.PEOPLE_KEEP):
        return []
    waits = late(session, user.areas)
    return [
        *(("stop", _stranded(one, say)) for one in stranded(session, user.areas)),
        *([("warn", _late(waits, say))] if waits else []),
    ]


def _stranded(one: Stranded, say: Language) -> str:
    area = one.area or say("queue.no_area")
    due = f"{one.due:%Y-%m-%d %H:%M} UTC" if one.due else say("queue.no_limit")
    return say("queue.stranded", area=area, first=one.first, count=_count(one.count), due=due)


def _late(one: Late, say: Language) -> str:
    since = age(one.since, office_now(), say)
    return say("queue.late_evidence", count=_count(one.count), since=since, edges=", ".join(one.edges))


def _count(count: int) -> str:
    return f"{MOST_COUNTED - 1}+" if count >= MOST_COUNTED else str(count)


__all__ = ["lines"]
