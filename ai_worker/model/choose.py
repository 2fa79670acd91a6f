"""Which model answers a turn."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import aiohttp

from ai_worker.model.litellm_model import LiteLlm
from ai_worker.model.offline import Closeness, Offline
from ai_worker.model.openai_stream import OpenAiStream
from ai_worker.model.port import ChatModel
from ai_worker.words import ModelChoice

OLLAMA_BASE: Final = "http://127.0.0.1:11434"


def needs_litellm(provider: str, api_base: str) -> bool:
    """Whether turns of this provider go through litellm, which takes seconds to import."""
    return bool(provider) and not (provider == "ollama" or (provider == "openai" and api_base))


def choose(session: aiohttp.ClientSession, choice: ModelChoice, closeness: Closeness) -> ChatModel:
    """The offline responder when no provider is named, the endpoint itself where one is, else through litellm.

    Raises ModelFailed(AUTH_ERROR) when neither key nor endpoint came with the turn.
    """
    if not choice.provider:
        return Offline(closeness)
    if choice.provider == "ollama":
        # Ollama is asked through its OpenAI-compatible side.
        base = (choice.api_base or OLLAMA_BASE).rstrip("/")
        choice = replace(choice, provider="openai", api_base=base if base.endswith("/v1") else f"{base}/v1")
    if needs_litellm(choice.provider, choice.api_base):
        return LiteLlm(choice)
    return OpenAiStream(choice, session)
