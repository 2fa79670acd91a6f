"""Which SQL a model may have run: one SELECT over listed tables, of parts that are known to read and do nothing else.

What is not named here is refused. What passes is written anew from what was understood, so that nothing is run that was
read otherwise than the database reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

MAX_SQL: Final = 8000
Dialect = Literal["postgres", "sqlite"]
_MAX_PARTS: Final = 2000


class SqlRefused(Exception):
    """A query that may not be run. The text says what is in the way, for the model."""


_QUERY: Final = (
    exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset,
    exp.Distinct, exp.Subquery, exp.Union, exp.Intersect, exp.Except, exp.Table, exp.TableAlias, exp.Alias, exp.Column,
    exp.Identifier, exp.Star, exp.Paren, exp.Tuple,
)  # fmt: skip
_VALUES: Final = (exp.Literal, exp.Boolean, exp.Null, exp.Interval, exp.Var, exp.DataType, exp.DataTypeParam)
_OPERATORS: Final = (
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between, exp.Like,
    exp.ILike, exp.Escape, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.DPipe, exp.Case, exp.If,
    exp.Exists, exp.NullSafeEQ, exp.NullSafeNEQ,
)  # fmt: skip
_FUNCTIONS: Final = (
    exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Coalesce, exp.Nullif, exp.Round, exp.Abs, exp.Ceil, exp.Floor,
    exp.Lower, exp.Upper, exp.Length, exp.Trim, exp.Substring, exp.Concat, exp.Cast, exp.Extract, exp.TimestampTrunc,
    exp.CurrentDate, exp.CurrentTimestamp, exp.GroupConcat, exp.Filter, exp.Window,
    exp.RowNumber, exp.Greatest, exp.Least, exp.Replace,
)  # fmt: skip
_KNOWN: Final = frozenset((*_QUERY, *_VALUES, *_OPERATORS, *_FUNCTIONS))
_TYPES: Final = frozenset(
    getattr(exp.DataType.Type, name)
    for name in (
        "INT", "BIGINT", "SMALLINT", "DECIMAL", "DOUBLE", "FLOAT", "TEXT", "VARCHAR", "CHAR", "BOOLEAN", "DATE", "TIME",
        "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL", "UUID",
    )
)  # fmt: skip


def checked(sql: str, tables: Sequence[str], rows: int, dialect: Dialect = "postgres") -> str:
    """The statement to run, limited to `rows`. `tables` are names, or schema.name, as the database keeps them.

    Raises SqlRefused.
    """
    if len(sql) > MAX_SQL or "\0" in sql:
        raise SqlRefused(f"A query has {MAX_SQL} characters at most.")
    query = _parsed(sql, dialect)
    parts = list(query.walk())
    if len(parts) > _MAX_PARTS:
        raise SqlRefused("This query is too long.")
    for part in parts:
        _check(part)
    named = {name.lower() for name in tables}
    for table in query.find_all(exp.Table):
        _check_table(table, named)
    return (
        exp.select("*").from_(query.subquery("answer")).limit(rows).sql(dialect=dialect, identify=True, comments=False)
    )


def _parsed(sql: str, dialect: Dialect) -> exp.Query:
    try:
        found = [one for one in parse(sql, dialect=dialect) if one is not None]
    except (SqlglotError, RecursionError, ValueError):
        raise SqlRefused("This is no SQL that is understood here.") from None
    if len(found) != 1 or not isinstance(found[0], exp.Select | exp.SetOperation):
        raise SqlRefused("One SELECT may be run, and nothing else.")
    query: exp.Query = normalize_identifiers(found[0], dialect=dialect)
    return query


def _check(part: exp.Expr) -> None:
    if type(part) not in _KNOWN:
        raise SqlRefused(f"{type(part).__name__} may not be used here.")
    if isinstance(part, exp.DataType) and part.this not in _TYPES:
        raise SqlRefused("This type may not be used here.")
    if isinstance(part, exp.Identifier) and not part.this:
        raise SqlRefused("A name is empty.")


def _check_table(table: exp.Table, named: set[str]) -> None:
    """A plain name: no function in a table's place, no other database, nothing hung on it."""
    if not isinstance(table.this, exp.Identifier) or table.catalog:
        raise SqlRefused("Only tables may be read.")
    if any(value for key, value in table.args.items() if key not in {"this", "db", "alias"}):
        raise SqlRefused("A table is named by its name only.")
    name = f"{table.db}.{table.name}" if table.db else table.name
    if name.lower() not in named or name != name.lower():
        raise SqlRefused("This table may not be read.")
