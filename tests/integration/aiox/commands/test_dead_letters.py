"""Dead letters: the owner sees text and decides, others see nothing, the operator sees ids; a retry is one message."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from aiox.commands import dead_letters
from aiox.commands.dead_letters import Shown, WhichTurn
from aiox.commands.hub import Actor
from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER, AgentId, OwnerId, TurnId, derived_id
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.wire.codec import encode
from registry import dead_letters as letters
from registry import tenants
from registry.dead_letters import DeadLetter
from tests.stores import NOW, Stores

OPERATOR = Actor(HUB_OWNER, BareJid("operator@localhost"))
GUEST = BareJid("guest@localhost")
TEXT = "a question that nobody could answer"


async def buried(stores: Stores, owner: Actor, sender: BareJid = GUEST) -> TurnId:
    """A dead letter of this owner, written as the orchestrator does."""
    agent = await stores.agent(owner)
    turn = TurnId(uuid4())
    ring = await tenants.load_ring(stores.pools["orchestrator"], stores.keys, owner.owner)
    letter = DeadLetter(turn, owner.owner, agent, sender, "it died", 5, uuid4(), NOW, "")
    sealed = letters.seal(ring, owner.owner, turn, encode(envelope(turn, agent)))
    for _ in range(2):  # again is a no-op
        await letters.bury(stores.pools["orchestrator"], letter, sealed)
    return turn


def envelope(turn: TurnId, agent: AgentId) -> Envelope[MessageReceived]:
    jid = BareJid(f"agent-{agent}@agents.localhost")
    message = MessageReceived("guest@localhost/x", BareJid("guest@localhost"), jid, agent, "m", turn, TEXT, "chat", "")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Envelope(UUID(int=1), "message.received", 1, None, "xmpp", uuid4(), uuid4(), now, "component", "", message)


class Bus:
    def __init__(self) -> None:
        self.put: list[Envelope[MessageReceived]] = []

    async def __call__(self, message: Envelope[MessageReceived]) -> None:
        self.put.append(message)


async def test_the_owner_lists_it_and_reads_no_guests_text(stores: Stores) -> None:
    ada = await stores.account()
    turn = await buried(stores, ada)
    listed = await dead_letters.list_open(stores.hub, ada)
    assert not isinstance(listed, Refused)
    assert [letter.turn for letter in listed] == [turn]
    shown = await dead_letters.show(stores.hub, ada, WhichTurn(turn_id=turn))
    assert isinstance(shown, Shown)
    assert shown.text is None  # a guest wrote it: the owner sees usage and decisions, not texts (SPEC 3)


async def test_who_wrote_it_reads_it(stores: Stores) -> None:
    ada = await stores.account()
    turn = await buried(stores, ada, sender=ada.jid)
    shown = await dead_letters.show(stores.hub, ada, WhichTurn(turn_id=turn))
    assert isinstance(shown, Shown)
    assert shown.text == TEXT


async def test_another_owner_sees_what_they_see_of_an_unknown_one(stores: Stores) -> None:
    ada, eve = await stores.account(), await stores.account()
    turn = await buried(stores, ada)
    assert await dead_letters.list_open(stores.hub, eve) == []
    for act in (dead_letters.show, dead_letters.drop):
        foreign = await act(stores.hub, eve, WhichTurn(turn_id=turn))
        unknown = await act(stores.hub, eve, WhichTurn(turn_id=TurnId(uuid4())))
        assert foreign == unknown == dead_letters.NOT_HERE
    bus = Bus()
    assert await dead_letters.retry(stores.hub, eve, WhichTurn(turn_id=turn), bus) == dead_letters.NOT_HERE
    assert bus.put == []


async def test_the_operator_sees_all_of_them_and_no_text(stores: Stores) -> None:
    turn = await buried(stores, await stores.account())
    listed = await dead_letters.list_open(stores.hub, OPERATOR)
    assert not isinstance(listed, Refused)
    assert turn in {letter.turn for letter in listed}
    shown = await dead_letters.show(stores.hub, OPERATOR, WhichTurn(turn_id=turn))
    assert isinstance(shown, Shown)
    assert shown.text is None


async def test_a_retry_puts_the_message_on_the_bus_as_one_turn_and_then_the_text_is_gone(stores: Stores) -> None:
    ada = await stores.account()
    turn = await buried(stores, ada)
    bus = Bus()
    done = await dead_letters.retry(stores.hub, OPERATOR, WhichTurn(turn_id=turn), bus)
    assert isinstance(done, DeadLetter)
    assert done.closed_as == "retried"
    assert [message.payload.body for message in bus.put] == [TEXT]
    assert bus.put[0].payload.turn_id == derived_id(turn, "retry")
    again = await dead_letters.retry(stores.hub, ada, WhichTurn(turn_id=turn), bus)
    assert isinstance(again, Refused)
    assert again.code is ErrorCode.CONFLICT
    assert len(bus.put) == 1
    stored = await letters.load(stores.pools["gateway"], ada.owner, turn)
    assert stored is not None
    assert stored[1] is None


async def test_dropping_lets_the_text_go_and_takes_it_off_the_list(stores: Stores) -> None:
    ada = await stores.account()
    turn = await buried(stores, ada)
    done = await dead_letters.drop(stores.hub, ada, WhichTurn(turn_id=turn))
    assert isinstance(done, DeadLetter)
    assert await dead_letters.list_open(stores.hub, ada) == []
    shown = await dead_letters.show(stores.hub, ada, WhichTurn(turn_id=turn))
    assert isinstance(shown, Shown)
    assert shown.text is None


async def test_every_decision_is_a_ledger_row(stores: Stores) -> None:
    ada = await stores.account()
    turn = await buried(stores, ada)
    await dead_letters.drop(stores.hub, ada, WhichTurn(turn_id=turn))
    actions = await stores.pools["gateway"].fetch(
        "SELECT details ->> 'action' AS action FROM ledger_read(0, 100000) WHERE owner_user_id = $1", ada.owner
    )
    assert [row["action"] for row in actions] == ["turn.drop"]


def test_the_operator_is_the_hub_itself() -> None:
    assert OPERATOR.owner == OwnerId(HUB_OWNER)
