"""What the hub permits before anyone wrote a policy: the profiles of policy/access.py, said in Cedar."""

from __future__ import annotations

import json
from typing import Final

from policy.access import PROFILES, Profiles, Relation

PREFIX: Final = "R0 "
"""Begins the id of each of these rules; the action follows."""


def baseline(profiles: Profiles = PROFILES) -> str:
    """One permit for each action. A profile that names nobody makes no rule: silence is deny."""
    return "".join(_rule(str(action), allowed) for action, allowed in profiles.items() if allowed)


def _rule(action: str, allowed: frozenset[Relation]) -> str:
    head = f'@id("{PREFIX}{action}")\npermit(principal, action == Action::{json.dumps(action)}, resource)'
    if allowed == frozenset(Relation):
        return f"{head};\n"
    relations = ", ".join(json.dumps(str(relation)) for relation in Relation if relation in allowed)
    return f"{head}\nwhen {{ [{relations}].contains(context.relation) }};\n"
