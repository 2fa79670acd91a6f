"""Names of the fifteen steps of SPEC 4, as they stand in traces."""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    """One span each, made by the process that does the step."""

    RECEIVED = "01 stanza received"
    VOUCHED = "02 sender vouched for"
    ADMITTED = "03 admitted to jetstream"
    OWNERSHIP = "04 ownership"
    GOVERNANCE = "05 governance"
    RESERVED = "05 quota reserved"
    TOOLS = "06 tools allowed"
    VERSION = "07 version loaded"
    PRIORITY = "08 priority"
    DISPATCHED = "09 dispatched"
    THOUGHT = "10 worker"
    RESULT = "11 result back"
    SHORT_TERM = "12 short-term memory"
    LONG_TERM = "13 long-term memory"
    RECORDED = "14 settled and recorded"
    REPLIED = "15 reply sent"
