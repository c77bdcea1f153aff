"""Signing in and out, accounts, and the log of who viewed what.

Sessions live on the server: the cookie holds a random token of which only the SHA-256 is kept. Passwords are kept as
Argon2id hashes with pwdlib's recommended parameters.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from threading import BoundedSemaphore

from pwdlib import PasswordHash
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from central.accounts import limits
from central.accounts.errors import BadAccount, CsrfRefused, SignInBusy, SignInRefused, TooManyAttempts
from central.accounts.roles import Role
from central.db.accounts import User, UserSession, ViewLog
from central.db.alarms import Alarm, AlarmViewLog
from central.db.cases import Case
from central.db.database import Database
from contract.events import now

SESSION_COOKIE = "sightline_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
SESSION_LIFE = timedelta(hours=12)
MIN_PASSWORD = 10
MAX_PASSWORD = 256
FAILURES_BY_NAME = 5
FAILURES_BY_ADDRESS = 30
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
#: Argon2 takes 64 MiB for each password it looks at: forty guesses in one moment must not take forty times that. Who
#: fails is counted before the next one's turn, so that a crowd of guesses does not slip through below the limit either.
_AT_ONCE = BoundedSemaphore(2)
#: Who waits for a turn holds one of the server's threads, which everybody else needs as well, so long at most; s.
PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """Who asks. `csrf` is the token that every changing request of this session must carry."""

    id: int
    name: str
    role: Role
    csrf: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: `token` goes into the cookie and nowhere else."""

    token: str
    user: SignedInUser
    expires_at: datetime


def sign_in(db: Database, name: str, password: str, address: str) -> SignedIn:
    """Open a session for the right password. `address` is the client's, for the rate limit.

    Raises SignInRefused for a wrong name or password, TooManyAttempts after too many of them, and SignInBusy when too
    many others are signing in. The password is checked outside of any transaction: Argon2 is slow by design and must
    not hold a lock.
    """
    known = name if _NAME.fullmatch(name) else ""
    # The name counts together with the address: otherwise anybody could lock an officer out from anywhere.
    keys = (f"name:{known.lower()}@{address[:64]}", f"address:{address[:64]}")
    with db.read() as session:
        _limit(session, keys)
    if not _AT_ONCE.acquire(timeout=PATIENCE_S):
        raise SignInBusy("too many others are signing in - try again shortly")
    try:
        user = _checked(db, known, password, keys)
    finally:
        _AT_ONCE.release()
    with db.write() as session:
        limits.forgive(session, keys[0])
        return _opened(session, user)


def _checked(db: Database, known: str, password: str, keys: tuple[str, str]) -> User:
    """Whose password it is. The limit counts again: others may have failed while this one waited."""
    with db.read() as session:
        _limit(session, keys)
        user = session.execute(select(User).where(User.name == known)).scalar_one_or_none()
    right = _passwords().verify(password[:MAX_PASSWORD], user.password_hash if user else _nobody())
    if user is None or not right or user.disabled_at is not None:
        with db.write() as session:
            for key in keys:
                limits.failed(session, key, now())
        raise SignInRefused("name or password is not right")
    return user


def _limit(session: Session, keys: tuple[str, str]) -> None:
    moment = now()
    for key, most in zip(keys, (FAILURES_BY_NAME, FAILURES_BY_ADDRESS), strict=True):
        if limits.failures(session, key, moment) >= most:
            minutes = int(limits.WINDOW.total_seconds() // 60)
            raise TooManyAttempts(f"too many failed sign-ins - wait {minutes} minutes and try again")


def _opened(session: Session, user: User) -> SignedIn:
    token = secrets.token_urlsafe(32)
    moment = now()
    row = UserSession(
        token_hash=_digest(token),
        user_id=user.id,
        csrf=secrets.token_urlsafe(32),
        created_at=moment,
        expires_at=moment + SESSION_LIFE,
    )
    session.add(row)
    return SignedIn(token, SignedInUser(user.id, user.name, Role(user.role), row.csrf), row.expires_at)


def sign_out(db: Database, token: str) -> None:
    """End the session of `token`. An unknown token is no error."""
    with db.write() as session:
        session.execute(delete(UserSession).where(UserSession.token_hash == _digest(token)))


def user_of(session: Session, token: str | None) -> SignedInUser | None:
    """Who the cookie's token belongs to, None when it is unknown, has ended, or the account is closed."""
    if not token or len(token) > 100:
        return None
    query = (
        select(User, UserSession)
        .join(UserSession, UserSession.user_id == User.id)
        .where(UserSession.token_hash == _digest(token), UserSession.expires_at > now(), User.disabled_at.is_(None))
    )
    found = session.execute(query).one_or_none()
    if found is None:
        return None
    user, row = found
    return SignedInUser(user.id, user.name, Role(user.role), row.csrf)


def check_csrf(user: SignedInUser, given: str | None) -> None:
    """Raise CsrfRefused unless `given` (form field `csrf` or header X-CSRF-Token) is the session's token."""
    if not given or not hmac.compare_digest(given.encode(), user.csrf.encode()):
        raise CsrfRefused("this form is not from your session - reload the page and send it again")


def log_view(session: Session, user: SignedInUser, case_number: str, sha256: str | None = None) -> None:
    """Note that `user` looked at a case page (`sha256` None) or at one still or clip of it."""
    case_id = session.execute(select(Case.id).where(Case.number == case_number)).scalar_one_or_none()
    if case_id is not None:
        session.add(ViewLog(at=now(), user_id=user.id, case_id=case_id, sha256=sha256))


def log_alarm_view(session: Session, user: SignedInUser, number: str) -> None:
    """Note that `user` looked at an alarm of a sensor."""
    alarm_id = session.execute(select(Alarm.id).where(Alarm.number == number)).scalar_one_or_none()
    if alarm_id is not None:
        session.add(AlarmViewLog(at=now(), user_id=user.id, alarm_id=alarm_id))


def add_user(session: Session, name: str, role: Role, password: str) -> None:
    """Make an account. Raises BadAccount for a name that is taken or unfit, or a password that is too short."""
    if not _NAME.fullmatch(name):
        raise BadAccount(f"user name {name[:64]!r} must be 1-63 letters, digits, '.', '_' or '-'")
    _fit(password)
    if session.execute(select(User.id).where(User.name == name)).scalar_one_or_none() is not None:
        raise BadAccount(f"user {name} exists already - choose another name")
    session.add(User(name=name, role=role, password_hash=_passwords().hash(password), created_at=now()))


def _fit(password: str) -> None:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise BadAccount(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters - choose another")


def sweep(session: Session) -> None:
    """Forget sessions that have ended and failures that limit nobody any more."""
    moment = now()
    session.execute(delete(UserSession).where(UserSession.expires_at <= moment))
    limits.sweep(session, moment)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@cache
def _passwords() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobody() -> str:
    """A hash to check against when the name is unknown, so that the answer takes as long."""
    return _passwords().hash(secrets.token_urlsafe(16))
