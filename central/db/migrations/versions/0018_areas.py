"""Areas of people: whoever has none sees all, as before."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table. Nobody is given an area by it."""
    op.create_table(
        "user_areas",
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("area", sa.String(40), primary_key=True),
    )


def downgrade() -> None:
    """The version before shows everybody every area: who has some is closed, so that nobody sees more than they may."""
    op.execute(
        "UPDATE users SET disabled_at = CURRENT_TIMESTAMP "
        "WHERE disabled_at IS NULL AND id IN (SELECT user_id FROM user_areas)"
    )
    op.execute("DELETE FROM sessions WHERE user_id IN (SELECT user_id FROM user_areas)")
    op.drop_table("user_areas")
