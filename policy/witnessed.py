"""How far the witnesses that a reader trusts have co-signed a ledger: beyond it only the hub's own word stands."""

from __future__ import annotations

from collections.abc import Sequence

from policy.cosignatures import WitnessKey, cosigners


class Witnessed:
    """Shown one checkpoint after the other, each of which holds by itself."""

    def __init__(self, witnesses: Sequence[WitnessKey], first: int = 0) -> None:
        """`first`: records before the first one that is to be proven."""
        self._upto = dict.fromkeys(witnesses, first)

    def show(self, note: str, size: int) -> None:
        """A checkpoint's note, with all its lines. Raises BadNote for a bad line of a trusted witness."""
        for found in cosigners(note, list(self._upto)):
            self._upto[found.key] = max(self._upto[found.key], size)

    def lacking(self, to: int) -> tuple[int, str] | None:
        """The first record up to `to` that a witness has not seen, and what to say of it; None: all have seen all."""
        lacking = [(upto, key) for key, upto in self._upto.items() if upto < to]
        if not lacking:
            return None
        upto, key = min(lacking, key=lambda one: (one[0], str(one[1])))
        return upto + 1, f"no checkpoint that {key.name} has co-signed proves it"
