"""Commands at the door, XML in and XML out: forms, steps, text to the hub, and what is no command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

import pytest
import structlog

from aiox.kernel.command import CommandAnswered, CommandAsked, CommandName, FieldKind, FormField, Option
from aiox.runtime.desk import DeskAbsent
from component.commands import REQUEST_BURST, CommandDoor
from tests.unit.component.fakes import FakeLink, HandClock
from tests.unit.component.stanzas import AGENT, ALICE, message, parse

HUB = "agents.hub.test"
COMMANDS = "http://jabber.org/protocol/commands"
INFO, ITEMS = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"
NODE = "urn:aiox:commands:0#delete"
FORM = (
    FormField("what", "", FieldKind.WORDS, "This deletes Ada."),
    FormField("name", "Name", value="Ada <3", required=True),
    FormField("text", "Text", FieldKind.TEXT, "one\ntwo"),
    FormField("how", "How", FieldKind.CHOICE, options=(Option("a", "A & B"),)),
    FormField("confirm", "Yes", FieldKind.YES_OR_NO),
)


@dataclass
class FakeDesk:
    """Answers in order; keeps what it was asked."""

    answers: list[CommandAnswered | Exception] = field(default_factory=list)
    asked: list[CommandAsked] = field(default_factory=list)

    async def __call__(self, asked: CommandAsked) -> CommandAnswered:
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Rig:
    door: CommandDoor
    desk: FakeDesk
    link: FakeLink

    async def say(self, text: str, *answers: CommandAnswered | Exception) -> str:
        """What comes back for a stanza."""
        self.desk.answers += answers
        before = len(self.link.sent)
        assert self.door.takes(parse(text)), "it is none of the door's"
        async with asyncio.timeout(60):
            while len(self.link.sent) == before:
                await asyncio.sleep(0)
        return self.link.sent[-1]


@asynccontextmanager
async def opened() -> AsyncIterator[Rig]:
    desk, link, ids = FakeDesk(), FakeLink(), count(1)
    log = structlog.get_logger()
    door = CommandDoor(desk, link.send, HUB, lambda: UUID(int=next(ids)), HandClock(), log, lambda jid: f"of {jid}")
    work = asyncio.ensure_future(door.work())
    try:
        yield Rig(door, desk, link)
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


def step(attributes: str = "action='execute'", inner: str = "", to: str = AGENT, sender: str = ALICE) -> str:
    command = f"<command xmlns='{COMMANDS}' node='{NODE}' {attributes}>{inner}</command>"
    return f"<iq from='{sender}' to='{to}' type='set' id='c1'>{command}</iq>"


def submit(**values: str) -> str:
    fields = "".join(f"<field var='{name}'><value>{value}</value></field>" for name, value in values.items())
    return f"<x xmlns='jabber:x:data' type='submit'>{fields}</x>"


def session_in(reply: str) -> str:
    return reply.split('sessionid="')[1].split('"')[0]


async def test_a_command_without_a_form_is_done_at_once() -> None:
    async with opened() as rig:
        reply = await rig.say(step(), CommandAnswered("Done & well."))
        assert 'status="completed"' in reply
        assert '<note type="info">Done &amp; well.</note>' in reply
        [asked] = rig.desk.asked
        assert (asked.sender, asked.address, asked.name, asked.written) == (ALICE, AGENT, "delete", False)
        assert asked.proof == f"of {ALICE}"


async def test_what_a_command_refuses_is_said_in_its_note() -> None:
    async with opened() as rig:
        reply = await rig.say(step(), CommandAnswered("No draft.", "CONFLICT"))
        assert '<note type="error">No draft.</note>' in reply


async def test_a_form_is_shown_filled_in_and_done() -> None:
    async with opened() as rig:
        shown = await rig.say(step(), CommandAnswered(title="Delete", form=FORM))
        for part in (
            'status="executing"',
            '<actions execute="complete"><complete/></actions>',
            "<title>Delete</title>",
            '<field type="fixed"><value>This deletes Ada.</value></field>',
            '<field var="name" type="text-single" label="Name"><value>Ada &lt;3</value><required/></field>',
            '<field var="text" type="text-multi" label="Text"><value>one</value><value>two</value></field>',
            '<option label="A &amp; B"><value>a</value></option>',
            '<field var="confirm" type="boolean" label="Yes"><value>false</value></field>',
        ):
            assert part in shown
        filled = submit(name="Eve", confirm="1", forged="x", what="y")
        session = session_in(shown)
        done = await rig.say(step(f"action='complete' sessionid='{session}'", filled), CommandAnswered("Deleted."))
        assert "Deleted." in done
        assert session_in(done) == session
        assert dict(rig.desk.asked[-1].values) == {"name": "Eve", "confirm": "yes"}
        again = await rig.say(step(f"action='complete' sessionid='{session}'", filled))
        assert "<bad-sessionid" in again


async def test_steps_keep_what_was_given_before() -> None:
    async with opened() as rig:
        first = await rig.say(step(), CommandAnswered(form=(FormField("agent", "Agent"),), more=True))
        assert '<actions execute="next"><next/></actions>' in first
        which = f"action='next' sessionid='{session_in(first)}'"
        await rig.say(step(which, submit(agent="a")), CommandAnswered(form=(FormField("name", "Name"),)))
        await rig.say(step(which, submit(name="Eve", agent="forged")), CommandAnswered("Done."))
        assert dict(rig.desk.asked[-1].values) == {"agent": "a", "name": "Eve"}


@pytest.mark.parametrize(
    ("sender", "to"), [("mallory@hub.test/x", AGENT), ("alice@hub.test/other", AGENT), (ALICE, HUB)]
)
async def test_nobody_goes_on_with_anothers_form(sender: str, to: str) -> None:
    async with opened() as rig:
        shown = await rig.say(step(), CommandAnswered(form=FORM))
        which = f"action='complete' sessionid='{session_in(shown)}'"
        assert "<bad-sessionid" in await rig.say(step(which, submit(confirm="1"), to, sender))
        assert len(rig.desk.asked) == 1
        assert "Done" in await rig.say(step(which, submit(confirm="1")), CommandAnswered("Done"))


async def test_a_form_can_be_given_up() -> None:
    async with opened() as rig:
        session = session_in(await rig.say(step(), CommandAnswered(form=FORM)))
        assert 'status="canceled"' in await rig.say(step(f"action='cancel' sessionid='{session}'"))
        assert len(rig.desk.asked) == 1
        assert "<bad-sessionid" in await rig.say(step(f"action='complete' sessionid='{session}'"))


@pytest.mark.parametrize(
    ("attributes", "condition"),
    [("action='prev'", "bad-action"), ("action='explode'", "malformed-action"), ("sessionid='none'", "bad-sessionid")],
)
async def test_a_step_that_is_none_is_an_error(attributes: str, condition: str) -> None:
    async with opened() as rig:
        reply = await rig.say(step(attributes))
        assert '<error type="modify"><bad-request' in reply
        assert f"<{condition} " in reply
        assert not rig.desk.asked


async def test_too_long_a_value_is_refused() -> None:
    async with opened() as rig:
        assert "<bad-payload" in await rig.say(step("", submit(name="x" * 70_000)))


async def test_commands_are_listed_and_described() -> None:
    names = CommandAnswered(names=(CommandName("delete", "Delete"), CommandName("new", "New agent")))
    async with opened() as rig:
        items = await rig.say(
            f"<iq from='{ALICE}' to='{AGENT}' type='get' id='i'><query xmlns='{ITEMS}' node='{COMMANDS}'/></iq>", names
        )
        assert f'<item jid="{AGENT}" node="urn:aiox:commands:0#new" name="New agent"/>' in items
        info = await rig.say(
            f"<iq from='{ALICE}' to='{AGENT}' type='get' id='i'><query xmlns='{INFO}' node='{NODE}'/></iq>", names
        )
        assert '<identity category="automation" type="command-node" name="Delete"/>' in info
        assert '<feature var="jabber:x:data"/>' in info
        none = await rig.say(
            f"<iq from='{ALICE}' to='{AGENT}' type='get' id='i'><query xmlns='{INFO}' node='{NODE}'/></iq>",
            CommandAnswered(),
        )
        assert "<item-not-found" in none


async def test_who_is_nothing_to_an_agent_gets_what_every_address_gives() -> None:
    async with opened() as rig:
        reply = await rig.say(step(), CommandAnswered("", "ACCESS_DENIED"))
        assert '<error type="auth"><forbidden' in reply


async def test_the_hub_answers_text() -> None:
    async with opened() as rig:
        text = f"<message from='{ALICE}' to='{HUB}' type='chat' id='m1'><body>/new Ada\nBe kind.</body></message>"
        reply = await rig.say(text, CommandAnswered("Ada is there."))
        assert "<body>Ada is there.</body>" in reply
        assert 'to="alice@hub.test"' in reply
        assert f'from="{HUB}"' in reply
        first, same = rig.desk.asked[0], await rig.say(text, CommandAnswered("Ada is there."))
        assert (first.name, first.words, first.written) == ("new", "Ada\nBe kind.", True)
        assert rig.desk.asked[1].key == first.key
        assert same == reply


async def test_other_words_to_the_hub_get_the_list() -> None:
    async with opened() as rig:
        text = f"<message from='{ALICE}' to='{HUB}' type='chat' id='m1'><body>hello?</body></message>"
        await rig.say(text, CommandAnswered("Commands: ..."))
        assert rig.desk.asked[0].name == "help"


async def test_a_hub_whose_desk_is_away_says_so() -> None:
    async with opened() as rig:
        assert "<resource-constraint" in await rig.say(step(), DeskAbsent("away"))
        assert "<internal-server-error" in await rig.say(step(), RuntimeError("bug"))


async def test_programs_are_not_answered() -> None:
    async with opened() as rig:
        hops = "<body>/help</body><hops xmlns='urn:aiox:hops:0' count='1'/>"
        assert rig.door.takes(message(hops, to=HUB))
        assert rig.door.takes(message("<body>/help</body>", sender=AGENT, to=HUB))
        await asyncio.sleep(0)
        assert not rig.link.sent


async def test_messages_to_agents_go_the_other_way() -> None:
    async with opened() as rig:
        assert not rig.door.takes(message("<body>/help</body>"))
        assert not rig.door.takes(message("<received xmlns='urn:xmpp:receipts'/>", to=HUB))
        assert not rig.door.takes(
            parse(f"<iq from='{ALICE}' to='{AGENT}' type='get' id='i'><query xmlns='{INFO}'/></iq>")
        )


async def test_too_many_are_refused() -> None:
    async with opened() as rig:
        for _ in range(REQUEST_BURST):
            await rig.say(step(), CommandAnswered("Done."))
        assert "<policy-violation" in await rig.say(step())
