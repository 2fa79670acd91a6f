"""What of a stranger's tools is offered, and what of them is pinned."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiox.kernel.agent import McpServer
from aiox.kernel.mcp import MAX_TOOL_BYTES, McpTool, host_of, plain_schema, read_seen, seen_tool, stored_seen, tool_name

LOCAL = McpServer(name="files", transport="stdio", command=("files",), allowed_tools=("read",))
REMOTE = McpServer(name="wiki", transport="http", url="https://wiki.example.org/mcp", credential="wiki-key")
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"path": {"type": "string"}}}


def test_a_name_that_a_model_may_call_is_unambiguous() -> None:
    assert tool_name("files", "read") == "files__read"
    assert len(tool_name("s" * 24, "t" * 38)) == 64
    assert seen_tool(LOCAL, "t" * 39, "", SCHEMA) is None
    for name in ("", "a b", "a.b", "ä", "a\n"):
        assert seen_tool(LOCAL, name, "", SCHEMA) is None


@pytest.mark.parametrize(
    "schema",
    [
        None, [], "object", {"type": "string"}, {},
        {"type": "object", "properties": {"a": {"$ref": "http://evil.test/schema"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/Missing"}}},
        {"type": "object", "$defs": {"A": {"$ref": "#/$defs/A"}}, "properties": {"a": {"$ref": "#/$defs/A"}}},
        {"type": "object", "$defs": {f"A{n}": {"anyOf": [{"$ref": f"#/$defs/A{n + 1}"}] * 4} for n in range(12)}
         | {"A12": {}}, "properties": {"a": {"$ref": "#/$defs/A0"}}},
        {"type": "object", "description": "x" * MAX_TOOL_BYTES},
        {"type": "object", "maximum": float("nan")},
    ],
)  # fmt: skip
def test_a_schema_that_could_do_harm_is_not_offered(schema: Any) -> None:
    assert seen_tool(LOCAL, "read", "", schema) is None


def test_references_are_written_out_and_patterns_left_out() -> None:
    schema = {
        "type": "object",
        "$defs": {"Pair": {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}},
        "properties": {"pair": {"$ref": "#/$defs/Pair", "description": "two"}},
    }
    pair = {"type": "object", "properties": {"a": {"type": "string"}}, "description": "two"}
    assert plain_schema(schema) == {"type": "object", "properties": {"pair": pair}}


def test_the_digest_is_over_the_servers_address_and_all_that_is_said() -> None:
    def digest(server: McpServer = LOCAL, name: str = "read", said: str = "Reads.", schema: Any = SCHEMA) -> str:
        found = seen_tool(server, name, said, schema)
        assert found is not None
        return found.digest

    other = LOCAL.model_copy(update={"command": ("files", "--all")})
    changed = SCHEMA | {"properties": {"path": {"type": "string", "description": "and more"}}}
    found = [
        digest(),
        digest(other),
        digest(name="write"),
        digest(said="Reads all."),
        digest(schema=changed),
        digest(REMOTE),
    ]
    assert len(set(found)) == len(found)
    assert digest() == digest(LOCAL.model_copy(update={"allowed_tools": (), "name": "other"}))


def test_what_a_worker_says_is_read_as_a_strangers_words() -> None:
    said = [
        {"name": name, "description": text, "schema": SCHEMA}
        for name, text in (("read", "Reads."), ("read", "Twice."), ("a b", ""))
    ]
    (tool,) = read_seen(LOCAL, json.dumps(said).encode())
    assert (tool.name, tool.description) == ("read", "Reads.")
    assert stored_seen(json.dumps([tool.as_json])) == (tool,)
    assert len(read_seen(LOCAL, json.dumps([{**said[0], "name": f"t{n}"} for n in range(100)]).encode())) == 64
    for wrong in (b"", b"{}x", b"[1]", b'[{"name": "x"}]', b"7"):
        with pytest.raises(ValueError, match=r".*"):
            read_seen(LOCAL, wrong)


def test_none_is_taken_to_be_harmless() -> None:
    seen = seen_tool(LOCAL, "read", "Reads.", SCHEMA)
    assert seen is not None
    here, there = McpTool(LOCAL, seen).description, McpTool(REMOTE, seen).description
    assert (here.name, here.worker_type, here.read_only, here.untrusted) == ("files__read", "mcp", False, True)
    assert (here.outward, here.private, here.credential) == (False, False, "")
    assert (there.outward, there.private, there.credential) == (True, True, "mcp")
    assert McpTool(LOCAL, seen).policy == "approval"
    assert (host_of(REMOTE), host_of(LOCAL)) == ("wiki.example.org", "")
