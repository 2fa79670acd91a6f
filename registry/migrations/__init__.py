"""alembic revisions, and the guard that makes each owner table right."""
