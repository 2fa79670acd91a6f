"""Inside: one SELECT on a private copy of a database. In: JSON with `sql`, `tables`, `rows`. Out: JSON for the worker.

Nothing but reading the named tables is authorised, whatever the statement says; the copy is gone with the process.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

_FUNCTIONS = frozenset(
    ("count", "sum", "avg", "min", "max", "coalesce", "nullif", "round", "abs", "ceil", "ceiling", "floor", "lower",
     "upper", "length", "trim", "ltrim", "rtrim", "substr", "substring", "concat", "replace", "group_concat", "like",
     "row_number", "current_date", "current_timestamp", "iif", "total")
)  # fmt: skip
_ATTACHED = 0
_LONGEST = 10_000
_VALUE = 4000


def read(asked: bytes) -> bytes:
    """The columns and rows, or the kind of error."""
    given = json.loads(asked)
    connection = sqlite3.connect("file:data.db?mode=ro&immutable=1", uri=True)
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, _ATTACHED)
        connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 4 * _LONGEST)
        connection.set_authorizer(_authorizer({name.lower().removeprefix("main.") for name in given["tables"]}))
        found = connection.execute(given["sql"])
        rows = found.fetchmany(given["rows"])
        columns = [one[0] for one in found.description or ()]
        return json.dumps({"columns": columns, "rows": [[_value(one) for one in row] for row in rows]}).encode()
    except sqlite3.Error as broken:
        return json.dumps({"error": type(broken).__name__}).encode()
    finally:
        connection.close()


def _authorizer(tables: set[str]) -> Any:
    def authorise(
        action: int, first: str | None, second: str | None, database: str | None, _trigger: str | None
    ) -> int:
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and (first or "").lower() in tables and database in (None, "", "main"):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FUNCTIONS:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    return authorise


def _value(one: Any) -> Any:
    if one is None or isinstance(one, (int, float)):
        return one
    text = one if isinstance(one, str) else f"({len(one)} bytes)"
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}..."
