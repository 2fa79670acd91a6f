"""Which tools a turn may ask for. A tool that is not in the hub's registry is refused, never ignored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AllowedTools:
    """The names a turn may use, and those it was configured with but may not."""

    names: tuple[str, ...]
    refused: tuple[str, ...]

    @property
    def availability(self) -> float:
        """T of the scoring model: the share that is available, 1 when none was configured."""
        wanted = len(self.names) + len(self.refused)
        return 1.0 if wanted == 0 else len(self.names) / wanted


def allowed_tools(configured: Sequence[str], known: Collection[str]) -> AllowedTools:
    """Splits the agent's tools into those the hub knows and those it does not."""
    names = tuple(name for name in configured if name in known)
    refused = tuple(name for name in configured if name not in known)
    return AllowedTools(names, refused)
