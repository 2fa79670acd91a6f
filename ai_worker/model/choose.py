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
    if choice.provider == "openai" and choice.api_base:
        return OpenAiStream(choice, session)
    return LiteLlm(choice)
