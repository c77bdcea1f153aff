"""Names are one for one person in whatever capitals, and a second factor is offered to one session."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The oldest account keeps its name in small letters; a later one of before that differs in capitals, with its id.

    What was offered and never confirmed was bound to nobody, and is forgotten.
    """
    op.execute("DELETE FROM second_factors WHERE confirmed_at IS NULL")
    op.add_column("second_factors", sa.Column("offered_to", sa.String(64), nullable=True))
    op.add_column("users", sa.Column("folded", sa.String(80), nullable=False, server_default=""))
    op.execute("UPDATE users SET folded = lower(name)")
    older = "SELECT 1 FROM users AS o WHERE lower(o.name) = lower(users.name) AND o.id < users.id"
    op.execute(f"UPDATE users SET folded = lower(name) || ' ' || id WHERE EXISTS ({older})")  # noqa: S608 - ours
    op.create_index("ix_users_folded", "users", ["folded"], unique=True)


def downgrade() -> None:
    """As before; an offer that waits is made anew."""
    op.execute("DELETE FROM second_factors WHERE confirmed_at IS NULL")
    op.drop_column("second_factors", "offered_to")
    op.drop_index("ix_users_folded", "users")
    op.drop_column("users", "folded")
