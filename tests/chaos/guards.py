"""Guards taken out of a throw-away hub, and for each the run that needs it. Production code has no switch for this."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from aiox.cli.stack.processes import Process, Program
from aiox.cli.stack.services import health_port
from aiox.kernel.ids import agent_id_of, partition_of
from aiox.kernel.jid import bare
from aiox.runtime.settings import environment
from tests.chaos.checker import Claim
from tests.chaos.keeper import Keeper, answers_ready
from tests.chaos.readers import superuser
from tests.chaos.traffic import SETTLE_S, Traffic

AWAY_S: Final = 2.0
WRITTEN_S: Final = 5.0
"""For the component to write what it was told to send."""
CONCLUDE: Final = "aiox.conclude(int[], bigint[], bytea[], aiox.inbox_row[], aiox.execution_row[], aiox.outbox_row[])"
FIND_TURN: Final = "aiox.find_turn(uuid, text, uuid)"

Work = Callable[[Traffic, float], Awaitable[None]]
"""What is done to the hub. Where it waits for what nobody may do while the guard is there, it waits so many seconds."""


@dataclass(frozen=True)
class Guard:
    """One guard: the run that needs it, how it is taken out, and the claim that does not hold without it."""

    name: str
    run: Work
    take_out: Callable[[Keeper], Awaitable[None]]
    protects: Claim
    seen: str
    """What the checker says then, in part."""


async def say_again_after_the_bus_forgot(traffic: Traffic, _patience_s: float) -> None:
    """The bus remembers ids of messages that it still holds. After a restart, one that is done is news to it.

    In good order: a bus that was killed may hold again what it had let go a moment before, and know it for that.
    """
    await traffic.volley(0, 6, 0.2)
    assert await traffic.settled()
    await traffic.keeper.replace("nats")
    for person in traffic.crowd.people:
        await person.online.wait()
        for message_id in list(person.journal.messages):
            person.say_again(message_id)


async def lose_the_lease_while_the_model_thinks(traffic: Traffic, _patience_s: float) -> None:
    """As if this orchestrator had stood still for so long that another one took its partition."""
    person, agent = traffic.crowd.people[0], traffic.people[0].agents[0]
    message_id = str(uuid4())
    partition = partition_of(bare(person.login.jid), agent_id_of(agent.split("@")[0]))
    with traffic.model.held():
        person.say(message_id, agent, f"[{message_id}] whose turn is it?", person.now())
        await _until(lambda: traffic.model.thinking > 0)
        async with superuser(traffic.keeper.home, traffic.keeper.settings) as hub:
            await hub.execute(
                "UPDATE partition_leases SET token = token + 1, holder = 'another',"
                " expires_at = now() + make_interval(secs => $2) WHERE partition = $1",
                partition,
                AWAY_S,
            )


async def kill_the_server_that_has_not_read_its_answers(traffic: Traffic, patience_s: float) -> None:
    """The server stands still while answers are written to it, and dies before it reads them.

    Without confirmation they are marked as soon as they are written, however long that takes here.
    """
    with traffic.model.held():
        await traffic.volley(0, 6, 0.1)
        assert await traffic.crowd.receipted(SETTLE_S)
        traffic.keeper.signal("ejabberd", signal.SIGSTOP)
    async with asyncio.timeout(SETTLE_S):
        while (await traffic.open_work())[0]:
            await asyncio.sleep(0.05)
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            while (await traffic.open_work())[1]:
                await asyncio.sleep(0.05)
    traffic.keeper.kill("ejabberd")
    await traffic.keeper.whole()


async def watch_the_fences(keeper: Keeper) -> None:
    """From now on every commit leaves a row with the tokens it showed and those that the leases had."""
    async with superuser(keeper.home, keeper.settings) as hub:
        if await hub.fetchval("SELECT to_regclass('aiox.chaos_fences')") is not None:
            return
        await hub.execute(
            "CREATE TABLE aiox.chaos_fences (partition int NOT NULL, shown bigint NOT NULL, held bigint NOT NULL)"
        )
        await hub.execute(f"ALTER FUNCTION {CONCLUDE} RENAME TO conclude_guarded")
        await hub.execute("""
            CREATE FUNCTION aiox.conclude(
                p_partitions int[], p_tokens bigint[], p_records bytea[], p_inbox aiox.inbox_row[],
                p_executions aiox.execution_row[], p_outbox aiox.outbox_row[]) RETURNS void
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = aiox, pg_temp AS $$
            BEGIN
                PERFORM aiox.conclude_guarded(p_partitions, p_tokens, p_records, p_inbox, p_executions, p_outbox);
                INSERT INTO aiox.chaos_fences SELECT shown.partition, shown.token, l.token
                FROM unnest(p_partitions, p_tokens) AS shown (partition, token)
                JOIN aiox.partition_leases l ON l.partition = shown.partition;
            END $$""")
        await hub.execute(f"GRANT EXECUTE ON FUNCTION {CONCLUDE} TO aiox_orchestrator")


async def _forget_duplicates(keeper: Keeper) -> None:
    async with superuser(keeper.home, keeper.settings) as hub:
        for table, column in (("inbox", "turn_id"), ("executions", "id"), ("outbox", "id"), ("audit_logs", "id")):
            await _drop_unique(hub.fetchval, hub.execute, table, column)
    await _edit(keeper, FIND_TURN, "EXISTS (SELECT FROM aiox.inbox i WHERE i.turn_id = p_turn)", "false")
    # It asks for the one sender of a turn, and there will be two rows that say it.
    await _edit(keeper, "aiox.nothing_of_the_erased_outbox()", "SELECT i.sender_jid", "SELECT min(i.sender_jid)")


async def _drop_unique(
    fetchval: Callable[..., Awaitable[str | None]], execute: Callable[[str], Awaitable[str]], table: str, column: str
) -> None:
    constraint = await fetchval(
        "SELECT conname FROM pg_constraint c"
        " JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]"
        " WHERE c.conrelid = $1::regclass AND c.contype IN ('p', 'u') AND a.attname = $2",
        f"aiox.{table}",
        column,
    )
    assert constraint is not None, f"{table}.{column} is not unique"
    await execute(f"ALTER TABLE aiox.{table} DROP CONSTRAINT {constraint} CASCADE")


async def _forget_fences(keeper: Keeper) -> None:
    await _edit(keeper, CONCLUDE.replace("conclude", "conclude_guarded"), "WHERE l.partition IS NULL)", "WHERE false)")


async def _edit(keeper: Keeper, function: str, old: str, new: str) -> None:
    async with superuser(keeper.home, keeper.settings) as hub:
        definition = await hub.fetchval("SELECT pg_get_functiondef($1::regprocedure)", function)
        assert old in definition, f"{function} has another guard now:\n{definition}"
        await hub.execute(definition.replace(old, new))


async def _confirm_nothing(keeper: Keeper) -> None:
    async def start() -> Process:
        program = Program(
            name="component",
            title="component without confirmation",
            command=(sys.executable, "-m", "tests.chaos.unconfirmed_component"),
            environment=environment(keeper.home.root),
            ready_budget_s=60,
        )
        process = await Process.start(program, keeper.home.log_file("component"))
        await process.until_ready(lambda: answers_ready(health_port(keeper.settings.ports, "component")))
        return process

    keeper.always("component", start)
    await keeper.replace("component")


async def _until(true: Callable[[], bool], seconds: float = SETTLE_S) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


FENCING: Final = Guard(
    "fencing", lose_the_lease_while_the_model_thinks, _forget_fences, Claim.FENCED, "written with token"
)
CONFIRMATION: Final = Guard(
    "confirmation", kill_the_server_that_has_not_read_its_answers, _confirm_nothing, Claim.NOT_LOST, "but not archived"
)
DEDUPE: Final = Guard("dedupe", say_again_after_the_bus_forgot, _forget_duplicates, Claim.ONCE, "2 different answers")
GUARDS: Final = (FENCING, CONFIRMATION, DEDUPE)
"""The last one leaves tables without their keys behind: nothing can be proved on that hub afterwards."""
