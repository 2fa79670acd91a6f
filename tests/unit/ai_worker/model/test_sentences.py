"""Markdown becomes sentences that read well in a chat."""

from __future__ import annotations

from ai_worker.model.sentences import overlap, sentences, terms


def test_wrapped_lines_are_joined_and_marks_removed() -> None:
    text = "The **hub** starts with\n`make up`. See [the guide](docs/guide.md).\n\nNext one!"
    assert sentences(text) == ["The hub starts with make up.", "See the guide.", "Next one!"]


def test_list_items_and_rows_stand_alone() -> None:
    text = "Ports:\n- web 8080\n* bus 4232\n1. first\n\n| name | port |\n|---|---|\n| web | 8080 |"
    assert sentences(text) == ["Ports:", "web 8080", "bus 4232", "first", "name port", "web 8080"]


def test_a_dot_inside_a_name_ends_nothing() -> None:
    assert sentences("Read hub.toml and e.g. this. Then go.") == ["Read hub.toml and e.g. this.", "Then go."]


def test_code_is_kept_without_its_fence() -> None:
    assert sentences("```sh\nmake up\n```") == ["make up"]


def test_common_words_and_endings_do_not_count() -> None:
    assert terms("What are the limits of tokens?") == {"limit", "token"}


def test_rare_words_weigh_more() -> None:
    first, second, third = overlap("quota of the hub", ["the hub runs", "the hub has a quota", "hub"])
    assert second > first == third > 0


def test_a_question_of_common_words_matches_nothing() -> None:
    assert overlap("what is it", ["it is what it is"]) == [0.0]
