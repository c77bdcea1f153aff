"""Halves of one-time passwords that wait for a second admin."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None waits yet."""
    op.create_table(
        "approval_halves",
        sa.Column("approval_id", sa.Integer(), sa.ForeignKey("approvals.id"), primary_key=True),
        sa.Column("hash", sa.String(300), nullable=False),
    )


def downgrade() -> None:
    """A version before shows no such requests. Who still has a password in halves is given another."""
    op.drop_table("approval_halves")
