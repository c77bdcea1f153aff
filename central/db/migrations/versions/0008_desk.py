"""The desk: what a look showed and why in one line, who has a case open, and the queue by rule and by place."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns that old looks leave empty, a table, and two ways through the queue."""
    op.add_column("view_log", sa.Column("why", sa.String(16), nullable=True))
    op.add_column("view_log", sa.Column("media", sa.JSON(), nullable=True))
    op.create_table(
        "case_leases",
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("tab", sa.String(40), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_leases_case_id_cases")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_case_leases_user_id_users")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_leases")),
    )
    op.create_index(op.f("ix_case_leases_until"), "case_leases", ["until"])
    op.create_index("ix_cases_queue_rule", "cases", ["state", "rule", "at_trigger", "number"])
    op.create_index("ix_cases_queue_site", "cases", ["state", "site", "at_trigger", "number"])


def downgrade() -> None:
    """Remove them. A look keeps its line; what waits for the ledger is entered without the two columns."""
    op.drop_index("ix_cases_queue_site", "cases")
    op.drop_index("ix_cases_queue_rule", "cases")
    op.drop_table("case_leases")
    op.drop_column("view_log", "media")
    op.drop_column("view_log", "why")
