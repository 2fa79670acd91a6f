"""Files of a tool call: what a worker or a model names is not believed, and what finds no room is told."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from aiox.commands import attach_file
from aiox.commands.attach_file import Attached, Content
from aiox.kernel.canonical import Json, canonical
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.ports import Ports
from orchestrator.proofs import Loaded
from orchestrator.steps import call_files
from orchestrator.steps.call_files import MOST_BYTES, MOST_FILES, NoFile
from registry import documents

DOCUMENT = uuid4()


def ports() -> Ports:
    def url(_owner: UUID, record: UUID, _now: datetime) -> str:
        return f"https://hub.test/v1/files/{record}"

    return cast(
        Ports,
        SimpleNamespace(
            pool=None,
            hub=None,
            clock=SimpleNamespace(now=lambda: datetime(2026, 1, 1, tzinfo=UTC)),
            settings=SimpleNamespace(files=SimpleNamespace(link_hours=24)),
            files=SimpleNamespace(url=url),
            log=SimpleNamespace(error=lambda *_, **__: None),
        ),
    )


def loaded(*, delegated: bool = False) -> Loaded:
    version = SimpleNamespace(
        agent_id=uuid4(),
        governance=SimpleNamespace(max_memory_mb=1),
        memory_config=SimpleNamespace(embedding_model="m"),
    )
    return cast(
        Loaded,
        SimpleNamespace(
            delegation=object() if delegated else None,
            authorised=SimpleNamespace(owner=uuid4(), relation="owner"),
            version=version,
            ring=None,
            turn=SimpleNamespace(message=SimpleNamespace(sender="ada@hub.test")),
        ),
    )


def named(value: Json) -> bytes:
    return canonical({"code": "x", "documents": value})


async def test_a_call_that_names_none_is_given_none_and_no_store_is_asked() -> None:
    assert await call_files.given(ports(), loaded(), canonical({"code": "x"})) == []


@pytest.mark.parametrize("value", [["sums.md"], "sums.md", {"a.txt": 7}])
async def test_a_worker_that_names_them_in_another_way_is_refused(value: Json) -> None:
    with pytest.raises(NoFile, match="not named as the tool wants"):
        await call_files.given(ports(), loaded(), named(value))


async def test_an_agent_that_another_one_asks_is_given_nobodys() -> None:
    with pytest.raises(NoFile, match="nobody's documents"):
        await call_files.given(ports(), loaded(delegated=True), named({"a.txt": "sums.md"}))
    assert await call_files.kept(ports(), loaded(delegated=True), [pb.ToolFile(name="a.txt", content=b"x")]) == []


@pytest.mark.parametrize(("size", "why"), [(MOST_BYTES + 1, "more than 2 MiB"), (None, "no document called")])
async def test_one_that_is_too_large_or_not_theirs_is_said(
    monkeypatch: pytest.MonkeyPatch, size: int | None, why: str
) -> None:
    async def find(*_: object) -> tuple[UUID, int] | None:
        return None if size is None else (DOCUMENT, size)

    monkeypatch.setattr(documents, "find_named", find)
    with pytest.raises(NoFile, match=why):
        await call_files.given(ports(), loaded(), named({"a.txt": "sums.md"}))


async def left(monkeypatch: pytest.MonkeyPatch, outcome: Any, *names: str) -> tuple[list[str], list[str]]:
    """What a person is told of files of these names, and which were to be kept, by their sources."""
    asked: list[str] = []

    async def keep(_hub: object, _receiver: object, subject: str, file: Content) -> Any:
        assert subject == "ada@hub.test", "for its person alone"
        asked.append(file.source)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(attach_file, "keep", keep)
    files = [pb.ToolFile(name=name, content=b"x") for name in names]
    told = await call_files.kept(ports(), loaded(), files)
    return "\n".join(told).splitlines(), asked


async def test_each_is_kept_and_has_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    told, asked = await left(monkeypatch, Attached(DOCUMENT, "a.txt"), "a.txt")
    assert asked == ["result:a.txt"]
    assert told == ["Files (each link opens for 24 hours):", f"a.txt: https://hub.test/v1/files/{DOCUMENT}"]


async def test_names_that_are_no_plain_names_are_not_kept_nor_more_than_so_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad = ("../a", "a/b", "", "a\nb", 'a"b', ".hidden", "x" * 65)
    assert await left(monkeypatch, Attached(DOCUMENT, ""), *bad) == ([], [])
    _, asked = await left(monkeypatch, Attached(DOCUMENT, ""), *(f"{number}.txt" for number in range(MOST_FILES + 3)))
    assert len(asked) == MOST_FILES


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Refused(ErrorCode.MEMORY_FULL, "I cannot keep a.txt. Memory is full.", ()), "Memory is full."),
        (OSError("gone"), "a.txt could not be kept"),
    ],
)
async def test_one_that_finds_no_room_is_told(monkeypatch: pytest.MonkeyPatch, outcome: Any, said: str) -> None:
    told, _ = await left(monkeypatch, outcome, "a.txt")
    assert said in told[1]
