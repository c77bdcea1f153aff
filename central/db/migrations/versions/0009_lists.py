"""Lists that central knows: sites and their files, plates, the vehicle register, what others have already."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Six tables."""
    _sites()
    op.create_table(
        "list_imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("file", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("imported_by", sa.String(100), nullable=False),
        sa.Column("imported_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_list_imports"),
    )
    op.create_index("ix_list_imports_kind", "list_imports", ["kind"])
    _lists()


def downgrade() -> None:
    """Remove them: lists and site files are to be imported again."""
    for table in ("handled_records", "register_vehicles", "plate_entries", "list_imports", "site_versions", "sites"):
        op.drop_table(table)


def _sites() -> None:
    op.create_table(
        "sites",
        sa.Column("site", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("area", sa.String(40), nullable=False),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("site", name="pk_sites"),
    )
    op.create_index("ix_sites_area", "sites", ["area"])
    op.create_table(
        "site_versions",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("site", sa.String(200), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("inspection_until", sa.Date(), nullable=True),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("imported_by", sa.String(100), nullable=False),
        sa.Column("imported_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.site"], name="fk_site_versions_site_sites"),
        sa.PrimaryKeyConstraint("sha256", name="pk_site_versions"),
    )
    op.create_index("ix_site_versions_site", "site_versions", ["site"])


def _lists() -> None:
    op.create_table(
        "plate_entries",
        sa.Column("plate", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["list_imports.id"], name="fk_plate_entries_import_id_list_imports"),
        sa.PrimaryKeyConstraint("plate", "kind", name="pk_plate_entries"),
    )
    op.create_table(
        "register_vehicles",
        sa.Column("plate", sa.String(40), nullable=False),
        sa.Column("plate_type", sa.String(8), nullable=False),
        sa.Column("vehicle_type", sa.String(40), nullable=False),
        sa.Column("color", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("plate", "plate_type", name="pk_register_vehicles"),
    )
    op.create_table(
        "handled_records",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("plate", sa.String(40), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("site", sa.String(200), nullable=True),
        sa.Column("code", sa.String(20), nullable=True),
        sa.Column("number", sa.String(60), nullable=True),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["list_imports.id"], name="fk_handled_records_import_id_list_imports"),
        sa.PrimaryKeyConstraint("id", name="pk_handled_records"),
    )
    op.create_index("ix_handled_records_plate", "handled_records", ["plate"])
    op.create_index("ix_handled_records_import_id", "handled_records", ["import_id"])
