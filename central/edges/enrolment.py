"""Enrolment: a one-time code from central, a key made on the box, and a proof that the box has it.

There are no default keys anywhere. A code lasts 15 minutes, works once and is kept only as its SHA-256. Enrolling a
box again (a new key, a lost disk) retires the key it had; what that key sealed stays verifiable.
"""

import hashlib
import re
import secrets
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from central.accounts import limits
from central.db.database import Database
from central.db.edges import Edge, EdgeKey, EnrolCode
from contract.errors import SealError
from contract.events import now
from contract.sealing import import_public, public_jwk, thumbprint, verify_detached
from contract.topics import IDENTIFIER, check_identifier

CODE_LIFE = timedelta(minutes=15)
#: Crockford's base32 without letters that look like digits: 12 signs are 60 bits.
_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE = re.compile(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){2}")
FAILURES = 10


class EnrolRefused(Exception):  # noqa: N818 - reads as a sentence
    """A box is not let in. The message is told to it; `status` is 403, or 429 after too many failures."""

    def __init__(self, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.status = status


def issue_code(session: Session, edge_id: str) -> str:
    """A fresh one-time code for `edge_id`; codes given for it before stop working. Raises ValueError for a bad id."""
    check_identifier(edge_id, "edge id")
    session.execute(delete(EnrolCode).where(EnrolCode.edge_id == edge_id, EnrolCode.used_at.is_(None)))
    signs = "".join(secrets.choice(_SIGNS) for _ in range(12))
    code = "-".join(signs[at : at + 4] for at in range(0, 12, 4))
    moment = now()
    session.add(EnrolCode(code_hash=_digest(code), edge_id=edge_id, created_at=moment, expires_at=moment + CODE_LIFE))
    return code


def enrol(db: Database, code: str, edge_id: str, jwk: dict[str, str], proof: str, address: str) -> str:
    """Let a box in and return its key id (`kid`). `proof` is a detached JWS by that key over `<code>:<edge_id>`.

    Raises EnrolRefused; failures are counted by the client's `address`.
    """
    key = f"enrol:{address[:64]}"
    with db.read() as session:
        if limits.failures(session, key, now()) >= FAILURES:
            raise EnrolRefused("too many failed enrolments - wait 15 minutes and try again", 429)
    try:
        with db.write() as session:
            return _admit(session, code, edge_id, jwk, proof)
    except EnrolRefused:
        with db.write() as session:
            limits.failed(session, key, now())
        raise


def _admit(session: Session, code: str, edge_id: str, jwk: dict[str, str], proof: str) -> str:
    if not IDENTIFIER.fullmatch(edge_id) or not _CODE.fullmatch(code):
        raise EnrolRefused("the code or the edge id is not of the right form")
    try:
        key = import_public(jwk)
        verify_detached(f"{code}:{edge_id}".encode(), proof, key)
    except SealError as error:
        raise EnrolRefused("the proof was not made by that key over this code and edge id") from error
    if not _spend(session, code, edge_id):
        raise EnrolRefused("the code is unknown, used, older than 15 minutes or for another box - ask for a new one")
    kid = thumbprint(key)
    if session.get(EdgeKey, kid) is not None:
        raise EnrolRefused("that key was enrolled before - make a new one on the box")
    _install(session, edge_id, kid, public_jwk(key))
    return kid


def _spend(session: Session, code: str, edge_id: str) -> bool:
    """Use the code up. One statement, so that two boxes with one code cannot both be let in."""
    spent = session.execute(
        update(EnrolCode)
        .where(
            EnrolCode.code_hash == _digest(code),
            EnrolCode.edge_id == edge_id,
            EnrolCode.used_at.is_(None),
            EnrolCode.expires_at > now(),
        )
        .values(used_at=now())
        .returning(EnrolCode.code_hash)
    )
    return spent.first() is not None


def _install(session: Session, edge_id: str, kid: str, jwk: dict[str, str]) -> None:
    moment = now()
    edge = session.get(Edge, edge_id)
    if edge is None:
        session.add(Edge(id=edge_id, kid=kid, public_jwk=jwk, enrolled_at=moment))
        session.flush()
    else:
        session.execute(
            update(EdgeKey).where(EdgeKey.edge_id == edge_id, EdgeKey.retired_at.is_(None)).values(retired_at=moment)
        )
        edge.kid, edge.public_jwk, edge.enrolled_at, edge.revoked_at = kid, jwk, moment, None
    session.add(EdgeKey(kid=kid, edge_id=edge_id, public_jwk=jwk, enrolled_at=moment))


def revoke(session: Session, edge_id: str) -> None:
    """Shut a box out, at once, with every key it ever had. Raises ValueError when there is no such box."""
    edge = session.get(Edge, edge_id)
    if edge is None:
        raise ValueError(f"no box {edge_id[:64]!r} is enrolled")
    moment = now()
    edge.revoked_at = moment
    session.execute(
        update(EdgeKey).where(EdgeKey.edge_id == edge_id, EdgeKey.revoked_at.is_(None)).values(revoked_at=moment)
    )


def sweep(session: Session) -> None:
    """Forget codes that were never used in time."""
    session.execute(delete(EnrolCode).where(EnrolCode.used_at.is_(None), EnrolCode.expires_at <= now()))


def enrolled(session: Session) -> list[Edge]:
    """Every box, by id."""
    return list(session.execute(select(Edge).order_by(Edge.id)).scalars())


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
