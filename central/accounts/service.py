"""Accounts, as the rest of central uses them: signing in and out, who asks, and the log of who viewed what."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from central.accounts import limits
from central.accounts.people import add as add_user
from central.accounts.sessions import (
    CSRF_FIELD,
    CSRF_HEADER,
    SESSION_COOKIE,
    SignedIn,
    SignedInUser,
    check_csrf,
    sign_out,
    user_of,
)
from central.accounts.signing_in import sign_in
from central.clock import office_now
from central.db.accounts import UserSession, ViewLog
from central.db.alarms import Alarm, AlarmViewLog
from central.db.cases import Case
from contract.events import now


def log_view(session: Session, user: SignedInUser, case_number: str, sha256: str | None = None) -> None:
    """Note that `user` looked at a case page (`sha256` None) or at one still or clip of it."""
    case_id = session.execute(select(Case.id).where(Case.number == case_number)).scalar_one_or_none()
    if case_id is not None:
        session.add(ViewLog(at=office_now(), user_id=user.id, case_id=case_id, sha256=sha256))


def log_alarm_view(session: Session, user: SignedInUser, number: str) -> None:
    """Note that `user` looked at an alarm of a sensor."""
    alarm_id = session.execute(select(Alarm.id).where(Alarm.number == number)).scalar_one_or_none()
    if alarm_id is not None:
        session.add(AlarmViewLog(at=now(), user_id=user.id, alarm_id=alarm_id))


def sweep(session: Session) -> None:
    """Forget sessions that have ended and failures that limit nobody any more."""
    moment = now()
    session.execute(delete(UserSession).where(UserSession.expires_at <= moment))
    limits.sweep(session, moment)


__all__ = [
    "CSRF_FIELD",
    "CSRF_HEADER",
    "SESSION_COOKIE",
    "SignedIn",
    "SignedInUser",
    "add_user",
    "check_csrf",
    "log_alarm_view",
    "log_view",
    "sign_in",
    "sign_out",
    "sweep",
    "user_of",
]
