"""People: several roles, second factor, an account's life on record."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from central.accounts import passwords
from central.db import kept
from central.ledger import triggers

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_NEW_ROLES = {"officer": ["reviewer", "second_reviewer"]}
#: The way down, the last that fits wins.
_OLD_ROLES = {"auditor": ["auditor"], "admin": ["admin"], "officer": ["reviewer", "second_reviewer", "chief"]}
#: A stranger to the version before: `away-` and letters for who was open and is closed by the way down, `shut-` for who
#: was closed anyway. The way up knows them again.
_LETTERS = {"d": "dispatcher", "i": "installer", "m": "monitor"}
_USERS = sa.table(
    "users", sa.column("id", sa.Integer), sa.column("role"), sa.column("disabled_at", _MOMENT),
    sa.column("password_hash"), sa.column("password_until", _MOMENT),
)  # fmt: skip
_ROLES = sa.table("user_roles", sa.column("user_id", sa.Integer), sa.column("role"))
_LOG = sa.table(
    "account_log", sa.column("id", sa.Integer), sa.column("user_id", sa.Integer), sa.column("at", _MOMENT),
    sa.column("actor", sa.String), sa.column("action", sa.String), sa.column("detail", sa.JSON),
)  # fmt: skip
#: Put away by the way down, so that histories go on and nobody who had a second factor comes in without.
_KEPT = ("account_log", "recovery_codes", "second_factors")


def upgrade() -> None:
    """Tables for roles, second factors and the account log; who had a role keeps it, an officer takes either look."""
    for name in ("password_at", "password_until", "last_seen_at"):
        op.add_column("users", sa.Column(name, _MOMENT, nullable=True))
    op.add_column("sessions", sa.Column("last_seen_at", _MOMENT, nullable=True))
    op.add_column("sessions", sa.Column("half", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("sessions", sa.Column("address", sa.String(64), nullable=True))
    op.add_column("sessions", sa.Column("browser", sa.String(200), nullable=True))
    op.create_table("user_roles", _user(primary_key=True), sa.Column("role", sa.String(20), primary_key=True))
    if not kept.taken_back(*_KEPT):
        _create_kept()
    # Before the first lines: they are to be entered in the ledger.
    triggers.install(op.get_bind())
    kept.note_again("account_log", "account")
    _move_up()
    op.drop_column("users", "role")


def _create_kept() -> None:
    op.create_table(
        "second_factors",
        _user(primary_key=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("confirmed_at", _MOMENT, nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer(), primary_key=True),
        _user(index=True),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("used_at", _MOMENT, nullable=True),
    )
    op.create_table(
        "account_log",
        sa.Column("id", sa.Integer(), primary_key=True),
        _user(index=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
    )


def downgrade() -> None:
    """One role for each again. Who has none that the version before knows is closed: it would show them every case.

    That version knows no end of a one-time password, so that none lets in any more: who had not chosen one of their own
    is given another after the way up. Histories and second factors are put away and come back with the way up; a role
    that the version before has no word for is lost (a chief is an officer).
    """
    op.add_column("users", sa.Column("role", sa.String(20), nullable=False, server_default="auditor"))
    bind = op.get_bind()
    for role, had in _OLD_ROLES.items():
        keeps = sa.select(_ROLES.c.user_id).where(_ROLES.c.role.in_(had))
        bind.execute(sa.update(_USERS).where(_USERS.c.id.in_(keeps)).values(role=role))
    _close_strangers()
    once = sa.update(_USERS).where(_USERS.c.password_until.is_not(None))
    bind.execute(once.values(password_hash=passwords.hash_of(passwords.one_time())))
    # A session that has not shown its second factor must not become a whole one.
    sessions = sa.table("sessions", sa.column("half", sa.Boolean))
    bind.execute(sa.delete(sessions).where(sessions.c.half.is_(True)))
    kept.put_away(*_KEPT, kind="account")
    op.drop_table("user_roles")
    for name in ("last_seen_at", "half", "address", "browser"):
        op.drop_column("sessions", name)
    for name in ("password_at", "password_until", "last_seen_at"):
        op.drop_column("users", name)


def _user(*, primary_key: bool = False, index: bool = False) -> sa.Column[int]:
    return sa.Column(
        "user_id", sa.Integer(), sa.ForeignKey("users.id"), primary_key=primary_key, nullable=False, index=index
    )


def _move_up() -> None:
    bind = op.get_bind()
    for user_id, role in bind.exec_driver_sql("SELECT id, role FROM users ORDER BY id").all():
        has = _roles_of(role)
        if role.startswith("away-"):
            bind.execute(sa.update(_USERS).where(_USERS.c.id == user_id).values(disabled_at=None))
        bind.execute(sa.insert(_ROLES), [{"user_id": user_id, "role": one} for one in has])
        _note(user_id, "moved", {"roles": has})
    _closed_meanwhile()


def _closed_meanwhile() -> None:
    """The version before keeps no history: whom it closed, or opened again, gets a line about it."""
    bind = op.get_bind()
    said: dict[int, bool] = {}
    query = sa.select(_LOG.c.user_id, _LOG.c.action).order_by(_LOG.c.id)
    for user_id, action in bind.execute(query.where(_LOG.c.action.in_(("disabled", "enabled")))):
        said[user_id] = action == "disabled"
    first = sa.select(_LOG.c.user_id).group_by(_LOG.c.user_id).having(sa.func.count() > 1)
    known = set(bind.execute(first).scalars())
    for user_id, closed in bind.execute(sa.select(_USERS.c.id, _USERS.c.disabled_at.is_not(None))).all():
        if user_id in known and bool(closed) != said.get(user_id, False):
            _note(user_id, "disabled" if closed else "enabled", {})


def _note(user_id: int, action: str, detail: dict[str, Any]) -> None:
    line = {"user_id": user_id, "at": datetime.now(UTC), "actor": "system", "action": action, "detail": detail}
    op.get_bind().execute(sa.insert(_LOG), line)


def _roles_of(role: str) -> list[str]:
    kind, _, letters = role.partition("-")
    if kind in {"away", "shut"}:
        return [_LETTERS[one] for one in letters]
    return _NEW_ROLES.get(role, [role])


def _close_strangers() -> None:
    bind = op.get_bind()
    known = sa.select(_ROLES.c.user_id).where(_ROLES.c.role.in_([one for had in _OLD_ROLES.values() for one in had]))
    strangers = sa.select(_USERS.c.id, _USERS.c.disabled_at).where(_USERS.c.id.not_in(known))
    for user_id, closed in bind.execute(strangers).all():
        held = set(bind.execute(sa.select(_ROLES.c.role).where(_ROLES.c.user_id == user_id)).scalars())
        letters = "".join(letter for letter, role in _LETTERS.items() if role in held)
        values = {"role": f"{'shut' if closed else 'away'}-{letters}", "disabled_at": closed or datetime.now(UTC)}
        bind.execute(sa.update(_USERS).where(_USERS.c.id == user_id).values(values))
