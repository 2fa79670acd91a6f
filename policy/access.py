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
    """What an actor is to the thing asked for. Whatever is hidden, deleted or unknown is `none`.

    To an organisation it is the role of the membership, to what belongs to the hub itself the role on the hub.
    """

    OWNER = "owner"
    GRANTED = "granted"
    PUBLIC = "public"
    ORG_OWNER = "org_owner"
    ORG_ADMIN = "org_admin"
    ORG_APPROVER = "org_approver"
    ORG_AUDITOR = "org_auditor"
    ORG_MEMBER = "org_member"
    HUB_ADMIN = "hub_admin"
    HUB_AUDITOR = "hub_auditor"
    NONE = "none"


Profiles = Mapping[Action, frozenset[Relation]]

_ANYONE: Final = frozenset(Relation)
_OWNER: Final = frozenset({Relation.OWNER})
_RELATED: Final = frozenset({Relation.OWNER, Relation.GRANTED, Relation.PUBLIC})
_LAWGIVERS: Final = frozenset({Relation.OWNER, Relation.HUB_ADMIN, Relation.ORG_OWNER, Relation.ORG_ADMIN})
"""Of a policy: the operator and hub admins of the hub's, owners and admins of their organisation's."""
_APPROVER: Final = frozenset({Relation.OWNER, Relation.GRANTED})
"""Who asked for the call, and who may decide on it; of a room, who owns the agent, and a room it is shared with."""
_RULERS: Final = frozenset({Relation.ORG_OWNER, Relation.ORG_ADMIN})
_MEMBERS: Final = _RULERS | {Relation.ORG_APPROVER, Relation.ORG_AUDITOR, Relation.ORG_MEMBER}
_HUB_ADMIN: Final = frozenset({Relation.OWNER, Relation.HUB_ADMIN})
"""What belongs to the hub itself: its operator at the shell, and who has the role."""
_HUB_READER: Final = _HUB_ADMIN | {Relation.HUB_AUDITOR}

