"""Asks a web server. Where it may go is the owner's list of domains; what it gets is nobody's word but the server's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ai_worker.tools.port import Given, Means
from aiox.kernel.canonical import Json
from aiox.kernel.tools import Terms, ToolDescription
from aiox.runtime.egress.transport import Incoming, Outgoing

DESCRIPTION: Final = ToolDescription(
    name="http_request",
    description="Sends one HTTP request to an allowed domain and gives status, type and text of the answer.",
    schema={
        "type": "object",
        "properties": {
            "url": {"type": "string", "maxLength": 4096, "description": "http or https, with host"},
            "method": {"enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], "default": "GET"},
            "headers": {
                "type": "object",
                "maxProperties": 20,
                "additionalProperties": {"type": "string", "maxLength": 4096},
            },
            "body": {"type": "string", "maxLength": 16384},
        },
        "required": ["url"],
        "additionalProperties": False,
    },
    worker_type="python",
    risk="medium",
    read_only=False,
    reads_when={"method": ("GET", "HEAD")},
    terms=Terms(timeout_ms=20_000, max_bytes=256 * 1024, rate_limit_per_minute=30, requires_approval=False),
    untrusted=True,
    outward=True,
)
_TEXT: Final = ("text/", "application/json", "application/xml", "application/javascript", "application/yaml")
_SHOWN: Final = ("content-type", "content-length", "last-modified", "etag", "location", "retry-after")


class HttpRequest:
    """See DESCRIPTION."""

    name = DESCRIPTION.name

    def __init__(self, means: Means) -> None:
        self._egress = means.egress

    async def run(self, arguments: Mapping[str, Any], given: Given) -> str:
        """The answer as JSON."""
        asked = Outgoing(
            url=arguments["url"],
            allowed=given.terms.allowed_domains,
            method=arguments.get("method", "GET"),
            headers=arguments.get("headers", {}),
            body=arguments.get("body", "").encode(),
            timeout_s=given.terms.timeout_ms / 1000,
            max_bytes=given.terms.max_bytes,
        )
        return json.dumps(_shown(await self._egress.fetch(asked)), ensure_ascii=False)


def _shown(answer: Incoming) -> Json:
    kind = answer.headers.get("content-type", "").lower()
    is_text = kind.startswith(_TEXT) or "+json" in kind or "+xml" in kind or not answer.body
    text = answer.body.decode(errors="replace") if is_text else f"({len(answer.body)} bytes that are no text)"
    return {
        "status": answer.status,
        "url": answer.url,
        "headers": {name: answer.headers[name] for name in _SHOWN if name in answer.headers},
        "body": text,
        "whole": answer.whole,
    }


make = HttpRequest
