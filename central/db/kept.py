"""What a way down puts away for the next way up, because the ledger has hashed it or people have told it.

A table is renamed, so that the version before neither reads nor writes it. Where the ledger itself goes (0004) nothing
is held to it any more, and what was put away goes with it.
"""

import sqlalchemy as sa
from alembic import op

_PREFIX = "kept_"


def put_away(*tables: str, kind: str | None = None) -> None:
    """Rename the tables. What waits for the ledger as `kind` is noted anew when they come back."""
    if kind is not None:
        not_waiting(kind)
    for table in tables:
        op.rename_table(table, _PREFIX + table)


def not_waiting(kind: str) -> None:
    """Nothing of that kind waits for the ledger any more: the version before cannot read it."""
    waiting = sa.table("ledger_waiting", sa.column("kind"))
    op.execute(sa.delete(waiting).where(waiting.c.kind == kind))


def taken_back(*tables: str) -> bool:
    """Give the tables their names again; False where no way down has put them away."""
    if not sa.inspect(op.get_bind()).has_table(_PREFIX + tables[0]):
        return False
    for table in tables:
        op.rename_table(_PREFIX + table, table)
    return True


def note_again(table: str, kind: str, when: str = "1 = 1") -> None:
    """What is in the table, of rows of which `when` holds, and not in the ledger waits for it."""
    rows = sa.table(table, sa.column("id", sa.Integer()))
    leaves, waiting = (
        sa.table(name, sa.column("kind"), sa.column("ref")) for name in ("ledger_leaves", "ledger_waiting")
    )
    ref = sa.cast(rows.c.id, sa.String(64))
    entered = sa.exists().where(leaves.c.kind == kind, leaves.c.ref == ref)
    noted = sa.exists().where(waiting.c.kind == kind, waiting.c.ref == ref)
    query = sa.select(sa.literal(kind), ref).where(~entered, ~noted, sa.text(when)).order_by(rows.c.id)
    op.execute(sa.insert(waiting).from_select(["kind", "ref"], query))


def forget() -> None:
    """Remove whatever is put away."""
    names = [name for name, _ in sa.inspect(op.get_bind()).get_sorted_table_and_fkc_names() if name is not None]
    # Who names another goes first.
    for name in reversed(names):
        if name.startswith(_PREFIX):
            op.drop_table(name)


__all__ = ["forget", "not_waiting", "note_again", "put_away", "taken_back"]
