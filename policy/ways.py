"""The ways in that are not HTTP routes (routes name their action themselves). With the routes, the map is total."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aiox.kernel.actions import Action

STANZAS: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "message": Action.AGENT_INVOKE,
        "presence": Action.AGENT_SEE,
        "iq": Action.HUB_DESCRIBE,
    }
)
"""Every kind of stanza that the XMPP door takes. A message that begins with a slash is one of CHAT instead."""

CHAT: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "help": Action.CHAT_HELP,
        "why": Action.CHAT_WHY,
        "quota": Action.CHAT_QUOTA,
        "pending": Action.CHAT_APPROVALS,
        "approve": Action.CHAT_APPROVALS,
        "cancel": Action.CHAT_CANCEL,
        "deny": Action.CHAT_APPROVALS,
        "memory": Action.CHAT_MEMORY,
        "remember": Action.CHAT_MEMORY,
        "forget": Action.CHAT_FORGET,
        "agents": Action.CHAT_AGENTS,
        "documents": Action.CHAT_DOCUMENTS,
        "new": Action.CHAT_NEW,
        "edit": Action.CHAT_EDIT,
        "publish": Action.CHAT_PUBLISH,
        "rollback": Action.CHAT_ROLLBACK,
        "delete": Action.CHAT_DELETE,
        "preferences": Action.CHAT_PREFERENCES,
        "mute": Action.CHAT_MUTE,
        "reset": Action.CHAT_RESET,
    }
)
"""Commands of a chat, by name, as text and as forms. What one does passes the gate under its own action, too."""

BESIDE: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "file": Action.DOCUMENT_ATTACH,
        "reaction": Action.ANSWER_REACT,
        "invitation": Action.ROOM_JOIN,
        "leave": Action.ROOM_LEAVE,
        "knock": Action.PEER_KNOCK,
    }
)
"""What a message may bring beside words to an agent, or in place of them. A stranger's, whatever it is, is a knock."""

WORKER: Final[Mapping[str, Action]] = MappingProxyType({"tool_asked": Action.TOOL_CALL})
"""Questions that a worker asks on the stream of a turn."""

