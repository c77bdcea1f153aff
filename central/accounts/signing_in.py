"""Signing in: a name and a password, then a code where the account has a second factor; guessing ends soon.

Failures count by name and address together, so that nobody can lock an officer out from elsewhere, and by address; the
code's count by account, wherever they come from, for only who knows the password gets so far. An address of IPv6 is its
network of 64 bits: whoever has one has all of it.

Argon2 is slow by design and works outside of any transaction. What was proved there is looked at again under the lock
of the account before anything follows from it, so that an admin who closes or resets it meanwhile is not undone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from central.accounts import limits, log, passwords, second, sessions
from central.accounts.errors import NotSignedIn, SecondFactorAsked, SignInRefused, TooManyAttempts
from central.accounts.roles import Role
from central.accounts.rules import AccountRules
from central.accounts.sessions import SignedIn
from central.db.accounts import Attempt, User
from central.db.database import Database
from contract.events import now

FAILURES_BY_NAME: Final = 5
FAILURES_BY_ADDRESS: Final = 30
FAILURES_BY_CODE: Final = 5
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
Done = TypeVar("Done")
_Keys = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Proved:
    """Somebody who is signed in has just given their password: the one of the hash that was theirs then."""

    hashed: str
    password: str = field(repr=False)


def sign_in(
    db: Database,
    name: str,
    password: str,
    address: str,
    *,
    browser: str = "",
    code: str | None = None,
    rules: AccountRules | None = None,
) -> SignedIn:
    """Open a session for the right password. `address` is the client's, for the rate limit.

    Where the account has a second factor, `code` must be right too; without any the session is half and `show_code`
    makes it whole. `code=""` says that the caller cannot ask later: then SecondFactorAsked is raised.

    Raises SignInRefused for a wrong name, password or code, TooManyAttempts after too many of them, and SignInBusy when
    too many others are signing in.
    """
    known = name if NAME.fullmatch(name) else ""
    keys = _keys_of(known, address)
    with db.read() as session:
        _limit(session, keys)
    with passwords.turn():
        user, renewed = _checked(db, known, password, keys)
    with db.write() as session:
        row = _unchanged(session, user)
        if rules is not None and rules.admins_only and Role.ADMIN not in sessions.roles_of(session, row.id):
            raise SignInRefused("this account signs in at the office's provider")
        limits.forgive(session, keys[0][0])
        if renewed is not None:
            row.password_hash = renewed
        asked = second.enrolled(session, row.id)
        if not asked or code is None:
            return _let_in(session, row, address, browser, half=asked)
    if not code:
        raise SecondFactorAsked("this account has a second factor - send its code too")

    def whole(session: Session) -> SignedIn:
        return _let_in(session, _unchanged(session, user), address, browser, half=False)

    return _coded(db, user, code, address, rules, whole)


def show_code(
    db: Database, token: str | None, code: str, address: str, *, browser: str = "", rules: AccountRules | None = None
) -> SignedIn:
    """Make the half session of `token` a whole one, under another token. Raises as `sign_in` does, or NotSignedIn."""
    with db.read() as session:
        user = sessions.half_of(session, token)
    if user is None or token is None:
        raise NotSignedIn("please sign in first")

    def whole(session: Session) -> SignedIn:
        row = sessions.held(session, user.id, token, half=True)
        sessions.end(session, token)
        return _let_in(session, row, address, browser, half=False)

    return _coded(db, user, code, address, rules, whole)


def password_is(db: Database, user_id: int, password: str, address: str) -> Proved:
    """Ask somebody who is signed in for their password again. Raises as `sign_in` does."""
    with db.read() as session:
        user = session.get_one(User, user_id)
    keys = _keys_of(user.name, address)
    with db.read() as session:
        _limit(session, keys)
    with passwords.turn():
        found, _ = _checked(db, user.name, password, keys)
    return Proved(found.password_hash, password)


def code_is(
    db: Database, user_id: int, code: str, address: str, rules: AccountRules, then: Callable[[Session], Done]
) -> Done:
    """Ask somebody who is signed in for a code of their second factor; `then` is done in the transaction that takes it.

    Raises SignInRefused or TooManyAttempts, and what `then` raises: the code is not used up by that.
    """
    with db.read() as session:
        user = session.get_one(User, user_id)
    return _coded(db, user, code, address, rules, then)


def unlock(session: Session, name: str, user_id: int) -> None:
    """Let somebody try again at once who failed too often, from wherever."""
    pattern = f"name:{name.lower()}@"
    session.execute(delete(Attempt).where(Attempt.key.startswith(pattern, autoescape=True)))
    limits.forgive(session, _code_key(user_id))


def _coded(
    db: Database, user: User, code: str, address: str, rules: AccountRules | None, then: Callable[[Session], Done]
) -> Done:
    keys: _Keys = ((_code_key(user.id), FAILURES_BY_CODE), (f"address:{limits.network(address)}", FAILURES_BY_ADDRESS))
    with db.write() as session:
        # One guess at a time for an account, counted before the next: a crowd of them is no way past the limit.
        session.get_one(User, user.id, with_for_update=True)
        _limit(session, keys)
        if second.taken(session, user, code, rules or AccountRules()):
            limits.forgive(session, keys[0][0])
            return then(session)
        for key, _ in keys:
            limits.failed(session, key, now())
    raise SignInRefused("the code is not right, or was used before")


def _checked(db: Database, known: str, password: str, keys: _Keys) -> tuple[User, str | None]:
    """Whose password it is, and its new hash where the old one is of before. The limit counts again: others may have
    failed while this one waited."""
    with db.read() as session:
        _limit(session, keys)
        user = session.execute(select(User).where(User.name == known)).scalar_one_or_none()
    right, renewed = passwords.verified(password, user.password_hash if user else None)
    if user is None or not right or user.disabled_at is not None or _over(user):
        with db.write() as session:
            for key, _ in keys:
                limits.failed(session, key, now())
        raise SignInRefused("name or password is not right")
    return user, renewed


def _unchanged(session: Session, seen: User) -> User:
    """The account, locked, with the password that was proved a moment ago. Raises SignInRefused when it has another by
    now, or is closed. The same one under a newer hash is no other: two sign-ins at once may renew it."""
    row = session.get_one(User, seen.id, with_for_update=True, populate_existing=True)
    another = (row.password_at, row.password_until) != (seen.password_at, seen.password_until)
    if another or row.disabled_at is not None or _over(row):
        raise SignInRefused("name or password is not right")
    return row


def _over(user: User) -> bool:
    return user.password_until is not None and user.password_until <= now()


def _let_in(session: Session, row: User, address: str, browser: str, *, half: bool) -> SignedIn:
    if not half:
        log.note(session, row.id, row.name, "signed in", address=address[:64])
    return sessions.opened(session, row, address, browser, half=half)


def _limit(session: Session, keys: _Keys) -> None:
    moment = now()
    for key, most in keys:
        if limits.failures(session, key, moment) >= most:
            minutes = int(limits.WINDOW.total_seconds() // 60)
            raise TooManyAttempts(f"too many failed sign-ins - wait {minutes} minutes and try again")


def _keys_of(name: str, address: str) -> _Keys:
    at = limits.network(address)
    return ((f"name:{name.lower()}@{at}", FAILURES_BY_NAME), (f"address:{at}", FAILURES_BY_ADDRESS))


def _code_key(user_id: int) -> str:
    return f"code:{user_id}"


__all__ = ["NAME", "Proved", "code_is", "password_is", "show_code", "sign_in", "unlock"]
