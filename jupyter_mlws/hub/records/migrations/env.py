"""Alembic environment: runs the scripts in a given connection."""

from __future__ import annotations

from alembic import context

from jupyter_mlws.hub.records.store import VERSION_TABLE, Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    # SQLite changes a table by replacing it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
