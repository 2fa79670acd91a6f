"""The descriptor over XMPP: canonical bytes with their hash, and one error for everyone else."""

from __future__ import annotations

import base64
import hashlib
import json
from uuid import UUID

import pytest

from aiox.kernel.acd import Descriptor, descriptor
from aiox.kernel.agent import AgentSpec, Profile
from aiox.kernel.canonical import canonical
from aiox.kernel.ids import AgentId, OwnerId, agent_id_of
from aiox.kernel.jid import BareJid
from component.features.acd import ACD, HASHES, answer_acd, asks_descriptor
from component.stanza_xml import STANZAS, to_text
from tests.unit.component.stanzas import AGENT, ALICE, again, parse

SEEN = agent_id_of(AGENT.partition("@")[0])
KNOWN = descriptor(SEEN, OwnerId(UUID(int=7)), 3, AgentSpec(profile=Profile(name="Ada", description="<&>")))


async def find(agent: AgentId, asker: BareJid) -> Descriptor | None:
    return KNOWN if (agent, asker) == (SEEN, "alice@hub.test") else None


def asked(sender: str = ALICE, to: str = AGENT, kind: str = "get", inner: str = f'<acd xmlns="{ACD}"/>') -> str:
    return f'<iq from="{sender}" to="{to}" type="{kind}" id="a1">{inner}</iq>'


async def test_the_json_is_the_canonical_bytes_and_the_hash_is_theirs() -> None:
    reply = await answer_acd(parse(asked()), find)
    assert reply is not None
    sent = again(reply)
    assert (sent.get("type"), sent.get("id"), sent.get("from"), sent.get("to")) == ("result", "a1", AGENT, ALICE)
    acd = sent.find(f"{{{ACD}}}acd")
    assert acd is not None
    text = (acd.findtext(f"{{{ACD}}}json") or "").encode()
    assert text == canonical(KNOWN.model_dump(mode="json"))
    found = acd.find(f"{{{HASHES}}}hash")
    assert found is not None
    assert (found.get("algo"), base64.b64decode(found.text or "")) == ("sha-256", hashlib.sha256(text).digest())
    assert (acd.get("version"), json.loads(text)["version"]) == ("3", 3)


async def test_all_others_get_the_same_error() -> None:
    answers = set()
    for sender, to in (("mallory@hub.test/x", AGENT), (ALICE, "nobody@agents.hub.test"), ("server.test", AGENT)):
        reply = await answer_acd(parse(asked(sender, to)), find)
        assert reply is not None
        assert reply.find(f".//{{{STANZAS}}}item-not-found") is not None
        answers.add(to_text(reply).replace(sender, "*").replace(to, "*"))
    assert len(answers) == 1
    assert await answer_acd(parse(asked(sender="@")), find) is None


@pytest.mark.parametrize(
    "other",
    [asked(kind="set"), asked(kind="result"), asked(to="agents.hub.test"), asked(inner='<acd xmlns="urn:other"/>')],
    ids=["set", "result", "the component", "another namespace"],
)
def test_only_a_get_to_an_agent_asks_for_it(other: str) -> None:
    assert asks_descriptor(parse(asked()))
    assert not asks_descriptor(parse(other))
