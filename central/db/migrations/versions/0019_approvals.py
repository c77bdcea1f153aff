"""Four eyes: requests that another person decides, and their history, which enters the ledger."""

import sqlalchemy as sa
from alembic import op

from central.db import kept
from central.ledger import triggers

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Two tables; nothing waits yet."""
    if not kept.taken_back("approvals", "approval_log"):
        _create()
    triggers.install(op.get_bind())
    kept.note_again("approval_log", "approval")


def downgrade() -> None:
    """What waits is put away: the version before knows no second person."""
    kept.put_away("approval_log", "approvals", kind="approval")


def _create() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("what", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("asked_by", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("decided_by", sa.Integer(), sa.ForeignKey("users.id"), nullable=True),
        sa.Column("decided_at", _MOMENT, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_approvals_state_id", "approvals", ["state", "id"])
    op.create_table(
        "approval_log",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("approval_id", sa.Integer(), sa.ForeignKey("approvals.id"), nullable=False, index=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("from_state", sa.String(20), nullable=True),
        sa.Column("to_state", sa.String(20), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
    )
