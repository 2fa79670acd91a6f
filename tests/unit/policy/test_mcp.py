"""Which tools of MCP servers a turn may ask for."""

from __future__ import annotations

from uuid import UUID

from aiox.kernel.actions import Action
from aiox.kernel.agent import McpServer, ToolPolicy
from aiox.kernel.mcp import McpTool, SeenTool, seen_tool
from aiox.kernel.tools import call_id, known_tools
from policy.access import Relation
from policy.cedar.facts import Facts
from policy.cedar.judge import Policies, hub_level
from policy.cedar.level import Level
from policy.mcp import Known, Standing, changed, offered, pinned, standing, with_mcp
from policy.tool_gate import Read, judge_tool
from policy.tools import AllowedTools, Call

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


def judged(server: McpServer, labels: tuple[str, ...], policy: ToolPolicy) -> str:
    """The judge's word on the first call of a turn that has read so much."""
    free = server.model_copy(update={"policy": policy})
    tool = McpTool(free, READ)
    turn = UUID(int=1)
    call = Call(turn, 0, str(call_id(turn, 0)), tool.name, b"{}")
    level = hub_level(1, "")
    assert isinstance(level, Level)
    facts = Facts(Action.TOOL_CALL, Relation.OWNER, actor="ada@localhost", channel="xmpp")
    known = {**known_tools(""), tool.name: tool.description}
    offered_ = AllowedTools((tool.name,), ())
    decided = judge_tool(call, facts, Policies([level]), offered_, [tool], known, (), Read(frozenset(labels)))
    return type(decided.verdict).__name__


FREE = ToolPolicy(requires_approval=False)
REMOTE = McpServer(name="wiki", transport="http", url="https://wiki.example.org/mcp", allowed_tools=("read",))


def test_each_call_waits_for_a_person_unless_the_servers_policy_says_otherwise() -> None:
    assert judged(SERVER, (), ToolPolicy()) == "Hold"
    assert judged(SERVER, (), FREE) == "Allow"
    assert judged(SERVER, (), ToolPolicy(read_only=True)) == "Deny"


def test_what_leaves_to_a_server_elsewhere_is_under_the_rule_of_two() -> None:
    """Untrusted and private words before the model, and a server that its arguments reach: a person is asked."""
    both = ("model", "document")
    assert judged(REMOTE, ("model",), FREE) == "Allow"
    assert judged(REMOTE, both, FREE) == "Hold"
    assert judged(REMOTE, ("model", "memory", "tool:http_request"), FREE) == "Hold"
    assert judged(REMOTE, ("model", "tool:wiki__read"), FREE) == "Hold"
    assert judged(SERVER, both, FREE) == "Allow"  # in the sandbox: nothing leaves
