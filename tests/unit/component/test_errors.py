from __future__ import annotations

import pytest

from aiox.kernel.errors import SENTENCES, ErrorCode
from component.errors import AIOX_ERROR, CONDITIONS, add_error, error_reply
from component.stanza_xml import COMPONENT, STANZAS, to_text
from tests.unit.component.stanzas import again, message

# RFC 6120 section 8.3.3.
DEFINED = {
    *("bad-request", "conflict", "feature-not-implemented", "forbidden", "gone", "internal-server-error"),
    *("item-not-found", "jid-malformed", "not-acceptable", "not-allowed", "not-authorized", "policy-violation"),
    *("recipient-unavailable", "redirect", "registration-required", "remote-server-not-found", "undefined-condition"),
    *("remote-server-timeout", "resource-constraint", "service-unavailable", "subscription-required"),
    "unexpected-request",
}


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_a_row_of_the_rfc(code: ErrorCode) -> None:
    condition = CONDITIONS[code]
    assert condition.type in {"auth", "cancel", "modify", "wait"}
    assert condition.name in DEFINED


def test_codes_that_a_client_may_send_again_say_wait() -> None:
    assert {CONDITIONS[code].type for code in (ErrorCode.RATE_LIMITED, ErrorCode.HUB_BUSY)} == {"wait"}


def test_error_reply_names_id_condition_sentence_and_code() -> None:
    reply = again(error_reply(message("<body/>"), ErrorCode.BODY_EMPTY))
    assert (reply.get("type"), reply.get("id"), reply.get("to")) == ("error", "q1", "alice@hub.test/phone")
    error = reply.find(f"{{{COMPONENT}}}error")
    assert error is not None
    assert [inner.tag for inner in error] == [
        f"{{{STANZAS}}}bad-request",
        f"{{{STANZAS}}}text",
        f"{{{AIOX_ERROR}}}error-code",
    ]
    assert error[1].text == SENTENCES[ErrorCode.BODY_EMPTY]
    assert error[2].get("code") == "BODY_EMPTY"


def test_access_denied_says_the_same_whatever_the_reason() -> None:
    replies = [message("<body>hi</body>") for _ in range(2)]
    add_error(replies[0], ErrorCode.ACCESS_DENIED, "the agent is private")
    add_error(replies[1], ErrorCode.ACCESS_DENIED, "")
    assert to_text(replies[0]) == to_text(replies[1])
