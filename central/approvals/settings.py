"""Settings of people that are done when another admin has approved them, in the same transaction."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from central.accounts import areas, people, sessions
from central.accounts.roles import Role, ordered
from central.approvals.errors import BadRequest
from central.approvals.kinds import Kind

Apply = Callable[[Session, Mapping[str, Any], str, dict[str, object]], None]


def needs_two(before: frozenset[str], after: frozenset[str]) -> bool:
    """Whether a change of roles makes somebody an admin, or no admin any more."""
    return Role.ADMIN in before ^ after


def roles_wanted(session: Session, name: str, after: frozenset[Role]) -> dict[str, Any]:
    """What to ask for. Raises NoSuchPerson."""
    user = people.named(session, name)
    return {"name": user.name, "before": ordered(sessions.roles_of(session, user.id)), "after": ordered(after)}


def areas_wanted(session: Session, name: str, after: list[str]) -> dict[str, Any]:
    """What to ask for. Raises NoSuchPerson or BadAccount."""
    user = people.named(session, name)
    return {"name": user.name, "before": sorted(sessions.areas_of(session, user.id)), "after": areas.fit(after)}


def _roles(session: Session, what: Mapping[str, Any], actor: str, on_record: dict[str, object]) -> None:
    user = people.named(session, what["name"])
    _same(ordered(sessions.roles_of(session, user.id)), what)
    people.set_roles(session, user.name, [Role(one) for one in what["after"]], actor, **on_record)


def _areas(session: Session, what: Mapping[str, Any], actor: str, on_record: dict[str, object]) -> None:
    user = people.named(session, what["name"])
    _same(sorted(sessions.areas_of(session, user.id)), what)
    areas.give(session, user.name, what["after"], actor, **on_record)


def _same(found: list[str], what: Mapping[str, Any]) -> None:
    if found != what["before"]:
        raise BadRequest(
            f"{what['name']} was changed since this was asked for - refuse it, and have it asked for again",
            "bad.changed_since", name=what["name"],
        )  # fmt: skip


#: Kinds that are done as they are approved.
APPLY: Final[Mapping[Kind, Apply]] = {Kind.ROLES: _roles, Kind.AREAS: _areas}

__all__ = ["APPLY", "areas_wanted", "needs_two", "roles_wanted"]
