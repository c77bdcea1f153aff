"""Signed heads: one is published a day, others are made for an export; each can be stamped by an outside authority."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import structlog
from joserfc.jwk import OKPKey
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from central.db.database import Database
from central.db.ledger import LedgerHead, LedgerTree
from central.ledger import tree
from central.ledger.authority import Authority
from contract.errors import RunError
from contract.events import now
from contract.ledger import SignedHead, read_head, sign_head
from contract.sealing import thumbprint

_log = structlog.get_logger("ledger")


def make(session: Session, key: OKPKey, day: str | None = None) -> LedgerHead:
    """Sign what the ledger is now. Raises RunError when another key signed the head before: one ledger has one."""
    # The lock that appends wait for: of two machines with a fresh key each, the second one sees the first one's head.
    size, at = session.execute(select(LedgerTree).with_for_update()).scalar_one().size, now()
    _same_key(last_kid(session), key)
    signed = sign_head(size, tree.root_of(session, size), at, key)
    row = LedgerHead(day=day, size=size, kid=thumbprint(key), raw=signed.raw, jws=signed.jws, at=at)
    row.stamp = row.announced_at = None
    session.add(row)
    session.flush()
    return row


def last_kid(session: Session) -> str | None:
    """The thumbprint of the key that signed the newest head, None before the first."""
    return session.execute(select(LedgerHead.kid).order_by(LedgerHead.id.desc()).limit(1)).scalar_one_or_none()


def _same_key(signed: str | None, key: OKPKey) -> None:
    if signed is not None and signed != thumbprint(key):
        raise RunError(
            f"the ledger's heads are signed by the office key {signed}, and this machine has {thumbprint(key)} - "
            "copy office.jwk (ledger.key_file) from the machine that has the first one"
        )


def of_today(session: Session, key: OKPKey) -> LedgerHead | None:
    """The head of this day (UTC), made when there is none; None while the ledger is empty. Raises as `make`."""
    day = f"{now():%Y-%m-%d}"
    row = session.execute(select(LedgerHead).where(LedgerHead.day == day)).scalar_one_or_none()
    if row is not None:
        _same_key(row.kid, key)
        return row
    return make(session, key, day) if tree.size(session) else None


def published(session: Session) -> Sequence[LedgerHead]:
    """Every head that was published, in the order of their making: days go back when a clock was ahead."""
    query = select(LedgerHead).where(LedgerHead.day.is_not(None)).order_by(LedgerHead.id)
    return session.execute(query).scalars().all()


def last_published(session: Session, size: int | None = None) -> LedgerHead | None:
    """The newest published head, of at most `size` entries where that is given."""
    query = select(LedgerHead).where(LedgerHead.day.is_not(None))
    if size is not None:
        query = query.where(LedgerHead.size <= size)
    return session.execute(query.order_by(LedgerHead.id.desc()).limit(1)).scalar_one_or_none()


def stamp(db: Database, row: LedgerHead, authority: Authority) -> bool:
    """Have a head stamped, asking outside of any transaction; whether the authority gave a stamp.

    One that is away is only warned of: a published head is tried again. `row` belongs to no session any more.
    """
    try:
        row.stamp = authority.stamp(row.raw)
    except RunError as error:
        _log.warning("head not stamped, trying again later", reason=str(error))
        return False
    with db.write() as session:
        session.execute(update(LedgerHead).where(LedgerHead.id == row.id).values(stamp=row.stamp))
    return True


def signed(row: LedgerHead, key: OKPKey) -> SignedHead:
    """The head of a row, its signature checked. Raises SealError."""
    return read_head(row.raw, row.jws, key)


def write_file(path: Path, lines: list[str]) -> bool:
    """Bring the file of published heads up to `lines`, whole or not at all; whether that could be done honestly.

    A file that says other than the beginning of `lines` is left as it is: somebody changed one of the two.
    """
    text = "".join(f"{line}\n" for line in lines)
    have = path.read_text(encoding="utf-8") if path.exists() else ""
    if not text.startswith(have):
        return False
    if have != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    return True


def due(rows: Sequence[LedgerHead]) -> list[LedgerHead]:
    """Published heads that the broker has not taken yet."""
    return [row for row in rows if row.announced_at is None]


def announced(session: Session, ids: list[int], at: datetime) -> None:
    """Note that the broker took these heads."""
    for row in session.execute(select(LedgerHead).where(LedgerHead.id.in_(ids))).scalars():
        row.announced_at = at


__all__ = [
    "announced", "due", "last_kid", "last_published", "make", "of_today", "published", "signed", "stamp", "write_file",
]  # fmt: skip
