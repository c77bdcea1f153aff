"""Alembic's way in: it works on the connection that `central.db.migrate` hands over, and on nothing else."""

from alembic import context

from central.db.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
