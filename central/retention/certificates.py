"""Certificates of deletion: what went, why, when and by whose rule, signed with the office's key.

Each is an entry of the ledger, and can be handed out as one file and checked offline (`contract.deletion`).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc.jwk import OKPKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db import serials
from central.db.cases import Case, CaseLog, CaseMedia
from central.db.database import Database
from central.db.deletions import Deletion, DeletionCertificate
from central.db.media import Media
from central.media.store import MediaStore
from central.tickets.states import APPROVED
from contract.errors import InputError, SealError
from contract.ledger import canonical, moment
from contract.sealing import public_jwk, sign_detached, thumbprint, verify_detached

#: Most objects in one certificate.
MOST = 200


def certify(db: Database, key: OKPKey) -> int:
    """Make one certificate of what was removed and is in none; how many objects it names (0: none is left)."""
    with db.write() as session:
        query = (
            select(Deletion)
            .where(Deletion.certificate_id.is_(None), Deletion.removed_at.is_not(None))
            .order_by(Deletion.id)
            .limit(MOST)
            .with_for_update(skip_locked=True)
        )
        rows = session.execute(query).scalars().all()
        if not rows:
            return 0
        at = office_now()
        number = f"D{at:%Y%m%d}-{serials.following(session, 'D', f'{at:%Y%m%d}'):03d}"
        raw = canonical(_said(number, thumbprint(key), moment(at), rows))
        made = DeletionCertificate(number=number, at=at, kid=thumbprint(key), raw=raw, jws=sign_detached(raw, key))
        session.add(made)
        session.flush()
        for row in rows:
            row.certificate_id = made.id
        return len(rows)


def _said(number: str, office: str, at: str, rows: Any) -> dict[str, Any]:
    return {
        "certificate": number,
        "office": office,
        "at": at,
        "says": "These stills and clips were deleted because the time for which they are kept had ended.",
        "objects": [_object(row) for row in rows],
    }


def _object(row: Deletion) -> dict[str, Any]:
    removed = moment(row.removed_at) if row.removed_at is not None else None
    return {
        "sha256": row.sha256,
        "bytes": row.size,
        "why": row.why,
        "decided_at": moment(row.decided_at),
        "removed_at": removed,
    }


def listed(session: Session, most: int = 100) -> list[DeletionCertificate]:
    """The latest certificates, newest first."""
    query = select(DeletionCertificate).order_by(DeletionCertificate.id.desc()).limit(most)
    return list(session.execute(query).scalars())


def as_file(session: Session, number: str, key: OKPKey) -> bytes:
    """A certificate to be handed out, with the public key that checks it. Raises InputError."""
    query = select(DeletionCertificate).where(DeletionCertificate.number == number[:20])
    row = session.execute(query).scalar_one_or_none()
    if row is None:
        raise InputError(f"certificate {number[:20]}: there is none - see `sightline central media certificates`")
    said = {"signed": bytes(row.raw).decode(), "jws": row.jws, "key": public_jwk(key)}
    return json.dumps(said, ensure_ascii=False, indent=1).encode()


@dataclass(frozen=True, slots=True)
class Gone:
    """What of a case was deleted: how many files, when the last of them went, and the certificates that say so."""

    files: int
    at: datetime
    certificates: list[str]


def of_case(session: Session, case_id: int) -> Gone | None:
    """What of a case was deleted after its time; None where nothing was."""
    return of_objects(session, session.execute(select(CaseMedia.sha256).where(CaseMedia.case_id == case_id)).scalars())


def of_objects(session: Session, names: Iterable[str]) -> Gone | None:
    """What of `names` was deleted after its time; None where nothing was."""
    query = (
        select(Deletion.sha256, Deletion.removed_at, DeletionCertificate.number)
        .outerjoin(DeletionCertificate, DeletionCertificate.id == Deletion.certificate_id)
        .where(Deletion.sha256.in_(list(names)), Deletion.removed_at.is_not(None))
    )
    rows = session.execute(query).all()
    if not rows:
        return None
    numbers = sorted({number for _, _, number in rows if number is not None})
    return Gone(len({name for name, _, _ in rows}), max(at for _, at, _ in rows if at is not None), numbers)


def findings(session: Session, key: OKPKey, store: MediaStore | None) -> Iterator[str]:
    """What of deletions does not hold, a sentence each. Without `store` its bytes are not looked for."""
    named: dict[str, str] = {}
    for row in session.execute(select(DeletionCertificate).order_by(DeletionCertificate.id)).scalars():
        yield from (f"certificate {row.number}: {fault}" for fault in _faults(session, row, key))
        for one in session.execute(select(Deletion.sha256).where(Deletion.certificate_id == row.id)).scalars():
            named[one] = row.number
    for name, number in named.items():
        here = session.get(Media, name) is not None
        if store is not None and not here and store.size(name) is not None:
            yield f"media {name}: certificate {number} says that it was deleted, and its bytes are in the store"
    yield from _lost(session)


def _faults(session: Session, row: DeletionCertificate, key: OKPKey) -> Iterator[str]:
    raw = bytes(row.raw)
    try:
        verify_detached(raw, row.jws, key)
    except SealError as error:
        yield f"its signature does not hold: {error}"
        return
    said = json.loads(raw)
    if (said["certificate"], said["office"], said["at"]) != (row.number, row.kid, moment(row.at)):
        yield "its row says another number, key or time than what was signed"
    query = select(Deletion).where(Deletion.certificate_id == row.id).order_by(Deletion.id)
    if [_object(one) for one in session.execute(query).scalars()] != said["objects"]:
        yield "the list of what was deleted is not the one that was signed: it was changed"


def _lost(session: Session) -> Iterator[str]:
    """What a decided case names and is neither here nor deleted after its time: somebody took it away."""
    gone = select(Deletion.id).where(Deletion.sha256 == CaseMedia.sha256).exists()
    here = select(Media.sha256).where(Media.sha256 == CaseMedia.sha256).exists()
    # Nothing is approved before all of it is here.
    approved = select(CaseLog.id).where(CaseLog.case_id == Case.id, CaseLog.to_state == APPROVED).exists()
    query = (
        select(Case.number, CaseMedia.sha256)
        .join(CaseMedia, CaseMedia.case_id == Case.id)
        .where(approved, ~gone, ~here)
        .order_by(CaseMedia.id)
        .limit(100)
    )
    for number, name in session.execute(query):
        yield f"case {number}: its still or clip {name} is gone, and no certificate says why"


__all__ = ["MOST", "Gone", "as_file", "certify", "findings", "listed", "of_case", "of_objects"]
