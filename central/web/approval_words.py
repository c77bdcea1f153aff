"""Requests in the reader's language: what is asked for, and where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from central.approvals import requests
from central.approvals.kinds import TERMS, Kind
from central.approvals.requests import Shown
from central.web import people_words, recordings
from central.web.language import Language

_BADGES = {
    requests.WAITING: "ask", requests.APPROVED: "good", requests.USED: "good", requests.REFUSED: "stop",
    requests.WITHDRAWN: "info", requests.EXPIRED: "info",
}  # fmt: skip
#: Numbers that a line shows before it says how many more.
_NUMBERS = 12


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the page. `way`: where who asked goes on with it."""

    shown: Shown
    kind: str
    what: str
    more: str
    state: str
    badge: str
    way: str | None


def item(one: Shown, session: Session, say: Language) -> Item:
    """A request as the page draws it; of a recording also how much of it there is."""
    what, more = recordings.about(session, one.what, say) if one.kind is Kind.RECORDING else _what(one, say)
    way = TERMS[one.kind].way if one.mine and one.state == requests.APPROVED else None
    return Item(
        one, say(f"approval.kind.{one.kind}"), what, more, say(f"approval.state.{one.state}"), _BADGES[one.state], way
    )


def _what(one: Shown, say: Language) -> tuple[str, str]:
    given = one.what
    match one.kind:
        case Kind.EXPORT:
            numbers = [str(number) for number in given.get("numbers", ())]
            rest = len(numbers) - _NUMBERS
            more = f" +{rest}" if rest > 0 else ""
            return say("approval.what.export", n=len(numbers)), " ".join(numbers[:_NUMBERS]) + more
        case Kind.ROLES:
            before, after = people_words.roles(given["before"], say), people_words.roles(given["after"], say)
        case Kind.AREAS:
            before, after = _areas(given["before"], say), _areas(given["after"], say)
        case Kind.ACCOUNT | Kind.RESET | Kind.FACTOR:
            held = people_words.roles(given.get("roles", given.get("before", ())), say)
            return say("approval.what.person", name=given["name"]), say("approval.what.held", roles=held)
    return say("approval.what.person", name=given["name"]), say("approval.what.change", before=before, after=after)


def _areas(given: Sequence[str], say: Language) -> str:
    return say("people.and").join(given) or say("people.everywhere")


__all__ = ["Item", "item"]
