"""The ways in that are not routes: each names a known action, and none is named twice for two things."""

from __future__ import annotations

from aiox.kernel.actions import Action
from policy.ways import BESIDE, CHAT, MACHINE, SHELL, STANZAS, WORKER, ways


def test_all_of_them_are_told_by_action() -> None:
    found = ways()
    assert sum(len(one) for one in found.values()) == len(BESIDE) + len(CHAT) + len(SHELL) + len(STANZAS) + len(WORKER)
    assert found[Action.CHAT_APPROVALS] == ("chat `/pending`", "chat `/approve`", "chat `/deny`")
    assert found[Action.AGENT_INVOKE] == ("stanza `message`",)
    assert "`aiox policy try`" in found[Action.POLICY_TRY]


def test_a_command_of_this_machine_asks_for_no_action() -> None:
    assert not {command.split()[0] for command in SHELL} & MACHINE
