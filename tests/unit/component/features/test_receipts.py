from __future__ import annotations

from component.features.receipts import asks_receipt, receipt
from component.stanza_xml import to_text
from tests.unit.component.stanzas import AGENT, ALICE, message

REQUEST = '<request xmlns="urn:xmpp:receipts"/>'


def test_receipt_is_asked_for_only_with_an_id() -> None:
    assert asks_receipt(message(REQUEST))
    assert not asks_receipt(message(REQUEST, ""))
    assert not asks_receipt(message("<body>hi</body>"))


def test_receipt_comes_from_where_the_message_went_and_names_it() -> None:
    assert to_text(receipt(message(REQUEST))) == (
        f'<message from="{AGENT}" to="{ALICE}" type="chat" id="receipt-q1">'
        '<received xmlns="urn:xmpp:receipts" id="q1"/><store xmlns="urn:xmpp:hints"/></message>'
    )
