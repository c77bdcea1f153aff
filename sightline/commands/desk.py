"""Who acts by a command at central: an account of the desk, under whose name it is entered."""

from typing import TYPE_CHECKING

from contract.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from central.accounts.service import SignedInUser


def account(session: "Session", name: str) -> "SignedInUser":
    """The open account `name` that decides cases. Raises InputError."""
    from sqlalchemy import select

    from central.accounts import sessions
    from central.accounts.permissions import Permission
    from central.accounts.service import SignedInUser
    from central.db.accounts import User

    row = session.execute(select(User).where(User.name == name[:64], User.disabled_at.is_(None))).scalar_one_or_none()
    if row is None:
        raise InputError(f"--by {name[:64]}: there is no such account - name who does it, it is entered")
    user = SignedInUser(row.id, row.name, sessions.roles_of(session, row.id), "")
    if not user.may(Permission.CASES_DECIDE):
        raise InputError(f"--by {name[:64]}: has no role that decides cases - see docs/permissions.md")
    return user


__all__ = ["account"]
