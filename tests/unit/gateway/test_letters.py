"""The queue before the post: in order, tried again, bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog

from aiox.runtime.mail import Letter, MailTrouble
from gateway import letters
from gateway.letters import Letters


class Post:
    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.sent: list[str] = []
        self.tries = 0

    async def send(self, letter: Letter) -> None:
        self.tries += 1
        if self.failures:
            self.failures -= 1
            raise MailTrouble("away")
        self.sent.append(letter.to)

    async def forget(self, to: str, jid: str) -> None:
        raise AssertionError(f"nobody forgets {to} here")


@asynccontextmanager
async def running(post: Post) -> AsyncIterator[Letters]:
    queue = Letters(post, structlog.get_logger(), (0.0, 0.0))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(queue.run())
        yield queue
        task.cancel()


async def until(post: Post, tries: int) -> None:
    async with asyncio.timeout(60):
        while post.tries < tries:
            await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_letters_go_out_in_order() -> None:
    post = Post()
    async with running(post) as queue:
        for number in range(3):
            await queue.put(Letter(str(number), "", ""))
        await until(post, 3)
    assert post.sent == ["0", "1", "2"]


async def test_a_letter_is_tried_again_and_then_given_up() -> None:
    post = Post(failures=3 + 2)
    async with running(post) as queue:
        for name in ("lost", "comes", "next"):
            await queue.put(Letter(name, "", ""))
        await until(post, 3 + 3 + 1)
    assert post.sent == ["comes", "next"]
    assert post.tries == 7


async def test_a_full_queue_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "MOST", 2)
    queue = Letters(Post(), structlog.get_logger())
    for _ in range(2):
        await queue.put(Letter("a", "", ""))
    with pytest.raises(MailTrouble):
        await queue.put(Letter("a", "", ""))
