"""alembic's entry: runs the revisions on the connection that registry.migrate hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy.engine import Connection

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=None, version_table_schema="aiox", transaction_per_migration=False
)
with context.begin_transaction():
    context.run_migrations()
