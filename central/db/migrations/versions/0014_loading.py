"""A list comes in beside the one that counts, and takes its place in one moment."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_LATEST = "(SELECT max(id) FROM list_imports GROUP BY kind)"


def upgrade() -> None:
    """Rows belong to their import; the last one of each kind is the one that counts."""
    op.add_column("list_imports", sa.Column("state", sa.String(8), nullable=False, server_default="past"))
    op.execute(f"UPDATE list_imports SET state = 'current' WHERE id IN {_LATEST}")  # noqa: S608
    op.add_column("register_vehicles", sa.Column("import_id", sa.Integer(), nullable=True))
    op.execute("UPDATE register_vehicles SET import_id = (SELECT max(id) FROM list_imports WHERE kind = 'register')")
    with op.batch_alter_table("register_vehicles") as table:
        table.alter_column("import_id", existing_type=sa.Integer(), nullable=False)
        table.drop_constraint("pk_register_vehicles", type_="primary")
        table.create_primary_key("pk_register_vehicles", ["import_id", "plate", "plate_type"])
        table.create_foreign_key("fk_register_vehicles_import_id_list_imports", "list_imports", ["import_id"], ["id"])
    with op.batch_alter_table("plate_entries") as table:
        table.drop_constraint("pk_plate_entries", type_="primary")
        table.create_primary_key("pk_plate_entries", ["import_id", "plate"])


def downgrade() -> None:
    """What counts stays, the rest goes."""
    for name in ("plate_entries", "register_vehicles", "handled_records"):
        op.execute(
            f"DELETE FROM {name} WHERE import_id NOT IN (SELECT id FROM list_imports WHERE state = 'current')"  # noqa: S608
        )
    op.execute("DELETE FROM list_imports WHERE state IN ('loading', 'dropped')")
    with op.batch_alter_table("plate_entries") as table:
        table.drop_constraint("pk_plate_entries", type_="primary")
        table.create_primary_key("pk_plate_entries", ["plate", "kind"])
    with op.batch_alter_table("register_vehicles") as table:
        table.drop_constraint("fk_register_vehicles_import_id_list_imports", type_="foreignkey")
        table.drop_constraint("pk_register_vehicles", type_="primary")
        table.create_primary_key("pk_register_vehicles", ["plate", "plate_type"])
        table.drop_column("import_id")
    op.drop_column("list_imports", "state")
