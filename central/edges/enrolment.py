"""Enrolment: a one-time code from central, a key made on the box, and a proof that the box has it.

There are no default keys anywhere. A code lasts 15 minutes, works once and is kept only as its SHA-256. Enrolling a
box again (a new key, a lost disk) retires the key it had; what that key sealed stays verifiable. Where central has a
certificate authority the box gets its client certificate with it, and the ones it had hold no longer.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from central.accounts import limits
from central.ca import certificates
from central.ca.certificates import Issuer
from central.ca.requests import RequestRefused
from central.db.database import Database
from central.db.edges import Edge, EdgeKey, EnrolCode
from contract.enrolment import enrolment_statement
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


@dataclass(frozen=True, slots=True)
class Application:
    """What a box shows to be let in.

    `jwk` is its new public key, `proof` a detached JWS by that key over `contract.enrolment.enrolment_statement`,
    `request` its certificate request (PEM), where it wants a certificate.
    """

    code: str
    edge_id: str
    jwk: dict[str, str]
    proof: str
    request: str | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A box was let in: the id of its key, and its certificate (PEM), None where it asked none or central has no CA."""

    kid: str
    certificate: str | None = None


def issue_code(session: Session, edge_id: str) -> str:
    """A fresh one-time code for `edge_id`; codes given for it before stop working.

    Raises ValueError for a bad id, or one that is the user of a program at the broker.
    """
    check_identifier(edge_id, "edge id")
    if certificates.is_program(session, edge_id):
        raise ValueError(f"{edge_id} is a program's user at the broker - give the box another id")
    session.execute(delete(EnrolCode).where(EnrolCode.edge_id == edge_id, EnrolCode.used_at.is_(None)))
    signs = "".join(secrets.choice(_SIGNS) for _ in range(12))
    code = "-".join(signs[at : at + 4] for at in range(0, 12, 4))
    moment = now()
    session.add(EnrolCode(code_hash=_digest(code), edge_id=edge_id, created_at=moment, expires_at=moment + CODE_LIFE))
    return code


def enrol(db: Database, shown: Application, address: str, ca: Issuer | None = None) -> Admitted:
    """Let a box in. Raises EnrolRefused or RequestRefused, and then the code is as good as before.

    Failures are counted by the client's `address` (IPv6: its network of 64 bits).
    """
    key = f"enrol:{limits.network(address)}"
    with db.read() as session:
        if limits.failures(session, key, now()) >= FAILURES:
            raise EnrolRefused("too many failed enrolments - wait 15 minutes and try again", 429)
    try:
        with db.write() as session:
            admitted = _admit(session, shown, ca)
    except (EnrolRefused, RequestRefused):
        with db.write() as session:
            limits.failed(session, key, now())
        raise
    if ca is not None:
        ca.try_to_publish(db)
    return admitted


def _admit(session: Session, shown: Application, ca: Issuer | None) -> Admitted:
    edge_id = shown.edge_id
    if not IDENTIFIER.fullmatch(edge_id) or not _CODE.fullmatch(shown.code):
        raise EnrolRefused("the code or the edge id is not of the right form")
    try:
        key = import_public(shown.jwk)
        verify_detached(enrolment_statement(shown.code, edge_id, shown.request), shown.proof, key)
    except SealError as error:
        raise EnrolRefused("the proof was not made by that key over this code, edge id and request") from error
    if not _spend(session, shown.code, edge_id):
        raise EnrolRefused("the code is unknown, used, older than 15 minutes or for another box - ask for a new one")
    kid = thumbprint(key)
    if session.get(EdgeKey, kid) is not None:
        raise EnrolRefused("that key was enrolled before - make a new one on the box")
    _install(session, edge_id, kid, public_jwk(key))
    certificates.revoke(session, edge_id, certificates.EDGE)
    if ca is None or shown.request is None:
        return Admitted(kid)
    return Admitted(kid, ca.sign(session, edge_id, shown.request))


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
        edge.renew_asked_at = None
    session.add(EdgeKey(kid=kid, edge_id=edge_id, public_jwk=jwk, enrolled_at=moment))


def revoke(session: Session, edge_id: str) -> None:
    """Shut a box out, at once, with every key and certificate it ever had. Raises ValueError when there is no such box.

    Whoever holds the authority then publishes the list of revoked certificates (`Issuer.publish`).
    """
    edge = session.get(Edge, edge_id)
    if edge is None:
        raise ValueError(f"no box {edge_id[:64]!r} is enrolled")
    moment = now()
    edge.revoked_at = moment
    session.execute(
        update(EdgeKey).where(EdgeKey.edge_id == edge_id, EdgeKey.revoked_at.is_(None)).values(revoked_at=moment)
    )
    certificates.revoke(session, edge_id, certificates.EDGE)


def sweep(session: Session) -> None:
    """Forget codes that were never used in time."""
    session.execute(delete(EnrolCode).where(EnrolCode.used_at.is_(None), EnrolCode.expires_at <= now()))


def enrolled(session: Session) -> list[Edge]:
    """Every box, by id."""
    return list(session.execute(select(Edge).order_by(Edge.id)).scalars())


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
