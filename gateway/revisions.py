"""The ETag of an agent: of its revision, which grows with every change of whatever is the agent's."""

from __future__ import annotations

from collections.abc import Callable

from aiox.kernel.ids import AgentId
from gateway.errors import Stopped
from gateway.etags import check, etag


def agent_etag(agent_id: AgentId, revision: int) -> str:
    """The tag of the agent in this state; its draft, its grants and its alias have the same."""
    return etag("agent", agent_id, revision)


def means(if_match: str | None, agent_id: AgentId) -> Callable[[int], bool]:
    """Whether a revision is the one that `If-Match` means, for a command to ask while it holds the agent."""

    def is_current(revision: int) -> bool:
        try:
            check(if_match, agent_etag(agent_id, revision))
        except Stopped:
            return False
        return True

    return is_current
