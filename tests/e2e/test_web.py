"""The pages in a real browser on a real hub: from signing up to the first answer, and what must never happen."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from bench.stub_model import Scripted
from tests.e2e.browser import PHONE, chromium, link_for, signed_in, tab
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT
from tests.e2e.tool_hub import HELD, ToolHub, appends, tool_hub

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
async def tools() -> AsyncIterator[ToolHub]:
    async with tool_hub(AIOX_ACCOUNTS__SIGN_UP="open") as running:
        yield running


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


async def test_from_signing_up_to_the_first_answer(tools: ToolHub, browser: Browser) -> None:
    name = f"u{uuid4().hex[:10]}"
    address = f"{name}@example.org"
    async with tab(browser, tools.hub) as at:
        page = at.page
        await page.get_by_role("button", name="Create an account").click()
        await page.get_by_label("E-mail").fill(address)
        await page.get_by_label("Name (").fill(name)
        await page.get_by_label("New password").fill(PASSWORD)
        await page.get_by_role("button", name="Create an account").click()
        await expect(page.get_by_text("Follow the link in the letter")).to_be_visible()
        async with asyncio.timeout(60):
            while not (tools.hub.home.root / "mail").is_dir():
                await asyncio.sleep(0.1)
        await page.goto(at.url + link_for(tools.hub, address))
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Confirm").click()
        await at.sign_in(address, PASSWORD)
        await page.get_by_role("button", name="Begin as Editor").click()
        await page.get_by_label("Name").fill("Scribe")
        await page.get_by_role("button", name="Create and talk").click()
        await expect(page.get_by_role("heading", name="Scribe")).to_be_visible()
        await at.say("Is anybody there?")
        log = page.get_by_role("log")
        await expect(log.get_by_text("echo: Is anybody there?")).to_be_visible()
        await expect(log.get_by_text("tokens")).to_be_visible()  # the turn's data stand beside its answer
        await expect(page.locator(".message.mine")).to_have_attribute("data-state", "read")


@pytest.mark.prove
async def test_create_edit_publish_and_roll_back(tools: ToolHub, browser: Browser) -> None:
    ada = await tools.hub.account(quota=ROOMY_ACCOUNT)
    async with signed_in(browser, tools.hub, ada) as at:
        page = at.page
        await at.go("agents", "blank")
        await expect(page.get_by_role("button", name="New agent")).to_be_disabled()  # it has no name yet
        await page.get_by_label("Name").fill("Ada")
        await page.get_by_label("Temperature").fill("3")
        await expect(page.get_by_text("A number from 0 to 2.")).to_be_visible()
        await page.get_by_label("Temperature").fill("0.2")
        await page.get_by_role("button", name="New agent").click()
        await expect(page.get_by_role("heading", name="Ada")).to_be_visible()
        await page.get_by_label("Name").fill("Beda")
        await page.get_by_role("button", name="Save as draft").click()
        await expect(page.get_by_text("draft not published")).to_be_visible()
        await page.get_by_role("link", name="Versions").click()
        await expect(page.locator(".changes del")).to_contain_text("Ada")
        await expect(page.locator(".changes ins")).to_contain_text("Beda")
        await page.get_by_role("link", name="Settings").click()
        await page.get_by_role("button", name="Publish version 2").click()
        await expect(page.get_by_role("heading", name="Beda")).to_be_visible()
        await page.get_by_role("link", name="Versions").click()
        await page.get_by_role("button", name="Roll back").click()
        await page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
        await expect(page.get_by_role("heading", name="Ada")).to_be_visible()
        await page.reload()  # the cookie brings the session back, and the hub what was done
        await expect(page.get_by_role("heading", name="Ada")).to_be_visible()


async def test_two_people_do_not_see_each_other(tools: ToolHub, browser: Browser) -> None:
    ada, eve = await tools.hub.account(), await tools.hub.account()
    agent = await tools.hub.agent(ada, name="Ada's own")
    async with signed_in(browser, tools.hub, eve) as at:
        page = at.page
        await expect(page.get_by_role("heading", name="Your first agent")).to_be_visible()
        said = []
        for one in (str(agent.agent_id), str(uuid4())):
            await at.go("agents", one)
            said.append(await page.get_by_role("alert").inner_text())
            await expect(page.get_by_text("Ada's own")).to_have_count(0)
            await at.go("account")
        assert said[0] == said[1]
        await at.go("chat", agent.jid)
        await at.say("let me in")
        await expect(page.locator(".message.mine")).to_have_attribute("data-state", "failed")


@pytest.mark.control
@pytest.mark.prove
async def test_who_owns_the_agent_sees_it_and_is_answered(tools: ToolHub, browser: Browser) -> None:
    ada = await tools.hub.account()
    agent = await tools.hub.agent(ada, name="Ada's own")
    async with signed_in(browser, tools.hub, ada) as at:
        await at.go("agents", str(agent.agent_id))
        await expect(at.page.get_by_role("heading", name="Ada's own")).to_be_visible()
        await at.go("chat", agent.jid)
        await at.say("let me in")
        await expect(at.page.get_by_text("echo: let me in")).to_be_visible()


@pytest.mark.prove
async def test_what_a_model_says_stays_text(tools: ToolHub, browser: Browser) -> None:
    ada = await tools.hub.account(quota=ROOMY_ACCOUNT)
    agent = await tools.hub.agent(ada, governance=ROOMY)
    wicked = (
        "<img src=x onerror=alert(1)> [click](javascript:alert(1)) **strong**\n```html\n<script>alert(1)</script>\n```"
    )
    async with signed_in(browser, tools.hub, ada) as at:
        page = at.page
        page.on("dialog", lambda dialog: at.complaints.append(dialog.message))
        await at.go("chat", agent.jid)
        tools.model.answers.append(Scripted(wicked))
        await at.say("be wicked")
        log = page.get_by_role("log")
        await expect(log.get_by_text("<script>alert(1)</script>")).to_be_visible()
        await expect(log.locator("strong")).to_have_text("strong")
        await expect(log.get_by_role("button", name="Copy")).to_be_visible()
        assert await log.locator("img, script, a[href^=javascript]").count() == 0


@pytest.mark.prove
async def test_a_call_is_approved_where_one_talks(tools: ToolHub, browser: Browser) -> None:
    owner, agent = await tools.agent(HELD)
    file = uuid4().hex
    async with signed_in(browser, tools.hub, owner) as at:
        page = at.page
        await at.go("chat", agent.jid)
        tools.model.script(appends(file, "hello"), "I have asked.", "It is written.")
        await at.say("write it")
        card = page.get_by_role("region", name="append_line waits for a decision")
        await expect(card.get_by_text("hello")).to_be_visible()
        await expect(card.get_by_role("button", name="Approve")).to_be_in_viewport()  # the log follows what comes
        assert tools.lines(file) == []
        await card.get_by_role("button", name="Approve").click()
        async with asyncio.timeout(60):
            while tools.lines(file) != ["hello"]:
                await asyncio.sleep(0.1)
        await expect(card).to_have_count(0)


@pytest.mark.prove
async def test_nothing_is_lost_or_doubled_when_the_server_goes_and_comes_back(tools: ToolHub, browser: Browser) -> None:
    ada = await tools.hub.account(quota=ROOMY_ACCOUNT)
    agent = await tools.hub.agent(ada, governance=ROOMY)
    async with signed_in(browser, tools.hub, ada) as at:
        page = at.page
        await at.go("chat", agent.jid)
        await at.say("before")
        await expect(page.get_by_text("echo: before")).to_be_visible()
        tools.hub.kill("ejabberd")
        await expect(page.get_by_text("The connection is gone.")).to_be_visible()
        await at.say("while away")
        await expect(page.get_by_text("echo: while away")).to_be_visible(timeout=110_000)
        await expect(page.locator(".away")).to_have_count(0)
        await page.reload()
        for said in ("before", "while away"):
            await expect(page.get_by_text(f"echo: {said}", exact=True)).to_have_count(1)
            await expect(page.locator(".message.mine").get_by_text(said, exact=True)).to_have_count(1)


@pytest.mark.prove
async def test_on_a_phone(tools: ToolHub, browser: Browser) -> None:
    ada = await tools.hub.account()
    agent = await tools.hub.agent(ada, name="Pocket")
    async with signed_in(browser, tools.hub, ada, viewport=PHONE, has_touch=True, is_mobile=True) as at:
        page = at.page
        await page.get_by_role("navigation", name="Main").get_by_role("link", name="Chat").tap()
        await page.get_by_role("link", name="Pocket").tap()
        await at.say("hello")
        await expect(page.get_by_text("echo: hello")).to_be_visible()
        for place in (("chat", agent.jid), ("agents",), ("agents", str(agent.agent_id)), ("governance",), ("account",)):
            await at.go(*place)
            await at.settled()
            for box in ("html", ".room", ".talk"):
                assert await page.locator(box).evaluate("one => one.scrollWidth") <= PHONE["width"], (place, box)


def test_the_first_screen_is_small() -> None:
    """What is loaded before anybody has signed in, as it goes over the wire."""
    built = Path(__file__).parents[2] / "web" / "dist"
    page = (built / "index.html").read_text()
    assert "<script>" not in page
    first = [one for one in (built / "assets").iterdir() if one.name in page]
    scripts = sum(len(gzip.compress(one.read_bytes())) for one in first if one.suffix == ".js")
    assert 0 < scripts <= 250 * 1024
