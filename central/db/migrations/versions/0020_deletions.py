"""Deletions: what goes when its time has come, and the certificates, which enter the ledger."""

import sqlalchemy as sa
from alembic import op

from central.db import kept
from central.ledger import triggers

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


_KEPT = ("deletions", "deletion_certificates")


def upgrade() -> None:
    """Two tables, and the trigger of certificates."""
    if not kept.taken_back(*_KEPT):
        _made()
    triggers.install(op.get_bind())
    kept.note_again("deletion_certificates", "deletion")


def downgrade() -> None:
    """Put them away: what was deleted is not made undeleted, and the ledger has hashed the certificates."""
    kept.put_away(*_KEPT, kind="deletion")


def _made() -> None:
    op.create_table(
        "deletion_certificates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("kid", sa.String(64), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deletion_certificates"),
        sa.UniqueConstraint("number", name="uq_deletion_certificates_number"),
    )
    op.create_table(
        "deletions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("edge_id", sa.String(64), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("decided_at", _MOMENT, nullable=False),
        sa.Column("removed_at", _MOMENT, nullable=True),
        sa.Column("certificate_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["edge_id"], ["edges.id"], name="fk_deletions_edge_id_edges"),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["deletion_certificates.id"], name="fk_deletions_certificate_id_deletion_certificates"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deletions"),
    )
    op.create_index("ix_deletions_sha256", "deletions", ["sha256"])
    op.create_index("ix_deletions_open", "deletions", ["certificate_id", "removed_at"])
