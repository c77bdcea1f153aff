"""The ledger: what waits, leaves, nodes, heads, and the triggers that note every row."""

import sqlalchemy as sa
from alembic import op

from central.db import kept
from central.ledger import triggers

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: What was written before there was a ledger is entered as well, keys first: they vouch for the rest.
_BEFORE = (
    "SELECT 'key', kid FROM edge_keys ORDER BY enrolled_at, kid",
    "SELECT 'event', id FROM events ORDER BY received_at, id",
    "SELECT 'case', CAST(id AS VARCHAR(64)) FROM case_log ORDER BY id",
    "SELECT 'view', CAST(id AS VARCHAR(64)) FROM view_log ORDER BY id",
    "SELECT 'key-retired', kid FROM edge_keys WHERE retired_at IS NOT NULL ORDER BY retired_at, kid",
    "SELECT 'key-revoked', kid FROM edge_keys WHERE revoked_at IS NOT NULL ORDER BY revoked_at, kid",
)


def upgrade() -> None:
    """Make the tables, note what is there, and set the triggers."""
    op.create_table(
        "ledger_waiting",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_waiting")),
    )
    tree = op.create_table(
        "ledger_tree",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_tree")),
    )
    op.bulk_insert(tree, [{"id": 1, "size": 0}])
    _leaves_and_nodes()
    _heads()
    with op.batch_alter_table("events") as events:
        events.create_index(
            "ix_events_chain_open",
            ["chain_state"],
            sqlite_where=sa.text("chain_state IN ('pending', 'broken')"),
            postgresql_where=sa.text("chain_state IN ('pending', 'broken')"),
        )
    for rows in _BEFORE:
        op.execute(f"INSERT INTO ledger_waiting (kind, ref) {rows}")
    triggers.install(op.get_bind())


def downgrade() -> None:
    """Remove it all."""
    kept.forget()
    triggers.remove(op.get_bind())
    with op.batch_alter_table("events") as events:
        events.drop_index("ix_events_chain_open")
    for table in ("ledger_heads", "ledger_nodes", "ledger_leaves", "ledger_tree", "ledger_waiting"):
        op.drop_table(table)


def _leaves_and_nodes() -> None:
    op.create_table(
        "ledger_leaves",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_ledger_leaves")),
        sa.UniqueConstraint("kind", "ref", name=op.f("uq_ledger_leaves_kind_ref")),
    )
    op.create_table(
        "ledger_nodes",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "place", name=op.f("pk_ledger_nodes")),
    )


def _heads() -> None:
    op.create_table(
        "ledger_heads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stamp", sa.LargeBinary(), nullable=True),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_heads")),
        sa.UniqueConstraint("day", name=op.f("uq_ledger_heads_day")),
    )
    op.create_index("ix_ledger_heads_size", "ledger_heads", ["size"])
