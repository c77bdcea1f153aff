"""Certificates that were given out: to whom, until when, and which hold no longer. Keys are none of the database's."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from central.ca.authority import Authority, pem
from central.ca.files import write_file
from central.ca.requests import RequestRefused, key_digest, public_key_of
from central.config import CentralConfig
from central.db.database import Database
from central.db.edges import Certificate
from contract.events import now

_log = structlog.get_logger("ca")
#: A box, or a program that an operator gave a certificate: one name is never both.
EDGE, CLIENT, BROKER = "edge", "client", "broker"
#: The user that may read every box's topics.
CENTRAL = "central"
_WINDOW = timedelta(hours=1)
#: A box that crashes while it renews asks again with the same key and gets the same certificate; this is for others.
_MOST_IN_WINDOW = 5


@dataclass(frozen=True, slots=True)
class Issuer:
    """An authority, and for how long a box's certificate holds."""

    authority: Authority
    life: timedelta

    def sign(self, session: Session, edge_id: str, request: str, since: datetime | None = None) -> str:
        """A certificate (PEM) for the box; the same again for a key that has one, unless it is from before `since`.

        Raises RequestRefused.
        """
        public = public_key_of(request, edge_id)
        digest = key_digest(public)
        known = session.execute(select(Certificate).where(Certificate.key_sha256 == digest)).scalar_one_or_none()
        if known is not None:
            stale = known.expires_at <= now() or (since is not None and known.issued_at < since)
            if known.name != edge_id or known.revoked_at is not None or stale:
                raise RequestRefused("that key had a certificate before - make a new key", 403)
            return known.pem
        recent = select(func.count()).where(
            Certificate.name == edge_id, Certificate.kind == EDGE, Certificate.issued_at > now() - _WINDOW
        )
        if session.execute(recent).scalar_one() >= _MOST_IN_WINDOW:
            raise RequestRefused(f"box {edge_id} had {_MOST_IN_WINDOW} certificates within an hour - wait", 429)
        return self.record(session, EDGE, edge_id, self.authority.client(edge_id, public, self.life), public)

    def record(
        self, session: Session, kind: str, name: str, made: x509.Certificate, public: ec.EllipticCurvePublicKey
    ) -> str:
        """Note a certificate that was made; its PEM."""
        row = Certificate(
            serial=f"{made.serial_number:x}",
            kind=kind,
            name=name,
            key_sha256=key_digest(public),
            pem=pem(made),
            issued_at=now(),
            expires_at=made.not_valid_after_utc,
        )
        session.add(row)
        session.flush()
        return row.pem

    def publish(self, db: Database) -> bool:
        """Bring `crl.pem` up to what the database says; whether it had to be written.

        Called after each commit that revokes, and from time to time in case a crash came between. Raises OSError.
        """
        path = self.authority.folder / "crl.pem"
        with db.read() as session:
            rows = session.execute(select(Certificate).where(Certificate.revoked_at.is_not(None))).scalars()
            wanted = {int(row.serial, 16): _when(row) for row in rows if row.expires_at > now()}
        if path.is_file() and _listed(path.read_bytes()) == wanted.keys():
            return False
        write_file(path, self.authority.revocations(wanted.items()))
        return True

    def try_to_publish(self, db: Database) -> None:
        """`publish`, where what was done stands whatever becomes of the file: the jobs publish again within 30 s."""
        try:
            self.publish(db)
        except OSError as error:
            _log.error("crl.pem cannot be written, trying again", folder=str(self.authority.folder), why=error.strerror)


def open_issuer(config: CentralConfig) -> Issuer | None:
    """The issuer of this central, None when it has no authority. Raises ConfigError when that cannot be used."""
    if not (config.ca_folder / "ca.pem").exists():
        return None
    return Issuer(Authority.load(config.ca_folder), timedelta(days=config.ca.certificate_days))


def revoke(session: Session, name: str, kind: str, but: str | None = None) -> int:
    """Let no certificate of `name` hold any longer, `but` (PEM) excepted; how many there were."""
    these = (Certificate.name == name, Certificate.kind == kind, Certificate.revoked_at.is_(None))
    rows = session.execute(select(Certificate).where(*these)).scalars().all()
    for row in rows:
        if row.pem != but:
            row.revoked_at = now()
    return sum(row.pem != but for row in rows)


def is_program(session: Session, name: str) -> bool:
    """Whether a name is a program's at the broker: a box of that name would have the program's rights."""
    if name in {CENTRAL, BROKER}:
        return True
    these = (Certificate.name == name, Certificate.kind == CLIENT, Certificate.expires_at > now())
    return session.execute(select(Certificate.serial).where(*these).limit(1)).first() is not None


def given(session: Session) -> list[Certificate]:
    """Every certificate that has not run out, by name and age."""
    these = select(Certificate).where(Certificate.expires_at > now())
    return list(session.execute(these.order_by(Certificate.name, Certificate.issued_at)).scalars())


def _when(row: Certificate) -> datetime:
    assert row.revoked_at is not None
    return row.revoked_at


def _listed(raw: bytes) -> set[int]:
    try:
        return {one.serial_number for one in x509.load_pem_x509_crl(raw)}
    except ValueError:
        return {-1}  # not a list: like none that is wanted


__all__ = ["BROKER", "CENTRAL", "CLIENT", "EDGE", "Issuer", "given", "is_program", "open_issuer", "revoke"]
