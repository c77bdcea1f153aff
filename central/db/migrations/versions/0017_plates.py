"""Cases are found by their plate as plates are compared, however it was written."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_LENGTH = 40
_PADDING = str.maketrans("", "", " \t·•.-")
_CASES = sa.table("cases", sa.column("plate", sa.String()), sa.column("plate_plain", sa.String()))


def upgrade() -> None:
    """A column beside the plate, filled: most plates are written plainly, the others one by one."""
    op.add_column("cases", sa.Column("plate_plain", sa.String(_LENGTH), nullable=True))
    bind = op.get_bind()
    bind.execute(sa.update(_CASES).where(_CASES.c.plate != "").values(plate_plain=_CASES.c.plate))
    plates = bind.execute(sa.select(_CASES.c.plate).distinct().where(_CASES.c.plate.is_not(None))).scalars()
    odd = [(plate, plain) for plate in plates if (plain := _plain(plate)) != plate]
    for plate, plain in odd:
        bind.execute(sa.update(_CASES).where(_CASES.c.plate == plate).values(plate_plain=plain or None))
    op.drop_index("ix_cases_plate", "cases")
    op.create_index("ix_cases_plate_plain", "cases", ["plate_plain", "site", "at_trigger"])


def downgrade() -> None:
    """Remove it."""
    op.drop_index("ix_cases_plate_plain", "cases")
    op.create_index("ix_cases_plate", "cases", ["plate"])
    op.drop_column("cases", "plate_plain")


def _plain(plate: str) -> str:
    """As contract.exempt has it on the day of this migration."""
    return unicodedata.normalize("NFKC", plate).translate(_PADDING).upper()[:_LENGTH]
