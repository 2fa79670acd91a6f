"""What the stack adds to the archive of the XMPP server."""

from __future__ import annotations

from uuid import uuid4, uuid5

import pytest

from aiox.cli.stack import ejabberd as part
from aiox.cli.stack import postgres
from aiox.cli.stack.trouble import CannotGoOn
from tests.stack import Place

ANSWER = str(uuid5(uuid4(), "reply:0"))
QUESTION = str(uuid4())


async def archive(place: Place, origin_id: str, peer: str = "agent-1@agents.localhost") -> None:
    await postgres.sql(
        place.home,
        place.settings.ports.postgres,
        "ejabberd",
        "INSERT INTO archive (username, timestamp, peer, bare_peer, xml, txt, kind, nick, origin_id)"  # noqa: S608
        f" VALUES ('carol', 1, '{peer}/aiox', '{peer}', '<message/>', '', 'chat', '', '{origin_id}')",
    )


async def test_an_answer_is_archived_once(ejabberd: Place) -> None:
    await archive(ejabberd, ANSWER)
    with pytest.raises(CannotGoOn, match="aiox_answers_once"):
        await archive(ejabberd, ANSWER)
    await archive(ejabberd, f"{ANSWER}-2")  # the next part of it


async def test_an_answer_of_another_hubs_agent_is_archived_once(ejabberd: Place) -> None:
    await archive(ejabberd, ANSWER, "agent-1@agents.other.test")
    with pytest.raises(CannotGoOn, match="aiox_answers_once"):
        await archive(ejabberd, ANSWER, "agent-1@agents.other.test")
    await archive(ejabberd, ANSWER, "agent-2@agents.other.test")


async def test_what_people_send_may_repeat_its_id(ejabberd: Place) -> None:
    for _ in range(2):
        await archive(ejabberd, QUESTION)
        await archive(ejabberd, "1")
        await archive(ejabberd, ANSWER, "bob@localhost")


async def test_preparing_it_again_changes_nothing(ejabberd: Place) -> None:
    await part.prepare_archive(ejabberd.home, ejabberd.settings)
