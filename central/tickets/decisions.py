"""What people decide about a case: both looks, taking back, and every later step of the table.

Each function works within the transaction of the `session` it is given (`Database.write()`) and raises
`central.tickets.errors.TicketError` with a sentence and a status. `version` is the one that the person saw.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from central.accounts.acting import actor_of
from central.accounts.service import SignedInUser
from central.clock import office_now
from central.db.cases import Case
from central.lists import compare
from central.tickets import asking, deadlines, facts, looks, opening, showing
from central.tickets.errors import Conflict, NotAllowed, Unfit
from central.tickets.guards import UNDO, CaseFacts
from central.tickets.queue import found
from central.tickets.review import CORRECT, DECISIONS, UNDO_STEP, WORKFLOW
from central.tickets.standing import Standing, standing
from central.tickets.states import REVIEW2
from central.tickets.words import text_of
from central.workflow.said import Named
from central.workflow.table import MACHINE, Doing, Transition


def approve(
    session: Session, number: str, version: int, user: SignedInUser, answers: Mapping[str, str], note: str = ""
) -> Case:
    """It is so, says this person: the first look passes it on, the second approves it. `answers` go by fact.

    Raises CaseMissing, Conflict (also when a list has come in since that asks about the vehicle), NotAllowed, or Unfit
    while a question is open or the state is another.
    """
    row = opened(session, number, version, user)
    if new := asking.ask(session, [row]):
        facts_asked = ", ".join(new[row.number])
        english = f"a list that came in since asks about case {row.number}: {facts_asked} - reload it and answer"
        asked = tuple(Named("fact", (f"{fact}.question",)) for fact in new[row.number])
        raise Conflict(english, "case.asked", number=row.number, facts=asked)
    given = _answer(row, user, answers)
    return _stepped(session, row, user, "approve", note=note, answers=given)


def reject(session: Session, number: str, version: int, user: SignedInUser, code: str, note: str = "") -> Case:
    """It is not so, with a reason code R01..R16 and, for R16, a note. Raises as `approve` does."""
    return _stepped(session, opened(session, number, version, user), user, "reject", code=code, note=note)


def send_back(session: Session, number: str, version: int, user: SignedInUser, note: str) -> Case:
    """The second look wants the first one taken anew, and says why."""
    return _stepped(session, opened(session, number, version, user), user, "send back", note=note)


def ask(session: Session, number: str, version: int, user: SignedInUser, note: str) -> Case:
    """Something is missing that somebody must bring or explain first."""
    return _stepped(session, opened(session, number, version, user), user, "ask", note=note)


def resume(session: Session, number: str, version: int, user: SignedInUser, note: str) -> Case:
    """What was missing is there, or what held the case is explained."""
    return _stepped(session, opened(session, number, version, user), user, "resume", note=note)


def step(
    session: Session,
    number: str,
    version: int,
    user: SignedInUser,
    action: str,
    *,
    note: str = "",
    ground: str | None = None,
) -> Case:
    """Any later step that a person takes: enter, notify, handle, appeal, verify, cancel, uphold."""
    return _stepped(session, opened(session, number, version, user), user, action, note=note, ground=ground)


def undo(session: Session, number: str, user: SignedInUser) -> Case:
    """Take back the decision that this person made a moment ago: the case stands as before it."""
    row = found(session, number, lock=True)
    session.refresh(row, ["history"])
    (known,) = facts.gathered(session, [row])
    if known.last is None:
        raise Unfit("there is no decision to take back", "undo.none")
    done = WORKFLOW.step(row.state, UNDO_STEP, known, Doing(actor_of(user), office_now()), to=known.last.source)
    moved(row, user.name, done, by=user.id)
    stands = _restore(row)
    if stands.due_told:
        deadlines.resume(row, stands.due)
    _flush(session, row)
    return row


def correct(session: Session, row: Case, user: SignedInUser, field: str, said: str, before: str | None) -> None:
    """The step of a correction with an opened `row`; what is right is `central.tickets.corrections`' to know."""
    known = _known(session, row, user)
    done = WORKFLOW.step(row.state, CORRECT, known, Doing(actor_of(user), office_now()))
    moved(row, user.name, done, by=user.id, field=field, said=said, before=before)
    _restore(row)
    _flush(session, row)


def system_step(
    session: Session, row: Case, action: str, *, known: CaseFacts | None = None, **detail: Any
) -> Transition[CaseFacts]:
    """A step that central takes by itself with a locked `row`; `known` instead of the facts it would gather.

    Raises Unfit when the table does not let it.
    """
    seen = known or facts.gathered(session, [row])[0]
    done = WORKFLOW.step(row.state, action, seen, Doing(MACHINE, office_now()))
    moved(row, MACHINE.name, done, **detail)
    return done


