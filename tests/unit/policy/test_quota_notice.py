"""What owners are told says which limit, how much, and what would help."""

from __future__ import annotations

import pytest

from policy.quota_notice import FULL, NEAR, Budget, Crossed, Whose, sentence
from policy.storage import MIB


@pytest.mark.parametrize(
    ("crossed", "code", "words"),
    [
        (Crossed(Budget.TOKENS, 800, 1000, NEAR, Whose.AGENT), "near",
         ("This agent has used 800 of 1000 tokens of today. It resets at midnight (UTC)."
         " Limit: max_tokens_per_day of the agent.")),
        (Crossed(Budget.TOKENS, 1000, 1000, FULL, Whose.ACCOUNT), "full",
         ("Your account has used 1000 of 1000 tokens of today. Nothing is answered until midnight (UTC)."
         " Limit: tokens_per_day of the account.")),
        (Crossed(Budget.MEMORY, 9 * MIB, 10 * MIB, NEAR, Whose.ACCOUNT), "near",
         ("Your account has used 9.0 of 10 MiB of memory. When it is full, nothing is stored."
         " Delete documents, or raise max_memory_mb.")),
        (Crossed(Budget.MEMORY, 10 * MIB, 10 * MIB, FULL, Whose.AGENT), "full",
         ("This agent has used 10.0 of 10 MiB of memory. Nothing more is stored; answering goes on."
         " Delete documents, or raise max_memory_mb.")),
        (Crossed(Budget.TOKENS, 900, 1000, NEAR, Whose.ORGANISATION), "near",
         ("The organisation that you rule has used 900 of 1000 tokens of today. It resets at midnight (UTC)."
         " Limit: tokens_per_day of the organisation.")),
    ],
)  # fmt: skip
def test_the_sentence_says_which_limit_how_much_and_what_helps(crossed: Crossed, code: str, words: str) -> None:
    assert (crossed.code, sentence(crossed)) == (code, words)
