"""Boxes that were enrolled, every key they ever had, their certificates, and the one-time codes that let them in."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from central.db.base import Base


class Edge(Base):
    """A box at the roadside. `kid` names the key it signs with now; `chain_*` is the newest linked event."""

    __tablename__ = "edges"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kid: Mapped[str] = mapped_column(String(64), unique=True)
    public_jwk: Mapped[dict[str, Any]]
    chain_id: Mapped[str | None] = mapped_column(String(64))
    chain_seq: Mapped[int | None] = mapped_column(BigInteger)
    enrolled_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    #: Somebody wants the box's certificate renewed before its time; the box asks each hour.
    renew_asked_at: Mapped[datetime | None]


class EdgeKey(Base):
    """A key a box has or had.

    A retired key (the box made another) is still believed for what waited in the box's outbox; a revoked one (the box
    was shut out) never again.
    """

    __tablename__ = "edge_keys"

    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edges.id"), index=True)
    public_jwk: Mapped[dict[str, Any]]
    enrolled_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Certificate(Base):
    """A certificate that central's authority gave out (public; the key is with whom it names).

    `kind`: `edge`, or `client` and `broker` for programs. `serial` is hexadecimal, `key_sha256` names the public key.
    """

    __tablename__ = "certificates"

    serial: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(64), index=True)
    key_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    pem: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class EnrolCode(Base):
    """A one-time code, of which only the SHA-256 is kept."""

    __tablename__ = "enrol_codes"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    edge_id: Mapped[str] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
