"""What an entry says: the line of bytes that stands for a row of the database, made anew from the row at any time.

The bytes are not kept: the tree keeps their hash. A row that was changed since it was entered therefore gives other
bytes than its leaf, and one that is gone gives none.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.accounts import AccountLog, User, ViewLog
from central.db.alarms import Alarm, AlarmLog, AlarmViewLog
from central.db.approvals import Approval, ApprovalLog
from central.db.cases import Case, CaseLog
from central.db.deletions import DeletionCertificate
from central.db.edges import EdgeKey
from central.db.events import Event
from central.db.learning import LearningLog
from central.db.live import Embargo, WatchLog
from central.db.marks import StationLog
from contract.ledger import canonical, moment
from contract.sealing import sha256_hex

EVENT, CASE, ALARM, VIEW, ALARM_VIEW, ACCOUNT = "event", "case", "alarm", "view", "alarm-view", "account"
LEARNING = "learning"
APPROVAL = "approval"
DELETION = "deletion"
WATCH, EMBARGO, EMBARGO_LIFTED = "watch", "embargo", "embargo-lifted"
STATION = "station"
KEY, KEY_RETIRED, KEY_REVOKED = "key", "key-retired", "key-revoked"
#: A kind of row and its primary key as text.
Ref = tuple[str, str]
Entry = dict[str, Any]
_CHUNK = 500


def lines(session: Session, refs: Sequence[Ref]) -> dict[Ref, bytes]:
    """The bytes of each entry whose row is there."""
    by_kind: dict[str, list[str]] = {}
    for kind, ref in refs:
        by_kind.setdefault(kind, []).append(ref)
    found: dict[Ref, bytes] = {}
    for kind, names in by_kind.items():
        for at in range(0, len(names), _CHUNK):
            for ref, entry in _READERS[kind](session, names[at : at + _CHUNK]):
                found[kind, ref] = canonical({"kind": kind} | entry)
    return found


def gone(ref: Ref) -> bytes:
    """The entry of a row that was written and removed before it could be entered: that is put on record, too."""
    return canonical({"kind": ref[0], "ref": ref[1], "gone": True})


def _events(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    columns = (
        Event.id, Event.edge_id, Event.type, Event.chain_id, Event.chain_seq, Event.chain_prev, Event.sha256,
        Event.jws, Event.kid, Event.received_at,
    )  # fmt: skip
    for row in session.execute(select(*columns).where(Event.id.in_(refs))):
        yield row.id, _event(row)


def _event(row: Any) -> Entry:
    return {
        "id": row.id,
        "edge": row.edge_id,
        "type": row.type,
        "chain": {"id": row.chain_id, "seq": row.chain_seq, "prev": row.chain_prev},
        "sha256": row.sha256,
        "jws_sha256": sha256_hex(row.jws.encode()),
        "kid": row.kid,
        "at": moment(row.received_at),
    }


def _case_lines(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    query = select(CaseLog, Case.number).join(Case, Case.id == CaseLog.case_id)
    for row, number in session.execute(query.where(CaseLog.id.in_([int(ref) for ref in refs]))):
        yield str(row.id), {"case": number} | _line(row)


def _alarm_lines(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    query = select(AlarmLog, Alarm.number).join(Alarm, Alarm.id == AlarmLog.alarm_id)
    for row, number in session.execute(query.where(AlarmLog.id.in_([int(ref) for ref in refs]))):
        yield str(row.id), {"alarm": number} | _line(row)


def _line(row: CaseLog | AlarmLog | ApprovalLog) -> Entry:
    return {
        "id": row.id,
        "at": moment(row.at),
        "by": row.actor,
        "action": row.action,
        "from": row.from_state,
        "to": row.to_state,
        "detail": row.detail,
    }


def _views(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    query = select(ViewLog, Case.number, User.name).join(Case, Case.id == ViewLog.case_id)
    query = query.join(User, User.id == ViewLog.user_id).where(ViewLog.id.in_([int(ref) for ref in refs]))
    for row, number, name in session.execute(query):
        entry = {"id": row.id, "case": number, "at": moment(row.at), "by": name, "sha256": row.sha256}
        # A look from before these columns says the same bytes as when it was entered.
        more = {"why": row.why, "media": row.media}
        yield str(row.id), entry | {key: value for key, value in more.items() if value is not None}


def _alarm_views(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    query = select(AlarmViewLog, Alarm.number, User.name).join(Alarm, Alarm.id == AlarmViewLog.alarm_id)
    query = query.join(User, User.id == AlarmViewLog.user_id).where(AlarmViewLog.id.in_([int(ref) for ref in refs]))
    for row, number, name in session.execute(query):
        yield str(row.id), {"id": row.id, "alarm": number, "at": moment(row.at), "by": name}


def _account_lines(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    query = select(AccountLog, User.name).join(User, User.id == AccountLog.user_id)
    for row, name in session.execute(query.where(AccountLog.id.in_([int(ref) for ref in refs]))):
        said = {"at": moment(row.at), "by": row.actor, "action": row.action, "detail": row.detail}
        yield str(row.id), {"id": row.id, "account": name} | said


def _learning_lines(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    query = select(LearningLog).where(LearningLog.id.in_([int(ref) for ref in refs]))
    for row in session.execute(query).scalars():
        camera = {"edge": row.edge_id, "camera": row.camera_id, "rule": row.rule, "matter": row.matter}
        said = {"at": moment(row.at), "by": row.actor, "action": row.action, "note": row.note, "detail": row.detail}
        yield str(row.id), {"id": row.id} | camera | said


def _approval_lines(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    query = select(ApprovalLog, Approval.key).join(Approval, Approval.id == ApprovalLog.approval_id)
    for row, key in session.execute(query.where(ApprovalLog.id.in_([int(ref) for ref in refs]))):
        yield str(row.id), {"request": key} | _line(row)


def _deletions(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    query = select(DeletionCertificate).where(DeletionCertificate.id.in_([int(ref) for ref in refs]))
    for row in session.execute(query).scalars():
        hashes = {"sha256": sha256_hex(bytes(row.raw)), "jws_sha256": sha256_hex(row.jws.encode())}
        yield str(row.id), {"id": row.id, "number": row.number, "at": moment(row.at), "kid": row.kid} | hashes


def _watchings(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    query = select(WatchLog, User.name).join(User, User.id == WatchLog.user_id)
    for row, name in session.execute(query.where(WatchLog.id.in_([int(ref) for ref in refs]))):
        camera = {"edge": row.edge_id, "camera": row.camera_id, "site": row.site}
        said = {"at": moment(row.at), "by": name, "action": row.action, "detail": row.detail}
        yield str(row.id), {"id": row.id, "watch": row.watch} | camera | said


def _embargoes(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    for row in session.execute(select(Embargo).where(Embargo.id.in_([int(ref) for ref in refs]))).scalars():
        said = {"area": row.area, "site": row.site, "reason": row.reason, "but": row.but}
        when = {"from": moment(row.begins_at), "until": moment(row.ends_at), "at": moment(row.made_at)}
        yield str(row.id), {"id": row.id, "by": row.made_by} | said | when


def _lifted(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    for row in session.execute(select(Embargo).where(Embargo.id.in_([int(ref) for ref in refs]))).scalars():
        at = moment(row.lifted_at) if row.lifted_at else None
        yield str(row.id), {"id": row.id, "by": row.lifted_by, "at": at}


def _station_lines(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    query = select(StationLog).where(StationLog.id.in_([int(ref) for ref in refs]))
    for row in session.execute(query).scalars():
        said = {"at": moment(row.at), "by": row.name, "account": row.user_id, "action": row.action}
        yield str(row.id), {"id": row.id, "site": row.site, "detail": row.detail} | said


def _keys(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
    for row in session.execute(select(EdgeKey).where(EdgeKey.kid.in_(refs))).scalars():
        yield (
            row.kid,
            {"kid": row.kid, "edge": row.edge_id, "jwk": row.public_jwk, "at": moment(row.enrolled_at)},
        )


def _ended(name: str) -> Callable[[Session, list[str]], Iterator[tuple[str, Entry]]]:
    def read(session: Session, refs: list[str]) -> Iterator[tuple[str, Entry]]:
        for row in session.execute(select(EdgeKey).where(EdgeKey.kid.in_(refs))).scalars():
            at = getattr(row, name)
            yield row.kid, {"kid": row.kid, "edge": row.edge_id, "at": moment(at) if at else None}

    return read


_READERS: Mapping[str, Callable[[Session, list[str]], Iterator[tuple[str, Entry]]]] = {
    EVENT: _events,
    CASE: _case_lines,
    ALARM: _alarm_lines,
    VIEW: _views,
    ALARM_VIEW: _alarm_views,
    ACCOUNT: _account_lines,
    APPROVAL: _approval_lines,
    LEARNING: _learning_lines,
    DELETION: _deletions,
    WATCH: _watchings,
    EMBARGO: _embargoes,
    EMBARGO_LIFTED: _lifted,
    STATION: _station_lines,
    KEY: _keys,
    KEY_RETIRED: _ended("retired_at"),
    KEY_REVOKED: _ended("revoked_at"),
}

__all__ = [
    "ACCOUNT",
    "ALARM",
    "ALARM_VIEW",
    "APPROVAL",
    "CASE",
    "DELETION",
    "EMBARGO",
    "EMBARGO_LIFTED",
    "EVENT",
    "KEY",
    "KEY_RETIRED",
    "KEY_REVOKED",
    "LEARNING",
    "STATION",
    "VIEW",
    "WATCH",
    "Ref",
    "gone",
    "lines",
]
