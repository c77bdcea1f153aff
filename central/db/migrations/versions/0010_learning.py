"""Figures of cases, cameras in shadow and what they said there, and the log of both with its trigger."""

import sqlalchemy as sa
from alembic import op

from central.db import kept
from central.ledger import triggers

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
#: What people said, and what the ledger has of it.
_KEPT = ("learning_log", "shadow_matters", "shadows")


def upgrade() -> None:
    """Five tables. The figures of the cases that are here are made by the jobs, a batch at a time."""
    _figures()
    if not kept.taken_back(*_KEPT):
        _shadows()
        _log()
    triggers.install(op.get_bind())
    kept.note_again("learning_log", "learning")


def downgrade() -> None:
    """Figures are made again; shadows, their labels and the log are put away, leaves of the ledger stay.

    The version before opens cases of cameras in shadow.
    """
    kept.put_away(*_KEPT, kind="learning")
    for table in ("facts_cursor", "case_facts"):
        op.drop_table(table)


def _log() -> None:
    op.create_table(
        "learning_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("edge_id", sa.String(64), nullable=True),
        sa.Column("camera_id", sa.String(64), nullable=True),
        sa.Column("rule", sa.String(40), nullable=True),
        sa.Column("matter", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_learning_log"),
    )
    op.create_index("ix_learning_log_camera", "learning_log", ["edge_id", "camera_id", "rule"])


def _figures() -> None:
    op.create_table(
        "case_facts",
        sa.Column("case_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("week", sa.Integer(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("edge_id", sa.String(64), nullable=False),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("site", sa.String(200), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(3), nullable=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("decided_at", _MOMENT, nullable=True),
        sa.Column("decision_s", sa.Float(), nullable=True),
        sa.Column("first_by", sa.String(64), nullable=True),
        sa.Column("decided_by", sa.String(64), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_facts_case_id_cases"),
        sa.PrimaryKeyConstraint("case_id", name="pk_case_facts"),
    )
    op.create_index("ix_case_facts_day", "case_facts", ["day"])
    op.create_index("ix_case_facts_camera", "case_facts", ["edge_id", "camera_id", "day"])
    op.create_table(
        "facts_cursor",
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_facts_cursor"),
    )
    # There from the beginning: replicas take turns by locking it.
    op.execute("INSERT INTO facts_cursor (name, line) VALUES ('facts', 0)")


def _shadows() -> None:
    op.create_table(
        "shadows",
        sa.Column("edge_id", sa.String(64), nullable=False),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["edge_id"], ["edges.id"], name="fk_shadows_edge_id_edges"),
        sa.PrimaryKeyConstraint("edge_id", "camera_id", "rule", name="pk_shadows"),
    )
    op.create_table(
        "shadow_matters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edge_id", sa.String(64), nullable=False),
        sa.Column("case_key", sa.String(64), nullable=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("kept_at", _MOMENT, nullable=False),
        sa.Column("label", sa.String(10), nullable=True),
        sa.Column("reason", sa.String(3), nullable=True),
        sa.Column("labelled_by", sa.String(64), nullable=True),
        sa.Column("labelled_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["edge_id"], ["edges.id"], name="fk_shadow_matters_edge_id_edges"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_shadow_matters_event_id_events"),
        sa.PrimaryKeyConstraint("id", name="pk_shadow_matters"),
        sa.UniqueConstraint("edge_id", "case_key", name="uq_shadow_matters_edge_id_case_key"),
    )
    op.create_index("ix_shadow_matters_camera", "shadow_matters", ["edge_id", "camera_id", "rule", "at"])
