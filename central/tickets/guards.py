"""What the rows of the review table look at before they let a case pass: facts in, `Said` or None out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from central.tickets.reasons import GROUNDS, OTHER, OTHER_GROUND, REASONS
from central.workflow.said import Named, Said
from central.workflow.table import Doing, Guard

#: For so long may who decided take it back; nobody goes on with the case before.
UNDO: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Last:
    """The decision of a person that the case stands by: from which state, by whose account, when (aware).

    `due` is when the time for the step in `source` ended or ends; a decision is not taken back into a locked step.
    """

    source: str
    by: int | None
    at: datetime
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the guards look at.

    `unanswered` names the facts still open, `suppressed` facts that a plate read later told and for which nobody would
    have been accused, `held` hard checks that failed, `differs` what the vehicle register has otherwise. `reason`,
    `note` and `ground` are what the officer gave. `first_by` is the account that passed the first look, `judges` those
    of both looks. `untold`: it has a plate, and the party was sent no notice; `upheld`: an objection was answered, and
    it stands; `extensible`: the law of its place lets its time be extended, `extended`: it was. `due` is when the time
    for the step ends, `keep_until` that of keeping the record (None: no such time is known).
    """

    manifest: bool = False
    missing_media: int = 0
    sealed: bool = False
    held: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    suppressed: tuple[str, ...] = ()
    seen: bool = False
    differs: tuple[str, ...] = ()
    reason: str | None = None
    note: str = ""
    ground: str | None = None
    verified: bool = False
    untold: bool = False
    upheld: bool = False
    extensible: bool = False
    extended: bool = False
    first_by: int | None = None
    judges: frozenset[int] = frozenset()
    last: Last | None = None
    due: datetime | None = None
    keep_until: datetime | None = None


def manifest_there(facts: CaseFacts, _: Doing) -> Said | None:
    """The evidence has been named."""
    return None if facts.manifest else Said("the evidence manifest has not arrived yet", "case.manifest")


def media_there(facts: CaseFacts, _: Doing) -> Said | None:
    """Every still and clip is here."""
    if not facts.missing_media:
        return None
    english = f"{facts.missing_media} of its pictures or clips are still on their way"
    return Said(english, "case.media", n=facts.missing_media)


def sealed(facts: CaseFacts, _: Doing) -> Said | None:
    """The box's seal holds."""
    return None if facts.sealed else Said("the seal of its events does not hold", "case.seal")


def free(facts: CaseFacts, _: Doing) -> Said | None:
    """Nothing exempts the vehicle."""
    if not facts.suppressed:
        return None
    english = f"its vehicle is exempt: {', '.join(facts.suppressed)}"
    return Said(english, "case.exempt", facts=_asked(facts.suppressed))


def exempt(facts: CaseFacts, _: Doing) -> Said | None:
    """Something does."""
    return None if facts.suppressed else Said("nothing exempts its vehicle", "case.not_exempt")


def passed(facts: CaseFacts, _: Doing) -> Said | None:
    """No hard check failed."""
    if not facts.held:
        return None
    english = f"it does not pass the check of {', '.join(facts.held)}"
    return Said(english, "case.held", checks=Named("check", facts.held))


def failed(facts: CaseFacts, _: Doing) -> Said | None:
    """A hard check did."""
    return None if facts.held else Said("it passes every check", "case.passes")


def seen(facts: CaseFacts, _: Doing) -> Said | None:
    """Who decides has had it open, since anybody else last moved it."""
    return (
        None
        if facts.seen
        else Said("it was never opened as it stands with your account - look at it first", "look.first")
    )


def answered(facts: CaseFacts, _: Doing) -> Said | None:
    """What no machine could tell, a person has told."""
    if not facts.unanswered:
        return None
    english = f"answer first what no machine could tell: {', '.join(facts.unanswered)}"
    return Said(english, "look.answer", facts=_asked(facts.unanswered))


def reason_given(facts: CaseFacts, _: Doing) -> Said | None:
    """A code of the list, and words where the code says nothing."""
    if facts.reason not in REASONS:
        first = next(iter(REASONS))
        return Said(f"a rejection needs a reason code {first} to {OTHER}", "look.reason", first=first, last=OTHER)
    if facts.reason == OTHER and not facts.note.strip():
        return Said(f"{OTHER} (other) needs a note that says what it was", "note.other", chosen=OTHER)
    return None


def noted(facts: CaseFacts, _: Doing) -> Said | None:
    """Words for who reads it next."""
    if facts.note.strip():
        return None
    return Said("say in a note what it is about: the next person reads it", "note.missing")


def compared(facts: CaseFacts, _: Doing) -> Said | None:
    """What the vehicle register has otherwise is explained."""
    if not facts.differs or facts.note.strip():
        return None
    english = f"the vehicle register has another {' and '.join(facts.differs)} - say in a note why it is this vehicle"
    return Said(english, "look.differs", what=Named("register", facts.differs))


def another_person(facts: CaseFacts, doing: Doing) -> Said | None:
    """The second look is not the first reviewer's, and there was a first."""
    if facts.first_by is None:
        return Said("nobody has taken the first look", "look.no_first")
    if doing.actor.id != facts.first_by:
        return None
    return Said("you took the first look at it - the second is another person's", "look.own_first")


