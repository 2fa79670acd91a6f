"""What a decision rests on, and how Cedar sees it: the schema that every policy is checked against."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from aiox.kernel.actions import Action
from policy.access import Relation

RISKS: Final = ("", "low", "medium", "high", "critical")
"""Of a tool, in rising order; empty when no tool is asked for."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One question: may `actor` do `action` to `resource`? What is not known is empty, and empty opens nothing."""

    action: str
    """A canonical action; anything else is refused before a policy is asked."""
    relation: Relation
    """What the actor is to the thing asked for."""
    actor: str = ""
    """Bare JID that the hub vouches for; empty for somebody who has not signed in."""
    roles: frozenset[str] = frozenset()
    """Roles that the actor holds where the thing belongs."""
    resource: str = ""
    """Id of the thing, an agent's for instance."""
    channel: str = ""
    """xmpp | http | shell"""
    tool: str = ""
    risk: str = ""
    """Of the tool, one of RISKS."""
    read_only: bool = False
    """Whether the tool changes nothing anywhere."""
    recipients: frozenset[str] = frozenset()
    """Hosts or addresses that the call would send data to."""
    second_factor: bool = False
    """Whether the actor has shown one in this session."""
    proof: str = ""
    """How the domain of the actor's address was proven: local | certificate | pinned | dialback; empty: not by XMPP."""

    @property
    def request(self) -> dict[str, Any]:
        """The question in cedarpy's form."""
        return {
            "principal": {"type": "Person", "id": self.actor},
            "action": {"type": "Action", "id": str(self.action)},
            "resource": {"type": "Thing", "id": self.resource},
            "context": {
                "relation": str(self.relation),
                "roles": sorted(self.roles),
                "domain": self.actor.rpartition("@")[2],
                "channel": self.channel,
                "tool": self.tool,
                "risk": self.risk,
                "read_only": self.read_only,
                "recipients": sorted(self.recipients),
                "second_factor": self.second_factor,
                "proof": self.proof,
            },
        }


def schema_text() -> str:
    """The Cedar schema: every action, a person, a thing, and the facts as `context`."""
    actions = ", ".join(json.dumps(str(action)) for action in Action)
    return f"""entity Person;
entity Thing;
type Facts = {{
  "relation": String, "roles": Set<String>, "domain": String, "channel": String, "tool": String, "risk": String,
  "read_only": Bool, "recipients": Set<String>, "second_factor": Bool,
  "proof": String,
}};
action {actions} appliesTo {{ principal: Person, resource: Thing, context: Facts }};
"""
