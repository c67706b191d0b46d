"""Run by Alembic: migrate over the connection that ``store.migrate`` passes in."""

from alembic import context

from newsletter.store.column_types import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
