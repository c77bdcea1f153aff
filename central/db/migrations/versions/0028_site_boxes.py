"""Which boxes may speak for a site."""

import sqlalchemy as sa
from alembic import op

from central.db import kept

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None is named: every box may, as before."""
    if kept.taken_back("site_boxes"):
        return
    op.create_table(
        "site_boxes",
        sa.Column("site", sa.String(200), primary_key=True),
        sa.Column("edge_id", sa.String(64), primary_key=True),
        sa.Column("named_by", sa.String(100), nullable=False),
        sa.Column("named_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Put away: people have told it."""
    kept.put_away("site_boxes")
