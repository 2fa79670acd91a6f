"""Files that go out: long answers and what tools have left, by signed links that the HTTP door opens for some hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from aiox.kernel.envelope import Attachment
from aiox.kernel.ids import OwnerId, derived_id
from aiox.kernel.outcome import Answered
from aiox.runtime.file_links import FileLink, signed
from aiox.runtime.settings import Settings
from orchestrator.proofs import Dispatched

NAME: Final = "answer.md"
MEDIA_TYPE: Final = "text/markdown"
HOUR_S: Final = 3600


@dataclass(frozen=True, slots=True)
class LongAnswers:
    """`longest` is what goes without a file, in characters; `base` is where the HTTP door is reached."""

    key: bytes = field(repr=False)
    base: str
    longest: int
    hours: int

    @classmethod
    def of(cls, settings: Settings, key: bytes) -> LongAnswers:
        """From the settings."""
        base = settings.accounts.public_url.rstrip("/") or f"http://localhost:{settings.ports.gateway}"
        return cls(key, base, settings.files.long_answer, settings.files.link_hours)

    def link(self, ended: Dispatched, now: datetime) -> Attachment | None:
        """None for an answer that is short, or of which no text is stored."""
        outcome, version = ended.outcome, ended.loaded.version
        stored = version.governance.audit_log_enabled
        if not isinstance(outcome, Answered) or len(outcome.text) <= self.longest or not stored:
            return None
        url = self.url(ended.owner, derived_id(ended.turn.generation, "execution"), now)
        return Attachment(url, NAME, MEDIA_TYPE, len(outcome.text.encode()))

    def url(self, owner: OwnerId, record: UUID, now: datetime) -> str:
        """What opens an answer or a document of this owner until some hours from now."""
        link = FileLink(owner, record, int(now.timestamp()) + self.hours * HOUR_S)
        return f"{self.base}/v1/files/{signed(self.key, link)}"
