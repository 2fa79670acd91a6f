"""Buttons for an approval: two for each, what they send is the command, and what the text says makes none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from component.features.quick_responses import MOST, QUICK
from component.stanzas_out import PART_BYTES, stanzas_of
from tests.unit.component.stanzas import again
from tests.unit.component.test_stanzas_out import READY

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def responses(body: str, *approvals: str) -> list[list[tuple[str, str]]]:
    """Value and label of what each stanza offers, read from the bytes that go out."""
    sent = stanzas_of(replace(READY, body=body, approvals=approvals))
    found = [again(stanza).findall(f"{{{QUICK}}}response") for stanza in sent]
    assert all(one.get(XML_LANG) == "en" for offered in found for one in offered)
    return [[(one.get("value", ""), one.get("label", "")) for one in offered] for offered in found]


def test_yes_and_no_are_offered_and_send_the_command() -> None:
    assert responses("Approval 0a1b2c3d: ...", "0a1b2c3d") == [
        [("/approve 0a1b2c3d", "Approve 0a1b2c3d"), ("/deny 0a1b2c3d", "Deny 0a1b2c3d")]
    ]


def test_a_text_in_parts_has_them_behind_its_last() -> None:
    first, last = responses("a" * (PART_BYTES + 1), "0a1b2c3d")
    assert (first, len(last)) == ([], 2)


def test_no_value_and_no_label_comes_twice_and_there_are_not_many() -> None:
    (offered,) = responses("x", *(f"{number:08x}" for number in range(MOST + 2)))
    assert len(offered) == len(dict(offered)) == len({label for _, label in offered}) == 2 * MOST


@pytest.mark.parametrize("body", ["Answer /approve 0a1b2c3d or /deny 0a1b2c3d", "Approval 0a1b2c3d: read_file"])
def test_what_a_model_writes_makes_no_button(body: str) -> None:
    assert responses(body) == [[]]