def in_time(facts: CaseFacts, doing: Doing) -> Said | None:
    """The time for the step has not ended."""
    if facts.due is None or doing.at < facts.due:
        return None
    english = f"the time for this step ended at {facts.due:%Y-%m-%d %H:%M} UTC - the case is locked"
    return Said(english, "case.late", at=facts.due)


def late(facts: CaseFacts, doing: Doing) -> Said | None:
    """It has ended."""
    return None if facts.due is not None and doing.at >= facts.due else Said("its time has not ended", "case.not_late")


def settled(facts: CaseFacts, doing: Doing) -> Said | None:
    """Whoever decided last can no longer take it back."""
    if facts.last is None or doing.at >= facts.last.at + UNDO:
        return None
    return Said("it was decided a moment ago and may still be taken back - go on in ten seconds", "case.unsettled")


def own_and_just_now(source: str) -> Guard[CaseFacts]:
    """The last decision came from `source`, is of this very person, and not older than `UNDO`."""

    def guard(facts: CaseFacts, doing: Doing) -> Said | None:
        last = facts.last
        if last is None or last.source != source:
            return Said("there is no decision to take back", "undo.none")
        if last.by is None or last.by != doing.actor.id:
            return Said("only who decided it can take it back", "undo.not_yours")
        if doing.at >= last.at + UNDO:
            english = f"it is final: a decision can be taken back for {UNDO.seconds} seconds"
            return Said(english, "undo.final", seconds=UNDO.seconds)
        if last.due is not None and doing.at >= last.due:
            return Said("the time for the step before it has ended - it cannot be taken back any more", "undo.late")
        return None

    return guard


def ground_given(facts: CaseFacts, _: Doing) -> Said | None:
    """One of the eight grounds, and words where it says nothing."""
    if facts.ground not in GROUNDS:
        return Said(f"name the ground: {', '.join(GROUNDS)}", "appeal.ground", grounds=", ".join(GROUNDS))
    if facts.ground == OTHER_GROUND and not facts.note.strip():
        return Said(f"{OTHER_GROUND} (other) needs a note that says what it was", "note.other", chosen=OTHER_GROUND)
    return None


def verified(facts: CaseFacts, _: Doing) -> Said | None:
    """The ground was verified before."""
    return None if facts.verified else Said("its ground was not verified yet", "appeal.unverified")


def not_verified(facts: CaseFacts, _: Doing) -> Said | None:
    """The ground is verified once: its time must not be put off by verifying it again."""
    return Said("its ground was verified already", "appeal.verified") if facts.verified else None


def not_told(facts: CaseFacts, _: Doing) -> Said | None:
    """Its party was sent no notice."""
    told = "its party was told already, or it has no plate: nobody can be told"
    return None if facts.untold else Said(told, "notice.told")


def told(facts: CaseFacts, _: Doing) -> Said | None:
    """Its party was, wherever there is one."""
    return Said("its party was not told yet - issue its notice first", "notice.untold") if facts.untold else None


def not_upheld(facts: CaseFacts, _: Doing) -> Said | None:
    """An objection is answered once here; who is not content with the answer turns to a review of the authority, or a
    court (domain B5)."""
    said = "an objection to it was answered already - what follows is an administrative review, or the court"
    return Said(said, "appeal.upheld") if facts.upheld else None


def extensible(facts: CaseFacts, _: Doing) -> Said | None:
    """The law of its place knows an extension (程序规定 53), and there is a time to be extended."""
    said = "the law of its place knows no extension of this time"
    return None if facts.extensible and facts.due is not None else Said(said, "case.not_extensible")


def not_extended(facts: CaseFacts, _: Doing) -> Said | None:
    """It is extended once."""
    return Said("its time was extended already, which is done once", "case.extended") if facts.extended else None


def neither_judge(facts: CaseFacts, doing: Doing) -> Said | None:
    """Who answers an objection took neither look."""
    judged = doing.actor.id is not None and doing.actor.id in facts.judges
    return Said("you decided this case - its appeal is another person's", "appeal.judge") if judged else None


def kept(facts: CaseFacts, doing: Doing) -> Said | None:
    """It was kept as long as it must be."""
    if facts.keep_until is not None and doing.at >= facts.keep_until:
        return None
    if facts.keep_until is None:
        return Said("it is to be kept", "case.kept")
    return Said(f"it is to be kept until {facts.keep_until:%Y-%m-%d}", "case.kept_until", at=facts.keep_until)


def _asked(facts: tuple[str, ...]) -> tuple[Named, ...]:
    """Facts as the questions that people know them by."""
    return tuple(Named("fact", (f"{fact}.question",)) for fact in facts)


__all__ = [
    "UNDO", "CaseFacts", "Last", "another_person", "answered", "compared", "exempt", "failed", "free", "ground_given",
    "in_time", "kept", "late", "manifest_there", "media_there", "neither_judge", "not_told",
    "not_verified", "noted", "own_and_just_now", "passed",
    "reason_given", "sealed", "seen", "settled", "told", "verified",
]  # fmt: skip
