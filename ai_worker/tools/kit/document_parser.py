"""Fetches a document from an allowed domain and reads it in the sandbox: PDF, DOCX, HTML, Markdown, CSV, text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ai_worker.parsing.text import Unreadable
from ai_worker.sandbox.parser import SandboxParser
from ai_worker.tools.port import Given, Means, ToolFailed
from aiox.kernel.tools import Terms, ToolDescription
from aiox.runtime.egress.transport import Outgoing

DESCRIPTION: Final = ToolDescription(
    name="document_parser",
    description="Fetches a document (PDF, DOCX, HTML, Markdown, CSV, text) from an allowed domain and gives its text.",
    schema={
        "type": "object",
        "properties": {
            "url": {"type": "string", "maxLength": 4096, "description": "http or https, with host"},
            "from": {
                "type": "integer",
                "minimum": 0,
                "default": 0,
                "description": "first character of the text to give",
            },
        },
        "required": ["url"],
        "additionalProperties": False,
    },
    worker_type="python",
    risk="low",
    read_only=True,
    terms=Terms(
        timeout_ms=45_000, max_bytes=64 * 1024, rate_limit_per_minute=20, requires_approval=False, sandbox=True
    ),
    untrusted=True,
    outward=True,
)
_MAX_DOCUMENT: Final = 20 << 20


class DocumentParser:
    """See DESCRIPTION."""

    name = DESCRIPTION.name

    def __init__(self, means: Means) -> None:
        self._means = means

    async def run(self, arguments: Mapping[str, Any], given: Given) -> str:
        """A part of its text, as JSON."""
        seconds = given.terms.timeout_ms / 1000
        url = arguments["url"]
        asked = Outgoing(url, given.terms.allowed_domains, timeout_s=seconds, max_bytes=_MAX_DOCUMENT)
        answer = await self._means.egress.fetch(asked)
        if answer.status != 200 or not answer.whole:
            raise ToolFailed(f"The document could not be fetched whole: status {answer.status}.")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        try:
            parsed = await SandboxParser(self._means.sandbox, seconds).parse(answer.body, kind, url.rpartition("/")[2])
        except Unreadable as why:
            raise ToolFailed(str(why)) from None
        begin = arguments.get("from", 0)
        part = parsed.text[begin : begin + given.terms.max_bytes // 4]
        return json.dumps(
            {"type": parsed.media_type, "characters": len(parsed.text), "from": begin, "text": part}, ensure_ascii=False
        )


make = DocumentParser
