"""CSV to text: a line for each row that says every value with its column, so that a row means something alone. Pure."""

from __future__ import annotations

import csv
import io
from typing import Final

from ai_worker.parsing.text import Unreadable

MAX_FIELD: Final = 131_072
_DELIMITERS: Final = ",;\t|"


def read_csv(text: str) -> str:
    """`column: value; column: value` for each row; the first row names the columns. Raises Unreadable."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=_delimiter(text)) if any(map(str.strip, row))]
    except csv.Error as damaged:
        raise Unreadable("The table is damaged, or a field is longer than 131,072 characters.") from damaged
    if not rows:
        return ""
    names = [name.strip() or f"column {number}" for number, name in enumerate(rows[0], 1)]
    if len(rows) == 1:
        return "; ".join(names)
    return "\n\n".join(_said(names, row) for row in rows[1:])


def _delimiter(text: str) -> str:
    """What separates the fields: of the usual marks the one that the first line has most of."""
    first = text.lstrip().partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def _said(names: list[str], row: list[str]) -> str:
    named = [*names, *(f"column {number}" for number in range(len(names) + 1, len(row) + 1))]
    pairs = zip(named, row, strict=False)
    return "; ".join(f"{name}: {' '.join(value.split())}" for name, value in pairs if value.strip())
