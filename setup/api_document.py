"""Writes web/openapi.json, from which the pages' types are made; `--check` says whether it is out of date."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final, cast

from gateway.app import make_api

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


def main() -> int:
    """Writes the file, or with `--check` returns 1 when it is out of date."""
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(document())
        return 0
    if DOCUMENT.is_file() and DOCUMENT.read_text() == document():
        return 0
    print(f"{DOCUMENT} is out of date. Mend: python -m setup.api_document")  # noqa: T201 -- the gate's answer
    return 1


if __name__ == "__main__":
    sys.exit(main())
