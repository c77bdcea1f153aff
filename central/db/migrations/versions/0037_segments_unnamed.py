"""Names of segments of recordings are no longer kept one by one."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_TYPES = ("sightline.recording.block", "sightline.recording.deleted")


def upgrade() -> None:
    """Millions a day; those that an archive takes stand in its own table."""
    events = sa.table("events", sa.column("id"), sa.column("type"))
    names = sa.table("media_names", sa.column("event_id"))
    of_recordings = sa.select(events.c.id).where(events.c.type.in_(_TYPES))
    op.execute(sa.delete(names).where(names.c.event_id.in_(of_recordings)))


def downgrade() -> None:
    """The version before writes them for what comes from then on; it asks for no segments by them."""
