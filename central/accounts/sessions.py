"""Sessions live on the server: the cookie holds a random token of which only the SHA-256 is kept.

A session ends after twelve hours, when nobody used it for the place's idle limit, and with whatever changes who may do
what: another password, other roles, a closed account. It is looked up anew by every request, so that it has then ended
on every replica.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, delete, func, select, update
from sqlalchemy.orm import Session

from central.accounts.errors import CsrfRefused, NotSignedIn
from central.accounts.permissions import Permission, may
from central.accounts.roles import OFFICER, OFFICER_NAME, ordered
from central.accounts.rules import AccountRules
from central.db.accounts import SecondFactor, User, UserArea, UserRole, UserSession
from central.db.database import Database
from contract.events import now

SESSION_COOKIE: Final = "sightline_session"
CSRF_HEADER: Final = "X-CSRF-Token"
CSRF_FIELD: Final = "csrf"
SESSION_LIFE: Final = timedelta(hours=12)
#: How long somebody whose password was right may look for the code of the second factor.
HALF_LIFE: Final = timedelta(minutes=5)
#: That a session is used is written down once in this time: every look would be a write otherwise.
_SEEN_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """Who asks. `csrf` is the token that every changing request of this session must carry.

    `first` is the page of what comes before all else: another password, a second factor. `areas`: cases and alarms of
    their sites alone (`central.sites.areas`); empty for all.
    """

    id: int
    name: str
    roles: frozenset[str]
    csrf: str
    first: str | None = None
    areas: frozenset[str] = frozenset()

    @property
    def role(self) -> str:
        """One word for the roles, where one is enough: `officer` for who takes a look at cases."""
        return OFFICER_NAME if self.roles & OFFICER else next(iter(ordered(self.roles)), "nobody")

    def may(self, permission: str) -> bool:
        """Whether one of the roles lets them."""
        return may(self.roles, Permission(permission))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: `token` goes into the cookie and nowhere else. `half`: the second factor is still to be shown."""

    token: str
    user: SignedInUser
    expires_at: datetime
    half: bool = False


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One session as its owner sees it; `id` tells it from others and opens nothing."""

    id: str
    since: datetime
    seen: datetime
    address: str
    browser: str


def opened(
    session: Session, user: User, address: str, browser: str, *, half: bool = False, second_by: str | None = None
) -> SignedIn:
    """A new session of `user`; `half` for one that still wants the second factor, and lets in nowhere else.

    `second_by`: who else has seen a second factor, so that none of central's own is wanted.
    """
    token, moment = secrets.token_urlsafe(32), now()
    row = UserSession(
        token_hash=digest(token),
        user_id=user.id,
        csrf=secrets.token_urlsafe(32),
        created_at=moment,
        expires_at=moment + (HALF_LIFE if half else SESSION_LIFE),
        last_seen_at=moment,
        half=half,
        address=address[:64],
        browser="".join(sign for sign in browser if sign.isprintable())[:200],
        second_by=second_by,
    )
    session.add(row)
    if not half:
        user.last_seen_at = moment
    asks = SignedInUser(user.id, user.name, roles_of(session, user.id), row.csrf, areas=areas_of(session, user.id))
    return SignedIn(token, asks, row.expires_at, half)


def roles_of(session: Session, user_id: int) -> frozenset[str]:
    """The roles of a person."""
    return frozenset(session.execute(select(UserRole.role).where(UserRole.user_id == user_id)).scalars())


def areas_of(session: Session, user_id: int) -> frozenset[str]:
    """The areas of a person, none for all."""
    return frozenset(session.execute(select(UserArea.area).where(UserArea.user_id == user_id)).scalars())


def user_of(session: Session, token: str | None, rules: AccountRules | None = None) -> SignedInUser | None:
    """Who the cookie's token belongs to, None when it is unknown or half, has ended, or the account is closed."""
    found = _found(session, token, rules or AccountRules())
    return found[0] if found else None


def asking(db: Database, token: str | None, rules: AccountRules, *, active: bool) -> SignedInUser | None:
    """As `user_of`. `active`: a person did this, not a page by itself, so that the idle limit begins anew."""
    with db.read() as session:
        found = _found(session, token, rules)
    if found is None:
        return None
    user, row = found
    moment = now()
    if active and moment - (row.last_seen_at or row.created_at) >= _SEEN_EVERY:
        with db.write() as session:
            # The account before its sessions, here as everywhere: who locks them the other way round stops both.
            session.execute(update(User).where(User.id == user.id).values(last_seen_at=moment))
            session.execute(
                update(UserSession).where(UserSession.token_hash == row.token_hash).values(last_seen_at=moment)
            )
    return user


def among(session: Session, digests: Collection[str], rules: AccountRules) -> dict[str, SignedInUser]:
    """Of the sessions whose tokens have these digests, those that are open, and whose they are."""
    found = {}
    for row in session.execute(_rows(UserSession.token_hash.in_(sorted(digests)), half=False)):
        opened = _of(row[0], row[1], row[2], row[3], row[4], rules)
        if opened is not None:
            found[row[1].token_hash] = opened[0]
    return found


def _found(session: Session, token: str | None, rules: AccountRules) -> tuple[SignedInUser, UserSession] | None:
    row = _row(session, token, half=False)
    return None if row is None else _of(*row, rules)


