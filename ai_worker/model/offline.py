"""The built-in responder: answers without a model by quoting what the agent knows, and says that it does so."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ai_worker.model.extract import NOTHING, extracted
from ai_worker.model.port import Delta
from ai_worker.model.sentences import overlap, sentences
from ai_worker.words import Exchange, Kind, Limits, Passage, Prompt, Remembered, Task
from aiox.kernel.outcome import Usage
from aiox.kernel.units import estimate_tokens

LABEL: Final = "[offline responder: no model is configured; quoting what I know]"

Closeness = Callable[[str, Sequence[str]], Awaitable[Sequence[float]]]
"""Cosine of each text to a question, -1 to 1."""

_GREETING = re.compile(
    r"^\W*(hi|hello|hey|good (morning|afternoon|evening)|ol[aá]|oi|bom dia|boa (tarde|noite))\b[\s\w,]{0,24}\W*$", re.I
)
_ABILITIES = re.compile(
    r"^\W*(what can you do|who are you|help|what do you know"
    r"|o que (voc[eê] )?(faz|sabe( fazer)?)|quem [eé] voc[eê]|ajuda)\W*$",
    re.I,
)
_THANKS = re.compile(r"^\W*(thanks|thank you|thx|cheers|obrigad[oa]|valeu)\b[\s\w,]{0,24}\W*$", re.I)
_OF_ONESELF = re.compile(r"\b(my|mine|me|i|am i|meu|minha|meus|minhas|eu)\b", re.I)
_EARLIER = re.compile(
    r"\b(what did (i|you) (just )?(say|ask|tell|write|answer)|(my|your) (last|previous) (message|question|answer)"
    r"|what were we talking about|o que (eu|voc[eê]) (disse|perguntei|falei))\b",
    re.I,
)
_SOURCE: Final = re.compile(
    r"\b(who (told|said) (you )?(that|this|so)|how do you know|where (do|did) you (get|have|read|know) (that|this|it)"
    r"|(what|which) (is|was) (the|your) source|quem (te |lhe )?disse isso|como (voc[eê] )?sabe disso)\b",
    re.I,
)
_ENOUGH: Final = 0.3
"""A sentence scoring less than this does not answer."""
_NEAR_BEST: Final = 0.8
"""Sentences within this share of the best one are quoted too."""
_AT_MOST: Final = 4
_ANSWER: Final = 2
"""Sentences that are quoted behind a question of a document."""
_BEHIND: Final = 0.1
"""Passages farther than the nearest by more than this are not looked at."""
_LOOKED_AT: Final = 20
"""Sentences compared with the question at most, those of the nearest passages first."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    passage: Passage
    place: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Offline:
    """Answers from passages, facts and the conversation so far. Needs no network and no key; never fails."""

    closeness: Closeness
    name: str = "offline"

    def input_tokens(self, prompt: Prompt) -> int:
        """The message alone: no provider reads the rest, so passages and history cost nothing here."""
        return estimate_tokens(prompt.message)

    async def complete(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Delta, None]:
        """The answer in lines. Usage is estimated."""
        answer = _shortened(await self._answer(prompt), limits.max_output_tokens)
        lines = answer.splitlines(keepends=True)
        for line in lines[:-1]:
            yield Delta(line)
        yield Delta(lines[-1], Usage(self.input_tokens(prompt), estimate_tokens(answer)))

    async def _answer(self, prompt: Prompt) -> str:
        if prompt.task is Task.SUMMARY:
            return extracted(prompt.message, prompt.history, LABEL)
        parts = [LABEL]
        if prompt.remembered is not None:
            return "\n".join([*parts, _confirmed(prompt.remembered)])
        if _SOURCE.search(prompt.message) and prompt.history:
            return "\n".join([*parts, _sources(prompt.history[-1])])
        if _EARLIER.search(prompt.message) and prompt.history:
            return "\n".join([*parts, _earlier(prompt.history[-1]), *_summed_up(prompt.passages)])
        if _GREETING.match(prompt.message) or _ABILITIES.match(prompt.message):
            return "\n".join([*parts, _welcome(prompt.agent_name)])
        if _THANKS.match(prompt.message):
            return "\n".join([*parts, "You are welcome."])
        if prompt.learnt and "?" not in prompt.message:
            return "\n".join([*parts, "Good to know."])
        told = _told(prompt.passages)
        known = told if _is_of_oneself(prompt) else [*told, *await self._quoted(prompt)]
        return "\n".join([*parts, *(known or [_nothing(prompt)])])

    async def _quoted(self, prompt: Prompt) -> list[str]:
        chosen = await self._chosen(prompt)
        blocks: list[str] = []
        for passage in dict.fromkeys(sentence.passage for sentence in chosen):
            mine = [one.place for one in chosen if one.passage == passage]
            blocks.append("“" + " ".join(_with_answers(passage, mine)) + "”\n— " + source(passage))
        return blocks

    async def _chosen(self, prompt: Prompt) -> list[_Sentence]:
        """The sentences that come nearest to the question, best first."""
        documents = [passage for passage in prompt.passages if passage.kind is not Kind.FACT]
        nearest = min((one.distance for one in documents if one.kind is Kind.CHUNK), default=0.0)
        places = [
            (passage, place, text)
            for passage in documents
            if passage.distance <= nearest + _BEHIND
            for place, text in enumerate(sentences(passage.content))
        ][:_LOOKED_AT]
        texts = [text for _, _, text in places]
        shared = overlap(prompt.message, texts)
        close = await self.closeness(prompt.message, texts)
        scored = [
            _Sentence(passage, place, text, 0.7 * max(near, 0.0) + 0.3 * same)
            for (passage, place, text), near, same in zip(places, close, shared, strict=True)
        ]
        scored.sort(key=lambda sentence: -sentence.score)
        if not scored:
            return []
        bar = max(_ENOUGH, _NEAR_BEST * scored[0].score)
        return [sentence for sentence in scored if sentence.score >= bar][:_AT_MOST]


