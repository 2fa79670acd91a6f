from __future__ import annotations

from uuid import UUID

from aiox.kernel.avatar import Image
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from component.features.avatar import picture_hash
from component.portraits import Portraits
from tests.integration.component.door import card_of

AGENT, ALICE = AgentId(UUID(int=1)), BareJid("alice@hub.test")


def picture(number: int) -> Image:
    return Image("image/png", b"\x89PNG" + bytes([number]))


async def test_each_picture_is_read_once_and_the_oldest_is_forgotten() -> None:
    read: list[int] = []
    number = 0

    async def find(_agent: AgentId, _asker: BareJid) -> Image | None:
        read.append(number)
        return picture(number)

    portraits = Portraits(find, limit=2)
    for number in (0, 0, 1, 2, 0):
        card = card_of(AGENT, avatar=picture(number).ref)
        assert await portraits.hash_of(card, ALICE) == picture_hash(picture(number))
    assert read == [0, 1, 2, 0]


async def test_no_picture_has_no_hash() -> None:
    async def nothing(_agent: AgentId, _asker: BareJid) -> Image | None:
        return None

    async def another(_agent: AgentId, _asker: BareJid) -> Image | None:
        return picture(9)

    assert await Portraits(nothing).hash_of(card_of(AGENT), ALICE) == ""
    assert await Portraits(nothing).hash_of(card_of(AGENT, avatar=picture(1).ref), ALICE) == ""
    assert await Portraits(another).hash_of(card_of(AGENT, avatar=picture(1).ref), ALICE) == "", "changed meanwhile"
