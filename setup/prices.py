"""Writes ai_worker/model/prices.json from the price map that the installed litellm carries (MIT licence, BerriAI).

`python -m setup.prices`: by hand, when litellm was raised. Nothing is fetched. The table keeps what the hub can use:
chat models of known providers, with what a million tokens cost in US dollars as input and as output.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

TABLE: Final = Path("ai_worker/model/prices.json")
SOURCE: Final = "model_prices_and_context_window_backup.json"
PROVIDERS: Final = (
    "anthropic",
    "deepseek",
    "gemini",
    "groq",
    "mistral",
    "openai",
    "openrouter",
    "perplexity",
    "together_ai",
    "xai",
)
_MILLION: Final = 1_000_000


def prices_of(known: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """`provider/model` to US dollars per million tokens, in and out. What has no price is left out."""
    found: dict[str, tuple[float, float]] = {}
    for name, entry in known.items():
        provider = entry.get("litellm_provider")
        if provider not in PROVIDERS or entry.get("mode") != "chat":
            continue
        price = [entry.get(f"{way}_cost_per_token") or 0.0 for way in ("input", "output")]
        if all(price) or name.endswith(":free"):
            model = name.removeprefix(f"{provider}/")
            found[f"{provider}/{model}"] = (_dollars(price[0]), _dollars(price[1]))
    return found


def _dollars(per_token: float) -> float:
    return round(per_token * _MILLION, 6)


def written(prices: Mapping[str, tuple[float, float]], source: str) -> str:
    """The table as JSON, a model a line."""
    lines = [f"  {json.dumps(name)}: [{cost[0]:g}, {cost[1]:g}]" for name, cost in sorted(prices.items())]
    head = f'{{\n"source": {json.dumps(source)},\n"usd_per_million_tokens": {{\n'
    return head + ",\n".join(lines) + "\n}\n}\n"


def main() -> int:
    """Writes the table; returns 1 when litellm is not installed."""
    found = find_spec("litellm")
    if found is None or found.origin is None:
        print("litellm is not installed here. Mend: make setup", file=sys.stderr)  # noqa: T201 -- a command line
        return 1
    known = json.loads((Path(found.origin).parent / SOURCE).read_text())
    source = f"{SOURCE} of litellm {version('litellm')}, MIT licence, Copyright (c) 2023 Berri AI"
    TABLE.write_text(written(prices_of(known), source))
    return 0


if __name__ == "__main__":
    sys.exit(main())
