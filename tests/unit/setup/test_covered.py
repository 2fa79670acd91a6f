"""Shares of lines are summed by the beginning of a path, and held against what is promised."""

from __future__ import annotations

from setup.covered import LEAST, least_covered, shares, table


def summary(lines: int, ran: int) -> dict[str, dict[str, int]]:
    return {"summary": {"num_statements": lines, "covered_lines": ran}}


REPORT = {
    "aiox/kernel/ids.py": summary(100, 60),
    "policy/quota.py": summary(100, 95),
    "policy/access.py": summary(100, 96),
    "registry/turns.py": summary(100, 94),
    "component/stanzas_in.py": summary(10, 10),
    "component/xmpp.py": summary(90, 10),
}


def test_parts_are_summed_and_judged() -> None:
    found = {one.part: (one.lines, one.ran, one.holds) for one in shares(REPORT)}
    assert found == {
        "all": (500, 365, False),
        "policy/": (200, 191, True),
        "registry/": (100, 94, False),
        "component/stanzas": (10, 10, True),
    }


def test_what_is_promised_is_asked_for() -> None:
    assert {one.part: one.least for one in shares({})} == {
        "all": 80.0,
        "policy/": 95.0,
        "registry/": 95.0,
        "component/stanzas": 95.0,
    }
    assert len(LEAST) == 4


def test_the_table_says_what_is_too_little() -> None:
    lines = table(shares(REPORT)).splitlines()
    assert lines[0].endswith("TOO LITTLE")
    assert lines[1].endswith("ok")
    assert "95.50 %" in lines[1]


def test_the_files_that_lack_most_are_named_and_whole_ones_are_not() -> None:
    assert least_covered(REPORT, "component/").split() == ["80", "lines", "of", "component/xmpp.py"]
    assert [line.split()[0] for line in least_covered(REPORT, "").splitlines()] == ["80", "40", "6", "5", "4"]
