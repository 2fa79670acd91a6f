"""Text of others, made safe for a terminal; and text of one's own, judged before it is sent."""

from __future__ import annotations

import re
from typing import Final

# C0 and C1 controls but tab and line feed: escape sequences would let a model move the cursor or set the title.
# Direction overrides would let it show something else than it says.
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text without control characters that a terminal would obey."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n"))


_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry (section 2.2): one such character would end the stream."""


def unsendable(text: str) -> str:
    """Why this cannot be sent, as a sentence; empty when it can."""
    found = _NOT_XML.search(text)
    if found is None:
        return ""
    code = ord(found[0])
    what = "a byte that is no UTF-8" if 0xDC80 <= code <= 0xDCFF else f"the control character U+{code:04X}"
    return f"This has {what} at position {found.start() + 1}. Nothing was sent; take it out and send it again."