def _with_answers(passage: Passage, places: Sequence[int]) -> list[str]:
    """The sentences at these places, in order; behind a question that the document asks, what it answers."""
    texts, wanted = sentences(passage.content), set(places)
    for place in places:
        if not texts[place].endswith("?"):
            continue
        for following in range(place + 1, min(place + 1 + _ANSWER, len(texts))):
            if texts[following].endswith("?"):
                break
            wanted.add(following)
    return [texts[place] for place in sorted(wanted)]


def source(passage: Passage) -> str:
    """How a passage is cited: title and section."""
    if passage.kind is Kind.SUMMARY:
        return "what we spoke about before, in short"
    title = passage.title or "an untitled document"
    sections = [part for part in passage.section.split(" > ") if part and part != passage.title]
    return f"{title}, section “{' > '.join(sections)}”" if sections else title


def _is_of_oneself(prompt: Prompt) -> bool:
    """Whether people ask of themselves, and have told it: documents that are farther off speak of others."""
    facts = [one.distance for one in prompt.passages if one.kind is Kind.FACT]
    others = [one.distance for one in prompt.passages if one.kind is Kind.CHUNK]
    return bool(facts) and min(facts) < min(others, default=2.0) and bool(_OF_ONESELF.search(prompt.message))


def _told(passages: tuple[Passage, ...]) -> list[str]:
    facts = [passage for passage in passages if passage.kind is Kind.FACT]
    nearest = min((passage.distance for passage in facts), default=0.0)
    near = [passage for passage in facts if passage.distance <= nearest + _BEHIND]
    return [f"You told me: “{passage.content}”" for passage in near][:2]


def _summed_up(passages: tuple[Passage, ...]) -> list[str]:
    return [f"Before that, in short:\n{one.content}" for one in passages if one.kind is Kind.SUMMARY]


def _sources(last: Exchange) -> str:
    """Where the last answer came from: it names its sources itself."""
    named = [line for line in last.assistant.splitlines() if line.startswith(("— ", "You told me: "))]
    if not named:
        return "My last answer rested on nothing that I know from documents or from you. /why tells more."
    return "\n".join(["My last answer rested on:", *dict.fromkeys(named)])


def _confirmed(remembered: Remembered) -> str:
    if remembered.stored:
        return f"I will remember: “{remembered.fact}”"
    return f"I could not keep this; my memory is full or switched off: “{remembered.fact}”"


def _earlier(last: Exchange) -> str:
    answer = last.assistant.removeprefix(LABEL).strip()
    return f"Your message before this one was: “{last.user}”\nMy answer was: {answer}"


def _welcome(agent_name: str) -> str:
    return (
        f"Hello, I am {agent_name or 'an agent of this hub'}. Ask me about what stands in my documents and I quote the"
        " place. Write “remember that ...” and I keep it for you."
    )


def _nothing(prompt: Prompt) -> str:
    lines = [f"{NOTHING}: neither my documents nor what you told me comes close."]
    if prompt.history:
        lines.append(f"Before this we spoke about: “{_short(prompt.history[-1].user)}”")
    return "\n".join(lines)


def _short(text: str, characters: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= characters else line[: characters - 1].rstrip() + "…"


def _shortened(text: str, tokens: int) -> str:
    """Cut so that the estimate stays within `tokens`."""
    if estimate_tokens(text) <= tokens:
        return text
    return text.encode()[: max(tokens * 3, 1)].decode(errors="ignore") or "…"
