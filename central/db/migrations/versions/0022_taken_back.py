"""The figures of a case say on which ground it was taken back, and by whom."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was taken back before is told by its row and its history."""
    op.add_column("case_facts", sa.Column("cancelled_by", sa.String(64), nullable=True))
    op.execute(
        "UPDATE case_facts SET reason = (SELECT ground FROM cases WHERE cases.id = case_facts.case_id), "
        "cancelled_by = (SELECT actor FROM case_log WHERE case_log.case_id = case_facts.case_id "
        "AND action = 'cancel' ORDER BY case_log.id DESC LIMIT 1) WHERE outcome = 'cancelled'"
    )


def downgrade() -> None:
    """As they were."""
    op.execute("UPDATE case_facts SET reason = NULL WHERE outcome = 'cancelled'")
    op.drop_column("case_facts", "cancelled_by")
