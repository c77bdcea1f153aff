"""What monitors do at stations: a history that enters the ledger, and bookmarks."""

import sqlalchemy as sa
from alembic import op

from central.db import kept
from central.ledger import triggers

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_KEPT = ("station_log", "bookmarks", "bookmark_marks")


def upgrade() -> None:
    """Nobody has marked anything yet."""
    if not kept.taken_back(*_KEPT):
        _tables()
    triggers.install(op.get_bind())
    kept.note_again("station_log", "station")


def downgrade() -> None:
    """Boxes keep what they were asked to keep; what people did is put away."""
    kept.put_away(*_KEPT, kind="station")


def _tables() -> None:
    op.create_table(
        "station_log",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("site", sa.String(200), nullable=False, index=True),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("action", sa.String(24), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
    )
    op.create_table(
        "bookmarks",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("edge_id", sa.String(64), sa.ForeignKey("edges.id"), nullable=False),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("site", sa.String(200), nullable=False, index=True),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.Column("holds", sa.JSON(), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("gone_at", _MOMENT, nullable=True),
        sa.Column("released_at", _MOMENT, nullable=True),
        sa.Column("released_by", sa.String(64), nullable=True),
        sa.Column("reason", sa.String(500), nullable=True),
    )
    op.create_index("ix_bookmarks_place", "bookmarks", ["edge_id", "camera_id", "from_us"])
    op.create_table(
        "bookmark_marks",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("bookmark_id", sa.Integer(), sa.ForeignKey("bookmarks.id"), nullable=False, index=True),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("sent", sa.String(32), nullable=False),
        sa.Column("category", sa.String(16), nullable=True),
        sa.Column("severity", sa.String(8), nullable=True),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("undone_at", _MOMENT, nullable=True),
        sa.UniqueConstraint("user_id", "sent", name="uq_bookmark_marks_user_id_sent"),
    )
