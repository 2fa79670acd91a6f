"""Models that the hub does not have are refused when an agent is saved and published, not only when it is asked."""

from __future__ import annotations

from typing import Final

from aiox.commands.hub import Hub
from aiox.kernel.agent import LlmConfig
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from policy.credentials import is_allowed

RULE_MODELS: Final = "C2 model-not-listed"


def refused_models(hub: Hub, config: LlmConfig) -> Refused | None:
    """PROVIDER_NOT_ALLOWED, naming the model, when the agent's own or a fallback's is not on the hub's list.

    What is left out is the hub's own, as at dispatch, where all this is asked again: lists change.
    """
    desk = hub.providers
    wanted = [(config.provider, config.model), *((other.provider, other.model) for other in config.fallbacks)]
    for given_provider, given_model in wanted:
        provider, model = given_provider or desk.provider, given_model or desk.model
        if provider and not is_allowed(provider, model, desk.allowed):
            reason = f"{provider}/{model} is not on this hub's list of models (setting providers.allowed)."
            return Refused(ErrorCode.PROVIDER_NOT_ALLOWED, reason, (RULE_MODELS,))
    return None
