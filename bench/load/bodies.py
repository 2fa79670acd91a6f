"""How long what people write is: pure, and the same for the same chance."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_WORDS: Final = ("the", "hub", "takes", "a", "question", "keeps", "it", "safe", "and", "sends", "one", "answer", "back")


@dataclass(frozen=True, slots=True)
class Size:
    """One kind of text: how many of a hundred are such, and from how many to how many bytes they have."""

    name: str
    share: int
    least: int
    most: int


SHORT: Final = (Size("a line", 100, 60, 120),)
MIXED: Final = (
    Size("a line", 60, 60, 120),
    Size("a paragraph", 28, 200, 900),
    Size("a page", 10, 2_000, 6_000),
    Size("a document", 2, 20_000, 40_000),
)
"""As in chats with agents: most is short, now and then somebody pastes a document. The door takes 64 KiB."""
MIXES: Final[Mapping[str, Sequence[Size]]] = {"short": SHORT, "mixed": MIXED}


def chosen(sizes: Sequence[Size], chance: random.Random) -> int:
    """A number of bytes, by the shares. Raises ValueError when they are not a hundred."""
    if sum(size.share for size in sizes) != 100:
        raise ValueError("shares of body sizes do not make up a hundred")
    size = chance.choices(sizes, weights=[one.share for one in sizes])[0]
    return chance.randint(size.least, size.most)


def filled(text: str, size: int, chance: random.Random) -> str:
    """The text with words behind it, of `size` bytes; as it is when it is that long already. ASCII only."""
    words = [text]
    length = len(text)
    while length < size:
        word = chance.choice(_WORDS)
        words.append(word)
        length += len(word) + 1
    return " ".join(words)[: max(size, len(text))]


def name_of(sizes: Sequence[Size], length: int) -> str:
    """Which kind a text of so many bytes is: the first that is not shorter, else the last."""
    return next((size.name for size in sizes if length <= size.most), sizes[-1].name)
