"""What holds for a model: what its tokens cost, and how often it may be asked. From settings, and a table of prices.

The table is a file of this package (setup/prices.py): nothing is fetched. What neither names has no price: its cost is
unknown, never zero.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from ai_worker.words import ModelChoice
from aiox.kernel.outcome import Usage
from aiox.runtime.provider_check import ENDPOINTS
from aiox.runtime.settings import ModelTerms

TABLE: Final = Path(__file__).with_name("prices.json")
_NANO_PER_MILLIONTH: Final = 1000
"""A dollar per million tokens is a thousand billionths per token."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input_usd: float
    output_usd: float

    def nanousd(self, usage: Usage) -> int:
        """What these tokens cost, in billionths of a US dollar."""
        dollars = usage.input_tokens * self.input_usd + usage.output_tokens * self.output_usd
        return round(dollars * _NANO_PER_MILLIONTH)


FREE: Final = Price(0.0, 0.0)
"""Of the built-in responder, which asks nobody."""


@dataclass(frozen=True, slots=True)
class PerMinute:
    """How much one credential may ask of one model in a minute; None: as much as it likes."""

    requests: int | None = None
    tokens: int | None = None


class Terms:
    """Looks up what the operator has set, in order, then the table."""

    def __init__(self, own: Sequence[ModelTerms] = (), prices: Mapping[str, Price] | None = None) -> None:
        """`prices` by `provider/model`; left out, those of the package."""
        self._own = tuple(own)
        self._prices = read_prices() if prices is None else prices

    def price(self, choice: ModelChoice) -> Price | None:
        """None when nobody knows. The table holds for a provider's own endpoint only: elsewhere others set prices."""
        for one in self._of(choice):
            if one.input_usd is not None and one.output_usd is not None:
                return Price(one.input_usd, one.output_usd)
        base = choice.api_base.rstrip("/")
        known = ENDPOINTS.get(choice.provider)
        if base and (known is None or base != known.base):
            return None
        return self._prices.get(f"{choice.provider}/{choice.name}")

    def per_minute(self, choice: ModelChoice) -> PerMinute:
        """The first of each figure that is set."""
        own = self._of(choice)
        requests = next((one.requests_per_minute for one in own if one.requests_per_minute), None)
        tokens = next((one.tokens_per_minute for one in own if one.tokens_per_minute), None)
        return PerMinute(requests, tokens)

    def _of(self, choice: ModelChoice) -> list[ModelTerms]:
        name = f"{choice.provider}/{choice.name}"
        return [one for one in self._own if fnmatchcase(name, one.match)]


def read_prices(path: Path = TABLE) -> Mapping[str, Price]:
    """The table. Raises OSError, ValueError or KeyError when it is not one."""
    table = json.loads(path.read_text())["usd_per_million_tokens"]
    return {name: Price(float(given), float(taken)) for name, (given, taken) in table.items()}
