"""Notices: letters, statements, and who looked at a notice without signing in."""

import sqlalchemy as sa
from alembic import op

from central.db import kept

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


_KEPT = ("notice_views", "statements", "notices")


def upgrade() -> None:
    """Four tables."""
    if not kept.taken_back(*_KEPT):
        _made()
    _passes()


def downgrade() -> None:
    """Put away what people were told and what they said; who has a page open shows number and plate again."""
    op.drop_table("notice_passes")
    kept.put_away(*_KEPT)


def _made() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("language", sa.String(12), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("issued_by", sa.String(64), nullable=False),
        sa.Column("issued_at", _MOMENT, nullable=False),
        sa.Column("answer_by", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_notices_case_id_cases"),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("number", name="uq_notices_number"),
    )
    op.create_index("ix_notices_case_id", "notices", ["case_id"])
    op.create_table(
        "statements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("via", sa.String(8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("ground", sa.String(2), nullable=True),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("received_by", sa.String(64), nullable=True),
        sa.Column("outcome", sa.String(12), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.String(64), nullable=True),
        sa.Column("answered_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_statements_case_id_cases"),
        sa.PrimaryKeyConstraint("id", name="pk_statements"),
    )
    op.create_index("ix_statements_case_id", "statements", ["case_id"])
    _looks()


def _passes() -> None:
    op.create_table(
        "notice_passes",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name="fk_notice_passes_notice_id_notices"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_notice_passes"),
    )
    op.create_index("ix_notice_passes_until", "notice_passes", ["until"])


def _looks() -> None:
    op.create_table(
        "notice_views",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("what", sa.String(12), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name="fk_notice_views_notice_id_notices"),
        sa.PrimaryKeyConstraint("id", name="pk_notice_views"),
    )
    op.create_index("ix_notice_views_notice_id_at", "notice_views", ["notice_id", "at"])
