"""`aiox autoscale`: keeps as many workers as the queue wants, by a command of the operator's."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiox.cli import operator_record
from aiox.cli.stack.processes import run
from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands.list_workers import demand_of
from aiox.runtime import postgres
from aiox.runtime.clock import Clock
from aiox.runtime.postgres import Pool, StoreTrouble
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings, environment
from policy.autoscale import Scaler
from policy.workers import Demand, wanted_workers
from registry import workers

PLACE: Final = "{workers}"
"""Stands in the command where the number goes. It is in the environment as AIOX_WORKERS, too."""
COMMAND_S: Final = 300.0
"""How long the command may take, in seconds: it may have to fetch an image."""

Look = Callable[[], Awaitable[Demand]]
Ask = Callable[[int], Awaitable[None]]
"""Asks for so many workers. Raises CannotGoOn when that failed."""


@dataclass(frozen=True, slots=True)
class Autoscale:
    """Looks, decides, asks, and says what it did."""

    scaler: Scaler
    look: Look
    ask: Ask
    clock: Clock
    say: Callable[[str], None]

    async def run(self, every_s: float) -> None:
        """Until cancelled. A store that is away, and a command that failed, are tried again."""
        while True:
            try:
                await self.step()
            except (*StoreTrouble, TimeoutError) as away:
                self.say(f"the queue could not be read ({type(away).__name__}); nothing is changed")
            await asyncio.sleep(every_s)

    async def step(self) -> int | None:
        """Once, now. Returns what was asked for; None for nothing."""
        demand = await self.look()
        count = self.scaler.decide(self.clock.monotonic(), wanted_workers(demand), demand.workers)
        if count is None:
            return None
        self.say(f"{demand.workers} workers run, {demand.queued} turns wait: asking for {count}")
        try:
            await self.ask(count)
        except CannotGoOn as failed:
            self.scaler.failed()
            self.say(f"that failed: {failed}")
            return None
        return count


async def autoscale(settings: Settings, clock: Clock, scaler: Scaler, command: str, every_s: float) -> None:
    """Runs until it is cancelled. Raises CannotGoOn for a command without its place for the number, StoreTrouble."""
    words = words_of(command)
    pool = await postgres.connect(settings, Secrets.of(settings.home, "gateway"), "gateway", size=1)

    async def look() -> Demand:
        return await demand_now(pool)

    async def ask(count: int) -> None:
        try:
            async with asyncio.timeout(COMMAND_S):
                await run(*filled(words, count), environment=_environment(settings, count))
        except TimeoutError:
            raise CannotGoOn(f"{words[0]} did not end within {COMMAND_S:.0f} s. Mend: run it by hand once") from None
        await operator_record.note(settings, clock, "autoscale", outcome="done", workers=count)

    try:
        await Autoscale(scaler, look, ask, clock, _say).run(every_s)
    finally:
        await pool.close()


async def demand_now(pool: Pool) -> Demand:
    """The queues of all orchestrators and the places of all workers. Raises StoreTrouble."""
    return demand_of(await workers.list_workers(pool), await workers.load_signal(pool))


def words_of(command: str) -> list[str]:
    """The command's words; no shell reads them. Raises CannotGoOn."""
    try:
        words = shlex.split(command)
    except ValueError as wrong:
        raise CannotGoOn(f"the command cannot be read: {wrong}. Mend: quote it as for a shell") from wrong
    if not any(PLACE in word for word in words):
        raise CannotGoOn(f"the command does not say where the number goes. Mend: put {PLACE} into it")
    return words


def filled(words: list[str], count: int) -> list[str]:
    """The words with the number in its place."""
    return [word.replace(PLACE, str(count)) for word in words]


def _environment(settings: Settings, count: int) -> Mapping[str, str]:
    return {**environment(settings.home), "AIOX_WORKERS": str(count)}


def _say(words: str) -> None:
    print(words, flush=True)
