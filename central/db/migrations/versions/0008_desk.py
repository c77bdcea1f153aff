"""The desk: what a look showed and why in one line, who has a case open, and the queue by rule and by place."""

import sqlalchemy as sa
from alembic import op

from central.db import kept

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_WHY, _MEDIA = (("why", sa.String(16)), ("media", sa.JSON()))
_LOOKS, _KEPT = (
    sa.table(name, sa.column("id", sa.Integer()), *(sa.column(one, kind) for one, kind in (_WHY, _MEDIA)))
    for name in ("view_log", "looks")
)


def upgrade() -> None:
    """Two columns that old looks leave empty, a table, and two ways through the queue."""
    for name, kind in (_WHY, _MEDIA):
        op.add_column("view_log", sa.Column(name, kind, nullable=True))
    if kept.taken_back("looks"):
        here = _KEPT.c.id == _LOOKS.c.id
        values = {one: sa.select(_KEPT.c[one]).where(here).scalar_subquery() for one, _ in (_WHY, _MEDIA)}
        op.execute(sa.update(_LOOKS).where(sa.exists().where(here)).values(**values))
        op.drop_table("looks")
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
    """Remove them. A look keeps its line; what it showed and why is put away, for the ledger has hashed it.

    A look that still waits for the ledger is entered by the version before without the two, and loses them.
    """
    op.create_table(
        "looks", sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        *(sa.Column(name, kind, nullable=True) for name, kind in (_WHY, _MEDIA)),
    )  # fmt: skip
    leaves = sa.table("ledger_leaves", sa.column("kind"), sa.column("ref"))
    entered = sa.exists().where(leaves.c.kind == "view", leaves.c.ref == sa.cast(_LOOKS.c.id, sa.String(64)))
    told = sa.select(_LOOKS.c.id, _LOOKS.c.why, _LOOKS.c.media).where(entered, _LOOKS.c.why.is_not(None))
    op.execute(sa.insert(_KEPT).from_select(["id", "why", "media"], told))
    kept.put_away("looks")
    op.drop_index("ix_cases_queue_site", "cases")
    op.drop_index("ix_cases_queue_rule", "cases")
    op.drop_table("case_leases")
    op.drop_column("view_log", "media")
    op.drop_column("view_log", "why")
