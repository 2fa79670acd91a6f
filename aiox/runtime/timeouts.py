"""Counts what the database did not do in time: each statement that was given up, where its end is judged (SPEC 13)."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

TIMEOUTS: Final = Counter("aiox_database_timeouts_total", "Statements that were given up because they took too long")
