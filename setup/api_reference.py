"""Writes docs/api-reference.md, every route of the API. `--check` only says whether the file is up to date."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from gateway.app import make_api
from gateway.routes.declared import ACTION_KEY
from setup.generated import written

DOCUMENT: Final = Path("docs/api-reference.md")
HEADER: Final = """# API reference

Every route of the HTTP API, in short. This page is generated from the code by `python -m setup.api_reference`; do not
edit it. The whole, with every field of every answer, is the OpenAPI 3.1 document that the gateway serves at
`/openapi.json`; what holds for all routes (tokens, errors, pages, limits, keys) stands in [api.md](api.md), who may do
what in [actions.md](actions.md).

Fields in bold are required. Beside the answers listed here, every route may answer 401, 403 or 404, 413, 415, 421, 422,
429, 500, 503 and 504 as [api.md](api.md) says.
"""
_COMMON: Final = frozenset({"401", "403", "404", "413", "415", "421", "422", "429", "500", "503", "504"})
_HEAD: Final = "\n| route | what it does | asks for | answers |\n|---|---|---|---|\n"


def document() -> str:
    """The whole page, as Markdown."""
    described = make_api(cast("Any", None), cast("Any", None), Path("no-pages")).openapi()
    groups: dict[str, list[str]] = {}
    for path, methods in sorted(described["paths"].items()):
        for method, operation in methods.items():
            groups.setdefault(_group(path), []).append(_row(path, method, operation, described))
    return HEADER + "".join(f"\n## {name}\n{_HEAD}{''.join(rows)}" for name, rows in sorted(groups.items()))


def _group(path: str) -> str:
    return path.split("/")[2].replace("-", " ") if path.startswith("/v1/") else "beside"


def _row(path: str, method: str, operation: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    says = str(operation.get("description") or operation.get("summary", "")).splitlines()[0].replace("|", "\\|")
    action = operation.get(ACTION_KEY, "")
    fields = [*_parameters(operation), *_fields(operation, described)]
    answers = [_answer(status, one) for status, one in operation["responses"].items() if status not in _COMMON]
    what = f"{says} (`{action}`)" if action else says
    return f"| `{method.upper()} {path}` | {what} | {', '.join(fields)} | {', '.join(answers)} |\n"


def _parameters(operation: Mapping[str, Any]) -> list[str]:
    """Of the query; those of the path stand in the route, headers in api.md."""
    return [
        _named(one["name"], one.get("required", False))
        for one in operation.get("parameters", ())
        if one["in"] == "query"
    ]


def _fields(operation: Mapping[str, Any], described: Mapping[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = _resolved(content.get("application/json", {}).get("schema", {}), described)
    if not schema and content:
        return ["a file"]
    required = schema.get("required", ())
    return [_named(name, name in required) for name in schema.get("properties", {})]


def _resolved(schema: Mapping[str, Any], described: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to; of alternatives, the first that has fields."""
    if "$ref" in schema:
        found: Mapping[str, Any] = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    several = (_resolved(one, described) for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ())))
    return next((one for one in several if "properties" in one), schema)


def _named(name: str, required: bool) -> str:
    return f"**`{name}`**" if required else f"`{name}`"


def _answer(status: str, answer: Mapping[str, Any]) -> str:
    for kind, one in answer.get("content", {}).items():
        reference = one.get("schema", {}).get("$ref", "")
        return f"{status} {reference.rpartition('/')[2] or kind}"
    return status


if __name__ == "__main__":
    sys.exit(written(DOCUMENT, document, "setup.api_reference"))
