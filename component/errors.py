"""The one table from the hub's error codes to XMPP conditions (RFC 6120 section 8.3), and error stanzas from it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from aiox.kernel.errors import SENTENCES, ErrorCode
from component.stanza_xml import COMPONENT, STANZAS, add, stanza

AIOX_ERROR: Final = "urn:aiox:error:0"


class Condition(NamedTuple):
    """`type` says what the sender may do: auth, cancel, modify or wait. `name` is the defined condition."""

    type: str
    name: str


CONDITIONS: Final = MappingProxyType(
    {
        # Hidden, forbidden and unknown agents alike (SPEC 3).
        ErrorCode.ACCESS_DENIED: Condition("auth", "forbidden"),
        ErrorCode.UNKNOWN_ACTION: Condition("cancel", "feature-not-implemented"),
        ErrorCode.MISSING_PROFILE: Condition("cancel", "not-allowed"),
        ErrorCode.NO_POLICY: Condition("cancel", "not-allowed"),
        ErrorCode.BODY_INVALID: Condition("modify", "bad-request"),
        ErrorCode.BODY_EMPTY: Condition("modify", "bad-request"),
        ErrorCode.BODY_TOO_LARGE: Condition("modify", "policy-violation"),
        ErrorCode.RATE_LIMITED: Condition("wait", "policy-violation"),
        ErrorCode.QUOTA_EXCEEDED: Condition("wait", "policy-violation"),
        ErrorCode.QUOTA_UNAVAILABLE: Condition("wait", "resource-constraint"),
        ErrorCode.MEMORY_FULL: Condition("wait", "resource-constraint"),
        ErrorCode.PEER_UNKNOWN: Condition("auth", "registration-required"),
        ErrorCode.HUB_BUSY: Condition("wait", "resource-constraint"),
        ErrorCode.WORKER_UNAVAILABLE: Condition("wait", "recipient-unavailable"),
        ErrorCode.PROVIDER_ERROR: Condition("wait", "remote-server-timeout"),
        ErrorCode.PROVIDER_NOT_ALLOWED: Condition("cancel", "not-allowed"),
        ErrorCode.TIMEOUT: Condition("wait", "remote-server-timeout"),
        ErrorCode.CANCELLED: Condition("cancel", "undefined-condition"),
        ErrorCode.AUTH_ERROR: Condition("cancel", "not-allowed"),
        ErrorCode.RATE_LIMIT: Condition("wait", "resource-constraint"),
        ErrorCode.EMPTY_ANSWER: Condition("wait", "undefined-condition"),
        ErrorCode.ANSWER_INVALID: Condition("wait", "undefined-condition"),
        ErrorCode.TOOL_REFUSED: Condition("cancel", "not-allowed"),
        ErrorCode.UNAUTHENTICATED: Condition("auth", "not-authorized"),
        ErrorCode.INVALID_TOKEN: Condition("auth", "not-authorized"),
        ErrorCode.SECOND_FACTOR_REQUIRED: Condition("auth", "not-authorized"),
        ErrorCode.PASSWORD_WRONG: Condition("auth", "forbidden"),
        ErrorCode.EMAIL_UNCONFIRMED: Condition("auth", "forbidden"),
        ErrorCode.LINK_INVALID: Condition("cancel", "not-allowed"),
        ErrorCode.NOT_FOUND: Condition("cancel", "item-not-found"),
        ErrorCode.CONFLICT: Condition("cancel", "conflict"),
        ErrorCode.PRECONDITION_FAILED: Condition("modify", "conflict"),
        ErrorCode.PRECONDITION_REQUIRED: Condition("modify", "bad-request"),
        ErrorCode.KEY_REUSED: Condition("modify", "conflict"),
        ErrorCode.KEY_IN_USE: Condition("wait", "conflict"),
        ErrorCode.WRONG_HOST: Condition("cancel", "item-not-found"),
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: Condition("modify", "not-acceptable"),
        ErrorCode.UNIMPLEMENTED: Condition("cancel", "feature-not-implemented"),
        ErrorCode.INTERNAL: Condition("wait", "internal-server-error"),
    }
)


def add_error(reply: Element, code: ErrorCode, sentence: str = "") -> None:
    """Puts the error of `code` into a stanza of type error. `sentence` replaces the code's own where it may.

    The sentence of ACCESS_DENIED is never replaced: it would tell a hidden agent from an unknown one.
    """
    condition = CONDITIONS[code]
    own = SENTENCES[code]
    error = add(reply, COMPONENT, "error", type=condition.type)
    add(error, STANZAS, condition.name)
    add(error, STANZAS, "text", own if code is ErrorCode.ACCESS_DENIED else sentence or own)
    add(error, AIOX_ERROR, "error-code", code=code.value)


def error_reply(asked: Element, code: ErrorCode) -> Element:
    """The error that answers a stanza. Never call it for a stanza of type error (RFC 6120 section 8.3.1)."""
    name = asked.tag.rpartition("}")[2]
    reply = stanza(name, asked.get("to", ""), asked.get("from", ""), "error", asked.get("id", ""))
    add_error(reply, code)
    return reply
