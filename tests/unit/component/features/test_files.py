"""Files in messages, as clients of other people send them; and links to ours."""

from __future__ import annotations

from uuid import uuid4
from xml.etree.ElementTree import Element

import pytest

from aiox.kernel.envelope import REACTED, Attachment, MessageReceived
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import TurnId
from aiox.kernel.jid import BareJid
from component.features.files import MOST, add_file, attachments_of, name_in
from component.features.reactions import reactions_of
from component.features.retraction import retraction
from component.stanza_xml import to_text
from component.stanzas_in import Question, Refusal, Sender, is_conversation, read_message
from tests.unit.component.stanzas import AGENT, ALICE, again, message

URL = "https://hub.test:5280/upload/abc/r%C3%A9sum%C3%A9.pdf"
OOB = f'<x xmlns="jabber:x:oob"><url>{URL}</url></x>'
SHARED = f"""
    <file-sharing xmlns="urn:xmpp:sfs:0" disposition="attachment">
      <file xmlns="urn:xmpp:file:metadata:0">
        <media-type>application/pdf</media-type><name>my résumé.pdf</name><size>3032449</size>
      </file>
      <sources><url-data xmlns="http://jabber.org/protocol/url-data" target="{URL}"/></sources>
    </file-sharing>"""
WHOLE = Attachment(URL, "my résumé.pdf", "application/pdf", 3032449)


def read(stanza: Element) -> Question | Refusal:
    assert is_conversation(stanza)
    return read_message(stanza, Sender(ALICE, BareJid("alice@hub.test")), lambda: TurnId(uuid4()))


def received(inner: str) -> MessageReceived:
    found = read(message(inner))
    assert isinstance(found, Question)
    return found.received


def test_a_link_beside_itself_as_text_is_a_file_and_nothing_else() -> None:
    found = received(f"<body>{URL}</body>{OOB}")
    assert found.attachments == (Attachment(URL, "résumé.pdf"),)
    assert found.body == ""


def test_words_beside_a_file_stay() -> None:
    assert received(f"<body>What is this?\n{URL}</body>{OOB}").body == "What is this?"
    assert received(f"<body>see {URL}</body>{OOB}").body == f"see {URL}"
    assert received(f"<body>{URL}</body>").body == URL, "a link alone is a link"


def test_a_shared_file_says_more_and_counts_once() -> None:
    assert received(f"<body>{URL}</body>{OOB}{SHARED}").attachments == (WHOLE,)
    assert received(SHARED).attachments == (WHOLE,)


@pytest.mark.parametrize(
    "inner",
    [
        '<x xmlns="jabber:x:oob"/>',
        '<x xmlns="jabber:x:oob"><url> </url></x>',
        f'<x xmlns="jabber:x:oob"><url>https://a/{"x" * 3000}</url></x>',
        '<file-sharing xmlns="urn:xmpp:sfs:0"/>',
        '<file-sharing xmlns="urn:xmpp:sfs:0"><sources/></file-sharing>',
    ],
)
def test_what_names_no_file_is_empty(inner: str) -> None:
    found = read(message(inner))
    assert isinstance(found, Refusal)
    assert found.code is ErrorCode.BODY_EMPTY


def test_names_have_no_folders_lines_or_ends() -> None:
    assert name_in("https://a/b/..%2F..%2Fetc%2Fpasswd") == "passwd"
    assert name_in("https://a/x%0Ay%5Cz.txt") == "z.txt"
    assert name_in("https://a/" + "n" * 900) == "n" * 200
    assert name_in("https://[") == ""
    named = SHARED.replace("my résumé.pdf", "../../root/.ssh/key")
    assert attachments_of(message(named))[0].name == "key"


def test_sizes_that_are_none_are_nothing() -> None:
    for size in ("-1", "9" * 40, "1e9", "\u0661"):
        assert attachments_of(message(SHARED.replace("3032449", size)))[0].bytes == 0


def test_a_few_files_are_read_out_of_one_message() -> None:
    many = "".join(f'<x xmlns="jabber:x:oob"><url>https://a/{number}</url></x>' for number in range(100))
    assert len(attachments_of(message(many))) == MOST


def test_our_own_links_read_back() -> None:
    made = Element("{jabber:component:accept}message")
    add_file(made, WHOLE)
    assert attachments_of(again(made)) == (WHOLE,)


def test_a_reaction_is_about_an_answer_and_needs_no_words() -> None:
    inner = '<reactions xmlns="urn:xmpp:reactions:0" id="a1"><reaction>👍</reaction><reaction>🎉</reaction></reactions>'
    found = read(message(inner))
    assert isinstance(found, Question)
    assert found.type == REACTED
    assert (found.received.about, found.received.body) == ("a1", "👍 🎉")
    assert not found.wants_receipt


def test_reactions_that_are_taken_back_are_none() -> None:
    found = reactions_of(message('<reactions xmlns="urn:xmpp:reactions:0" id="a1"/>'))
    assert found is not None
    assert found.emojis == ()


@pytest.mark.parametrize("about", ["", "x" * 2000])
def test_a_reaction_to_nothing_is_none(about: str) -> None:
    assert reactions_of(message(f'<reactions xmlns="urn:xmpp:reactions:0" id="{about}"/>')) is None


def test_a_long_text_is_no_emoji() -> None:
    inner = f'<reactions xmlns="urn:xmpp:reactions:0" id="a"><reaction>{"x" * 100}</reaction></reactions>'
    found = reactions_of(message(inner))
    assert found is not None
    assert found.emojis == ()


def test_a_retraction_names_the_answer_and_says_so_in_words() -> None:
    text = to_text(retraction(f"{AGENT}/aiox", "alice@hub.test", "chat", "r1", "a1"))
    assert '<retract xmlns="urn:xmpp:message-retract:1" id="a1"/>' in text
    assert '<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:message-retract:1"/>' in text
    assert "taken back" in text
    assert '<store xmlns="urn:xmpp:hints"/>' in text
