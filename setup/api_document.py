"""Writes web/openapi.json, from which the pages' types are made; `--check` says whether it is out of date."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final, cast

from gateway.app import make_api
from setup.generated import written

DOCUMENT: Final = Path(__file__).parents[1] / "web" / "openapi.json"


_WORDS: Final = frozenset({"description", "title", "summary", "example", "examples", "operationId"})


def document() -> str:
    """What types need of the OpenAPI document: no words, and of the answers those that are not refusals."""
    described = make_api(cast("Any", None), cast("Any", None), Path("no-pages")).openapi()
    for path in described["paths"].values():
        for operation in path.values():
            answers = operation["responses"].items()
            operation["responses"] = {status: one for status, one in answers if status.startswith("2")}
    return json.dumps(_plain(described), indent=1, sort_keys=True) + "\n"


def _plain(found: Any) -> Any:
    if isinstance(found, list):
        return [_plain(one) for one in found]
    if not isinstance(found, dict):
        return found
    return {name: _plain(one) for name, one in found.items() if name not in _WORDS or isinstance(one, dict)}


if __name__ == "__main__":
    sys.exit(written(DOCUMENT, document, "setup.api_document"))
