"""Which models answer a turn, and what stands around them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import aiohttp

from ai_worker.model.breaker import Breaker
from ai_worker.model.litellm_model import LiteLlm
from ai_worker.model.offline import Closeness, Offline
from ai_worker.model.openai_stream import OpenAiStream
from ai_worker.model.port import ChatModel, ModelFailed
from ai_worker.model.resilient import Fallbacks, Guarded, Retrying, Sleep
from ai_worker.words import ModelChoice
from aiox.runtime.clock import Clock

OLLAMA_BASE: Final = "http://127.0.0.1:11434"
OFFLINE: Final = "offline"
"""The provider that names the built-in responder in an agent's list of fallbacks."""
MAX_BREAKERS: Final = 1000
"""Endpoints are the owners' to name: beyond this many the oldest is forgotten."""


def needs_litellm(provider: str, api_base: str) -> bool:
    """Whether turns of this provider go through litellm, which takes seconds to import."""
    return bool(provider) and not (provider in {"ollama", OFFLINE} or (provider == "openai" and api_base))


class Models:
    """The models of one worker process: one HTTP session, and one breaker per endpoint and model for all owners."""

    def __init__(self, session: aiohttp.ClientSession, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._session = session
        self._clock = clock
        self._sleep = sleep
        self._breakers: dict[tuple[str, str, str], Breaker] = {}

    def choose(self, choices: Sequence[ModelChoice], closeness: Closeness, deadline: float) -> ChatModel:
        """The models of a turn in the agent's order; all tries end by `deadline` (monotonic seconds).

        One for which neither key nor endpoint came with the turn is left out. Raises ModelFailed(AUTH_ERROR) when none
        is left.
        """
        models: list[ChatModel] = []
        for last, choice in enumerate(choices, 1 - len(choices)):
            try:
                models.append(self._one(choice, closeness, deadline))
            except ModelFailed:
                if last == 0 and not models:
                    raise
        return models[0] if len(models) == 1 else Fallbacks(models)

    def _one(self, choice: ModelChoice, closeness: Closeness, deadline: float) -> ChatModel:
        model = bare(self._session, choice, closeness)
        if isinstance(model, Offline):
            return model
        place = (choice.provider, choice.api_base, choice.name)
        if place not in self._breakers and len(self._breakers) >= MAX_BREAKERS:
            self._breakers.pop(next(iter(self._breakers)))
        breaker = self._breakers.setdefault(place, Breaker())
        return Retrying(Guarded(model, breaker, self._clock), deadline, self._clock, self._sleep)


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
