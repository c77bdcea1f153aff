"""Ask, and have another person decide: nobody approves their own, and nothing else than what was approved is done.

Each function works within the transaction of the writing `session` it is given, and puts a line into the history of the
request, which the ledger enters. Accounts are locked before the request: whoever is closed or loses the role in this
moment decides nothing any more. Who has a shell at the machine does without (`cli:` in the account log).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from central.accounts import people, sessions
from central.accounts.permissions import ROLE_MAY, may
from central.accounts.sessions import SignedInUser
from central.approvals import halves
from central.approvals.errors import BadRequest, NoSuchRequest, NotApproved
from central.approvals.kinds import HALVED, TERMS, Kind, decides
from central.approvals.settings import APPLY
from central.clock import office_now
from central.db import serials
from central.db.accounts import User, UserRole
from central.db.approvals import Approval, ApprovalLog
from central.db.cases import Case
from central.db.history import add_line
from central.sites import areas as sites
from central.sites.areas import within
from central.tickets.words import text_of

WAITING, APPROVED, REFUSED, WITHDRAWN, USED, EXPIRED = (
    "waiting", "approved", "refused", "withdrawn", "used", "expired",
)  # fmt: skip
#: Still of use until they expire.
OPEN: Final = (WAITING, APPROVED)
MOST_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """A request as pages show it; `state` is also `expired`. `mine`: who looks has asked for it."""

    key: str
    kind: Kind
    what: dict[str, Any]
    reason: str
    state: str
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    expires_at: datetime
    mine: bool
    decidable: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a request; `half` of a one-time password is shown to who approved, this once."""

    state: str
    half: str | None = None


@dataclass(frozen=True, slots=True)
class Approved:
    """Who stands behind what is done now: for the manifest of an export, and the like."""

    key: str
    reason: str
    asked_by: str
    decided_by: str
    decided_at: datetime


