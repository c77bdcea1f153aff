"""Recordings that are handed out."""

import sqlalchemy as sa
from alembic import op

from central.db import kept

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_KEPT = ("recording_exports", "recording_segments")


def upgrade() -> None:
    """Nobody has asked for a recording yet."""
    if not kept.taken_back(*_KEPT):
        _tables()


def downgrade() -> None:
    """What was asked for is put away: boxes hold it still, and the archives stay in their folder."""
    kept.put_away(*_KEPT)


def _tables() -> None:
    op.create_table(
        "recording_exports",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("request", sa.String(20), nullable=False),
        sa.Column("edge_id", sa.String(64), sa.ForeignKey("edges.id"), nullable=False),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("site", sa.String(200), nullable=False, index=True),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("hold", sa.String(36), nullable=False),
        sa.Column("send", sa.String(36), nullable=True),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("allowed_at", _MOMENT, nullable=True),
        sa.Column("waits", sa.String(16), nullable=False),
        sa.Column("why", sa.String(400), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("here", sa.Integer(), nullable=False),
        sa.Column("here_bytes", sa.BigInteger(), nullable=False),
        sa.Column("absent", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("ready_at", _MOMENT, nullable=True),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("ended", sa.String(10), nullable=True),
        sa.UniqueConstraint("request", name="uq_recording_exports_request"),
    )
    op.create_index("ix_recording_exports_state", "recording_exports", ["state"])
    op.create_table(
        "recording_segments",
        sa.Column("export_id", sa.Integer(), sa.ForeignKey("recording_exports.id"), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True, index=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
    )
