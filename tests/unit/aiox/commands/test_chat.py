"""What is a command and what is a message to the agent; every command has an answer and an action."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiox.commands import chat_texts
from aiox.commands.chat import COMMANDS
from aiox.commands.chat_command import Said, parse
from policy.ways import CHAT
from registry.turns import QuotaConfig
from registry.usage import Decided, Used
from tests.stores import NOW


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("/help", Said("help", "")),
        ("  /approve  1a2b3c4d \n", Said("approve", "1a2b3c4d")),
        ("/dance for me\nand you", Said("dance", "for me\nand you")),
        ("/etc/hosts", None),
        ("/ help", None),
        ("//help", None),
        ("/Help", None),
        ("help", None),
        ("see /help", None),
        ("", None),
        ("/" + "x" * 33, None),
    ],
)
def test_what_is_a_command(body: str, expected: Said | None) -> None:
    assert parse(body) == expected


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_can_be_asked(body: str) -> None:
    found = parse(body)
    assert found is None or body.strip().startswith(f"/{found.name}")


def test_each_has_an_action_and_words() -> None:
    assert set(COMMANDS) == set(CHAT)
    assert all(command.words for command in COMMANDS.values())


def test_why_names_rule_and_policy() -> None:
    one = Decided(NOW, "tool.call", "append_line", "hold", "confirm", ("T6 approval",), "hub:1:abc")
    assert "tool.call (append_line): hold confirm, decided by T6 approval; policy hub:1:abc" in chat_texts.why([one])
    assert "nothing of yours" in chat_texts.why([])


@pytest.mark.parametrize(
    ("proof", "words"),
    [
        ("pinned", "the certificate that was pinned"),
        ("certificate", "its certificate"),
        ("dialback", "its name server"),
    ],
)
def test_why_names_how_a_server_elsewhere_was_known(proof: str, words: str) -> None:
    one = Decided(NOW, "agent.invoke", "", "allow", "", ("R2 granted",), "hub:1:abc", proof)
    assert chat_texts.why([one]).endswith(f"policy hub:1:abc; your server was known by {words}")


@pytest.mark.parametrize("proof", ["", "local"])
def test_why_says_nothing_of_ones_own_server(proof: str) -> None:
    one = Decided(NOW, "agent.invoke", "", "allow", "", ("R2 granted",), "hub:1:abc", proof)
    assert chat_texts.why([one]).endswith("policy hub:1:abc")


def test_only_the_owner_reads_of_the_account() -> None:
    limits = QuotaConfig(1000, 200_000, 4, 512, 60_000)
    mine = chat_texts.quota(Used(70, 7, 5), limits, owner=True)
    theirs = chat_texts.quota(Used(70, 7, 5), limits, owner=False)
    assert "70 of 200000 tokens today, 7 of 1000 in this minute" in mine
    assert theirs == "You have used 5 tokens with this agent today (UTC)."


def test_what_shall_be_remembered_goes_to_the_agent() -> None:
    assert parse("/remember my train leaves at nine") is None
    said = parse("/remember")
    assert said is not None
    assert said.name in COMMANDS
