"""Canonical actions: every way in maps to exactly one (SPEC 6)."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """One per thing a person can ask of the hub."""

    ACCOUNT_CREATE = "account.create"
    SESSION_CREATE = "session.create"
    AGENT_CREATE = "agent.create"
    AGENT_LIST = "agent.list"
    AGENT_READ = "agent.read"
    AGENT_INVOKE = "agent.invoke"
    DOCUMENT_PUT = "document.put"
    DOCUMENT_LIST = "document.list"
    EXECUTION_LIST = "execution.list"
    LEDGER_VERIFY = "ledger.verify"
    TURN_LIST = "turn.list"
    TURN_READ = "turn.read"
    TURN_RETRY = "turn.retry"
    TURN_DROP = "turn.drop"
    TURN_ANSWER = "turn.answer"
    HISTORY_READ = "history.read"
    EVENT_READ = "event.read"
    PREFERENCES_READ = "preferences.read"
    PREFERENCES_PUT = "preferences.put"
    PREFERENCES_DELETE = "preferences.delete"
    WORKER_LIST = "worker.list"
