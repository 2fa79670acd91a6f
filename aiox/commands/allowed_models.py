"""Models that the hub does not have are refused when an agent is saved and published, not only when it is asked."""

from __future__ import annotations

from typing import Final

from aiox.commands.hub import Hub
from aiox.kernel.agent import DEFAULT_EMBEDDING_MODEL, LlmConfig, MemoryConfig
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from policy.credentials import is_allowed

RULE_MODELS: Final = "C2 model-not-listed"
RULE_EMBEDDING: Final = "C3 embedding-model"


def refused_models(hub: Hub, config: LlmConfig, memory: MemoryConfig) -> Refused | None:
    """PROVIDER_NOT_ALLOWED, naming the model, when the agent's own or a fallback's is not on the hub's list, or when
    its memory is to be embedded with another model than the hub has.

    What is left out is the hub's own, as at dispatch, where all this is asked again: lists change.
    """
    return _refused_model(hub, config) or _refused_embedding(hub, memory)


def _refused_embedding(hub: Hub, memory: MemoryConfig) -> Refused | None:
    """The default of SPEC 2 stands for the hub's own, whichever that is."""
    here, wanted = hub.providers.embedding_model, memory.embedding_model
    if wanted in {here, DEFAULT_EMBEDDING_MODEL}:
        return None
    reason = (
        f"This hub embeds all memories with {here} (384 numbers); {wanted} is not to be had. Mend: leave"
        " memory_config.embedding_model out, or have the operator set memory.embedding_model."
    )
    return Refused(ErrorCode.PROVIDER_NOT_ALLOWED, reason, (RULE_EMBEDDING,))


def _refused_model(hub: Hub, config: LlmConfig) -> Refused | None:
    desk = hub.providers
    wanted = [(config.provider, config.model), *((other.provider, other.model) for other in config.fallbacks)]
    for given_provider, given_model in wanted:
        provider, model = given_provider or desk.provider, given_model or desk.model
        if provider and not is_allowed(provider, model, desk.allowed):
            reason = f"{provider}/{model} is not on this hub's list of models (setting providers.allowed)."
            return Refused(ErrorCode.PROVIDER_NOT_ALLOWED, reason, (RULE_MODELS,))
    return None
