"""Stills of phases."""

import sqlalchemy as sa
from alembic import op

from central.db import kept

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None is taken yet."""
    if kept.taken_back("phase_stills"):
        return
    op.create_table(
        "phase_stills",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("marker_id", sa.Integer(), sa.ForeignKey("phase_markers.id"), nullable=False, index=True),
        sa.Column("edge_id", sa.String(64), sa.ForeignKey("edges.id"), nullable=False),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("wall_us", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    """What the ledger vouches for is put away."""
    kept.put_away("phase_stills")
