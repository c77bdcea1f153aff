"""Messages to polling stations, links by which they read them, and who acknowledged."""

import sqlalchemy as sa
from alembic import op

from central.db import kept

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_KEPT = ("station_links", "station_messages", "message_answers")


def upgrade() -> None:
    """Nothing is written yet."""
    if not kept.taken_back(*_KEPT):
        _tables()


def downgrade() -> None:
    """What people wrote is put away; the version before has no page for links."""
    kept.put_away(*_KEPT)


def _tables() -> None:
    op.create_table(
        "station_links",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("site", sa.String(200), nullable=False, index=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("revoked_by", sa.String(64), nullable=True),
        sa.Column("revoked_at", _MOMENT, nullable=True),
    )
    op.create_table(
        "station_messages",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("site", sa.String(200), nullable=False),
        sa.Column("text", sa.String(300), nullable=False),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False, index=True),
    )
    op.create_index("ix_station_messages_site", "station_messages", ["site", "at"])
    op.create_table(
        "message_answers",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("message_id", sa.Integer(), sa.ForeignKey("station_messages.id"), nullable=False, index=True),
        sa.Column("link_id", sa.Integer(), sa.ForeignKey("station_links.id"), nullable=True),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("text", sa.String(200), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
