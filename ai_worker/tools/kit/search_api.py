"""Searches the web by the endpoint of a credential: SearXNG, or what answers like it at `/search?format=json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus

from ai_worker.tools.port import Given, Means, ToolFailed
from aiox.kernel.tools import Terms, ToolDescription
from aiox.runtime.egress.transport import PORTS, Outgoing
from aiox.runtime.egress.urls import Blocked, is_named, read_url

DESCRIPTION: Final = ToolDescription(
    name="search_api",
    description="Searches the web and gives titles, addresses and short texts of what was found.",
    schema={
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "maxLength": 400},
            "limit": {"type": "integer", "minimum": 1, "maximum": 20, "default": 8},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
    worker_type="external",
    risk="medium",
    read_only=True,
    terms=Terms(timeout_ms=15_000, max_bytes=64 * 1024, rate_limit_per_minute=20, requires_approval=False),
    credential="search",
    untrusted=True,
)
_MAX_ANSWER: Final = 2 << 20
_MAX_TEXT: Final = 600


class SearchApi:
    """See DESCRIPTION."""

    name = DESCRIPTION.name

    def __init__(self, means: Means) -> None:
        self._egress = means.egress

    async def run(self, arguments: Mapping[str, Any], given: Given) -> str:
        """What was found, as JSON. Only hosts that the policy names, when it names any."""
        base = given.endpoint.rstrip("/")
        host = base.partition("//")[2].partition("/")[0]
        answer = await self._egress.fetch(
            Outgoing(
                url=f"{base}/search?q={quote_plus(arguments['query'])}&format=json",
                allowed=(host.rpartition(":")[0] or host,),
                headers={"Authorization": f"Bearer {given.secret}"} if given.secret else {},
                timeout_s=given.terms.timeout_ms / 1000,
                max_bytes=_MAX_ANSWER,
            )
        )
        if answer.status != 200 or not answer.whole:
            raise ToolFailed(f"The search endpoint answered with status {answer.status}.")
        found = [one for one in _results(answer.body) if _may_show(one["url"], given.terms.allowed_domains)]
        return json.dumps(found[: arguments.get("limit", 8)], ensure_ascii=False)


def _results(body: bytes) -> list[dict[str, str]]:
    try:
        results = json.loads(body)["results"]
        return [
            {
                "title": str(one["title"])[:200],
                "url": str(one["url"]),
                "text": str(one.get("content") or "")[:_MAX_TEXT],
            }
            for one in results
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ToolFailed("The search endpoint gave no answer in SearXNG's form.") from None


def _may_show(url: str, domains: tuple[str, ...]) -> bool:
    try:
        target = read_url(url, PORTS)
    except Blocked:
        return False
    return not domains or is_named(target.host, domains)


make = SearchApi
