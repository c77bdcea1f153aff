"""When a command was last sent to a box, and how often."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was asked before was never sent: it is due."""
    op.add_column("box_commands", sa.Column("sent_at", sa.DateTime(timezone=True)))
    op.add_column("box_commands", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_box_commands_waiting", "box_commands", ["status", "asked_at"])


def downgrade() -> None:
    """A version before sends nothing."""
    op.drop_index("ix_box_commands_waiting", "box_commands")
    op.drop_column("box_commands", "tries")
    op.drop_column("box_commands", "sent_at")
