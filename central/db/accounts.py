"""People: accounts and their life, roles, second factors, sessions, failed sign-ins, and who viewed which evidence."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, LargeBinary, String, event
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from central.db.base import Base


def _folded(context: Any) -> str:
    return str(context.get_current_parameters()["name"]).lower()


class User(Base):
    """An account. It is never removed, only closed, so that a name stands for one person in every log.

    The password is kept as an Argon2 hash only. `password_until` is set for a one-time password. `folded` is the name
    in small letters, so that the database itself refuses a second one that differs in capitals only.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    folded: Mapped[str] = mapped_column(String(80), unique=True, index=True, default=_folded)
    password_hash: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    password_at: Mapped[datetime | None]
    password_until: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]


class UserRole(Base):
    """One role of one person."""

    __tablename__ = "user_roles"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20), primary_key=True)


class UserArea(Base):
    """One area of one person; who has none sees every site's cases and alarms."""

    __tablename__ = "user_areas"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    area: Mapped[str] = mapped_column(String(40), primary_key=True)


class SecondFactor(Base):
    """A person's secret for one-time codes (RFC 6238), sealed with central's key `key_id`; it counts once confirmed.

    `last_step` is the time step of the last code taken: no code of it or of one before is taken again. `offered_to` is
    the session (SHA-256 of its token) that the secret was shown to: no other confirms it.
    """

    __tablename__ = "second_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    offered_to: Mapped[str | None] = mapped_column(String(64))


class RecoveryCode(Base):
    """What lets a person in once without the second factor. Only its SHA-256 is kept."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class AccountLog(Base):
    """One line of an account's history: who did what to it. Lines are only ever added, and enter the ledger."""

    __tablename__ = "account_log"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(40))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


@event.listens_for(AccountLog, "before_update")
@event.listens_for(AccountLog, "before_delete")
def _refuse(_mapper: Mapper[Any], _connection: Any, line: AccountLog) -> None:
    raise ValueError(f"the history of an account is only added to: line {line.id} cannot be changed or removed")


class UserSession(Base):
    """A signed-in browser. Only the SHA-256 of its token is kept. `half`: the second factor is still to be shown.

    `second_by` is set where somebody else than central has seen one: `provider`.
    """

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    last_seen_at: Mapped[datetime | None]
    half: Mapped[bool] = mapped_column(Boolean, default=False)
    address: Mapped[str | None] = mapped_column(String(64))
    browser: Mapped[str | None] = mapped_column(String(200))
    second_by: Mapped[str | None] = mapped_column(String(16))


class Attempt(Base):
    """A failed sign-in or enrolment, kept for as long as it limits the next one."""

    __tablename__ = "attempts"
    __table_args__ = (Index("ix_attempts_key_at", "key", "at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class ViewLog(Base):
    """Somebody looked at evidence: the case page (`sha256` empty, `media` what it showed) or one still or clip."""

    __tablename__ = "view_log"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    sha256: Mapped[str | None] = mapped_column(String(64))
    why: Mapped[str | None] = mapped_column(String(16))
    media: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
