"""Error codes: one list for the whole hub. Each door has one table from code to its protocol's condition."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ErrorCode(StrEnum):
    """Stable codes, part of the public API."""

    ACCESS_DENIED = "ACCESS_DENIED"
    UNKNOWN_ACTION = "UNKNOWN_ACTION"
    MISSING_PROFILE = "MISSING_PROFILE"
    NO_POLICY = "NO_POLICY"
    BODY_INVALID = "BODY_INVALID"
    BODY_EMPTY = "BODY_EMPTY"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    QUOTA_UNAVAILABLE = "QUOTA_UNAVAILABLE"
    MEMORY_FULL = "MEMORY_FULL"
    PEER_UNKNOWN = "PEER_UNKNOWN"
    HUB_BUSY = "HUB_BUSY"
    WORKER_UNAVAILABLE = "WORKER_UNAVAILABLE"
    PROVIDER_ERROR = "PROVIDER_ERROR"
    PROVIDER_NOT_ALLOWED = "PROVIDER_NOT_ALLOWED"
    TIMEOUT = "TIMEOUT"
    CANCELLED = "CANCELLED"
    AUTH_ERROR = "AUTH_ERROR"
    RATE_LIMIT = "RATE_LIMIT"
    EMPTY_ANSWER = "EMPTY_ANSWER"
    ANSWER_INVALID = "ANSWER_INVALID"
    TOOL_REFUSED = "TOOL_REFUSED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    INVALID_TOKEN = "INVALID_TOKEN"  # noqa: S105 -- a code, not a secret
    SECOND_FACTOR_REQUIRED = "SECOND_FACTOR_REQUIRED"
    PASSWORD_WRONG = "PASSWORD_WRONG"  # noqa: S105 -- a code, not a secret
    EMAIL_UNCONFIRMED = "EMAIL_UNCONFIRMED"
    LINK_INVALID = "LINK_INVALID"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    PRECONDITION_FAILED = "PRECONDITION_FAILED"
    PRECONDITION_REQUIRED = "PRECONDITION_REQUIRED"
    KEY_REUSED = "KEY_REUSED"
    KEY_IN_USE = "KEY_IN_USE"
    WRONG_HOST = "WRONG_HOST"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    INTERNAL = "INTERNAL"


SENTENCES: Final = MappingProxyType(
    {
        ErrorCode.ACCESS_DENIED: "There is no agent here that you may talk to.",
        ErrorCode.UNKNOWN_ACTION: "The hub does not know this action and refuses it.",
        ErrorCode.MISSING_PROFILE: "This action has no rules yet, so the hub refuses it.",
        ErrorCode.NO_POLICY: "No policy is loaded, so the hub refuses everything. Tell the operator.",
        ErrorCode.BODY_INVALID: "The hub could not read this. Check its form and send it again.",
        ErrorCode.BODY_EMPTY: "The message has no text. Write something and send it again.",
        ErrorCode.BODY_TOO_LARGE: "The message is longer than 64 KiB. Send it in parts or as a file.",
        ErrorCode.RATE_LIMITED: "Too many messages in a short time. Wait a moment and send it again.",
        ErrorCode.QUOTA_EXCEEDED: "The token limit is used up.",
        ErrorCode.QUOTA_UNAVAILABLE: "The hub cannot count tokens right now, so it does not spend any. Try again soon.",
        ErrorCode.MEMORY_FULL: "The memory of this agent is full; nothing new was stored.",
        ErrorCode.PEER_UNKNOWN: "This hub does not know your server. Its admins see that you asked; until they agree,"
        " nothing from there is read, and this is not said again.",
        ErrorCode.HUB_BUSY: "The hub cannot take this message right now. It was not stored; send it again soon.",
        ErrorCode.WORKER_UNAVAILABLE: "No worker is free to answer right now. Try again soon.",
        ErrorCode.PROVIDER_ERROR: "The model's provider failed. Try again soon.",
        ErrorCode.PROVIDER_NOT_ALLOWED: "This provider or model is not on the hub's list.",
        ErrorCode.TIMEOUT: "The answer took too long and was given up. Try again, or ask for less at once.",
        ErrorCode.CANCELLED: "This was cancelled, as you asked. What it had used until then is counted.",
        ErrorCode.AUTH_ERROR: "The model's provider refused the credentials. The agent's owner must renew them.",
        ErrorCode.RATE_LIMIT: "The model's provider asks us to slow down. Try again in a minute.",
        ErrorCode.EMPTY_ANSWER: "The model gave an empty answer. Try again, or put it in other words.",
        ErrorCode.ANSWER_INVALID: "The model twice gave an answer in another form than this agent promises. Try again.",
        ErrorCode.TOOL_REFUSED: "A tool that this needed was refused.",
        ErrorCode.UNAUTHENTICATED: "Sign in first.",
        ErrorCode.INVALID_TOKEN: "This token is not valid here. Sign in again.",
        ErrorCode.SECOND_FACTOR_REQUIRED: "This account has a second factor. Add its current code.",
        ErrorCode.PASSWORD_WRONG: "The password is wrong.",
        ErrorCode.EMAIL_UNCONFIRMED: "Confirm your e-mail address first: follow the link that was sent to it.",
        ErrorCode.LINK_INVALID: "This link was used already, is too old or is not for you. Ask for a new one.",
        ErrorCode.NOT_FOUND: "There is nothing here that you may see.",
        ErrorCode.CONFLICT: "This exists already.",
        ErrorCode.PRECONDITION_FAILED: "Somebody has changed this meanwhile. Read it again, then change it.",
        ErrorCode.PRECONDITION_REQUIRED: "Say which state you change: send its ETag in the header If-Match.",
        ErrorCode.KEY_REUSED: "This Idempotency-Key was used for another request. Draw a new key.",
        ErrorCode.KEY_IN_USE: "The request with this Idempotency-Key is still being worked on. Ask again soon.",
        ErrorCode.WRONG_HOST: "This hub does not answer under that name. The operator names it in gateway.hosts.",
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: "Send this as application/json.",
        ErrorCode.UNIMPLEMENTED: "This part of the hub is not built yet.",
        ErrorCode.INTERNAL: "Something broke inside the hub. It was recorded; try again.",
    }
)
"""What a person reads: what happened, and the mend."""
