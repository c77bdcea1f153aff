"""Polling stations: their ledgers, states, troubles, and commands to boxes."""

import sqlalchemy as sa
from alembic import op

from central.db import kept

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_KEPT = (
    "stations",
    "box_commands",
    "feed_troubles",
    "recording_deletions",
    "recording_gaps",
    "recording_blocks",
    "recording_ledgers",
)


def _edge(*, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column("edge_id", sa.String(64), sa.ForeignKey("edges.id"), primary_key=primary_key, nullable=False)


def upgrade() -> None:
    """Nothing of before is a polling station."""
    if not kept.taken_back(*_KEPT):
        _stations()
        _recordings()
        _troubles()
        _commands()
    op.create_table(
        "box_states",
        _edge(primary_key=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("heard_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "camera_states",
        _edge(primary_key=True),
        sa.Column("camera_id", sa.String(64), primary_key=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("cause", sa.String(300), nullable=False),
        sa.Column("offset_ms", sa.Float(), nullable=True),
        sa.Column("fps", sa.Float(), nullable=True),
        sa.Column("heard_at", _MOMENT, nullable=False),
    )


def downgrade() -> None:
    """States are retained by the broker and come again; the rest is put away."""
    op.drop_table("camera_states")
    op.drop_table("box_states")
    kept.put_away(*_KEPT)


def _stations() -> None:
    op.create_table(
        "stations",
        sa.Column("site", sa.String(200), primary_key=True),
        sa.Column("station", sa.String(200), nullable=False),
        sa.Column("township", sa.String(200), nullable=False),
        sa.Column("village", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("windows", sa.JSON(), nullable=False),
        sa.Column("cameras", sa.JSON(), nullable=False),
    )
    op.create_index("ix_stations_place", "stations", ["township", "village", "station"])


def _recordings() -> None:
    op.create_table(
        "recording_ledgers",
        _edge(primary_key=True),
        sa.Column("camera_id", sa.String(64), primary_key=True),
        sa.Column("site", sa.String(64), nullable=False, index=True),
        sa.Column("next_number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("from_us", sa.BigInteger(), nullable=True),
        sa.Column("until_us", sa.BigInteger(), nullable=True),
        sa.Column("heard_at", _MOMENT, nullable=False),
        sa.Column("fault", sa.String(300), nullable=True),
        sa.Column("fault_number", sa.BigInteger(), nullable=True),
    )
    op.create_table(
        "recording_blocks",
        sa.Column("id", sa.Integer(), primary_key=True),
        _edge(),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("prev", sa.String(64), nullable=False),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.String(64), sa.ForeignKey("events.id"), nullable=False, unique=True),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("edge_id", "camera_id", "number", "hash"),
    )
    op.create_index("ix_recording_blocks_time", "recording_blocks", ["edge_id", "camera_id", "until_us"])
    op.create_table(
        "recording_gaps",
        sa.Column("id", sa.Integer(), primary_key=True),
        _edge(),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("detail", sa.String(300), nullable=False),
    )
    op.create_index("ix_recording_gaps_time", "recording_gaps", ["edge_id", "camera_id", "start_us"])
    op.create_table(
        "recording_deletions",
        sa.Column("id", sa.Integer(), primary_key=True),
        _edge(),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("event_id", sa.String(64), sa.ForeignKey("events.id"), nullable=False, unique=True),
        sa.Column("why", sa.String(20), nullable=False),
        sa.Column("detail", sa.String(300), nullable=False),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
    )
    op.create_index("ix_recording_deletions_time", "recording_deletions", ["edge_id", "camera_id", "from_us"])


def _troubles() -> None:
    op.create_table(
        "feed_troubles",
        sa.Column("id", sa.Integer(), primary_key=True),
        _edge(),
        sa.Column("case_key", sa.String(64), nullable=False),
        sa.Column("event_id", sa.String(64), sa.ForeignKey("events.id"), nullable=False),
        sa.Column("camera_id", sa.String(64), nullable=False),
        sa.Column("site", sa.String(200), nullable=False, index=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("severity", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("still", sa.String(64), nullable=True),
        sa.Column("at_first", _MOMENT, nullable=False),
        sa.Column("at_trigger", _MOMENT, nullable=False),
        sa.Column("at_end", _MOMENT, nullable=True),
        sa.Column("how", sa.String(10), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("taken_by", sa.String(64), nullable=True),
        sa.Column("taken_at", _MOMENT, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.UniqueConstraint("edge_id", "case_key"),
    )
    op.create_index("ix_feed_troubles_open", "feed_troubles", ["at_end", "site"])


def _commands() -> None:
    op.create_table(
        "box_commands",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("edge_id", sa.String(64), sa.ForeignKey("edges.id"), nullable=False, index=True),
        sa.Column("camera_id", sa.String(64), nullable=True),
        sa.Column("word", sa.String(16), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False, index=True),
        sa.Column("answered_at", _MOMENT, nullable=True),
        sa.Column("status", sa.String(10), nullable=True),
        sa.Column("reason", sa.String(300), nullable=True),
    )