def _of(
    user: User, held: UserSession, names: str | None, areas: str | None, second: datetime | None, rules: AccountRules
) -> tuple[SignedInUser, UserSession] | None:
    if now() - (held.last_seen_at or held.created_at) > rules.idle:
        return None
    roles = frozenset(str(names or "").split(","))
    among = frozenset(areas.split(",")) if areas else frozenset()
    return SignedInUser(user.id, user.name, roles, held.csrf, _first(user, held, roles, second, rules), among), held


def _first(
    user: User, held: UserSession, roles: frozenset[str], second: datetime | None, rules: AccountRules
) -> str | None:
    if user.password_until is not None:
        return "/me/password"
    return "/me/second" if second is None and held.second_by is None and roles & rules.second_factor_for else None


def held(session: Session, user_id: int, token: str | None, *, half: bool = False) -> User:
    """The account, locked until the end of the transaction, while this session of it is open.

    What somebody changes of their own begins with it: an admin who resets or closes the account in the same moment
    comes before (then this raises NotSignedIn) or after, and is never undone.
    """
    user = session.get_one(User, user_id, with_for_update=True, populate_existing=True)
    row = _row(session, token, half=half)
    if row is None or row[0].id != user.id:
        raise NotSignedIn("your session has ended - sign in again")
    return user


def half_of(session: Session, token: str | None) -> User | None:
    """Whose half session this is, None when it is none or has ended."""
    row = _row(session, token, half=True)
    return row[0] if row else None


def _row(
    session: Session, token: str | None, *, half: bool
) -> tuple[User, UserSession, str | None, str | None, datetime | None] | None:
    if not token or len(token) > 100:
        return None
    found = session.execute(_rows(UserSession.token_hash == digest(token), half=half)).one_or_none()
    return None if found is None else (found[0], found[1], found[2], found[3], found[4])


def _rows(which: ColumnElement[bool], *, half: bool) -> Select[Any]:
    names = select(func.aggregate_strings(UserRole.role, ",")).where(UserRole.user_id == User.id).scalar_subquery()
    # Codes of areas are letters and digits (`central.sites.register`).
    areas = select(func.aggregate_strings(UserArea.area, ",")).where(UserArea.user_id == User.id).scalar_subquery()
    return (
        select(User, UserSession, names, areas, SecondFactor.confirmed_at)
        .join(UserSession, UserSession.user_id == User.id)
        .outerjoin(SecondFactor, SecondFactor.user_id == User.id)
        .where(which, UserSession.half.is_(half), UserSession.expires_at > now(), User.disabled_at.is_(None))
    )


def check_csrf(user: SignedInUser, given: str | None) -> None:
    """Raise CsrfRefused unless `given` (form field `csrf` or header X-CSRF-Token) is the session's token."""
    if not given or not hmac.compare_digest(given.encode(), user.csrf.encode()):
        raise CsrfRefused("this form is not from your session - reload the page and send it again")


def sign_out(db: Database, token: str) -> None:
    """End the session of `token`. An unknown token is no error."""
    with db.write() as session:
        end(session, token)


def end(session: Session, token: str) -> None:
    """As `sign_out`, within a transaction."""
    session.execute(delete(UserSession).where(UserSession.token_hash == digest(token)))


def end_all(session: Session, user_id: int, but: str | None = None) -> int:
    """End every session of a person, but the one of the token `but`; how many ended.

    A second factor that was offered to one of them and never confirmed goes with it: who saw its secret is out.
    """
    gone = delete(UserSession).where(UserSession.user_id == user_id)
    offered = delete(SecondFactor).where(SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_(None))
    if but:
        gone = gone.where(UserSession.token_hash != digest(but))
        offered = offered.where(SecondFactor.offered_to.is_distinct_from(digest(but)))
    session.execute(offered)
    return len(session.execute(gone.returning(UserSession.token_hash)).all())


def end_one(session: Session, user_id: int, name: str) -> None:
    """End the session of this person that `open_of` called `name`. One that has ended is no error."""
    if not name.isalnum():  # PostgreSQL takes no NUL, and no session is called so
        return
    gone = delete(UserSession).where(UserSession.user_id == user_id)
    session.execute(gone.where(func.substr(UserSession.token_hash, 1, 16) == name[:16]))


def open_of(session: Session, user_id: int, rules: AccountRules) -> Sequence[OpenSession]:
    """Sessions of a person that have not ended, the last used first."""
    moment = now()
    query = select(UserSession).where(
        UserSession.user_id == user_id, UserSession.half.is_(False), UserSession.expires_at > moment
    )
    shown = [
        OpenSession(
            row.token_hash[:16],
            row.created_at,
            row.last_seen_at or row.created_at,
            row.address or "",
            row.browser or "",
        )
        for row in session.execute(query).scalars()
    ]
    return sorted((one for one in shown if moment - one.seen <= rules.idle), key=lambda one: one.seen, reverse=True)


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


__all__ = [
    "CSRF_FIELD",
    "CSRF_HEADER",
    "SESSION_COOKIE",
    "OpenSession",
    "SignedIn",
    "SignedInUser",
    "areas_of",
    "asking",
    "check_csrf",
    "digest",
    "end",
    "end_all",
    "end_one",
    "half_of",
    "held",
    "open_of",
    "opened",
    "roles_of",
    "sign_out",
    "user_of",
]
