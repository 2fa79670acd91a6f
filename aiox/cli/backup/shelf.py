"""The folder in which a hub's backups lie: their names, which is newest, which are too many, how their trial ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from aiox.cli.stack.home import private_file
from aiox.runtime.settings import Settings

ENDING: Final = ".aiox-backup"
_TRIED: Final = ".tried"
_TIME: Final = "%Y%m%dT%H%M%SZ"
Trial = Literal["", "passed", "failed"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A backup on the shelf. `checked`: how its restore went, empty when nobody has tried."""

    path: Path
    taken_at: datetime
    bytes: int
    checked: Trial


@dataclass(frozen=True, slots=True)
class Shelf:
    """One folder of backups of one hub."""

    folder: Path
    domain: str

    @classmethod
    def of(cls, settings: Settings) -> Shelf:
        """That of the settings."""
        folder = Path(settings.backup.folder) if settings.backup.folder else settings.home / "backups"
        return cls(folder, settings.domain)

    def name(self, now: datetime) -> Path:
        """Where a backup that is taken now goes."""
        return self.folder / f"{self.domain}-{now.astimezone(UTC).strftime(_TIME)}{ENDING}"

    def all(self) -> Sequence[Standing]:
        """The newest first. Files with other names are none of ours."""
        found = [one for path in self.folder.glob(f"*{ENDING}") if (one := self._standing(path)) is not None]
        return sorted(found, key=lambda one: one.taken_at, reverse=True)

    def newest(self) -> Standing | None:
        """None on an empty shelf."""
        return next(iter(self.all()), None)

    def tried(self, path: Path, wrong: str) -> None:
        """Puts down how the trial of a backup ended; `wrong` is empty when it passed."""
        private_file(path.with_name(path.name + _TRIED), wrong + "\n")

    def prune(self, keep: int) -> Sequence[Path]:
        """Deletes all but the `keep` newest; returns what is gone. One that was restored once outlives those that fail.

        The newest that passed its trial is never deleted.
        """
        standing = self.all()
        passed = next((one.path for one in standing if one.checked == "passed"), None)
        gone = [one.path for one in standing[keep:] if one.path != passed]
        for path in gone:
            path.unlink()
            path.with_name(path.name + _TRIED).unlink(missing_ok=True)
        return gone

    def _standing(self, path: Path) -> Standing | None:
        start, _, moment = path.name.removesuffix(ENDING).rpartition("-")
        if start != self.domain:
            return None
        try:
            taken_at = datetime.strptime(moment, _TIME).replace(tzinfo=UTC)
        except ValueError:
            return None
        return Standing(path, taken_at, path.stat().st_size, self._trial(path))

    def _trial(self, path: Path) -> Trial:
        said = path.with_name(path.name + _TRIED)
        if not said.is_file():
            return ""
        return "failed" if said.read_text().strip() else "passed"
