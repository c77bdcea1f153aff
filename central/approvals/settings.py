"""Settings of people that are done when another admin has approved them, in the same transaction."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from central.accounts import areas, passwords, people, sessions
from central.accounts.errors import BadAccount
from central.accounts.permissions import COUNTS
from central.accounts.roles import Role, ordered
from central.approvals.errors import BadRequest
from central.approvals.kinds import Kind
from central.clock import office_now
from central.recordings import holds

#: Does it: what, for whom, what goes into the account's history, and the hash of a password's first half ("" for none).
#: What it returns is shown to who approved, once: the other half.
Apply = Callable[[Session, Mapping[str, Any], str, dict[str, object], str], str | None]


def needs_two(before: Collection[str], after: Collection[str]) -> bool:
    """Whether a change of roles makes somebody count where two must agree, or an admin no admin any more."""
    gained = set(after) - set(before)
    return not COUNTS.isdisjoint(gained) or Role.ADMIN in set(before) ^ set(after)


def counts(roles: Collection[str]) -> bool:
    """Whether an account with these roles is one of the two where two must agree: nobody gets hold of it alone."""
    return not COUNTS.isdisjoint(roles)


def account_wanted(session: Session, name: str, roles: frozenset[Role]) -> dict[str, Any]:
    """What to ask for. Raises BadAccount for what could not be made."""
    people.fit_to_make(session, name, roles)
    return {"name": name, "roles": ordered(roles)}


def held_now(session: Session, name: str) -> dict[str, Any]:
    """An account and its roles, for another password or the end of a second factor. Raises NoSuchPerson."""
    user = people.named(session, name)
    return {"name": user.name, "before": ordered(sessions.roles_of(session, user.id))}


def roles_wanted(session: Session, name: str, after: frozenset[Role]) -> dict[str, Any]:
    """What to ask for. Raises NoSuchPerson, BadAccount for an account that nobody has taken as their own yet.

    Who made it knows its one-time password: given a part in decisions, it would be theirs.
    """
    user = people.named(session, name)
    before = sessions.roles_of(session, user.id)
    if user.password_until is not None and needs_two(before, after) and not counts(before):
        raise BadAccount(
            f"{name} has a one-time password still - its owner signs in and chooses another first",
            "bad.not_taken", name=name,
        )  # fmt: skip
    return {"name": user.name, "before": ordered(before), "after": ordered(after)}


def areas_wanted(session: Session, name: str, after: list[str]) -> dict[str, Any]:
    """What to ask for. Raises NoSuchPerson or BadAccount."""
    user = people.named(session, name)
    return {"name": user.name, "before": sorted(sessions.areas_of(session, user.id)), "after": areas.fit(after)}


def _account(
    session: Session, what: Mapping[str, Any], actor: str, on_record: dict[str, object], first: str
) -> str | None:
    other = passwords.half()
    hashed = passwords.of_halves(first, passwords.hash_of(other))
    people.invited(session, what["name"], [Role(one) for one in what["roles"]], hashed, actor, **on_record)
    return other


def _password(
    session: Session, what: Mapping[str, Any], actor: str, on_record: dict[str, object], first: str
) -> str | None:
    other = passwords.half()
    user = people.named(session, what["name"])
    _same(ordered(sessions.roles_of(session, user.id)), what)
    people.renewed(session, user.name, passwords.of_halves(first, passwords.hash_of(other)), actor, **on_record)
    return other


def _factor(session: Session, what: Mapping[str, Any], actor: str, on_record: dict[str, object], _first: str) -> None:
    user = people.named(session, what["name"])
    _same(ordered(sessions.roles_of(session, user.id)), what)
    people.second_off(session, user.name, actor, **on_record)


def _roles(session: Session, what: Mapping[str, Any], actor: str, on_record: dict[str, object], _first: str) -> None:
    user = people.named(session, what["name"])
    _same(ordered(sessions.roles_of(session, user.id)), what)
    roles_wanted(session, user.name, frozenset(Role(one) for one in what["after"]))
    people.set_roles(session, user.name, [Role(one) for one in what["after"]], actor, **on_record)


def _areas(session: Session, what: Mapping[str, Any], actor: str, on_record: dict[str, object], _first: str) -> None:
    user = people.named(session, what["name"])
    _same(sorted(sessions.areas_of(session, user.id)), what)
    areas.give(session, user.name, what["after"], actor, **on_record)


def _recording(
    session: Session, what: Mapping[str, Any], actor: str, on_record: dict[str, object], _first: str
) -> None:
    holds.allow(session, what, people.named(session, actor), str(on_record["request"]), office_now())


def _same(found: list[str], what: Mapping[str, Any]) -> None:
    if found != what["before"]:
        raise BadRequest(
            f"{what['name']} was changed since this was asked for - refuse it, and have it asked for again",
            "bad.changed_since", name=what["name"],
        )  # fmt: skip


#: Kinds that are done as they are approved.
APPLY: Final[Mapping[Kind, Apply]] = {
    Kind.ROLES: _roles, Kind.AREAS: _areas, Kind.ACCOUNT: _account, Kind.RESET: _password, Kind.FACTOR: _factor,
    Kind.RECORDING: _recording,
}  # fmt: skip

__all__ = ["APPLY", "account_wanted", "areas_wanted", "counts", "held_now", "needs_two", "roles_wanted"]
