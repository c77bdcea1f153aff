"""Exports: what was handed to the police system, and which cases stood in it."""

import sqlalchemy as sa
from alembic import op

from central.db import kept

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


_KEPT = ("export_cases", "exports")


def upgrade() -> None:
    """Two tables."""
    if not kept.taken_back(*_KEPT):
        _made()


def downgrade() -> None:
    """Put them away: what was handed over was handed over, and may be fetched again."""
    kept.put_away(*_KEPT)


def _made() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("map_id", sa.String(41), nullable=False),
        sa.Column("map_sha256", sa.String(64), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(80), nullable=False),
        sa.Column("table", sa.LargeBinary(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("left_out", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_exports"),
        sa.UniqueConstraint("number", name="uq_exports_number"),
    )
    op.create_table(
        "export_cases",
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("export_id", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_export_cases_case_id_cases"),
        sa.ForeignKeyConstraint(["export_id"], ["exports.id"], name="fk_export_cases_export_id_exports"),
        sa.PrimaryKeyConstraint("case_id", name="pk_export_cases"),
    )
    op.create_index("ix_export_cases_export_id", "export_cases", ["export_id"])
