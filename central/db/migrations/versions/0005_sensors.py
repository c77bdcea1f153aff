"""Alarms of sensors, their history, and the trigger that notes it for the ledger."""

import sqlalchemy as sa
from alembic import op

from central.ledger import triggers

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two tables and a trigger."""
    _alarms()
    _log()
    triggers.install(op.get_bind())


def downgrade() -> None:
    """Remove them; the trigger goes with its table.

    What was noted of them and not entered goes, too: the version before knows no such kind, and its ledger would stop
    at it. Their leaves stay, for leaves are never removed: the audit of that version says of each line of an alarm's
    history that it is in the ledger and not in the database and was removed, which is so.
    """
    op.execute("DELETE FROM ledger_waiting WHERE kind = 'alarm'")
    op.drop_table("alarm_log")
    op.drop_table("alarms")


def _alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("edge_id", sa.String(length=64), nullable=False),
        sa.Column("case_key", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("matter", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("sensor_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("site", sa.String(length=200), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("call", sa.String(length=200), nullable=True),
        sa.Column("unit", sa.String(length=16), nullable=True),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("peak", sa.Float(), nullable=True),
        sa.Column("at_first", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at_trigger", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lasted_s", sa.Float(), nullable=True),
        sa.Column("how", sa.String(length=16), nullable=True),
        sa.Column("taken_by", sa.String(length=64), nullable=True),
        sa.Column("finding", sa.String(length=3), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("closed_by", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["edge_id"], ["edges.id"], name=op.f("fk_alarms_edge_id_edges")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_alarms_event_id_events")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
        sa.UniqueConstraint("edge_id", "case_key", name=op.f("uq_alarms_edge_id_case_key")),
        sa.UniqueConstraint("number", name=op.f("uq_alarms_number")),
    )
    op.create_index("ix_alarms_queue", "alarms", ["state", "at_trigger", "number"])


def _log() -> None:
    op.create_table(
        "alarm_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alarm_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("from_state", sa.String(length=20), nullable=True),
        sa.Column("to_state", sa.String(length=20), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.id"], name=op.f("fk_alarm_log_alarm_id_alarms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_log")),
    )
    op.create_index(op.f("ix_alarm_log_alarm_id"), "alarm_log", ["alarm_id"])
