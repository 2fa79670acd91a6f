"""The offline responder says what it is, quotes with its source, and says plainly when it has nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from ai_worker.model.offline import LABEL, Offline, source
from ai_worker.words import LEARNS, Exchange, Kind, Limits, Passage, Prompt, Remembered, Task
from aiox.kernel.units import estimate_tokens

LIMITS = Limits(4000, 1000)


def passage(number: int, content: str, kind: Kind = Kind.CHUNK, section: str = "Start") -> Passage:
    return Passage(UUID(int=number), None, kind, "Guide" if kind is Kind.CHUNK else "", section, content, 0.3)


async def by_words(question: str, texts: Sequence[str]) -> list[float]:
    asked = set(question.lower().strip("?").split())
    return [len(asked & set(text.lower().strip(".").split())) / max(len(asked), 1) for text in texts]


async def answer(prompt: Prompt, limits: Limits = LIMITS) -> str:
    return "".join([delta.text async for delta in Offline(by_words).complete(prompt, limits)])


def asked(message: str, *passages: Passage, history: tuple[Exchange, ...] = ()) -> Prompt:
    return Prompt("Ada", "", message, history=history, passages=passages)


async def test_it_quotes_the_sentences_that_answer_and_names_the_source() -> None:
    text = "The hub has many parts. The hub starts with make up. Cats sleep a lot."
    assert await answer(asked("how starts the hub?", passage(1, text))) == (
        f"{LABEL}\n“The hub starts with make up.”\n— Guide, section “Start”"
    )


async def test_where_a_document_asks_the_same_its_answer_is_quoted() -> None:
    text = "Who locks the doors? Ben does. He has the key. It is red. Can I leave my bike? Yes, in the cellar."
    reply = await answer(asked("who locks the doors?", passage(1, text)))
    assert "“Who locks the doors? Ben does. He has the key.”" in reply
    assert "“Can I leave my bike? Yes, in the cellar.”" in await answer(asked("can i leave my bike?", passage(1, text)))


async def test_one_changed_sentence_changes_the_answer() -> None:
    first = await answer(asked("which port has the web?", passage(1, "The web has port 8080.")))
    second = await answer(asked("which port has the web?", passage(1, "The web has port 9090.")))
    assert "8080" in first
    assert "9090" in second
    assert "8080" not in second


async def test_passages_that_do_not_answer_are_not_quoted() -> None:
    reply = await answer(asked("zebra stripes?", passage(1, "The hub starts with make up.")))
    assert "I know nothing about this" in reply
    assert "make up" not in reply


async def test_it_says_plainly_that_it_has_nothing() -> None:
    reply = await answer(asked("zebra stripes?", history=(Exchange("About lions?", "They roar."),)))
    assert reply.startswith(f"{LABEL}\nI know nothing about this")
    assert "“About lions?”" in reply


async def test_a_stored_fact_is_confirmed_and_a_refused_one_is_not() -> None:
    kept = Prompt("Ada", "", "remember that x", remembered=Remembered("x", True))
    assert await answer(kept) == f"{LABEL}\nI will remember: “x”"
    full = Prompt("Ada", "", "remember that x", remembered=Remembered("x", False))
    assert "could not keep" in await answer(full)


async def test_what_the_user_told_is_told_back() -> None:
    reply = await answer(asked("what is my cat called?", passage(1, "my cat is called Ada", Kind.FACT)))
    assert reply == f"{LABEL}\nYou told me: “my cat is called Ada”"


async def test_it_knows_the_conversation_so_far() -> None:
    history = (Exchange("Where is the log?", f"{LABEL}\nIn var/logs."),)
    reply = await answer(asked("What did I just ask?", history=history))
    assert "“Where is the log?”" in reply
    assert reply.count(LABEL) == 1


async def test_a_greeting_is_returned() -> None:
    assert "I am Ada" in await answer(asked("Hello!"))
    assert "I am Ada" in await answer(asked("Olá, tudo bem?"))


async def test_a_question_after_a_greeting_is_a_question() -> None:
    reply = await answer(asked("Hi, how does one of these hubs ever come to start?", passage(1, "Unrelated words.")))
    assert "I know nothing" in reply


async def test_an_answer_stays_within_its_tokens() -> None:
    long = passage(1, " ".join(f"The hub starts number {number}." for number in range(200)))
    reply = await answer(asked("the hub starts number?", long), Limits(100, 30))
    assert estimate_tokens(reply) <= 30


def test_a_source_is_title_and_section() -> None:
    assert source(passage(1, "x", section="Guide > Start")) == "Guide, section “Start”"
    assert source(passage(1, "x", section="")) == "Guide"


def summed_up(content: str) -> Passage:
    return Passage(UUID(int=9), None, Kind.SUMMARY, "", "", content, 0.0)


async def test_it_sums_up_by_lines_without_label_sources_and_what_it_did_not_know() -> None:
    history = (
        Exchange("Where is the log?", f"{LABEL}\n“In var/logs.”\n— Guide, section “Logs”"),
        Exchange("x " * 200, f"Fine.\n\n{LEARNS}"),
        Exchange("And zebras?", f"{LABEL}\nI know nothing about this: neither my documents nor what you told me."),
    )
    first = await answer(Prompt("Ada", "", "", history=history, task=Task.SUMMARY))
    lines = first.splitlines()
    assert (lines[0], lines[2]) == ("You: “Where is the log?” I: “In var/logs.”", "You: “And zebras?”")
    assert lines[1].endswith("…” I: “Fine.”")
    second = await answer(Prompt("Ada", "", first, history=(Exchange("And now?", "Now too."),), task=Task.SUMMARY))
    assert second.splitlines() == [*lines, "You: “And now?” I: “Now too.”"]


async def test_a_summary_by_lines_forgets_the_oldest() -> None:
    text = ""
    for number in range(60):
        exchange = Exchange(f"Question {number} " + "é" * 40, f"Answer {number}")
        text = await answer(Prompt("Ada", "", text, history=(exchange,), task=Task.SUMMARY), Limits(4000, 400))
    lines = text.splitlines()
    assert 5 < len(lines) < 20
    assert [line.split(" é")[0] for line in lines] == [f"You: “Question {n}" for n in range(60 - len(lines), 60)]
    assert all(line.endswith("”") for line in lines), "none is cut"


async def test_it_says_what_it_can_do_and_returns_thanks() -> None:
    for question in ("What can you do?", "help", "Quem é você?"):
        assert "Ask me about what stands in my documents" in await answer(asked(question))
    for thanks in ("Thanks!", "thank you very much", "Obrigada"):
        assert await answer(asked(thanks)) == f"{LABEL}\nYou are welcome."


async def test_what_it_has_just_learnt_is_no_question() -> None:
    told = Prompt("Ada", "", "My cat is called Ada.", learnt=("My cat is called Ada",))
    assert await answer(told) == f"{LABEL}\nGood to know."


async def test_of_oneself_it_answers_by_what_was_told_unless_a_document_is_nearer() -> None:
    fact = replace(passage(1, "my bike is red", Kind.FACT), distance=0.3)
    far, near = (replace(passage(2, "my bike is what you lock."), distance=one) for one in (0.5, 0.2))
    assert await answer(asked("what is my bike?", fact, far)) == f"{LABEL}\nYou told me: “my bike is red”"
    assert "you lock" in await answer(asked("what is my bike?", fact, near))


async def test_facts_that_are_farther_off_are_not_told() -> None:
    near, far = (replace(passage(n, f"fact {n}", Kind.FACT), distance=n / 4) for n in (1, 2))
    assert await answer(asked("which fact?", near, far)) == f"{LABEL}\nYou told me: “fact 1”"


async def test_what_was_said_long_ago_is_told_from_the_summary() -> None:
    before = summed_up("You: “My boat is green” I: “A fine colour.”")
    history = (Exchange("And the sail?", "White."),)
    reply = await answer(asked("What were we talking about?", before, history=history))
    assert "“And the sail?”" in reply
    assert "My boat is green" in reply


async def test_a_summary_hides_no_document_and_is_quoted_as_what_it_is() -> None:
    before = summed_up("You: “which port has the web” I: “The web has port 8080.”")
    reply = await answer(asked("which port has the web?", before, passage(1, "The web has port 9090.")))
    assert "9090" in reply
    assert source(before) == "what we spoke about before, in short"


async def test_who_told_you_that_is_answered_from_the_last_answer() -> None:
    last = f"{LABEL}\nYou told me: “my cat is called Ada”\n“It starts with make up.”\n— Guide, section “Start”"
    reply = await answer(asked("Who told you that?", history=(Exchange("What starts it?", last),)))
    rested = "You told me: “my cat is called Ada”\n— Guide, section “Start”"
    assert reply == f"{LABEL}\nMy last answer rested on:\n{rested}"
    reply = await answer(asked("How do you know this?", history=(Exchange("Hi", "Hello."),)))
    assert "rested on nothing" in reply
