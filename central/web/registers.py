"""The vehicle beside the register: lines of the card on the case page."""

from dataclasses import dataclass

from central.tickets.views import CaseView
from central.web.language import Language


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """What was seen and what the register says, with the badge (`good`, `ask`, `plain`) and word of the comparison."""

    label: str
    seen: str
    book: str
    flag: str
    verdict: str


def rows(view: CaseView, say: Language) -> list[RegisterRow]:
    """The card's lines; empty where there is nothing to compare with."""
    words = {True: ("good", "register.same"), False: ("ask", "register.differs"), None: ("plain", "register.unsaid")}
    found = []
    for line in view.register_card.lines:
        flag, verdict = words[line.same]
        seen = say.known(f"vehicle.{line.seen}", line.seen) if line.seen else "-"
        found.append(RegisterRow(say(f"register.{line.what}"), seen, line.book, flag, say(verdict)))
    return found


def sentence(view: CaseView, say: Language) -> str:
    """Why there is nothing to compare with; empty where there is."""
    card = view.register_card
    if card.state == "unlisted":
        return say("register.unlisted", plate=card.plate)
    return {"none": say("register.none"), "unread": say("register.plate_unread")}.get(card.state, "")


__all__ = ["RegisterRow", "rows", "sentence"]
