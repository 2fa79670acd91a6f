"""Backups: a running hub in one file, and a hub made of it again (docs/runbooks/restore.md)."""
