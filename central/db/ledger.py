"""The ledger: what waits to be entered, the leaves and nodes of the Merkle tree, and its signed heads."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from central.db.base import Base

#: SQLite counts up by itself only in a column that it calls INTEGER.
_Serial = BigInteger().with_variant(Integer(), "sqlite")


class LedgerWaiting(Base):
    """A row that was written and is not entered yet: noted by the database's triggers (`central.ledger.triggers`)."""

    __tablename__ = "ledger_waiting"

    id: Mapped[int] = mapped_column(_Serial, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str] = mapped_column(String(64))


class LedgerTree(Base):
    """How many leaves there are: one row, locked by whoever appends."""

    __tablename__ = "ledger_tree"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)


class LedgerLeaf(Base):
    """Entry number `place`: the leaf hash of the row `ref` of that `kind` as it was when it was entered."""

    __tablename__ = "ledger_leaves"
    __table_args__ = (UniqueConstraint("kind", "ref"),)

    place: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str] = mapped_column(String(64))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class LedgerNode(Base):
    """The hash of a complete subtree of two or more leaves (`level` 1 and above)."""

    __tablename__ = "ledger_nodes"

    level: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class LedgerHead(Base):
    """A signed head. `day` (YYYY-MM-DD, UTC) is set for the one published that day; others were made for an export.

    `stamp` is the RFC 3161 response over `raw`, `announced_at` when the broker took it.
    """

    __tablename__ = "ledger_heads"
    __table_args__ = (UniqueConstraint("day"), Index("ix_ledger_heads_size", "size"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    day: Mapped[str | None] = mapped_column(String(10))
    size: Mapped[int] = mapped_column(BigInteger)
    kid: Mapped[str] = mapped_column(String(64))
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    jws: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    stamp: Mapped[bytes | None] = mapped_column(LargeBinary)
    announced_at: Mapped[datetime | None]
