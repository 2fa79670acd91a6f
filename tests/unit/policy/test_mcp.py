"""Which tools of MCP servers a turn may ask for."""

from __future__ import annotations

from aiox.kernel.agent import McpServer
from aiox.kernel.mcp import SeenTool, seen_tool
from policy.mcp import Known, Standing, changed, offered, pinned, standing, with_mcp
from policy.tools import AllowedTools

SERVER = McpServer(name="files", transport="stdio", command=("files",), allowed_tools=("read", "write", "gone"))


def seen(name: str, said: str = "") -> SeenTool:
    found = seen_tool(SERVER, name, said, {"type": "object"})
    assert found is not None
    return found


READ, WRITE, LIST = seen("read"), seen("write"), seen("list")
KNOWN = Known((LIST, READ, WRITE), {"read": READ.digest, "write": "0" * 64, "list": LIST.digest, "gone": "1" * 64})


def test_a_tool_stands_by_its_pin() -> None:
    found = {name: standing(SERVER, name, KNOWN) for name in ("read", "write", "gone", "list")}
    assert found == {
        "read": Standing.APPROVED,
        "write": Standing.CHANGED,
        "gone": Standing.GONE,
        "list": Standing.NOT_LISTED,
    }
    assert standing(SERVER, "read", Known((READ,))) is Standing.NEW
    assert standing(SERVER, "read", Known()) is Standing.NEW


def test_only_what_is_what_was_approved_is_offered() -> None:
    assert [tool.name for tool in offered([SERVER], {"files": KNOWN})] == ["files__read"]
    assert offered([SERVER], {}) == ()
    assert offered([SERVER], {"other": KNOWN}) == ()


def test_a_versions_own_pin_stands_before_an_approval() -> None:
    pins = SERVER.model_copy(update={"schema_digests": {"read": "2" * 64, "write": WRITE.digest}})
    assert pinned(pins, "read", KNOWN.approved) == "2" * 64
    assert [tool.name for tool in offered([pins], {"files": KNOWN})] == ["files__write"]


def test_what_is_listed_and_not_there_counts_as_refused() -> None:
    own = AllowedTools(("search_api",), ("nonsense",))
    found = with_mcp(own, [SERVER], offered([SERVER], {"files": KNOWN}))
    assert found.names == ("search_api", "files__read")
    assert found.refused == ("nonsense", "files__write", "files__gone")
    assert with_mcp(own, (), ()) == own


def test_a_change_is_of_what_could_be_called_before() -> None:
    assert changed(SERVER, KNOWN, (READ, WRITE)) == ()
    assert changed(SERVER, KNOWN, (seen("read", "Reads all."),)) == ("read",)
    assert changed(SERVER, KNOWN, ()) == ("read",)
