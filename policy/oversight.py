"""What an organisation's auditors see of its members: what is done with agents, nothing of a person's own (SPEC 5).

A record names the organisation that its owner belongs to only when its action is overseen.
"""

from __future__ import annotations

from typing import Final

from aiox.kernel.account import OrgRole

OVERSEEN: Final = frozenset(
    {"agent", "draft", "version", "avatar", "template", "document", "execution", "turn", "tool", "approval", "chat",
     "mcp", "policy", "organisation", "member", "invitation", "quota", "conversation", "answer", "reaction",
     "room"}
)  # fmt: skip
"""First words of actions and events: agents and what is done with them, the organisation itself."""
PRIVATE: Final = frozenset(
    {"account", "session", "second_factor", "password", "password_reset", "xmpp_token", "user", "preferences", "person",
     "credential", "history", "memory", "source", "event", "worker", "key", "ledger", "hub", "file", "peer",
     "introduction", "use"}
)  # fmt: skip
"""A person's own affairs, and the hub's."""
MAY_OVERSEE: Final = frozenset({OrgRole.OWNER, OrgRole.ADMIN, OrgRole.AUDITOR})
"""Who reads the records of an organisation."""


def is_overseen(action: str) -> bool:
    """Whether a record of this action or event names its owner's organisation. What is unknown is nobody else's."""
    return action.split(".", 1)[0] in OVERSEEN
