"""Text of others, made safe for a terminal."""

from __future__ import annotations

import re
from typing import Final

# C0 and C1 controls but tab and line feed: escape sequences would let a model move the cursor or set the title.
# Direction overrides would let it show something else than it says.
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text without control characters that a terminal would obey."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n"))
