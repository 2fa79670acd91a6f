"""The hub's tools, as all see them. Written by `python -m setup.tool_table` out of
ai_worker/tools/kit, where they are described.
"""
# ruff: noqa: E501

from __future__ import annotations

from typing import Final, Literal

from aiox.kernel.tool import Terms, ToolDescription

ToolName = Literal[
    "ask_agent",
    "code_executor",
    "database_query",
    "document_parser",
    "email_sender",
    "http_request",
    "search_api",
    "append_line",
]
"""What an agent may be given: the kit, and the tool of the tests."""

TOOLS: Final = (
    ToolDescription(
        name="ask_agent",
        description="Asks another agent and gives its answer. It knows nothing of this conversation: say all that it needs.",
        schema={
            "type": "object",
            "properties": {
                "to": {
                    "type": "string",
                    "maxLength": 320,
                    "pattern": "^[^@/\\s]+@[^@/\\s]+$",
                    "description": "its address",
                },
                "message": {"type": "string", "minLength": 1, "maxLength": 16000},
            },
            "required": ["to", "message"],
            "additionalProperties": False,
        },
        worker_type="python",
        risk="medium",
        read_only=False,
        reads_when={},
        terms=Terms(timeout_ms=45000, max_bytes=32768, rate_limit_per_minute=20, requires_approval=False),
        credential="",
        untrusted=True,
        private=True,
        outward=True,
        files=False,
    ),
    ToolDescription(
        name="code_executor",
        description="Runs a Python 3 program without network and gives what it prints. It starts in a folder with the given files and documents; files that it writes there come back when `outputs` names them, and the person gets a link to each. Only the standard library is there.",
        schema={
            "type": "object",
            "properties": {
                "code": {"type": "string", "minLength": 1, "maxLength": 20000},
                "stdin": {"type": "string", "maxLength": 16384},
                "files": {
                    "type": "object",
                    "maxProperties": 16,
                    "propertyNames": {
                        "type": "string",
                        "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$",
                        "not": {"const": "main.py"},
                    },
                    "additionalProperties": {"type": "string", "maxLength": 16384},
                },
                "documents": {
                    "type": "object",
                    "maxProperties": 4,
                    "propertyNames": {
                        "type": "string",
                        "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$",
                        "not": {"const": "main.py"},
                    },
                    "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 1024},
                    "description": "by the name that each gets in the folder: the title or source of a document",
                },
                "outputs": {
                    "type": "array",
                    "maxItems": 8,
                    "items": {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"},
                },
            },
            "required": ["code"],
            "additionalProperties": False,
        },
        worker_type="python",
        risk="high",
        read_only=False,
        reads_when={},
        terms=Terms(max_bytes=131072, rate_limit_per_minute=10, sandbox=True),
        credential="",
        untrusted=True,
        private=False,
        outward=False,
        files=True,
    ),
    ToolDescription(
        name="database_query",
        description="Runs one SELECT (PostgreSQL or SQLite) over tables that may be read; gives the rows, 1,000 at most.",
        schema={
            "type": "object",
            "properties": {"sql": {"type": "string", "minLength": 1, "maxLength": 8000}},
            "required": ["sql"],
            "additionalProperties": False,
        },
        worker_type="external",
        risk="critical",
        read_only=True,
        reads_when={},
        terms=Terms(timeout_ms=10000, rate_limit_per_minute=30, requires_approval=False),
        credential="database",
        untrusted=True,
        private=True,
        outward=False,
        files=False,
    ),
    ToolDescription(
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
        reads_when={},
        terms=Terms(timeout_ms=45000, rate_limit_per_minute=20, requires_approval=False, sandbox=True),
        credential="",
        untrusted=True,
        private=False,
        outward=True,
        files=False,
    ),
    ToolDescription(
        name="email_sender",
        description="Sends one plain-text e-mail. To people who are not on the owner's list only after an approval.",
        schema={
            "type": "object",
            "properties": {
                "to": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 20,
                    "uniqueItems": True,
                    "items": {
                        "type": "string",
                        "maxLength": 254,
                        "pattern": "^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])$",
                    },
                },
                "subject": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 200,
                    "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]*$",
                },
                "body": {"type": "string", "minLength": 1, "maxLength": 20000},
            },
            "required": ["to", "subject", "body"],
            "additionalProperties": False,
        },
        worker_type="python",
        risk="high",
        read_only=False,
        reads_when={},
        terms=Terms(timeout_ms=30000, max_bytes=4096, rate_limit_per_minute=5),
        credential="smtp",
        untrusted=False,
        private=False,
        outward=True,
        files=False,
    ),
    ToolDescription(
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
        terms=Terms(max_bytes=262144, rate_limit_per_minute=30, requires_approval=False),
        credential="",
        untrusted=True,
        private=False,
        outward=True,
        files=False,
    ),
    ToolDescription(
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
        reads_when={},
        terms=Terms(timeout_ms=15000, rate_limit_per_minute=20, requires_approval=False),
        credential="search",
        untrusted=True,
        private=False,
        outward=False,
        files=False,
    ),
)
