"""Identities at an OpenID provider, and how a session's second factor was shown."""

import sqlalchemy as sa
from alembic import op

from central.db import kept

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nobody is linked by it."""
    op.add_column("sessions", sa.Column("second_by", sa.String(16), nullable=True))
    if not kept.taken_back("user_identities"):
        op.create_table(
            "user_identities",
            sa.Column("issuer", sa.String(200), primary_key=True),
            sa.Column("subject", sa.String(255), primary_key=True),
            sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=False, index=True),
            sa.Column("linked_at", _MOMENT, nullable=False),
        )
    op.create_table(
        "oidc_flows",
        sa.Column("state", sa.String(64), primary_key=True),
        sa.Column("browser", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("verifier", sa.String(128), nullable=False),
        sa.Column("back", sa.String(2000), nullable=False),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), nullable=True),
        sa.Column("expires_at", _MOMENT, nullable=False, index=True),
    )


def downgrade() -> None:
    """Who came by the provider signs in with a password again; what was linked is put away. Sessions it opened end."""
    op.execute("DELETE FROM sessions WHERE second_by IS NOT NULL")
    op.drop_column("sessions", "second_by")
    op.drop_table("oidc_flows")
    kept.put_away("user_identities")
