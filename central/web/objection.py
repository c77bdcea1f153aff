"""The objection to a case as its page shows it: what the party says, what is verified, who may answer, the letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from central.accounts.permissions import Permission
from central.accounts.service import SignedInUser
from central.db.cases import Case
from central.db.notices import Notice, Statement
from central.notices import service
from central.notices.text import words
from central.tickets.facts import gathered
from central.tickets.reasons import GROUNDS
from central.tickets.review import WORKFLOW
from central.tickets.states import APPEAL, ARCHIVED, CANCELLED, ENTERED, HANDLED, NOTIFIED, UPHELD
from central.web.language import Language

#: Before these nobody was told of the case, and nobody can object.
SHOWN = frozenset({ENTERED, NOTIFIED, HANDLED, APPEAL, UPHELD, CANCELLED, ARCHIVED})


@dataclass(frozen=True, slots=True)
class Objection:
    """`actions` are those that this person has now; `judge` is who decided it, when that is the one who looks."""

    version: int
    statements: Sequence[Statement]
    letters: Sequence[Notice]
    actions: frozenset[str]
    judge: str | None
    verified: str | None
    answer_by: datetime | None
    extensible: bool
    grounds: Sequence[str]
    ground_words: Mapping[str, str]


def objection(session: Session, row: Case, user: SignedInUser, say: Language) -> Objection | None:
    """What there is to say of objections to a case; None while nobody can object."""
    if row.state not in SHOWN:
        return None
    tongue = words("zh-CN" if say.tag == "zh-CN" else "en")
    judge = user.name if row.state == APPEAL and user.id in {row.first_by_id, row.decided_by_id} else None
    actions = set(WORKFLOW.open_to(row.state, user.roles)) if user.may(Permission.CASES_DECIDE) else set()
    if judge is not None:
        actions -= {"cancel", "uphold"}
    if row.ground is None:
        actions.discard("cancel")
    (known,) = gathered(session, [row])
    return Objection(
        version=row.version,
        statements=service.statements(session, row.id),
        letters=service.of_case(session, row.id),
        actions=frozenset(actions),
        judge=judge,
        verified=tongue[f"ground.{row.ground}"] if row.ground else None,
        answer_by=row.due_at if row.state == APPEAL else None,
        extensible=known.extensible and not known.extended,
        grounds=list(GROUNDS),
        ground_words=tongue,
    )


__all__ = ["Objection", "objection"]
