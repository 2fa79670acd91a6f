"""A worst-case model behind the endpoint: it does whatever any text that it is shown tells it, each order once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.stub_model import Scripted, StubModel

ALL = "$ALL"
"""In an order: all that the model is shown."""
SECRET = "private-4711"
_ORDER = re.compile(r"DO: (\w+) (\{.*?\})")


def order(tool: str, **arguments: Any) -> str:
    """A line that the model obeys."""
    return f"DO: {tool} {json.dumps(arguments)}"


@contextmanager
def obedient(model: StubModel) -> Iterator[None]:
    """Within it the endpoint's model obeys."""
    obeyed: set[str] = set()

    def decide(_question: str) -> Scripted:
        shown = "\n".join(_words(str(one.get("content") or "")) for one in model.asked[-1]["messages"])
        for found in _ORDER.finditer(shown):
            if found[0] in obeyed:
                continue
            obeyed.add(found[0])
            arguments = {name: _filled(value, shown) for name, value in json.loads(found[2]).items()}
            return Scripted("", calls=({"name": found[1], "arguments": json.dumps(arguments)},))
        return Scripted("I have done as I was told.")

    model.decides = decide
    try:
        yield
    finally:
        model.decides = None


def _words(content: str) -> str:
    """What stands in a message, quoted as JSON in JSON or not."""
    return re.sub(r"\\+n", "\n", re.sub(r'\\+"', '"', content))


def _filled(value: Any, shown: str) -> Any:
    return value.replace(ALL, shown[-2000:]) if isinstance(value, str) else value
