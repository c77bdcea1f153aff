"""Areas of people: whoever has none sees all, as before."""

import sqlalchemy as sa
from alembic import op

from central.db import kept

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table. Nobody is given an area by it; whom the way down closed is open again."""
    if kept.taken_back("user_areas"):
        _open_again()
        return
    op.create_table(
        "user_areas",
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("area", sa.String(40), primary_key=True),
    )


def downgrade() -> None:
    """The version before shows everybody every area: who has some is closed, so that nobody sees more than they may."""
    op.execute(
        "UPDATE users SET disabled_at = CURRENT_TIMESTAMP "
        "WHERE disabled_at IS NULL AND id IN (SELECT user_id FROM user_areas)"
    )
    op.execute("DELETE FROM sessions WHERE user_id IN (SELECT user_id FROM user_areas)")
    kept.put_away("user_areas")


def _open_again() -> None:
    """Who has areas and was closed by nobody, as their history says."""
    bind = op.get_bind()
    closed: dict[int, bool] = {}
    for user_id, action in bind.exec_driver_sql("SELECT user_id, action FROM account_log ORDER BY id").all():
        if action in {"disabled", "enabled"}:
            closed[user_id] = action == "disabled"
    users = sa.table("users", sa.column("id", sa.Integer), sa.column("disabled_at", sa.DateTime(timezone=True)))
    for user_id in bind.exec_driver_sql("SELECT DISTINCT user_id FROM user_areas").scalars().all():
        if not closed.get(user_id, False):
            bind.execute(sa.update(users).where(users.c.id == user_id).values(disabled_at=None))
