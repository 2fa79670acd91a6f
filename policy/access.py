"""Who may do what (SPEC 3 and 6). Deny wins, silence is deny: what no profile names is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.verdict import Allow, Deny, Verdict


class Relation(StrEnum):
    """What an actor is to the thing asked for. Whatever is hidden, deleted or unknown is `none`."""

    OWNER = "owner"
    GRANTED = "granted"
    PUBLIC = "public"
    NONE = "none"


Profiles = Mapping[Action, frozenset[Relation]]

_ANYONE: Final = frozenset(Relation)
_OWNER: Final = frozenset({Relation.OWNER})

PROFILES: Final[Profiles] = MappingProxyType(
    {
        Action.ACCOUNT_CREATE: _ANYONE,
        Action.SESSION_CREATE: _ANYONE,
        Action.AGENT_CREATE: _OWNER,
        Action.AGENT_LIST: _OWNER,
        Action.AGENT_READ: _OWNER,
        Action.AGENT_INVOKE: frozenset({Relation.OWNER, Relation.GRANTED, Relation.PUBLIC}),
        Action.DOCUMENT_PUT: _OWNER,
        Action.DOCUMENT_LIST: _OWNER,
        Action.EXECUTION_LIST: _OWNER,
        Action.LEDGER_VERIFY: _OWNER,
        Action.PREFERENCES_READ: _OWNER,
        Action.PREFERENCES_PUT: _OWNER,
        Action.PREFERENCES_DELETE: _OWNER,
        Action.WORKER_LIST: _OWNER,
        Action.TURN_LIST: _OWNER,
        Action.TURN_READ: _OWNER,
        Action.TURN_RETRY: _OWNER,
        Action.TURN_DROP: _OWNER,
        Action.TURN_ANSWER: _OWNER,
        Action.HISTORY_READ: frozenset({Relation.OWNER, Relation.GRANTED, Relation.PUBLIC}),
        Action.EVENT_READ: _OWNER,
    }
)
"""One profile per action: the relations that may."""

RULE_RELATION: Final = "R0 who-may"
RULE_UNKNOWN: Final = "R1 unknown-action"
RULE_PROFILE: Final = "R2 no-profile"
RULE_POLICY: Final = "R3 no-policy"


def decide(action: str, relation: Relation, profiles: Profiles | None = PROFILES) -> Verdict:
    """Whether an actor of this relation may do `action`.

    Denies with UNKNOWN_ACTION, NO_POLICY (`profiles` is None), MISSING_PROFILE or ACCESS_DENIED, in that order.
    """
    try:
        known = Action(action)
    except ValueError:
        return _deny(ErrorCode.UNKNOWN_ACTION, RULE_UNKNOWN)
    if profiles is None:
        return _deny(ErrorCode.NO_POLICY, RULE_POLICY)
    allowed = profiles.get(known)
    if allowed is None:
        return _deny(ErrorCode.MISSING_PROFILE, RULE_PROFILE)
    if relation not in allowed:
        return _deny(ErrorCode.ACCESS_DENIED, RULE_RELATION)
    return Allow((f"{RULE_RELATION}:{relation}",))


def _deny(code: ErrorCode, rule: str) -> Deny:
    return Deny(code, SENTENCES[code], (rule,))
