"""Which event names which object, room set aside for uploads, and legal holds."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three tables. What events before this one name is entered by the next sweep, before it looks for orphans."""
    _names()
    _uploads()
    _holds()


def downgrade() -> None:
    """Remove them."""
    op.drop_table("case_holds")
    op.drop_table("media_uploads")
    op.drop_table("media_names")


def _names() -> None:
    op.create_table(
        "media_names",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_media_names_event_id_events")),
        sa.PrimaryKeyConstraint("sha256", "event_id", name=op.f("pk_media_names")),
    )
    with op.batch_alter_table("media_names", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_media_names_event_id"), ["event_id"], unique=False)


def _uploads() -> None:
    op.create_table(
        "media_uploads",
        sa.Column("edge_id", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["edge_id"], ["edges.id"], name=op.f("fk_media_uploads_edge_id_edges")),
        sa.PrimaryKeyConstraint("edge_id", "sha256", name=op.f("pk_media_uploads")),
    )


def _holds() -> None:
    op.create_table(
        "case_holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.String(length=64), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_by", sa.String(length=64), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_holds_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_holds")),
    )
    with op.batch_alter_table("case_holds", schema=None) as batch_op:
        batch_op.create_index("ix_case_holds_case_id_released_at", ["case_id", "released_at"], unique=False)
