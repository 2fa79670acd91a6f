"""What a reaction says of an answer: good, bad, or nothing. Pure."""

from __future__ import annotations

from typing import Final

_GOOD: Final = frozenset("👍❤🎉👏💯🙏😀😃😄😍🥰✅⭐🔥+")
_BAD: Final = frozenset("👎😡😠💩❌😞-")
_IGNORED: Final = frozenset("\ufe0e\ufe0f\u200d🏻🏼🏽🏾🏿")
"""Which form of a sign, and which colour of skin."""


def value_of(emojis: str) -> int:
    """1, -1 or 0, of emojis with spaces between them; 0 when they say both, or neither."""
    signs = {"".join(one for one in emoji if one not in _IGNORED) for emoji in emojis.split()}
    good, bad = any(one in _GOOD for one in signs), any(one in _BAD for one in signs)
    return int(good) - int(bad)
