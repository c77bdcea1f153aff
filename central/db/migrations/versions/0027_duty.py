"""Who is on duty, alarms of polling stations, and who was told of them."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nobody is on duty yet, and nothing was looked for."""
    _shifts()
    _alarms()
    _notices()
    op.create_table(
        "station_phones",
        sa.Column("site", sa.String(200), primary_key=True),
        sa.Column("phone", sa.String(40), nullable=False),
        sa.Column("set_by", sa.String(64), nullable=False),
        sa.Column("set_at", _MOMENT, nullable=False),
    )
    watch = op.create_table(
        "duty_watch", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("looked_at", _MOMENT)
    )
    op.bulk_insert(watch, [{"id": 1, "looked_at": None}])


def _shifts() -> None:
    op.create_table(
        "duty_shifts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("begin_at", _MOMENT, nullable=False),
        sa.Column("until_at", _MOMENT, nullable=False),
        sa.Column("phone", sa.String(40), nullable=False),
        sa.Column("webhook", sa.String(500)),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("removed_by", sa.String(64)),
        sa.Column("removed_at", _MOMENT),
    )
    op.create_index("ix_duty_shifts_until", "duty_shifts", ["until_at", "begin_at"])


def _alarms() -> None:
    op.create_table(
        "duty_alarms",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("site", sa.String(200), nullable=False),
        sa.Column("severity", sa.String(10), nullable=False),
        sa.Column("begun_at", _MOMENT, nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("acknowledged_by", sa.String(64)),
        sa.Column("acknowledged_at", _MOMENT),
        sa.Column("acknowledged_how", sa.String(10)),
    )
    op.create_index("ix_duty_alarms_site", "duty_alarms", ["site"])
    op.create_index("ix_duty_alarms_open", "duty_alarms", ["ended_at", "acknowledged_at"])
    op.create_table(
        "duty_matters",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("alarm_id", sa.Integer(), sa.ForeignKey("duty_alarms.id"), nullable=False),
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("camera_id", sa.String(64)),
        sa.Column("trouble_id", sa.Integer(), sa.ForeignKey("feed_troubles.id")),
        sa.Column("begun_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
    )
    for name, columns in (("alarm_id", ["alarm_id"]), ("trouble_id", ["trouble_id"]), ("key", ["key", "ended_at"])):
        op.create_index(f"ix_duty_matters_{name}", "duty_matters", columns)


def _notices() -> None:
    op.create_table(
        "duty_notices",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("alarm_id", sa.Integer(), sa.ForeignKey("duty_alarms.id"), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("shift_id", sa.Integer(), sa.ForeignKey("duty_shifts.id"), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("webhook", sa.String(500)),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", _MOMENT),
        sa.Column("done_at", _MOMENT),
        sa.Column("said", sa.String(200)),
        sa.UniqueConstraint("alarm_id", "level", "user_id", name="uq_duty_notices_alarm_id_level_user_id"),
    )
    op.create_index("ix_duty_notices_user_id", "duty_notices", ["user_id"])
    op.create_index("ix_duty_notices_due", "duty_notices", ["done_at", "next_at"])


def downgrade() -> None:
    """A version before tells nobody; who was told is forgotten."""
    for table in ("duty_notices", "duty_matters", "duty_alarms", "duty_shifts", "duty_watch", "station_phones"):
        op.drop_table(table)
