"""Who looked at which alarm, and the trigger that notes it for the ledger."""

import sqlalchemy as sa
from alembic import op

from central.ledger import triggers

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table and a trigger."""
    op.create_table(
        "alarm_view_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("alarm_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_alarm_view_log_user_id_users")),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.id"], name=op.f("fk_alarm_view_log_alarm_id_alarms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_view_log")),
    )
    op.create_index(op.f("ix_alarm_view_log_alarm_id"), "alarm_view_log", ["alarm_id"])
    triggers.install(op.get_bind())


def downgrade() -> None:
    """Remove them, as the way down of alarms does: what waits of them goes, leaves stay."""
    op.execute("DELETE FROM ledger_waiting WHERE kind = 'alarm-view'")
    op.drop_table("alarm_view_log")
