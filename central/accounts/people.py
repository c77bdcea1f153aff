"""The life of accounts: made, given roles, closed and opened again, given another password. Each step is on record.

An account is never removed and its name never given to another: the logs name people. `actor` is who does it, a
person's name or `cli:<name at the machine>`. Everything works within the transaction of the `session` it is given.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from central.accounts import log, passwords, second, sessions, signing_in
from central.accounts.errors import BadAccount, NoSuchPerson
from central.accounts.roles import Role, ordered
from central.accounts.signing_in import NAME, Proved
from central.db.accounts import SecondFactor, User, UserArea, UserRole
from central.db.identities import Identity
from contract.events import now

#: More accounts than any office has; a list is one page.
MOST_SHOWN: Final = 1000


class Act(StrEnum):
    """What an admin does to an account by its name alone."""

    DISABLE = "disable"
    ENABLE = "enable"
    UNLOCK = "unlock"
    SECOND_OFF = "second-off"
    END = "end-sessions"


@dataclass(frozen=True, slots=True)
class Person:
    """An account as it is listed."""

    name: str
    roles: Sequence[str]
    areas: Sequence[str]
    created_at: datetime
    seen_at: datetime | None
    disabled_at: datetime | None
    second_factor: bool
    one_time_until: datetime | None


def add(session: Session, name: str, roles: Role | Collection[Role], password: str, actor: str = "system") -> None:
    """Make an account with a password its owner knows.

    Raises BadAccount for a name that is taken or unfit, no role, or a password that is of no use.
    """
    passwords.fit(password, name)
    user = _new(session, name, roles, passwords.hash_of(password))
    user.password_at = now()
    _give(session, user, roles)
    log.note(session, user.id, actor, "added", roles=ordered(_set(roles)))


def invite(session: Session, name: str, roles: Collection[Role], actor: str) -> str:
    """Make an account with a one-time password, which is returned and kept nowhere. Raises as `add` does."""
    password = passwords.one_time()
    invited(session, name, roles, passwords.hash_of(password), actor)
    return password


def invited(session: Session, name: str, roles: Collection[Role], hashed: str, actor: str, **on_record: object) -> None:
    """Make an account whose one-time password has this hash. Raises as `add` does."""
    user = _new(session, name, roles, hashed)
    user.password_until = now() + passwords.ONE_TIME_LIFE
    _give(session, user, roles)
    log.note(session, user.id, actor, "added", **on_record, roles=ordered(roles), one_time=True)


def named(session: Session, name: str, *, lock: bool = False) -> User:
    """The account of that name. Raises NoSuchPerson."""
    query = select(User).where(User.name == (name if NAME.fullmatch(name) else ""))
    user = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if user is None:
        raise NoSuchPerson(f"there is no account {name[:64]!r}")
    return user


def listed(session: Session) -> list[Person]:
    """Every account, those that are open first, by name."""
    query = (
        select(User, SecondFactor.confirmed_at)
        .outerjoin(SecondFactor, SecondFactor.user_id == User.id)
        .order_by(User.disabled_at.is_not(None), func.lower(User.name), User.id)
        .limit(MOST_SHOWN)
    )
    held: dict[int, set[str]] = {}
    for user_id, role in session.execute(select(UserRole.user_id, UserRole.role)):
        held.setdefault(user_id, set()).add(role)
    among: dict[int, set[str]] = {}
    for user_id, area in session.execute(select(UserArea.user_id, UserArea.area)):
        among.setdefault(user_id, set()).add(area)
    return [
        _person(user, held.get(user.id, set()), among.get(user.id, set()), second is not None)
        for user, second in session.execute(query)
    ]


def shown(session: Session, user: User) -> Person:
    """One account as the list shows it."""
    roles, areas = sessions.roles_of(session, user.id), sessions.areas_of(session, user.id)
    return _person(user, roles, areas, second.enrolled(session, user.id))


def disable(session: Session, name: str, actor: str) -> None:
    """Close an account: its sessions have ended with the next request, whichever replica is asked."""
    user = _beside_admins(session, name)
    if user.disabled_at is not None:
        raise BadAccount(f"{name} is closed already", "bad.state")
    _not_the_last_admin(session, user, frozenset())
    user.disabled_at = now()
    ended = sessions.end_all(session, user.id)
    log.note(session, user.id, actor, "disabled", sessions=ended)


def enable(session: Session, name: str, actor: str) -> None:
    """Open a closed account again, with the roles and the password it had."""
    user = named(session, name, lock=True)
    if user.disabled_at is None:
        raise BadAccount(f"{name} is not closed", "bad.state")
    user.disabled_at = None
    log.note(session, user.id, actor, "enabled")


def reset(session: Session, name: str, actor: str) -> str:
    """Another one-time password, returned and kept nowhere; every session of the account ends."""
    password = passwords.one_time()
    renewed(session, name, passwords.hash_of(password), actor)
    return password


def renewed(session: Session, name: str, hashed: str, actor: str, **on_record: object) -> None:
    """Another one-time password, of which this is the hash; every session of the account ends."""
    user = named(session, name, lock=True)
    user.password_hash, user.password_until = hashed, now() + passwords.ONE_TIME_LIFE
    ended = sessions.end_all(session, user.id)
    signing_in.unlock(session, user.name, user.id)
    log.note(session, user.id, actor, "password reset", **on_record, sessions=ended)
    gone = delete(Identity).where(Identity.user_id == user.id).returning(Identity.subject)
    if session.execute(gone).all():
        # Whoever had the password may have linked an identity of their own.
        log.note(session, user.id, actor, "identity unlinked", sessions=0)


def set_roles(session: Session, name: str, roles: Collection[Role], actor: str, **on_record: object) -> None:
    """Give an account these roles and no others; its sessions end, so that none goes on with what it had.

    `on_record` goes into the line of its history: who approved it, for example.
    """
    user = _beside_admins(session, name)
    before, after = sessions.roles_of(session, user.id), frozenset(str(role) for role in roles)
    if before == after:
        return
    _not_the_last_admin(session, user, after)
    _give(session, user, roles)
    ended = sessions.end_all(session, user.id)
    log.note(
        session, user.id, actor, "roles", **on_record, before=ordered(before), roles=ordered(after), sessions=ended
    )


def unlock(session: Session, name: str, actor: str) -> None:
    """Forget the failed sign-ins of an account, so that its owner need not wait."""
    user = named(session, name)
    signing_in.unlock(session, user.name, user.id)
    log.note(session, user.id, actor, "unlocked")


def second_off(session: Session, name: str, actor: str, **on_record: object) -> None:
    """Take away a second factor that its owner has lost; sessions end."""
    user = named(session, name, lock=True)
    second.removed(session, user, actor, **on_record)
    sessions.end_all(session, user.id)


def end_sessions(session: Session, name: str, actor: str) -> None:
    """End every session of an account; its owner signs in again."""
    user = named(session, name, lock=True)
    log.note(session, user.id, actor, "sessions ended", sessions=sessions.end_all(session, user.id))


def change_password(session: Session, user_id: int, proved: Proved, new: str, token: str | None) -> None:
    """Its owner's own password in place of the one just `proved` (`signing_in.password_is`). All other sessions end.

    Raises BadAccount for a new one of no use, or when the account has another by now: whoever gave it that is not
    undone. Raises NotSignedIn when the session of `token` has ended meanwhile.
    """
    user = sessions.held(session, user_id, token)
    passwords.fit(new, user.name)
    if new == proved.password:
        raise BadAccount("the new password is the old one - choose another", **passwords.BAD)
    if user.password_hash != proved.hashed:
        raise BadAccount(f"the password of {user.name} was changed meanwhile - sign in again", "bad.state")
    user.password_hash, user.password_at, user.password_until = passwords.hash_of(new), now(), None
    ended = sessions.end_all(session, user.id, but=token)
    log.note(session, user.id, user.name, "password changed", sessions=ended)


#: What an admin does to an account by its name alone.
ACTS: Final[Mapping[Act, Callable[[Session, str, str], None]]] = {
    Act.DISABLE: disable, Act.ENABLE: enable, Act.UNLOCK: unlock, Act.SECOND_OFF: second_off, Act.END: end_sessions,
}  # fmt: skip


def fit_to_make(session: Session, name: str, roles: Role | Collection[Role]) -> None:
    """Raise BadAccount for a name that is taken or unfit, or no role."""
    if not NAME.fullmatch(name):
        raise BadAccount(f"user name {name[:64]!r} must be 1-63 letters, digits, '.', '_' or '-'", "bad.unfit_name")
    if not _set(roles):
        raise BadAccount("an account has at least one role - choose one", "bad.no_role")
    # Names of closed accounts count, too, and so does one that differs in capitals only: logs name people.
    same = select(User.name).where(func.lower(User.name) == name.lower())
    if (taken := session.execute(same).scalars().first()) is not None:
        raise _taken(taken)


def _new(session: Session, name: str, roles: Role | Collection[Role], hashed: str) -> User:
    fit_to_make(session, name, roles)
    user = User(name=name, password_hash=hashed, created_at=now())
    session.add(user)
    try:
        session.flush()
    except IntegrityError as error:  # somebody made one in this very moment
        raise _taken(name) from error
    return user


def _taken(name: str) -> BadAccount:
    return BadAccount(
        f"user {name} exists already, and names are never given twice - choose another name", "bad.taken", name=name
    )


def _give(session: Session, user: User, roles: Role | Collection[Role]) -> None:
    session.execute(delete(UserRole).where(UserRole.user_id == user.id))
    session.add_all(UserRole(user_id=user.id, role=role) for role in ordered(_set(roles)))
    session.flush()


def _set(roles: Role | Collection[Role]) -> frozenset[Role]:
    return frozenset({roles}) if isinstance(roles, Role) else frozenset(roles)


def lock_with_admins(session: Session, user_ids: Collection[int]) -> None:
    """Lock these accounts together with every open admin, all in one order, so that nobody waits in a circle."""
    admins = select(UserRole.user_id).where(UserRole.role == Role.ADMIN)
    locked = select(User).where(or_(User.id.in_(user_ids), User.id.in_(admins) & User.disabled_at.is_(None)))
    session.execute(locked.order_by(User.id).with_for_update().execution_options(populate_existing=True)).all()


def _beside_admins(session: Session, name: str) -> User:
    """The account, locked. Two admins who close each other in one moment come one after the other, and the second is
    told that they would be the last."""
    user = named(session, name)
    lock_with_admins(session, {user.id})
    return user


def _not_the_last_admin(session: Session, user: User, after: Collection[str]) -> None:
    """Somebody must be able to keep accounts. Raises BadAccount when it would be nobody."""
    if Role.ADMIN in after or Role.ADMIN not in sessions.roles_of(session, user.id):
        return
    others = (
        select(User.id)
        .join(UserRole, UserRole.user_id == User.id)
        .where(UserRole.role == Role.ADMIN, User.disabled_at.is_(None), User.id != user.id)
    )
    if not session.execute(others).scalars().all():
        raise BadAccount(
            f"{user.name} is the only admin - give the role to another account first", "bad.last_admin", name=user.name
        )


def _person(user: User, roles: Collection[str], areas: Collection[str], second_factor: bool) -> Person:
    return Person(
        user.name,
        ordered(roles),
        sorted(areas),
        user.created_at,
        user.last_seen_at,
        user.disabled_at,
        second_factor,
        user.password_until,
    )


__all__ = [
    "ACTS", "Act", "Person", "add", "change_password", "disable", "enable", "end_sessions", "fit_to_make", "invite",
    "invited", "listed",
    "lock_with_admins", "named",
    "renewed", "reset", "second_off", "set_roles", "shown", "unlock",
]  # fmt: skip
