"""Phases of stations as people mark them, and what people say of troubles of pictures."""

import sqlalchemy as sa
from alembic import op

from central.db import kept

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_KEPT = ("phase_markers", "trouble_acts")


def upgrade() -> None:
    """Nothing is marked yet."""
    if kept.taken_back(*_KEPT):
        return
    op.create_table(
        "phase_markers",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("site", sa.String(200), nullable=False, index=True),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("corrects", sa.Integer(), sa.ForeignKey("phase_markers.id"), nullable=True),
        sa.UniqueConstraint("corrects", name="uq_phase_markers_corrects"),
    )
    op.create_table(
        "trouble_acts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("trouble_id", sa.Integer(), sa.ForeignKey("feed_troubles.id"), nullable=False, index=True),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )


def downgrade() -> None:
    """What people said is put away."""
    kept.put_away(*_KEPT)
