from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiox.kernel.envelope import RETRACTED, Attachment, OutboxReady, Source, TurnData
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER, TurnId
from component.features.files import attachments_of
from component.stanza_xml import COMPONENT, HINTS, SID, to_text
from component.stanzas_out import PART_BYTES, ForeignSender, seal, split, stanzas_of
from tests.unit.component.stanzas import AGENT, ALICE, again, parse

READY = OutboxReady(
    outbox_id=UUID(int=1),
    turn_id=TurnId(UUID(int=2)),
    owner=HUB_OWNER,
    from_jid=f"{AGENT}/aiox",
    to_jid=ALICE,
    kind="answer",
    body="hello",
    error_code="",
    stanza_id="s1",
    reply_to_id="q1",
    stanza_type="chat",
    thread="t1",
    part=1,
)


def test_answer_is_a_chat_message_with_ids_thread_state_and_hint() -> None:
    (made,) = stanzas_of(READY)
    assert to_text(made) == (
        f'<message from="{AGENT}/aiox" to="{ALICE}" type="chat" id="s1"><body>hello</body><thread>t1</thread>'
        '<origin-id xmlns="urn:xmpp:sid:0" id="s1"/><active xmlns="http://jabber.org/protocol/chatstates"/>'
        '<store xmlns="urn:xmpp:hints"/></message>'
    )


def test_the_data_of_the_turn_stand_in_the_first_part() -> None:
    data = TurnData(3, 12, 840, 412, (Source("Hand <book>", "Keys"), Source("Notes", "")))
    first, second = stanzas_of(replace(READY, data=data, body="x" * (PART_BYTES + 1)))
    assert (
        f'<turn xmlns="urn:aiox:turn:0" id="{READY.turn_id}" version="3" platform-ms="12" worker-ms="840" tokens="412">'
        '<source title="Hand &lt;book&gt;" section="Keys"/><source title="Notes"/></turn>'
    ) in to_text(first)
    assert "urn:aiox:turn:0" not in to_text(second)
    (command,) = stanzas_of(replace(READY, data=TurnData(0, 1, 0, 0)))
    assert f'id="{READY.turn_id}" platform-ms="1" worker-ms="0" tokens="0"/>' in to_text(command)


def test_normal_message_is_answered_normally_and_without_a_thread_when_it_had_none() -> None:
    (made,) = stanzas_of(replace(READY, stanza_type="normal", thread=""))
    assert made.get("type") is None
    assert made.find(f"{{{COMPONENT}}}thread") is None
    assert made.find(f"{{{HINTS}}}store") is not None


def test_error_carries_the_id_of_the_question_and_the_code() -> None:
    (made,) = stanzas_of(replace(READY, kind="error", error_code="QUOTA_EXCEEDED", body="1,000 tokens a minute."))
    assert to_text(made) == (
        f'<message from="{AGENT}/aiox" to="{ALICE}" type="error" id="q1"><thread>t1</thread><error type="wait">'
        '<policy-violation xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>'
        '<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">1,000 tokens a minute.</text>'
        '<error-code xmlns="urn:aiox:error:0" code="QUOTA_EXCEEDED"/></error></message>'
    )


def test_an_introduction_asks_to_be_taken_among_the_contacts() -> None:
    (made,) = stanzas_of(replace(READY, kind="introduction", from_jid=AGENT, body="Ada is new"))
    assert to_text(made) == (
        f'<presence from="{AGENT}" to="alice@hub.test" type="subscribe"><status>Ada is new</status></presence>'
    )


def test_hidden_forbidden_and_unknown_look_alike() -> None:
    made = {
        to_text(stanzas_of(replace(READY, kind="error", error_code="ACCESS_DENIED", body=body))[0])
        for body in ("", "private agent", "no such agent")
    }
    assert len(made) == 1
    assert "<forbidden " in made.pop()


def test_code_that_the_door_does_not_know_is_internal() -> None:
    (made,) = stanzas_of(replace(READY, kind="error", error_code="FROM_THE_FUTURE", body=""))
    assert SENTENCES[ErrorCode.INTERNAL] in to_text(made)


def test_long_answers_are_split_under_numbered_ids() -> None:
    text = "word " * 30_000
    parts = stanzas_of(replace(READY, body=text))
    assert [part.get("id") for part in parts] == ["s1", "s1-2", "s1-3"]
    origins = [part.find(f"{{{SID}}}origin-id") for part in parts]
    assert [origin.get("id") for origin in origins if origin is not None] == ["s1", "s1-2", "s1-3"]
    assert "".join(again(part).findtext(f"{{{COMPONENT}}}body") or "" for part in parts) == text


def test_same_row_makes_the_same_stanzas() -> None:
    row = replace(READY, body="word " * 30_000)
    assert [to_text(one) for one in stanzas_of(row)] == [to_text(one) for one in stanzas_of(row)]


@given(st.text(max_size=400), st.integers(4, 100))
def test_split_loses_nothing_and_keeps_the_limit(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert "".join(parts) == text
    assert all(len(part.encode()) <= limit for part in parts)
    assert all(parts) or parts == [""]


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_sealed_answer_is_well_formed_whatever_the_model_wrote(body: str) -> None:
    for made in stanzas_of(replace(READY, body=body, thread=body)):
        assert seal(made, "agents.hub.test").decode()
        again(made)


@pytest.mark.parametrize("sender", ["alice@hub.test", "agents.hub.test.evil", "", "x@agents.hub.test@evil"])
def test_foreign_sender_never_leaves(sender: str) -> None:
    (made,) = stanzas_of(replace(READY, from_jid=sender))
    with pytest.raises(ForeignSender):
        seal(made, "agents.hub.test")


def test_parts_stay_below_the_size_where_peers_cut() -> None:
    assert all(len(part.encode()) <= PART_BYTES for part in split("é" * 100_000, PART_BYTES))


def test_in_a_room_an_answer_is_said_to_all_and_shows_no_typing() -> None:
    text = to_text(stanzas_of(replace(READY, stanza_type="groupchat", to_jid="garden@conference.hub.test"))[0])
    assert 'type="groupchat"' in text
    assert "chatstates" not in text


def test_a_retraction_names_every_part() -> None:
    answer = "0" * 36
    texts = [to_text(one) for one in stanzas_of(replace(READY, kind=RETRACTED, reply_to_id=answer, part=2, body=""))]
    assert [f'retract:1" id="{answer}"/>' in texts[0], f'retract:1" id="{answer}-2"/>' in texts[1]] == [True, True]
    assert len({parse(one).get("id") for one in texts}) == 2


def test_a_long_answer_has_its_file_behind_it() -> None:
    file = Attachment("https://hub.test/v1/files/x", "answer.md", "text/markdown", 7)
    *_, last = stanzas_of(replace(READY, file=file))
    text = to_text(last)
    assert "<body>https://hub.test/v1/files/x</body>" in text
    assert '<x xmlns="jabber:x:oob"><url>https://hub.test/v1/files/x</url></x>' in text
    assert attachments_of(again(last)) == (file,)
    assert last.get("id", "").endswith("-file")