def moved(row: Case, actor: str, done: Transition[CaseFacts], **detail: Any) -> None:
    """Write the step `done` to history and row: state, deadline, until when it can be undone."""
    at = office_now()
    opening.stepped(row, actor, done, at, **detail)
    row.final_at = at + UNDO if done.action in DECISIONS else None


def reckoned(row: Case) -> None:
    """Put the deadline on a row that has none yet: the one that its history tells, else counted anew."""
    stands = standing(row.history)
    if stands.due_told:
        deadlines.resume(row, stands.due)
    else:
        deadlines.anew(row)


def opened(session: Session, number: str, version: int, user: SignedInUser) -> Case:
    """The locked row of the case as the person saw it. Raises CaseMissing, NotAllowed, Conflict."""
    row = found(session, number, lock=True)
    # Read before anything is changed: what is written is then flushed at once, and a conflict is told as one.
    session.refresh(row, ["history"])
    if row.due_certain is None:
        # Of an earlier version, and the jobs have not come to it: no deadline is not no limit.
        reckoned(row)
    if not any(actor_of(user).roles & rule.by for rule in WORKFLOW.rows):
        english = f"{user.role}s look at cases and do not decide them - ask an officer"
        raise NotAllowed(english, "case.not_yours", role=Named("role.is", (str(user.role),)))
    if row.version != version:
        who = f" by {row.decided_by}" if row.decided_by else ""
        english = f"case {row.number} was changed{who} since you opened it: it is {row.state} now - reload it"
        raise Conflict(english, "case.changed", number=row.number, state=Named("state", (row.state,)))
    return row


def _stepped(session: Session, row: Case, user: SignedInUser, action: str, **given: Any) -> Case:
    note = text_of(given.pop("note", "") or "", "note")
    code, ground, answers = given.get("code"), given.get("ground"), given.get("answers")
    known = replace(_known(session, row, user), reason=code, note=note, ground=ground)
    if row.state == REVIEW2 and action == "approve":
        known = replace(known, differs=_differs(session, row))
    done = WORKFLOW.step(row.state, action, known, Doing(actor_of(user), office_now()))
    detail = {"reason": code, "ground": ground, "answers": answers}
    moved(row, user.name, done, by=user.id, note=note, **{key: one for key, one in detail.items() if one})
    _restore(row)
    _flush(session, row)
    return row


def _known(session: Session, row: Case, user: SignedInUser) -> CaseFacts:
    """The facts, and whether this person has had the case open since another one, or central, last moved it."""
    (known,) = facts.gathered(session, [row])
    others = [line.at for line in row.history if line.to_state is not None and line.actor != user.name]
    return replace(known, seen=looks.seen(session, row.id, user.id, max(others, default=row.created_at)))


def _restore(row: Case) -> Standing:
    """Put on the row what its history comes to."""
    stands = standing(row.history)
    row.first_by, row.first_by_id = stands.first_by, stands.first_by_id
    row.decided_by, row.decided_by_id, row.decided_at = stands.decided_by, stands.decided_by_id, stands.decided_at
    row.reason_code, row.note, row.ground = stands.reason, stands.note, stands.ground
    row.corrected = dict(stands.corrected)
    for question in row.questions:
        said = stands.answers.get(question.fact)
        question.answer = said.text if said else None
        question.answered_by = said.by if said else None
        question.answered_at = said.at if said else None
    return stands


def _differs(session: Session, row: Case) -> tuple[str, ...]:
    card = compare.card(session, showing.vehicle_of(session, row))
    return tuple(dict.fromkeys(line.what for line in card.lines if line.same is False))


def _answer(row: Case, user: SignedInUser, answers: Mapping[str, str]) -> dict[str, str]:
    asked = {question.fact: question for question in row.questions}
    for fact, answer in answers.items():
        question = asked.get(fact)
        if question is None:
            raise Unfit(f"case {row.number} does not ask about {fact[:80]!r}", "answer.unasked", fact=fact[:80])
        said = text_of(answer, "answer").strip()
        if said and said != question.answer:
            if row.state == REVIEW2:
                # Two people vouch for the same facts: what one of them sees otherwise is looked at anew by both.
                english = f"{fact} is answered at the first look - send the case back to have it answered otherwise"
                raise Unfit(english, "answer.at_first", fact=Named("fact", (f"{fact}.question",)))
            question.answer, question.answered_by, question.answered_at = said, user.name, office_now()
    return {question.fact: question.answer for question in row.questions if question.answer}


def _flush(session: Session, row: Case) -> None:
    try:
        session.flush()
    except StaleDataError as error:
        english = f"somebody decided case {row.number} in the same moment - reload it"
        raise Conflict(english, "case.same_moment", number=row.number) from error


__all__ = [
    "approve",
    "ask",
    "correct",
    "moved",
    "opened",
    "reckoned",
    "reject",
    "resume",
    "send_back",
    "step",
    "system_step",
    "undo",
]
