"""Whether the database still says what was entered in the ledger: every row against its leaf, every leaf against heads.

Reads everything, in order, and changes nothing. Who can write to the database can change a row, and its leaf, and the
tree; they cannot sign a head, and they cannot change the heads that others hold.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from joserfc.jwk import OKPKey
from sqlalchemy import String, cast, exists, select
from sqlalchemy.orm import Session

from central.db.accounts import AccountLog, ViewLog
from central.db.alarms import AlarmLog, AlarmViewLog
from central.db.approvals import ApprovalLog
from central.db.cases import CaseLog
from central.db.deletions import DeletionCertificate
from central.db.edges import EdgeKey
from central.db.events import Event
from central.db.learning import LearningLog
from central.db.ledger import LedgerHead, LedgerLeaf, LedgerWaiting
from central.db.live import Embargo, WatchLog
from central.db.marks import StationLog
from central.ledger import entries, tree, triggers
from contract.errors import RunError, SealError
from contract.ledger import SignedHead, read_head, read_line
from contract.merkle import completed, leaf_hash, root

_WORDS = {
    entries.EVENT: "event", entries.CASE: "line of the case history", entries.VIEW: "line of the viewer log",
    entries.ALARM: "line of the alarm history", entries.ALARM_VIEW: "line of the viewer log of alarms",
    entries.ACCOUNT: "line of the account log", entries.APPROVAL: "line of a request's history",
    entries.LEARNING: "line of the log of learning",
    entries.DELETION: "certificate of deletion", entries.WATCH: "line of the log of who watched",
    entries.EMBARGO: "embargo", entries.EMBARGO_LIFTED: "end of an embargo",
    entries.STATION: "line of the history of stations",
    entries.KEY: "key of a box", entries.KEY_RETIRED: "end of a box's key", entries.KEY_REVOKED: "ban of a box's key",
}  # fmt: skip
_ROWS = (
    (entries.EVENT, Event.id), (entries.CASE, CaseLog.id), (entries.ALARM, AlarmLog.id), (entries.VIEW, ViewLog.id),
    (entries.ALARM_VIEW, AlarmViewLog.id), (entries.ACCOUNT, AccountLog.id),
    (entries.APPROVAL, ApprovalLog.id), (entries.LEARNING, LearningLog.id), (entries.KEY, EdgeKey.kid),
    (entries.DELETION, DeletionCertificate.id), (entries.WATCH, WatchLog.id), (entries.EMBARGO, Embargo.id),
    (entries.STATION, StationLog.id),
)  # fmt: skip


def findings(session: Session, key: OKPKey, published: Path) -> Iterator[str]:
    """What does not hold, a sentence each. `published` is the file of published heads, where there is one."""
    try:
        triggers.require(session.connection())
    except RunError as error:
        yield str(error)
    heads = list(_heads(session, key)) + list(_from_file(published, key))
    good = [head for head in heads if isinstance(head, SignedHead)]
    yield from (head for head in heads if isinstance(head, str))
    yield from _leaves(session, good)
    yield from _strangers(session)


def _heads(session: Session, key: OKPKey) -> Iterator[SignedHead | str]:
    for row in session.execute(select(LedgerHead).order_by(LedgerHead.id)).scalars():
        try:
            head = read_head(row.raw, row.jws, key)
        except SealError as error:
            yield f"head {row.id} of the ledger: {error}"
            continue
        if head.head.size != row.size or abs((head.head.at - row.at).total_seconds()) > 0.001:
            yield f"head {row.id} of the ledger: its row says another size or time than what was signed"
        yield head


def _from_file(path: Path, key: OKPKey) -> Iterator[SignedHead | str]:
    if not path.exists():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        try:
            yield read_line(line, key)
        except SealError as error:
            yield f"{path.name}: line {number}: {error}"


def _leaves(session: Session, heads: Sequence[SignedHead]) -> Iterator[str]:
    """The tree built anew, leaf by leaf, beside the rows that the leaves stand for."""
    nodes: dict[tuple[int, int], bytes] = {}
    place = 0
    while True:
        query = select(LedgerLeaf).where(LedgerLeaf.place >= place).order_by(LedgerLeaf.place).limit(tree.BATCH)
        leaves = session.execute(query).scalars().all()
        if not leaves:
            break
        lines = entries.lines(session, [(one.kind, one.ref) for one in leaves if one.kind in _WORDS])
        for leaf in leaves:
            if leaf.place != place:
                yield f"the ledger: entry {place} is missing: it was removed"
                return
            yield from _leaf(leaf, lines)
            for level, at, value in completed(place, leaf.hash, lambda level, at: nodes[level, at]):
                nodes[level, at] = value
            place += 1
        session.expunge_all()
    if place != tree.size(session):
        yield f"the ledger: has {place} entries and counts {tree.size(session)}: its end was cut off or made up"
    yield from _roots(heads, place, nodes)


def _roots(heads: Sequence[SignedHead], size: int, nodes: Mapping[tuple[int, int], bytes]) -> Iterator[str]:
    for head in heads:
        named = f"the head of {head.head.size} entries signed {head.head.at:%Y-%m-%d %H:%M:%S}"
        if head.head.size > size:
            yield f"the ledger: has {size} entries, fewer than {named}: its end was cut off"
        elif root(head.head.size, lambda level, at: nodes[level, at]).hex() != head.head.root:
            yield f"the ledger: is not the one of {named}: an entry before it was changed"


def _leaf(leaf: LedgerLeaf, lines: Mapping[entries.Ref, bytes]) -> Iterator[str]:
    what = f"{_WORDS.get(leaf.kind, leaf.kind)} {leaf.ref} (entry {leaf.place})"
    line = lines.get((leaf.kind, leaf.ref))
    if line is None:
        if leaf.hash != leaf_hash(entries.gone((leaf.kind, leaf.ref))):
            yield f"{what}: is in the ledger and not in the database: it was removed"
    elif leaf_hash(line) != leaf.hash:
        yield f"{what}: is not what was entered in the ledger: it was changed"


def _strangers(session: Session) -> Iterator[str]:
    """Rows that nobody entered: put in past the triggers."""
    for kind, column in _ROWS:
        ref = cast(column, String(64))
        entered = exists().where(LedgerLeaf.kind == kind, LedgerLeaf.ref == ref)
        waiting = exists().where(LedgerWaiting.kind == kind, LedgerWaiting.ref == ref)
        for name in session.execute(select(ref).where(~entered, ~waiting).limit(100)).scalars():
            yield f"{_WORDS[kind]} {name}: was never entered in the ledger: it was put in past it"


__all__ = ["findings"]
