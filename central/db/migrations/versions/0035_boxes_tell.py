"""What boxes tell of the room for recordings, of what is kept of each camera, and whether its picture is learned."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No box has told it yet."""
    op.add_column("box_states", sa.Column("disk", sa.JSON(), nullable=True))
    op.add_column("box_states", sa.Column("disk_heard_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("camera_states", sa.Column("learned", sa.JSON(), nullable=True))
    op.add_column("camera_states", sa.Column("kept", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Boxes tell it again within minutes; a version before shows none of it."""
    op.drop_column("camera_states", "kept")
    op.drop_column("camera_states", "learned")
    op.drop_column("box_states", "disk_heard_at")
    op.drop_column("box_states", "disk")
