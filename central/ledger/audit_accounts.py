"""Whether accounts are what their histories say: the ledger vouches for the lines, this holds the rows to them.

Who can write to the database can give themselves a role, open a closed account or take a second factor away without a
line; here it is found.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts.roles import ordered
from central.db.accounts import AccountLog, SecondFactor, User, UserArea, UserRole
from central.db.identities import Identity

_CLOSING = {"disabled": True, "enabled": False}
_SECOND = {"second factor on": True, "second factor off": False}


def accounts(session: Session) -> Iterator[str]:
    """Roles, areas, open or closed, and the second factor of every account against the last line about each."""
    held: dict[int, list[str]] = {}
    for user_id, role in session.execute(select(UserRole.user_id, UserRole.role)):
        held.setdefault(user_id, []).append(role)
    among: dict[int, list[str]] = {}
    for user_id, area in session.execute(select(UserArea.user_id, UserArea.area)):
        among.setdefault(user_id, []).append(area)
    linked: dict[int, set[tuple[str, str]]] = {}
    for one in session.execute(select(Identity)).scalars():
        linked.setdefault(one.user_id, set()).add((one.issuer, one.subject))
    enrolled = set(
        session.execute(select(SecondFactor.user_id).where(SecondFactor.confirmed_at.is_not(None))).scalars()
    )
    for user in session.execute(select(User).order_by(User.id)).scalars():
        lines = _lines(session, user.id)
        roles, areas = sorted(held.get(user.id, [])), sorted(among.get(user.id, []))
        yield from (f"account {user.name}: {one}" for one in _account(lines, roles, areas, user, user.id in enrolled))
        if linked.get(user.id, set()) != _identities(lines):
            yield f"account {user.name}: its identities are not those of its history: one was linked by hand"


def _lines(session: Session, user_id: int) -> Sequence[AccountLog]:
    query = select(AccountLog).where(AccountLog.user_id == user_id).order_by(AccountLog.id)
    return session.execute(query).scalars().all()


def _account(
    lines: Sequence[AccountLog], roles: list[str], areas: list[str], user: User, enrolled: bool
) -> Iterator[str]:
    if not lines:
        yield "has no history: it was put in by hand"
        return
    given: list[str] = next((one.detail["roles"] for one in reversed(lines) if "roles" in one.detail), [])
    if roles != sorted(given):
        yield f"has the roles {_named(roles)}, and its history gave {_named(given)}: they were changed by hand"
    bound: list[str] = next((one.detail["areas"] for one in reversed(lines) if "areas" in one.detail), [])
    if areas != bound:
        was, gave = ", ".join(areas) or "all", ", ".join(bound) or "all"
        yield f"has the areas {was}, and its history gave {gave}: they were changed by hand"
    closed = _last(lines, _CLOSING)
    if closed is None and user.disabled_at is not None and lines[0].action == "moved":
        closed = True  # closed before histories began
    if (user.disabled_at is not None) != bool(closed):
        state = ("open", "closed")
        yield f"is {state[user.disabled_at is not None]}, and its history says {state[bool(closed)]}"
    if enrolled != bool(_last(lines, _SECOND)):
        yield f"has {'a' if enrolled else 'no'} second factor, and its history says otherwise"


def _identities(lines: Sequence[AccountLog]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for one in lines:
        if one.action == "identity linked":
            found.add((one.detail["issuer"], one.detail["subject"]))
        elif one.action == "identity unlinked":
            found.clear()
    return found


def _last(lines: Sequence[AccountLog], says: dict[str, bool]) -> bool | None:
    return next((says[one.action] for one in reversed(lines) if one.action in says), None)


def _named(roles: Sequence[str]) -> str:
    # A role that no version knows was written by hand as well.
    known = ordered(roles)
    return ", ".join([*known, *sorted(set(roles) - set(known))]) or "none"


__all__ = ["accounts"]
