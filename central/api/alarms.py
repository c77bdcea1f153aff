"""Alarms of sensors over the API: list, detail, take, close."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from central.accounts import service as accounts
from central.accounts.permissions import Permission
from central.alarms import service
from central.alarms.views import AlarmPage, AlarmView
from central.api.people import ActingUser, Db, User
from central.marks import needs
from central.tickets.service import MAX_PAGE


class Taking(BaseModel):
    """`version` is the one that was looked at."""

    version: int = Field(ge=1, lt=2**31)


class Closing(Taking):
    """What was found, S01..S05; S05 (other) needs a note."""

    finding: str = Field(max_length=10)
    note: str = ""


router = APIRouter(prefix="/api/v1/alarms", tags=["alarms"], dependencies=[needs(Permission.ALARMS_SEE)])
_ACTS = [needs(Permission.ALARMS_ACT)]


@router.get("")
def alarms(
    user: User,
    db: Db,
    pending: bool = True,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    after: str | None = None,
) -> AlarmPage:
    """Alarms that somebody must look after, or (`pending=false`) those that are over; `next` goes into `after`."""
    with db.read() as session:
        return service.alarms(session, pending=pending, limit=limit, after=after, areas=user.areas)


@router.get("/{number}")
def alarm(number: str, user: User, db: Db) -> AlarmView:
    """Everything that is known of one alarm. The look is noted."""
    with db.read() as session:
        view = service.alarm(session, number)
    with db.write() as session:
        accounts.log_alarm_view(session, user, view.number)
    return view


@router.post("/{number}/take", dependencies=_ACTS)
def take(number: str, given: Taking, user: ActingUser, db: Db) -> AlarmView:
    """An officer looks after it."""
    with db.write() as session:
        return service.take(session, number, given.version, user)


@router.post("/{number}/close", dependencies=_ACTS)
def close(number: str, given: Closing, user: ActingUser, db: Db) -> AlarmView:
    """An officer says what was found."""
    with db.write() as session:
        return service.close(session, number, given.version, user, given.finding, given.note)
