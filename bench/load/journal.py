"""What one client sent and heard, every stanza with its time. Times are seconds of one monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Message:
    """One question and what became of it, as far as its sender knows.

    `scheduled` is when it should have been sent: latency counts from there. `answers` holds the time and stanza id of
    each answer that names it, `errors` time, type, condition and the hub's code of each error that names it.
    """

    id: str
    sender: str
    agent: str
    body: str
    scheduled: float
    sent: list[float] = field(default_factory=list)
    receipted: float | None = None
    answers: list[tuple[float, str]] = field(default_factory=list)
    errors: list[tuple[float, str, str, str]] = field(default_factory=list)
    due: float = 0.0
    """When it is sent again unless it is receipted before."""

    @property
    def answered(self) -> bool:
        """Whether an answer was heard, or an error after which no answer comes."""
        return bool(self.answers) or (self.receipted is not None and bool(self.errors))

    @property
    def latency_ms(self) -> float | None:
        """From the scheduled time to the first answer; None without one."""
        return (self.answers[0][0] - self.scheduled) * 1000 if self.answers else None


@dataclass(slots=True)
class Journal:
    """All messages by id in the order in which they were sent, and all stanzas as text.

    `open` are those without a receipt: they are sent again.
    """

    messages: dict[str, Message] = field(default_factory=dict)
    open: dict[str, Message] = field(default_factory=dict)
    stanzas: list[tuple[float, str]] = field(default_factory=list)
    logins: int = 0

    def add(self, message: Message) -> None:
        """A message that is about to be sent, or sent once more."""
        message.receipted = None
        self.messages[message.id] = self.open[message.id] = message

    def receipt(self, message_id: str, at: float) -> None:
        """A message was taken."""
        if (message := self.open.pop(message_id, None)) is not None:
            message.receipted = at