PROFILES: Final[Profiles] = MappingProxyType(
    {
        Action.ACCOUNT_CREATE: _ANYONE,
        Action.SESSION_CREATE: _ANYONE,
        Action.SESSION_REFRESH: _ANYONE,
        Action.SESSION_LIST: _OWNER,
        Action.SESSION_END: _OWNER,
        Action.SESSION_END_ALL: _OWNER,
        Action.SESSION_SIGN_OUT: _OWNER,
        Action.SECOND_FACTOR_BEGIN: _OWNER,
        Action.SECOND_FACTOR_CONFIRM: _OWNER,
        Action.SECOND_FACTOR_REMOVE: _OWNER,
        Action.ACCOUNT_SIGN_UP: _ANYONE,
        Action.ACCOUNT_CONFIRM: _ANYONE,
        Action.ACCOUNT_READ: _OWNER,
        Action.ACCOUNT_DEACTIVATE: _OWNER,
        Action.PASSWORD_CHANGE: _OWNER,
        Action.PASSWORD_RESET_BEGIN: _ANYONE,
        Action.PASSWORD_RESET_COMPLETE: _ANYONE,
        Action.XMPP_TOKEN_CREATE: _OWNER,
        Action.ORGANISATION_CREATE: _OWNER,
        Action.ORGANISATION_LIST: _OWNER,
        Action.ORGANISATION_READ: _MEMBERS,
        Action.ORGANISATION_RENAME: _RULERS,
        Action.ORGANISATION_QUOTA_READ: _MEMBERS,
        Action.ORGANISATION_QUOTA_PUT: _RULERS,
        Action.MEMBER_PUT: _RULERS,
        Action.MEMBER_REMOVE: _MEMBERS,
        Action.INVITATION_CREATE: _RULERS,
        Action.INVITATION_LIST: _RULERS,
        Action.INVITATION_WITHDRAW: _RULERS,
        Action.INVITATION_ACCEPT: _OWNER,
        Action.USER_LIST: _HUB_READER,
        Action.USER_READ: _HUB_READER,
        Action.USER_ROLE: _OWNER,
        Action.USER_PASSWORD: _OWNER,
        Action.USER_SECOND_FACTOR: _OWNER,
        Action.USER_DEACTIVATE: _HUB_ADMIN,
        Action.USER_ACTIVATE: _HUB_ADMIN,
        Action.USER_SESSIONS: _HUB_ADMIN,
        Action.AGENT_CREATE: _OWNER,
        Action.AGENT_LIST: _OWNER,
        Action.AGENT_READ: _OWNER,
        Action.AGENT_INVOKE: frozenset({Relation.OWNER, Relation.GRANTED, Relation.PUBLIC}),
        Action.AVATAR_READ: _OWNER,
        Action.AGENT_UPDATE: _OWNER,
        Action.AGENT_REPLACE: _OWNER,
        Action.DRAFT_READ: _OWNER,
        Action.DRAFT_DISCARD: _OWNER,
        Action.AGENT_DIFF: _OWNER,
        Action.AGENT_PUBLISH: _OWNER,
        Action.AGENT_ROLLBACK: _OWNER,
        Action.VERSION_LIST: _OWNER,
        Action.VERSION_READ: _OWNER,
        Action.AGENT_GRANT: _OWNER,
        Action.AGENT_REVOKE: _OWNER,
        Action.AGENT_ALIAS: _OWNER,
        Action.AGENT_DELETE: _OWNER,
        Action.AGENT_RESTORE: _OWNER,
        Action.AGENT_PURGE: _OWNER,
        Action.TEMPLATE_LIST: _OWNER,
        Action.DOCUMENT_PUT: _OWNER,
        Action.DOCUMENT_LIST: _OWNER,
        Action.DOCUMENT_UPLOAD: _OWNER,
        Action.DOCUMENT_READ: _OWNER,
        Action.DOCUMENT_DOWNLOAD: _OWNER,
        Action.DOCUMENT_DELETE: _OWNER,
        Action.DOCUMENT_ATTACH: _RELATED,
        Action.FILE_OPEN: _ANYONE,
        Action.ANSWER_REACT: _RELATED,
        Action.REACTION_READ: _OWNER,
        Action.ROOM_JOIN: _APPROVER,
        Action.ROOM_LIST: _OWNER,
        Action.ROOM_LEAVE: _RELATED,
        Action.ROOM_CONTEXT: _OWNER,
        Action.MCP_LIST: _OWNER,
        Action.MCP_LOOK: _OWNER,
        Action.MCP_APPROVE: _OWNER,
        Action.MCP_WITHDRAW: _OWNER,
        Action.EXECUTION_LIST: _OWNER,
        Action.EXECUTION_COST: _OWNER,
        Action.USE_READ: _OWNER,
        Action.LEDGER_VERIFY: _OWNER,
        Action.LEDGER_READ: _OWNER | {Relation.ORG_OWNER, Relation.ORG_ADMIN, Relation.ORG_AUDITOR},
        Action.LEDGER_EXPORT: _OWNER,
        Action.LEDGER_CHECKPOINTS: _OWNER,
        Action.LEDGER_PROVE: _OWNER,
        Action.LEDGER_CONSISTENCY: _OWNER,
        Action.LEDGER_SEAL: _OWNER,
        Action.LEDGER_KEY_ROTATE: _OWNER,
        Action.LEDGER_KEY_RETIRE: _OWNER,
        Action.PREFERENCES_READ: _OWNER,
        Action.PREFERENCES_PUT: _OWNER,
        Action.PREFERENCES_DELETE: _OWNER,
        Action.PERSON_EXPORT: _OWNER,
        Action.PERSON_ERASE: _OWNER,
        Action.WORKER_LIST: _OWNER,
        Action.QUOTA_LIST: _HUB_READER,
        Action.QUOTA_PUT: _HUB_ADMIN,
        Action.QUOTA_DELETE: _HUB_ADMIN,
        Action.LEDGER_WITNESSES: _HUB_READER,
        Action.HUB_KEYS: _HUB_READER,
        Action.HUB_UNPIN: _HUB_ADMIN,
        Action.HUB_KEY_ROTATE: _OWNER,
        Action.HUB_KEY_RETIRE: _OWNER,
        Action.PEER_LIST: _HUB_READER,
        Action.PEER_READ: _HUB_READER,
        Action.PEER_PUT: _HUB_ADMIN,
        Action.PEER_ALLOW: _HUB_ADMIN,
        Action.PEER_BLOCK: _HUB_ADMIN,
        Action.PEER_REMOVE: _HUB_ADMIN,
        Action.PEER_KNOCK: _ANYONE,
        Action.INTRODUCTION_LIST: _HUB_READER,
        Action.INTRODUCTION_ACCEPT: _HUB_ADMIN,
        Action.INTRODUCTION_DECLINE: _HUB_ADMIN,
        Action.KEY_LIST: _OWNER,
        Action.KEY_ADD: _OWNER,
        Action.KEY_ROTATE: _OWNER,
        Action.KEY_RETIRE: _OWNER,
        Action.CREDENTIAL_LIST: _HUB_ADMIN | _MEMBERS,
        Action.CREDENTIAL_PUT: _HUB_ADMIN | _RULERS,
        Action.CREDENTIAL_TEST: _HUB_ADMIN | _RULERS,
        Action.CREDENTIAL_DELETE: _HUB_ADMIN | _RULERS,
        Action.TURN_LIST: _OWNER,
        Action.TURN_READ: _OWNER,
        Action.TURN_RETRY: _OWNER,
        Action.TURN_DROP: _OWNER,
        Action.TURN_ANSWER: _OWNER,
        Action.TURN_WATCH: _OWNER,
        Action.TURN_CANCEL: _OWNER,
        Action.TURN_RETRACT: _HUB_ADMIN,
        Action.HISTORY_READ: frozenset({Relation.OWNER, Relation.GRANTED, Relation.PUBLIC}),
        Action.MEMORY_LIST: _RELATED,
        Action.MEMORY_READ: _RELATED,
        Action.MEMORY_ADD: _RELATED,
        Action.MEMORY_CHANGE: _RELATED,
        Action.SOURCE_LIST: _RELATED,
        Action.MEMORY_DELETE: _RELATED,
        Action.MEMORY_CLEAR: _RELATED,
        Action.EVENT_READ: _OWNER,
        Action.AGENT_SEE: _RELATED,
        Action.HUB_DESCRIBE: _ANYONE,
        Action.TOOL_CALL: _RELATED,
        Action.APPROVAL_LIST: _OWNER,
        Action.APPROVAL_READ: _APPROVER,
        Action.APPROVAL_APPROVE: _APPROVER,
        Action.APPROVAL_DENY: _APPROVER,
        Action.POLICY_READ: _LAWGIVERS
        | {Relation.HUB_AUDITOR, Relation.ORG_APPROVER, Relation.ORG_AUDITOR, Relation.ORG_MEMBER},
        Action.POLICY_CHECK: _LAWGIVERS,
        Action.POLICY_PUBLISH: _LAWGIVERS,
        Action.POLICY_ROLLBACK: _LAWGIVERS,
        Action.POLICY_TRY: _OWNER | {Relation.HUB_ADMIN},
        Action.CHAT_HELP: _RELATED,
        Action.CHAT_WHY: _RELATED,
        Action.CHAT_QUOTA: _RELATED,
        Action.CHAT_APPROVALS: _RELATED,
        Action.CHAT_MEMORY: _RELATED,
        Action.CHAT_FORGET: _RELATED,
        Action.CHAT_CANCEL: _RELATED,
        Action.CHAT_AGENTS: _RELATED,
        Action.CHAT_DOCUMENTS: _OWNER,
        Action.CHAT_NEW: _RELATED,
        Action.CHAT_EDIT: _OWNER,
        Action.CHAT_PUBLISH: _OWNER,
        Action.CHAT_ROLLBACK: _OWNER,
        Action.CHAT_DELETE: _OWNER,
        Action.CHAT_PREFERENCES: _RELATED,
        Action.CHAT_MUTE: _RELATED,
        Action.CHAT_RESET: _RELATED,
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
