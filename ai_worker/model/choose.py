"""Which models answer a turn, and what stands around them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeVar

import aiohttp

from ai_worker.model.bill import Bill, Billed
from ai_worker.model.breaker import Breaker
from ai_worker.model.litellm_model import LiteLlm
from ai_worker.model.metrics import ModelMetrics
from ai_worker.model.offline import Closeness, Offline
from ai_worker.model.openai_stream import OpenAiStream
from ai_worker.model.pace import Pace, Paced
from ai_worker.model.port import ChatModel, ModelFailed, Sleep
from ai_worker.model.resilient import Fallbacks, Guarded, Retrying
from ai_worker.model.terms import FREE, Terms
from ai_worker.words import ModelChoice
from aiox.runtime.clock import Clock
from aiox.runtime.telemetry import Part, no_part

OLLAMA_BASE: Final = "http://127.0.0.1:11434"
OFFLINE: Final = "offline"
"""The provider that names the built-in responder in an agent's list of fallbacks."""
MAX_BREAKERS: Final = 1000
"""Endpoints are the owners' to name: beyond this many the one used longest ago is forgotten, and so with paces."""
_Key = TypeVar("_Key")
_Kept = TypeVar("_Kept")


def needs_litellm(provider: str, api_base: str) -> bool:
    """Whether turns of this provider go through litellm, which takes seconds to import."""
    return bool(provider) and not (provider in {"ollama", OFFLINE} or (provider == "openai" and api_base))


@dataclass(slots=True)
class Models:
    """The models of one worker process: one HTTP session, and for all owners one breaker per endpoint and model.

    A pace is kept per credential too, under its digest: of a key nothing else outlives the turn.
    """

    session: aiohttp.ClientSession
    clock: Clock
    sleep: Sleep = asyncio.sleep
    terms: Terms = field(default_factory=Terms)
    metrics: ModelMetrics = field(default_factory=ModelMetrics)
    part: Part = no_part
    breakers: dict[tuple[str, str, str], Breaker] = field(default_factory=dict)
    paces: dict[tuple[str, str, str, bytes], Pace] = field(default_factory=dict)

    def choose(self, choices: Sequence[ModelChoice], closeness: Closeness, deadline: float, bill: Bill) -> ChatModel:
        """The models of a turn in the agent's order; all tries end by `deadline` (monotonic seconds), and each is put
        on the turn's `bill`.

        One for which neither key nor endpoint came with the turn is left out. Raises ModelFailed(AUTH_ERROR) when none
        is left.
        """
        models: list[ChatModel] = []
        for last, choice in enumerate(choices, 1 - len(choices)):
            try:
                models.append(self._one(choice, closeness, deadline, bill))
            except ModelFailed:
                if last == 0 and not models:
                    raise
        return models[0] if len(models) == 1 else Fallbacks(models)

    def _one(self, choice: ModelChoice, closeness: Closeness, deadline: float, bill: Bill) -> ChatModel:
        """Every try passes, from the outside in: the waiting between tries, the breaker, the pace, the bill."""
        model = bare(self.session, choice, closeness)
        if isinstance(model, Offline):
            return Billed(model, OFFLINE, FREE, bill, self.metrics, self.clock, self.part)
        price = self.terms.price(choice)
        billed = Billed(model, choice.provider, price, bill, self.metrics, self.clock, self.part)
        place = (choice.provider, choice.api_base, choice.name)
        of_key = (*place, hashlib.sha256(choice.api_key.encode()).digest())
        pace = _kept(self.paces, of_key, lambda: Pace(self.terms.per_minute(choice), self.clock.monotonic()))
        breaker = _kept(self.breakers, place, Breaker)
        paced = Paced(billed, pace, deadline, self.clock, self.sleep)
        tell = partial(self.metrics.breaker, choice.provider, choice.name)
        return Retrying(Guarded(paced, breaker, self.clock, tell), deadline, self.clock, self.sleep)


def _kept(kept: dict[_Key, _Kept], key: _Key, make: Callable[[], _Kept]) -> _Kept:
    """What stands under the key, made when it is missing; what was used longest ago makes room."""
    found = kept.pop(key) if key in kept else make()
    if len(kept) >= MAX_BREAKERS:
        kept.pop(next(iter(kept)))
    kept[key] = found
    return found


def bare(session: aiohttp.ClientSession, choice: ModelChoice, closeness: Closeness) -> ChatModel:
    """The offline responder when no provider is named, the endpoint itself where one is, else through litellm.

    Raises ModelFailed(AUTH_ERROR) when neither key nor endpoint came with the turn.
    """
    if choice.provider in {"", OFFLINE}:
        return Offline(closeness)
    if choice.provider == "ollama":
        # Ollama is asked through its OpenAI-compatible side.
        base = (choice.api_base or OLLAMA_BASE).rstrip("/")
        choice = replace(choice, provider="openai", api_base=base if base.endswith("/v1") else f"{base}/v1")
    if needs_litellm(choice.provider, choice.api_base):
        return LiteLlm(choice)
    return OpenAiStream(choice, session)