SHELL: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "agent alias": Action.AGENT_ALIAS,
        "agent create": Action.AGENT_CREATE,
        "agent delete": Action.AGENT_DELETE,
        "agent diff": Action.AGENT_DIFF,
        "agent discard": Action.DRAFT_DISCARD,
        "agent documents add": Action.DOCUMENT_UPLOAD,
        "agent documents delete": Action.DOCUMENT_DELETE,
        "agent documents list": Action.DOCUMENT_LIST,
        "agent documents show": Action.DOCUMENT_READ,
        "agent draft": Action.DRAFT_READ,
        "agent edit": Action.AGENT_UPDATE,
        "agent executions": Action.EXECUTION_LIST,
        "agent list": Action.AGENT_LIST,
        "agent memories add": Action.MEMORY_ADD,
        "agent memories change": Action.MEMORY_CHANGE,
        "agent memories forget": Action.MEMORY_DELETE,
        "agent memories list": Action.MEMORY_LIST,
        "agent sources": Action.SOURCE_LIST,
        "agent mcp approve": Action.MCP_APPROVE,
        "agent mcp list": Action.MCP_LIST,
        "agent mcp look": Action.MCP_LOOK,
        "agent mcp withdraw": Action.MCP_WITHDRAW,
        "agent new": Action.AGENT_CREATE,
        "agent publish": Action.AGENT_PUBLISH,
        "agent purge": Action.AGENT_PURGE,
        "agent reactions": Action.REACTION_READ,
        "agent restore": Action.AGENT_RESTORE,
        "agent rooms context": Action.ROOM_CONTEXT,
        "agent rooms leave": Action.ROOM_LEAVE,
        "agent rooms list": Action.ROOM_LIST,
        "agent rollback": Action.AGENT_ROLLBACK,
        "agent share": Action.AGENT_GRANT,
        "agent show": Action.AGENT_READ,
        "agent templates": Action.TEMPLATE_LIST,
        "agent usage": Action.EXECUTION_COST,
        "agent version": Action.VERSION_READ,
        "agent versions": Action.VERSION_LIST,
        "approvals approve": Action.APPROVAL_APPROVE,
        "approvals deny": Action.APPROVAL_DENY,
        "approvals list": Action.APPROVAL_LIST,
        "approvals show": Action.APPROVAL_READ,
        "credential delete": Action.CREDENTIAL_DELETE,
        "credential list": Action.CREDENTIAL_LIST,
        "credential set": Action.CREDENTIAL_PUT,
        "credential test": Action.CREDENTIAL_TEST,
        "hub keys": Action.HUB_KEYS,
        "hub retire-key": Action.HUB_KEY_RETIRE,
        "hub rotate-key": Action.HUB_KEY_ROTATE,
        "hub unpin": Action.HUB_UNPIN,
        "key add": Action.KEY_ADD,
        "key list": Action.KEY_LIST,
        "key retire": Action.KEY_RETIRE,
        "key rotate": Action.KEY_ROTATE,
        "ledger checkpoint": Action.LEDGER_CHECKPOINTS,
        "ledger export": Action.LEDGER_EXPORT,
        "ledger keys": Action.LEDGER_CHECKPOINTS,
        "ledger list": Action.LEDGER_READ,
        "ledger proof": Action.LEDGER_PROVE,
        "ledger retire-key": Action.LEDGER_KEY_RETIRE,
        "ledger rotate-key": Action.LEDGER_KEY_ROTATE,
        "ledger seal": Action.LEDGER_SEAL,
        "ledger verify": Action.LEDGER_VERIFY,
        "ledger witnesses": Action.LEDGER_WITNESSES,
        "organisation create": Action.ORGANISATION_CREATE,
        "organisation invitations": Action.INVITATION_LIST,
        "organisation invite": Action.INVITATION_CREATE,
        "organisation list": Action.ORGANISATION_LIST,
        "organisation quota": Action.ORGANISATION_QUOTA_PUT,
        "organisation remove": Action.MEMBER_REMOVE,
        "organisation rename": Action.ORGANISATION_RENAME,
        "organisation role": Action.MEMBER_PUT,
        "organisation show": Action.ORGANISATION_READ,
        "organisation withdraw": Action.INVITATION_WITHDRAW,
        "peer accept": Action.INTRODUCTION_ACCEPT,
        "peer add": Action.PEER_PUT,
        "peer allow": Action.PEER_ALLOW,
        "peer block": Action.PEER_BLOCK,
        "peer decline": Action.INTRODUCTION_DECLINE,
        "peer introductions": Action.INTRODUCTION_LIST,
        "peer list": Action.PEER_LIST,
        "peer remove": Action.PEER_REMOVE,
        "peer show": Action.PEER_READ,
        "policy check": Action.POLICY_CHECK,
        "policy publish": Action.POLICY_PUBLISH,
        "policy rollback": Action.POLICY_ROLLBACK,
        "policy show": Action.POLICY_READ,
        "policy try": Action.POLICY_TRY,
        "quota clear": Action.QUOTA_DELETE,
        "quota list": Action.QUOTA_LIST,
        "quota set": Action.QUOTA_PUT,
        "turns cancel": Action.TURN_CANCEL,
        "turns drop": Action.TURN_DROP,
        "turns retract": Action.TURN_RETRACT,
        "turns list": Action.TURN_LIST,
        "turns retry": Action.TURN_RETRY,
        "turns show": Action.TURN_READ,
        "user activate": Action.USER_ACTIVATE,
        "user add": Action.ACCOUNT_CREATE,
        "user deactivate": Action.USER_DEACTIVATE,
        "user erase": Action.PERSON_ERASE,
        "user export": Action.PERSON_EXPORT,
        "user list": Action.USER_LIST,
        "user password": Action.USER_PASSWORD,
        "user preferences": Action.PREFERENCES_PUT,
        "user role": Action.USER_ROLE,
        "user sessions": Action.USER_SESSIONS,
        "user show": Action.USER_READ,
        "user totp": Action.USER_SECOND_FACTOR,
        "workers": Action.WORKER_LIST,
    }
)
"""Commands of the shell, by group and name. One that can do more than one thing stands by what it mostly does; what it
does is judged under its own action all the same.
"""

MACHINE: Final = frozenset(
    {
        *("up", "down", "reset", "run", "migrate", "trace", "top", "doctor", "chat"),
        *("backup create", "backup list", "backup verify", "restore", "autoscale", "prepare", "promote"),
    }
)
"""Commands that start, stop and look after this machine, or speak XMPP as anybody may: none asks the hub for more."""


def ways() -> Mapping[Action, tuple[str, ...]]:
    """Every way in that is not a route, by action."""
    found: dict[Action, tuple[str, ...]] = {}
    named = [(action, f"stanza `{kind}`") for kind, action in STANZAS.items()]
    named += [(action, f"chat `/{name}`") for name, action in CHAT.items()]
    named += [(action, f"`{what}` in a message") for what, action in BESIDE.items()]
    named += [(action, f"worker's `{question}`") for question, action in WORKER.items()]
    named += [(action, f"`aiox {command}`") for command, action in SHELL.items()]
    for action, way in named:
        found[action] = (*found.get(action, ()), way)
    return found
