"""Identities at an OpenID provider: whose account each opens, and the ways there and back that are under way."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from central.db.base import Base


class Identity(Base):
    """A subject of an issuer, which opens one account. Nothing else of it is kept: no e-mail, no name."""

    __tablename__ = "user_identities"

    issuer: Mapped[str] = mapped_column(String(200), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    linked_at: Mapped[datetime]


class OidcFlow(Base):
    """Somebody is at the provider. `state` and `browser` are SHA-256 of what their browser brings back; used once.

    `user_id` is who links an identity to their account, None for who signs in.
    """

    __tablename__ = "oidc_flows"

    state: Mapped[str] = mapped_column(String(64), primary_key=True)
    browser: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(128))
    back: Mapped[str] = mapped_column(String(2000))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime] = mapped_column(index=True)


__all__ = ["Identity", "OidcFlow"]
