"""What the officer can do with a case on its page: the buttons with their keys, and what each of them asks for."""

from dataclasses import dataclass
from typing import Final

from central.accounts.service import SignedInUser
from central.tickets.corrections import COLOURS, TYPES
from central.tickets.review import DECISIONS
from central.tickets.states import NEEDS_MORE, REVIEW1, REVIEW2
from central.tickets.views import CaseView
from central.web.language import Language

#: The decisions in the order of their buttons: the step of the table, and its address and dialog.
_STEPS: Final = {"approve": "approve", "resume": "resume", "reject": "reject", "send back": "send-back", "ask": "ask"}
#: The key that opens each dialog (`central.web.keylist`).
_KEYS: Final = {"approve": "a", "resume": "s", "reject": "r", "send-back": "b", "ask": "m"}
_NOTED: Final = ("send-back", "ask", "resume")
#: The looks, and what comes before one: only in these anything is decided.
_WHILE: Final = (REVIEW1, REVIEW2, NEEDS_MORE)


@dataclass(frozen=True, slots=True)
class Button:
    """A button that opens the dialog `id`; `key` does the same."""

    id: str
    key: str
    text: str
    primary: bool


@dataclass(frozen=True, slots=True)
class NoteDialog:
    """A step that wants words and nothing else."""

    id: str
    title: str
    says: str
    submit: str


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person can read otherwise: the value now, the machine's, and ready choices (none: it is typed)."""

    field: str
    label: str
    now: str
    machine: str
    changed: bool
    choices: list[tuple[str, str]]


def is_own_first(view: CaseView, user: SignedInUser) -> bool:
    """Whether this person took the first look, and the case waits for another."""
    return view.state == REVIEW2 and view.first_by == user.name


def buttons(view: CaseView, user: SignedInUser, say: Language) -> list[Button]:
    """What this person may do now, in the order of the buttons; none where there is nothing."""
    if view.state not in _WHILE or is_own_first(view, user):
        return []
    open_now = [address for step, address in _STEPS.items() if step in DECISIONS and step in view.actions]
    first = open_now[0] if open_now else ""
    return [Button(one, _KEYS[one], say(f"decide.{_said(one, view.state)}"), one == first) for one in open_now]


def note_dialogs(opened: list[Button], say: Language) -> list[NoteDialog]:
    """The dialogs of the steps that want words."""
    return [
        NoteDialog(one.id, say(f"decide.{one.id}.title"), say(f"decide.{one.id}.says"), one.text)
        for one in opened
        if one.id in _NOTED
    ]


def differs(view: CaseView, say: Language) -> str | None:
    """What the register has otherwise, in words; the second look must explain it."""
    what = [say(f"register.{line.what}") for line in view.register_card.lines if line.same is False]
    return say("decide.approve.differs", what=", ".join(what)) if what and view.state == REVIEW2 else None


def corrections(view: CaseView, say: Language) -> list[Correction]:
    """Plate, type and colour as they stand, with what the machine read beside them."""
    seen, machine = view.vehicle, view.machine
    rows: tuple[tuple[str, str | None, str | None, tuple[str, ...], str], ...] = (
        ("plate", seen.plate, machine.plate, (), ""),
        ("type", seen.class_, machine.class_, TYPES, "vehicle"),
        ("color", seen.color, machine.color, COLOURS, "color"),
    )
    return [
        Correction(
            field, say(f"correct.{field}"), now or "", _word(read, kind, say), field in view.corrected,
            [(value, say.known(f"{kind}.{value}", value)) for value in choices],
        )
        for field, now, read, choices, kind in rows
    ]  # fmt: skip


def _word(value: str | None, kind: str, say: Language) -> str:
    if not value:
        return say("correct.unread")
    return say.known(f"{kind}.{value}", value) if kind else value


def _said(address: str, state: str) -> str:
    """Approving says something else in each look."""
    return "pass" if address == "approve" and state == REVIEW1 else address


__all__ = ["Button", "Correction", "NoteDialog", "buttons", "corrections", "differs", "is_own_first", "note_dialogs"]
