"""What people say of stations in a rehearsal."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nobody has looked yet."""
    op.create_table(
        "rehearsal_words",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("site", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_index("ix_rehearsal_words_site", "rehearsal_words", ["site"])


def downgrade() -> None:
    """What people said is forgotten."""
    op.drop_table("rehearsal_words")
