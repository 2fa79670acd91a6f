"""Every screen of the pages, in both themes and languages: nothing that keeps somebody out (axe), and a picture of it.

The pictures of docs/screenshots are made with `SCREENSHOTS=1 pytest tests/e2e/test_web_screens.py`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.async_api import Browser, expect

from bench.stub_model import Scripted
from tests.e2e.browser import PHONE, WIDE, Tab, signed_in, tab
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, teach
from tests.e2e.tool_hub import HELD, ToolHub, appends
from tests.e2e.web_hubs import frozen_hub, governs
from tests.e2e.web_mcp import seen

PICTURES: Final = Path(__file__).parents[2] / "docs" / "screenshots"
MOST_BYTES: Final = 150 * 1024
WANTED: Final = os.environ.get("SCREENSHOTS") == "1"
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
TONGUES: Final = ("en", "pt-BR")
HELD_CALL: Final = "append_line waits for a decision"
GUIDE: Final = "# Keys\n\nThe key to the archive lies with the porter. It is given out against a signature."
ANSWER: Final = """The archive is open to everybody in the house:

- The key lies with the porter, *second floor*.
- It is given out against a signature.

```sh
aiox chat --agent guide
```"""

MCP: Final = [
    {"name": "files", "transport": "http", "url": "https://files.example.org/mcp", "allowed_tools": ["read"]},
]


async def wear(at: Tab, theme: Literal["light", "dark"], tongue: str) -> None:
    await at.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    await at.page.evaluate(
        "tongue => { localStorage.setItem('aiox-look', `system ${tongue}`);"
        " document.documentElement.lang = tongue; dispatchEvent(new Event('aiox-look-changed')) }",
        tongue,
    )


async def picture(at: Tab, name: str) -> None:
    if WANTED:
        PICTURES.mkdir(exist_ok=True)
        await at.page.screenshot(path=PICTURES / f"{name}.png", scale="css", animations="disabled")
        assert (PICTURES / f"{name}.png").stat().st_size <= MOST_BYTES


async def look_at(at: Tab, name: str, looks: list[tuple[Literal["light", "dark"], str]]) -> list[str]:
    """What axe finds on this screen in these looks; with pictures of it, when they are wanted."""
    found = []
    await at.settled()
    for theme, tongue in looks:
        await wear(at, theme, tongue)
        found += [f"{name} {theme} {tongue}: {one}" for one in await at.violations()]
    if WANTED:
        for theme in THEMES:
            await wear(at, theme, "en")
            await picture(at, name if theme == "light" else f"{name}-dark")
        await at.page.set_viewport_size(PHONE)
        await wear(at, "light", "en")
        await picture(at, f"{name}-phone")
        await at.page.set_viewport_size(WIDE)
    await wear(at, "light", "en")
    return found


async def walk(web: ToolHub, browser: Browser, looks: list[tuple[Literal["light", "dark"], str]]) -> list[str]:
    """Through all screens, with something on each."""
    newcomer, owner = await web.hub.account(), await web.hub.account(quota=ROOMY_ACCOUNT)
    words = {"name": "House guide", "description": "Answers from the house rules and says where each answer stands."}
    guide = await web.hub.agent(owner, governance=ROOMY, tools=HELD, mcp_servers=MCP, **words)
    await teach(web.hub, owner, guide.agent_id, "House rules.md", GUIDE)
    found: list[str] = []
    async with tab(browser, web.hub) as door:
        found += await look_at(door, "sign-in", looks)
    async with signed_in(browser, web.hub, newcomer) as at:
        found += await first_run(at, looks)
    async with signed_in(browser, web.hub, owner) as at:
        found += await conversation(web, at, guide.jid, looks)
        await seen(web, str(guide.agent_id), "Reads a file of the house.")
        found += await rooms(at, str(guide.agent_id), looks)
    await governs(web.hub, newcomer)
    other = await frozen_hub(web.hub)
    async with signed_in(browser, web.hub, newcomer) as at:
        await at.go("governance", "peers")
        await expect(at.page.get_by_role("region", name="Pinned keys").get_by_text(other).first).to_be_visible()
        found += await look_at(at, "peers", looks)
    return found


async def first_run(at: Tab, looks: list[tuple[Literal["light", "dark"], str]]) -> list[str]:
    await expect(at.page.get_by_role("button", name="For myself")).to_be_visible()
    found = await look_at(at, "first-run", looks)
    await at.page.get_by_role("button", name="For myself").click()
    found += await look_at(at, "first-run-model", looks)
    await at.page.get_by_role("button", name="Go on with the hub's").click()
    return found + await look_at(at, "first-run-agent", looks)


async def conversation(
    web: ToolHub, at: Tab, guide: str, looks: list[tuple[Literal["light", "dark"], str]]
) -> list[str]:
    page = at.page
    await at.go("chat", guide)
    web.model.answers.append(Scripted(ANSWER))
    await at.say("Where is the key to the archive?")
    await expect(page.get_by_text("given out against a signature").first).to_be_visible()
    web.model.script(appends("notes", "The archive is open"), "I have asked.")
    await at.say("Write that down, please.")
    await expect(page.get_by_role("region", name=HELD_CALL)).to_be_visible()
    found = await look_at(at, "chat", looks)
    await at.go("approvals")
    await expect(page.get_by_role("region", name=HELD_CALL)).to_be_visible()
    return found + await look_at(at, "approvals", looks)


async def rooms(at: Tab, agent: str, looks: list[tuple[Literal["light", "dark"], str]]) -> list[str]:
    places: dict[str, tuple[str, ...]] = {
        "agents": ("agents",),
        "new-agent": ("agents", "new"),
        "agent-settings": ("agents", agent),
        "agent-versions": ("agents", agent, "versions"),
        "agent-documents": ("agents", agent, "documents"),
        "agent-memories": ("agents", agent, "memories"),
        "agent-mcp": ("agents", agent, "mcp"),
        "agent-activity": ("agents", agent, "activity"),
        "agent-share": ("agents", agent, "share"),
        "usage": ("governance", "usage"),
        "audit": ("governance", "audit"),
        "credentials": ("governance", "credentials"),
        "organisations": ("governance", "organisations"),
        "workers": ("governance", "workers"),
        "account": ("account",),
    }
    found = []
    for name, place in places.items():
        await at.go(*place)
        await expect(at.page.locator(".screen h1")).to_be_visible()
        found += await look_at(at, name, looks)
    return found


@pytest.mark.prove
async def test_no_screen_keeps_anybody_out_in_any_look(web: ToolHub, browser: Browser) -> None:
    assert await walk(web, browser, [(theme, tongue) for theme in THEMES for tongue in TONGUES]) == []


@pytest.mark.control
@pytest.mark.prove
async def test_axe_finds_what_is_wrong(web: ToolHub, browser: Browser) -> None:
    async with tab(browser, web.hub) as at:
        await at.page.evaluate("document.querySelector('label').remove()")
        assert any("label" in one for one in await at.violations())
