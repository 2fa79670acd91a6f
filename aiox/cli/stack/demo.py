"""The demo: an account, an agent that knows the project's own documents, and one question through real XMPP."""

from __future__ import annotations

import asyncio
import json
import secrets as random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from aiox.cli.chat.client import ChatClient, Exchange
from aiox.cli.stack.home import Home, private_file
from aiox.cli.stack.showing import print_answer, print_how_to_go_on
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.stack.xmpp_accounts import ServerAccounts
from aiox.commands import create_account, create_agent, list_agents, list_executions, put_document
from aiox.commands.agent_fields import GivenProfile
from aiox.commands.hub import Actor, Hub
from aiox.commands.passwords import Passwords
from aiox.kernel.agent import Governance
from aiox.kernel.ids import HUB_OWNER, AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import postgres
from aiox.runtime.clock import Clock
from aiox.runtime.keyring import LiveKeyRing
from aiox.runtime.settings import Settings
from registry import accounts
from registry.agents import AgentSummary, list_summaries
from registry.executions import ExecutionSummary

NAME: Final = "demo"
AGENT_NAME: Final = "Guide"
QUESTION: Final = "What happens to a message before it is receipted?"
PROMPT: Final = "You explain the AIOX hub. Answer from the documents you are given, briefly, and name your source."
DEMO_TOKENS: Final = 20_000
"""Tokens a minute: with the default of 1,000 a newcomer's second question would be refused."""
SPANS_S: Final = 0.4
"""The services write their spans in batches, every 0.2 s."""
ANSWER_S: Final = 60.0
EMBEDDED_S: Final = 120.0
_POLL_S: Final = 0.1
_PROJECT: Final = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Demo:
    """What `demo.json` holds, for `aiox chat` and for people."""

    jid: str
    password: str
    agent_jid: str
    host: str
    port: int
    ca_file: str
    owner: str = ""
    agent_id: str = ""


async def show(home: Home, settings: Settings, clock: Clock) -> None:
    """Makes account and agent when they are missing, asks one question, prints the answer and how to go on."""
    pool = await postgres.connect(settings, home.secrets("gateway"), "gateway")
    try:
        hub = Hub(pool, LiveKeyRing.of(home.secrets("stack")), clock, settings.domain)
        demo = await prepare(hub, home, settings)
        exchange = await ask(demo)
        turn = await _last_turn(hub, demo)
        await asyncio.sleep(SPANS_S)
    finally:
        await pool.close()
    print_answer(QUESTION, exchange, turn, home)
    if exchange.error_code:
        raise CannotGoOn(f"the demo agent did not answer ({exchange.error_code}). Mend: see {home.logs}")
    await print_how_to_go_on(settings, demo.jid, demo.password, demo.agent_jid)


async def prepare(hub: Hub, home: Home, settings: Settings) -> Demo:
    """Demo account, agent and documents; whatever is there already stays. Raises CannotGoOn."""
    demo = _remembered(home, settings)
    _remember(home, demo)  # before the account is made: a start killed in between must know the password
    actor = Actor(await _account(hub, home, settings, demo), BareJid(demo.jid))
    agent = await _agent(hub, actor)
    await _documents(hub, actor, agent)
    demo = Demo(**{**asdict(demo), "agent_jid": agent.jid, "owner": str(actor.owner), "agent_id": str(agent.id)})
    _remember(home, demo)
    return demo


async def ask(demo: Demo) -> Exchange:
    """One question through real XMPP: TLS, SCRAM, stanzas."""
    async with ChatClient(demo.jid, demo.password, demo.host, demo.port, Path(demo.ca_file)) as client:
        return await client.ask(demo.agent_jid, QUESTION, ANSWER_S)


def _remembered(home: Home, settings: Settings) -> Demo:
    known = json.loads(home.demo_file.read_text()) if home.demo_file.exists() else {}
    return Demo(
        jid=f"{NAME}@{settings.domain}",
        password=known.get("password") or random.token_urlsafe(15),
        agent_jid=known.get("agent_jid", ""),
        host="127.0.0.1",
        port=settings.ports.xmpp_client,
        ca_file="" if settings.public.certificate else str(home.secrets("xmpp").path("ca.crt")),
    )


