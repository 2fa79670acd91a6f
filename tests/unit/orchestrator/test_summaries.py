"""Which conversations are looked at for a summary, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import structlog

from aiox.kernel.agent import MemoryConfig
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Answered, Failed, Usage
from orchestrator import summaries
from orchestrator.summaries import LEAST, Summaries

ANSWER = Answered("ok", Usage(1, 1), (), (), (), "m", "w", 1, 1)
FAILURE = Failed(ErrorCode.TIMEOUT, "no", Usage(1, 1))
OWNER, AGENT = UUID(int=1), UUID(int=2)


def ended(subject: str = "ann@h", history: int = 0, outcome: Any = ANSWER, full: bool = False, **changed: Any) -> Any:
    """A turn that is concluded; `changed` are fields of its agent's memory, and `audit`."""
    audit = changed.pop("audit", True)
    config = MemoryConfig.model_validate({"short_term_limit": 6, **changed})
    loaded = SimpleNamespace(
        version=SimpleNamespace(memory_config=config, governance=SimpleNamespace(audit_log_enabled=audit)),
        storage=SimpleNamespace(full=full),
        delegation=None,
    )
    turn = SimpleNamespace(message=SimpleNamespace(agent_id=AGENT, sender=subject))
    reserved = SimpleNamespace(history=[None] * history)
    return SimpleNamespace(
        loaded=loaded, turn=turn, owner=OWNER, outcome=outcome, assigned=SimpleNamespace(reserved=reserved)
    )


@dataclass
class Watch:
    """Summaries whose work is noted, not done; `left` is what it says is in no summary yet."""

    inner: Summaries = field(default_factory=lambda: Summaries(structlog.get_logger()))
    left: int = 0

    def looks_after(self, turns: int, **what: Any) -> list[int]:
        """The numbers of the turns after which the conversation is due."""
        found = []
        for number in range(1, turns + 1):
            self.inner.note(ended(**what))
            if self.inner._due:
                found.append(number)
                key, _ = self.inner._due.popitem()
                self.inner._look_again(key, self.left)
        return found


def test_a_conversation_is_due_when_short_term_memory_is_full_and_when_it_is_full_again() -> None:
    assert Watch().looks_after(20) == [6, 12, 18]


def test_what_is_known_of_its_length_counts() -> None:
    assert Watch().looks_after(3, history=5) == [1]


def test_turns_that_are_in_no_summary_yet_count_for_the_next_time() -> None:
    assert Watch(left=4).looks_after(10) == [6, 8, 10]


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_few_turns_are_worth_none(limit: int) -> None:
    assert Watch().looks_after(9, short_term_limit=limit) == [LEAST, 2 * LEAST]


@pytest.mark.parametrize(
    "what",
    [
        {"summaries": False},
        {"long_term_enabled": False},
        {"type": "short_term"},
        {"short_term_limit": 0},
        {"audit": False},
        {"full": True},
        {"outcome": FAILURE},
    ],
)
def test_who_wants_none_or_cannot_keep_one_has_none(what: dict[str, Any]) -> None:
    assert Watch().looks_after(20, **what) == []


def test_each_persons_turns_are_counted_alone() -> None:
    watch = Watch()
    for number in range(5):
        watch.inner.note(ended("ann@h"))
        watch.inner.note(ended(f"bob{number}@h"))
    assert not watch.inner._due
    watch.inner.note(ended("ann@h"))
    assert [key[2] for key in watch.inner._due] == ["ann@h"]


def test_the_number_of_conversations_in_mind_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "_WATCHED", 3)
    watch = Watch()
    for number in range(10):
        watch.inner.note(ended(f"ann{number}@h"))
    assert len(watch.inner._watched) == 3