def ask(session: Session, user: SignedInUser, kind: Kind, what: dict[str, Any], reason: str) -> str:
    """Ask for `what` (plain JSON); returns the number of the request.

    Raises NotApproved for who may not ask, BadRequest without a reason, or when nobody else could decide.
    """
    terms, said = TERMS[kind], text_of(reason, "reason").strip()
    if not user.may(terms.asks):
        raise NotApproved("none of your roles may ask for this", "bad.not_yours")
    if not said:
        raise BadRequest("say why - another person decides by it", "bad.no_reason")
    if not _others(session, kind, {user.id, *_about(session, kind, what)}):
        raise BadRequest("there is nobody else who could approve this", "bad.nobody_else")
    at = office_now()
    row = Approval(
        key=f"F{at:%Y%m%d}-{serials.following(session, 'F', f'{at:%Y%m%d}'):02d}", kind=kind, what=_plain(what),
        reason=said, state=WAITING, asked_by=user.id, asked_at=at, expires_at=at + terms.life,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _log(row, user.name, "asked", None, kind=str(kind), what=row.what, reason=said)
    return row.key


def decide(session: Session, user: SignedInUser, key: str, *, approve: bool, note: str = "") -> Decided:
    """Approve or refuse what another person asked for. What is a setting is done with it.

    Raises NoSuchRequest, NotApproved for who may not decide it, or BadRequest when it is decided or too old.
    """
    row = _locked(session, key, user)
    kind, said = Kind(row.kind), text_of(note, "note").strip()
    _current(row, WAITING)
    if user.id == row.asked_by or user.id in _about(session, kind, row.what):
        raise NotApproved("another person decides this, and not one whom it is about", "bad.own_request")
    if not decides(sessions.roles_of(session, user.id), kind) or not _in_areas(session, user, row):
        raise NotApproved("none of your roles may decide this", "bad.not_yours")
    if not approve and not said:
        raise BadRequest("say why it is refused", "bad.no_reason")
    row.decided_by, row.decided_at, row.note = user.id, office_now(), said or None
    if not approve:
        return Decided(_moved(row, user.name, "refused", REFUSED, note=said))
    asker = session.get_one(User, row.asked_by)
    if asker.disabled_at is not None or not may(sessions.roles_of(session, asker.id), TERMS[kind].asks):
        raise BadRequest(f"{asker.name} may not ask for this any more - refuse it", "bad.asker_gone", name=asker.name)
    row.expires_at = office_now() + TERMS[kind].life
    _moved(row, user.name, "approved", APPROVED, note=said)
    half = None
    if (apply := APPLY.get(kind)) is not None:
        first = halves.taken(session, row.id) if kind in HALVED else ""
        half = apply(session, row.what, asker.name, {"approved_by": user.name, "request": row.key}, first)
        _moved(row, asker.name, "done", USED)
    return Decided(row.state, half)


def withdraw(session: Session, user: SignedInUser, key: str) -> None:
    """Take back what one has asked for oneself. Raises as `decide` does."""
    row = _locked(session, key, user)
    if row.asked_by != user.id:
        raise NotApproved("who asked for it takes it back", "bad.not_yours")
    if row.state not in OPEN:
        raise _decided_already(row)
    _moved(row, user.name, "withdrawn", WITHDRAWN)


def use(session: Session, user: SignedInUser, key: str, kind: Kind, what: dict[str, Any]) -> Approved:
    """Use an approval up, in the transaction that does what was approved.

    Raises NotApproved unless it is of this kind, was asked for by `user`, approved by somebody else, is not too old and
    not used, and `what` is exactly what was approved.
    """
    try:
        row = _locked(session, key, user)
    except NoSuchRequest as error:
        raise _not_this() from error
    fits = (row.kind, row.state, row.asked_by, row.what) == (str(kind), APPROVED, user.id, _plain(what))
    if not fits or row.decided_by in {None, user.id} or row.decided_at is None or row.expires_at <= office_now():
        raise _not_this()
    by = session.get_one(User, row.decided_by).name
    _moved(row, user.name, "done", USED)
    return Approved(row.key, row.reason, user.name, by, row.decided_at)


def find(session: Session, user: SignedInUser, key: str) -> Shown:
    """One request, as `user` sees it. Raises NoSuchRequest."""
    row = session.execute(select(Approval).where(Approval.key == key.replace("\0", "")[:20])).scalar_one_or_none()
    if row is None or not _sees(session, user, row):
        raise _no_such(key)
    return _shown(session, user, row)


def listed(session: Session, user: SignedInUser) -> tuple[list[Shown], list[Shown]]:
    """Requests that `user` may see: those that are open, oldest first, and the latest of the others."""
    open_first = select(Approval).where(Approval.state.in_(OPEN), Approval.expires_at > office_now())
    over = select(Approval).where(or_(Approval.state.not_in(OPEN), Approval.expires_at <= office_now()))
    kinds = [str(kind) for kind, terms in TERMS.items() if user.may(terms.sees)]
    found = []
    for query in (open_first.order_by(Approval.id), over.order_by(Approval.id.desc()).limit(MOST_SHOWN)):
        rows = session.execute(query.where(Approval.kind.in_(kinds))).scalars().all()
        found.append([_shown(session, user, row) for row in rows if _sees(session, user, row)])
    return found[0], found[1]


def _locked(session: Session, key: str, user: SignedInUser) -> Approval:
    """The request, behind the accounts of whoever it takes. Raises NoSuchRequest."""
    query = select(Approval).where(Approval.key == key.replace("\0", "")[:20])
    row = session.execute(query).scalar_one_or_none()
    if row is None or not (row.asked_by == user.id or _sees(session, user, row)):
        raise _no_such(key)
    people.lock_with_admins(session, {user.id, row.asked_by, *_about(session, Kind(row.kind), row.what)})
    if session.get_one(User, user.id).disabled_at is not None:
        raise NotApproved("your account is closed", "bad.not_yours")
    return session.execute(query.with_for_update().execution_options(populate_existing=True)).scalar_one()


def _current(row: Approval, state: str) -> None:
    if row.state != state:
        raise _decided_already(row)
    if row.expires_at <= office_now():
        raise BadRequest("this was asked for too long ago - have it asked for again", "bad.too_old")


def _others(session: Session, kind: Kind, but: set[int]) -> bool:
    terms = TERMS[kind]
    roles = [str(one) for one in ROLE_MAY[terms.decides]]
    query = select(User.id).join(UserRole, UserRole.user_id == User.id)
    query = query.where(UserRole.role.in_(roles), User.disabled_at.is_(None), User.id.not_in(but))
    if terms.barred is not None:
        barred = select(UserRole.user_id).where(UserRole.role.in_([str(one) for one in ROLE_MAY[terms.barred]]))
        query = query.where(User.id.not_in(barred))
    return session.execute(query.limit(1)).first() is not None


def _about(session: Session, kind: Kind, what: dict[str, Any]) -> set[int]:
    """The account that a request changes: its owner has no say in it. One that is still to be made is nobody."""
    if kind not in APPLY or kind in (Kind.ACCOUNT, Kind.RECORDING):
        return set()
    return {people.named(session, what["name"]).id}


def _sees(session: Session, user: SignedInUser, row: Approval) -> bool:
    return user.may(TERMS[Kind(row.kind)].sees) and _in_areas(session, user, row)


def _in_areas(session: Session, user: SignedInUser, row: Approval) -> bool:
    """Whether all cases, or the station, that it is about lie in the areas of who looks."""
    if row.kind == Kind.RECORDING:
        return sites.holds(session, str(row.what["site"]), user.areas)
    numbers = set(row.what.get("numbers", ()))
    if not user.areas or not numbers:
        return True
    inside = select(Case.number).where(Case.number.in_(numbers), *within(Case.site, user.areas))
    return set(session.execute(inside).scalars()) == numbers


def _shown(session: Session, user: SignedInUser, row: Approval) -> Shown:
    kind, names = Kind(row.kind), dict(_names(session, [row.asked_by, row.decided_by]))
    state = EXPIRED if row.state in OPEN and row.expires_at <= office_now() else row.state
    mine = row.asked_by == user.id
    concerned = mine or user.id in _about(session, kind, row.what)
    return Shown(
        row.key, kind, row.what, row.reason, state, names[row.asked_by], row.asked_at,
        names.get(row.decided_by or 0), row.decided_at, row.note, row.expires_at, mine,
        decidable=state == WAITING and not concerned and decides(user.roles, kind),
    )  # fmt: skip


def _names(session: Session, ids: Sequence[int | None]) -> Sequence[tuple[int, str]]:
    query = select(User.id, User.name).where(User.id.in_([one for one in ids if one is not None]))
    return [(one, name) for one, name in session.execute(query)]


def _moved(row: Approval, actor: str, action: str, state: str, **detail: object) -> str:
    before, row.state = row.state, state
    _log(row, actor, action, before, **detail)
    return state


def _log(row: Approval, actor: str, action: str, before: str | None, **detail: object) -> None:
    line = ApprovalLog(
        at=office_now(), actor=actor, action=action, from_state=before, to_state=row.state, detail=detail
    )
    add_line(row, "approval_id", line)


def _plain(what: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from the database."""
    return dict(json.loads(json.dumps(what)))


def _not_this() -> NotApproved:
    return NotApproved("another person has to approve exactly this first, and it is used once", "bad.not_approved")


def _decided_already(row: Approval) -> BadRequest:
    return BadRequest(f"request {row.key} is {row.state} already", "bad.decided")


def _no_such(key: str) -> NoSuchRequest:
    return NoSuchRequest(f"there is no request {key[:20]!r}", "error.404")


__all__ = [
    "APPROVED", "EXPIRED", "OPEN", "REFUSED", "USED", "WAITING", "WITHDRAWN", "Approved", "Decided", "Shown", "ask",
    "decide",
    "find", "listed", "use", "withdraw",
]  # fmt: skip