def _remember(home: Home, demo: Demo) -> None:
    private_file(home.demo_file, json.dumps(asdict(demo), indent=1) + "\n")


async def _account(hub: Hub, home: Home, settings: Settings, demo: Demo) -> OwnerId:
    email = f"{NAME}@{settings.domain}"
    login = await accounts.find_login(hub.pool, email)
    xmpp = ServerAccounts(home, settings)
    if login is not None:
        await xmpp.ensure(login.jid, demo.password)
        return login.owner
    fields = create_account.CreateAccount.model_validate(
        {"email": email, "password": demo.password, "name": NAME, "quota": {"tokens_per_minute": DEMO_TOKENS}}
    )
    made = await create_account.run(hub, Actor(HUB_OWNER, BareJid(demo.jid)), fields, xmpp, Passwords())
    if isinstance(made, Refused):
        raise CannotGoOn(f"the demo account was refused: {made.reason} Mend: make reset")
    return made.owner


async def _agent(hub: Hub, actor: Actor) -> AgentSummary:
    found = await _find_agent(hub, actor)
    if found is not None:
        return found
    fields = create_agent.CreateAgent(
        profile=GivenProfile(name=AGENT_NAME, description="Knows the documentation of this hub.", system_prompt=PROMPT),
        governance=Governance(max_tokens_per_minute=DEMO_TOKENS),
    )
    made = await create_agent.run(hub, actor, fields)
    found = await _find_agent(hub, actor)
    if isinstance(made, Refused) or found is None:
        raise CannotGoOn(f"the demo agent could not be made: {made}. Mend: make reset")
    return found


async def _find_agent(hub: Hub, actor: Actor) -> AgentSummary | None:
    agents = await list_agents.run(hub, actor, list_agents.ListAgents())
    if isinstance(agents, Refused):
        raise CannotGoOn(f"the demo account may not list its agents: {agents.reason} Mend: make reset")
    return next((agent for agent in agents if agent.name == AGENT_NAME), None)


async def _documents(hub: Hub, actor: Actor, agent: AgentSummary) -> None:
    """Gives the agent the project's documents and waits until they are embedded."""
    for path in (_PROJECT / "README.md", *sorted((_PROJECT / "docs").glob("*.md"))):
        source = str(path.relative_to(_PROJECT))
        fields = put_document.PutDocument(
            agent_id=agent.id, title=path.stem, source=source, media_type="text/markdown", content=path.read_text()
        )
        put = await put_document.run(hub, actor, fields)
        if isinstance(put, Refused):
            raise CannotGoOn(f"{source} was refused: {put.reason} Mend: make reset")
    await _until_embedded(hub, actor, agent)


async def _until_embedded(hub: Hub, actor: Actor, agent: AgentSummary) -> None:
    """Asks the registry, not the gate: the hub waits here, no person reads."""
    try:
        async with asyncio.timeout(EMBEDDED_S):
            while True:
                state = next(one for one in await list_summaries(hub.pool, actor.owner) if one.id == agent.id)
                if not state.documents_waiting:
                    break
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise CannotGoOn("the demo documents were not embedded in time. Mend: see logs/ai_worker.log") from None
    if state.documents_failed:
        raise CannotGoOn("a demo document could not be embedded. Mend: see logs/ai_worker.log")


async def _last_turn(hub: Hub, demo: Demo) -> ExecutionSummary | None:
    actor = Actor(OwnerId(UUID(demo.owner)), BareJid(demo.jid))
    asked = list_executions.ListExecutions(agent_id=AgentId(UUID(demo.agent_id)), limit=1)
    turns = await list_executions.run(hub, actor, asked)
    return None if isinstance(turns, Refused) or not turns else turns[0]
