"""Which model answers a turn."""

from __future__ import annotations

from ai_worker.model.litellm_model import LiteLlm
from ai_worker.model.offline import Closeness, Offline
from ai_worker.model.port import ChatModel
from ai_worker.words import ModelChoice


def choose(choice: ModelChoice, closeness: Closeness) -> ChatModel:
    """The offline responder when no provider is named, else that provider. Raises ModelFailed(AUTH_ERROR)."""
    return LiteLlm(choice) if choice.provider else Offline(closeness)
