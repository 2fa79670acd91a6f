"""The one transaction that turns which end together share. `add` raises AlreadyConcluded, LeaseLost, or the store's."""

from __future__ import annotations

from typing import TypeAlias

from aiox.runtime.group_commit import GroupCommit
from registry.turns import Conclusion

Commits: TypeAlias = GroupCommit[Conclusion]
