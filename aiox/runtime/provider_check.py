"""Whether a provider takes a credential: one real request to its list of models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, Protocol

import aiohttp

TIMEOUT_S: Final = 10.0
MAX_BYTES: Final = 1 << 16
"""What is read of a refusal, to tell an expired key from a wrong one."""

Found = Literal["untested", "valid", "invalid", "expired"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider is asked. `path` is one that only a good key opens; `key_header` how it wants the key."""

    base: str
    path: str = "/models"
    key_header: str = "Authorization"
    headers: Mapping[str, str] = field(default_factory=dict)


ENDPOINTS: Final[Mapping[str, Endpoint]] = MappingProxyType(
    {
        "openai": Endpoint("https://api.openai.com/v1"),
        "mistral": Endpoint("https://api.mistral.ai/v1"),
        "groq": Endpoint("https://api.groq.com/openai/v1"),
        "deepseek": Endpoint("https://api.deepseek.com/v1"),
        "xai": Endpoint("https://api.x.ai/v1"),
        "openrouter": Endpoint("https://openrouter.ai/api/v1", "/key"),
        "anthropic": Endpoint(
            "https://api.anthropic.com/v1", key_header="x-api-key", headers={"anthropic-version": "2023-06-01"}
        ),
        "ollama": Endpoint("http://127.0.0.1:11434/v1"),
    }
)
"""Providers that can be tested without being told where they are."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a test found, and a sentence for the owner. `untested`: the provider said nothing about the key."""

    status: Found
    reason: str = ""


class ProviderCheck(Protocol):
    """Tests a credential. Never raises for what a provider or a network does."""

    async def __call__(self, provider: str, api_base: str, key: str) -> Checked:
        """Asks the provider, at `api_base` when one is given, at most TIMEOUT_S long."""


async def check_provider(provider: str, api_base: str, key: str) -> Checked:
    """The real test. No proxy, redirect or cookie; the answer's words are not repeated, they may quote the key."""
    endpoint = ENDPOINTS.get(provider, Endpoint(""))
    base = (api_base or endpoint.base).rstrip("/")
    if not base:
        return Checked("untested", "The hub does not know where to test this provider. Give its api_base.")
    value = f"Bearer {key}" if endpoint.key_header == "Authorization" else key
    headers = {**endpoint.headers, endpoint.key_header: value} if key else dict(endpoint.headers)
    path = "/models" if api_base else endpoint.path
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S), trust_env=False) as session,
            session.get(f"{base}{path}", headers=headers, allow_redirects=False) as answer,
        ):
            return _judged(answer.status, await answer.content.read(MAX_BYTES))
    except TimeoutError:
        return Checked("untested", f"The provider did not answer within {TIMEOUT_S:.0f} s. Test it again later.")
    except (aiohttp.ClientError, OSError, ValueError) as failed:
        return Checked("untested", f"The provider could not be reached ({type(failed).__name__}). Check its api_base.")


def _judged(status: int, body: bytes) -> Checked:
    if status == 200:
        return Checked("valid")
    if status in (401, 403):
        if "expired" in _code(body):
            return Checked("expired", "The provider says that this key has expired. Put a new one.")
        return Checked("invalid", "The provider refused this key. Put the right one.")
    return Checked("untested", f"The provider answered {status} and said nothing about the key. Test it again later.")


def _code(body: bytes) -> str:
    """The error's code and type, as OpenAI-compatible endpoints name them; empty for anything else."""
    try:
        error = json.loads(body)["error"]
        return f"{error.get('code', '')} {error.get('type', '')}".lower()
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
