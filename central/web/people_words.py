"""Roles and the history of accounts, in the reader's language."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from central.accounts.roles import Role, ordered
from central.db.accounts import AccountLog
from central.web.language import Language


@dataclass(frozen=True, slots=True)
class Choice:
    """A role or an area that can be ticked, and what it is for."""

    value: str
    text: str
    about: str
    held: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an account's history."""

    at: datetime
    text: str
    by: str


def roles(held: Iterable[str], say: Language) -> str:
    """`Reviewer, chief`."""
    return say("people.and").join(say(f"role.is.{role}") for role in ordered(held))


def choices(held: Collection[str], say: Language) -> list[Choice]:
    """Every role, in the order of the enumeration."""
    return [Choice(str(role), say(f"role.is.{role}"), say(f"role.about.{role}"), role in held) for role in Role]


def areas(known: Mapping[str, Sequence[str]], held: Collection[str]) -> list[Choice]:
    """Every area that the register knows or this person has, with its sites."""
    return [Choice(one, one, ", ".join(known.get(one, ())), one in held) for one in sorted({*known, *held})]


def lines(history: Iterable[AccountLog], say: Language) -> list[Line]:
    """What was done, by whom, and the roles before and after where it was about roles."""
    return [Line(one.at, _text(one, say), _by(one.actor, say)) for one in history]


def _text(one: AccountLog, say: Language) -> str:
    what = say.known(f"account.{one.action.replace(' ', '_')}", one.action)
    given = one.detail.get("roles")
    if isinstance(given, list):
        what = say("account.with_roles", what=what, roles=roles(given, say))
    among = one.detail.get("areas")
    if isinstance(among, list):
        named = say("people.and").join(map(str, among)) or say("people.everywhere")
        what = say("account.with_roles", what=what, roles=named)
    address = one.detail.get("address")
    return say("account.from", what=what, address=address) if address else what


def _by(actor: str, say: Language) -> str:
    if actor == "system":
        return say("history.system")
    return say("account.by_cli", name=actor.removeprefix("cli:")) if actor.startswith("cli:") else actor


__all__ = ["Choice", "Line", "areas", "choices", "lines", "roles"]
