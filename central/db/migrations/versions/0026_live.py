"""Live view: who watched what, when nobody may, and which replica has which stream."""

import sqlalchemy as sa
from alembic import op

from central.db import kept
from central.ledger import triggers

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_KEPT = ("watch_log", "embargoes")


def upgrade() -> None:
    """Nobody has watched yet."""
    if not kept.taken_back(*_KEPT):
        _watchings()
        _embargoes()
    op.create_table(
        "live_sources",
        sa.Column("edge_id", sa.String(64), sa.ForeignKey("edges.id"), primary_key=True),
        sa.Column("camera_id", sa.String(64), primary_key=True),
        sa.Column("stream", sa.String(64), primary_key=True),
        sa.Column("connection", sa.String(32), nullable=False),
        sa.Column("address", sa.String(200), nullable=True),
        sa.Column("since", _MOMENT, nullable=False),
    )
    op.create_table(
        "live_tickets",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("edge_id", sa.String(64), nullable=False),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("until", _MOMENT, nullable=False, index=True),
    )
    triggers.install(op.get_bind())
    kept.note_again("watch_log", "watch")
    kept.note_again("embargoes", "embargo")
    kept.note_again("embargoes", "embargo-lifted", "lifted_at IS NOT NULL")


def downgrade() -> None:
    """Streams are brought again; what people did is put away."""
    op.drop_table("live_tickets")
    op.drop_table("live_sources")
    kept.put_away("watch_log", kind="watch")
    for kind in ("embargo", "embargo-lifted"):
        kept.not_waiting(kind)
    kept.put_away("embargoes")


def _watchings() -> None:
    op.create_table(
        "watch_log",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("watch", sa.String(32), nullable=False, index=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("edge_id", sa.String(64), sa.ForeignKey("edges.id"), nullable=False),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("site", sa.String(200), nullable=False, index=True),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
    )
    op.create_index("ix_watch_log_place", "watch_log", ["edge_id", "camera_id", "at"])


def _embargoes() -> None:
    op.create_table(
        "embargoes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("area", sa.String(40), nullable=True),
        sa.Column("site", sa.String(200), nullable=True),
        sa.Column("begins_at", _MOMENT, nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False, index=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("but", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("lifted_by", sa.String(64), nullable=True),
        sa.Column("lifted_at", _MOMENT, nullable=True),
    )
