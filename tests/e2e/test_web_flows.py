"""The longer ways through the pages; with test_web.py, all that people do there. Run by `make prove`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from bench.stub_model import Scripted
from setup.prove import note
from tests.e2e.browser import SOON_MS, Tab, signed_in, tab
from tests.e2e.database import superuser
from tests.e2e.long_talk import archived
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT
from tests.e2e.tool_hub import HELD, ToolHub, appends
from tests.e2e.web_hubs import frozen_hub, governs
from tests.e2e.web_mcp import seen

pytestmark = pytest.mark.prove

FIRST_SCREEN_MS = 2000
FIRST_SCRIPTS = 250 * 1024
MESSAGES = 5000
MOST_STEPS = 200
"""More than there are things on a page that the keyboard reaches."""
FRAME_MS = 50.0
"""A frame that takes longer is seen as a hitch (the browsers' own limit of a long task)."""


@pytest.mark.control
async def test_who_owns_the_agent_sees_it_and_is_answered(web: ToolHub, browser: Browser) -> None:
    ada = await web.hub.account()
    agent = await web.hub.agent(ada, name="Ada's own")
    async with signed_in(browser, web.hub, ada) as at:
        await at.go("agents", str(agent.agent_id))
        await expect(at.page.get_by_role("heading", name="Ada's own")).to_be_visible()
        await at.go("chat", agent.jid)
        await at.say("let me in")
        await expect(at.page.get_by_text("echo: let me in")).to_be_visible()


async def test_what_a_model_says_stays_text(web: ToolHub, browser: Browser) -> None:
    ada = await web.hub.account(quota=ROOMY_ACCOUNT)
    agent = await web.hub.agent(ada, governance=ROOMY)
    wicked = (
        "<img src=x onerror=alert(1)> [click](javascript:alert(1)) **strong**\n```html\n<script>alert(1)</script>\n```"
    )
    async with signed_in(browser, web.hub, ada) as at:
        page = at.page
        page.on("dialog", lambda dialog: at.complaints.append(dialog.message))
        await at.go("chat", agent.jid)
        web.model.answers.append(Scripted(wicked))
        await at.say("be wicked")
        log = page.get_by_role("log")
        await expect(log.get_by_text("<script>alert(1)</script>")).to_be_visible()
        await expect(log.locator("strong")).to_have_text("strong")
        await expect(log.get_by_role("button", name="Copy")).to_be_visible()
        assert await log.locator("img, script, a[href^=javascript]").count() == 0


async def test_a_call_is_approved_where_one_talks(web: ToolHub, browser: Browser) -> None:
    owner, agent = await web.agent(HELD)
    file = uuid4().hex
    async with signed_in(browser, web.hub, owner) as at:
        page = at.page
        await at.go("chat", agent.jid)
        web.model.script(appends(file, "hello"), "I have asked.", "It is written.")
        await at.say("write it")
        card = page.get_by_role("region", name="append_line waits for a decision")
        await expect(card.get_by_text("hello")).to_be_visible()
        await expect(card.get_by_role("button", name="Approve")).to_be_in_viewport()  # the log follows what comes
        assert web.lines(file) == []
        await card.get_by_role("button", name="Approve").click()
        async with asyncio.timeout(60):
            while web.lines(file) != ["hello"]:
                await asyncio.sleep(0.1)
        await expect(card).to_have_count(0)


async def test_a_file_is_given_to_a_chat(web: ToolHub, browser: Browser, tmp_path: Path) -> None:
    ada = await web.hub.account(quota=ROOMY_ACCOUNT)
    agent = await web.hub.agent(ada, governance=ROOMY)
    file = tmp_path / "boiler manual.md"
    file.write_text("# Boiler\n\nThe valve of the boiler is opened with the green key from the cellar.\n")
    async with signed_in(browser, web.hub, ada) as at:
        page, log = at.page, at.page.get_by_role("log")
        await at.go("chat", agent.jid)
        await page.locator(".composer input[type=file]").set_input_files(file)
        await expect(page.locator(".chosen").get_by_text("boiler manual.md")).to_be_visible()
        await at.say("Which key opens the valve?")
        await expect(log.locator(".mine .file")).to_have_count(1)
        await expect(log.get_by_text("echo: Which key opens the valve?")).to_be_visible()
        assert "green key" in str(web.model.asked[-1]["messages"])
        await page.reload()
        await expect(log.locator(".mine .file")).to_have_count(1)  # as the archive has it
        await expect(log.locator(".mine").get_by_text("Which key opens the valve?", exact=True)).to_be_visible()


async def test_the_first_run_goes_on_where_it_was_left(web: ToolHub, browser: Browser) -> None:
    ada = await web.hub.account()
    async with signed_in(browser, web.hub, ada) as at:
        page = at.page
        await page.get_by_label("Name of a new organisation").fill("Reading room")
        await page.get_by_role("button", name="Create the organisation").click()
        await expect(page.get_by_role("heading", name="The hub's model")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("heading", name="The hub's model")).to_be_visible()
        await page.get_by_role("button", name="Who you are").click()
        await page.get_by_role("button", name="Go on with Reading room").click()
        await page.get_by_label("Provider").fill("acme")
        await page.get_by_label("Key").fill("sk-mine")
        await page.get_by_role("button", name="Save and test").click()
        await expect(page.get_by_role("alert")).to_contain_text("The key is kept, but not proven.")
        await page.get_by_role("button", name="Go on all the same").click()
        await expect(page.get_by_role("button", name="Begin as Editor")).to_be_visible()
    async with signed_in(browser, web.hub, ada) as at:  # another browser: what the hub knows counts
        await expect(at.page.get_by_role("button", name="Begin as Editor")).to_be_visible()
        await at.go("governance", "credentials")
        await expect(at.page.get_by_role("row").filter(has_text="acme")).to_contain_text("untested")


async def test_an_mcp_server_is_attached_and_approved_again_after_a_change(web: ToolHub, browser: Browser) -> None:
    ada = await web.hub.account()
    agent = await web.hub.agent(ada)
    async with signed_in(browser, web.hub, ada) as at:
        page = at.page
        await at.go("agents", str(agent.agent_id), "mcp")
        await page.get_by_label("Name").fill("No Name")
        await expect(page.get_by_text("This does not fit here: No Name")).to_be_visible()
        await page.get_by_label("Name").fill("files")
        await page.get_by_label("Address").fill("https://files.example.org/mcp")
        await page.get_by_role("button", name="Attach and publish version 2").click()
        server = page.get_by_role("region", name="files", exact=True).first
        await expect(server.get_by_text("not tested")).to_be_visible()
        await server.get_by_role("button", name="Test").click()
        await expect(server.get_by_text("is being tested").or_(server.get_by_text("does not answer"))).to_be_visible()
        await seen(web, str(agent.agent_id), "Reads.")
        await page.reload()
        await server.get_by_role("button", name="Let it be offered").click()
        await server.get_by_role("button", name="Approve", exact=True).click()
        await expect(server.get_by_text("approved", exact=True)).to_be_visible()
        await seen(web, str(agent.agent_id), "Reads and deletes.")
        await page.reload()
        await expect(server.get_by_text("changed since")).to_be_visible()
        await expect(page.get_by_text("a tool has changed")).to_be_visible()
        await server.get_by_role("button", name="Approve again").click()
        await expect(server.get_by_text("approved", exact=True)).to_be_visible()
        await server.get_by_role("button", name="Detach").click()
        await page.get_by_role("dialog").get_by_role("button", name="Detach").click()
        await expect(page.get_by_role("heading", name="No MCP servers")).to_be_visible()


async def test_what_was_used_is_shown_by_agent_by_person_and_by_day(web: ToolHub, browser: Browser) -> None:
    ada = await web.hub.account(quota=ROOMY_ACCOUNT)
    agent = await web.hub.agent(ada, governance=ROOMY, name="Busy")
    async with signed_in(browser, web.hub, ada) as at:
        page = at.page
        await at.go("chat", agent.jid)
        await at.say("hello")
        await expect(page.get_by_text("echo: hello")).to_be_visible()
        await at.go("agents")
        card = page.get_by_role("listitem").filter(has_text="Busy")
        await expect(card.get_by_role("img", name="Tokens on each of 14 days")).to_be_visible()
        await expect(page.get_by_text("1 worker is ready")).to_be_visible()
        await at.go("governance", "usage")
        for table, row in (("By agent", "Busy"), ("By person", ada.jid)):
            line = page.get_by_role("region", name=table).get_by_role("row").filter(has_text=row)
            await expect(line.locator("td").nth(1)).to_have_text("1")
        await expect(page.get_by_role("region", name="By day").locator("tbody tr")).to_have_count(1)


async def test_filters_and_records_have_an_address(web: ToolHub, browser: Browser) -> None:
    ada = await web.hub.account()
    await web.hub.agent(ada)
    async with signed_in(browser, web.hub, ada) as at:
        page = at.page
        await at.go("governance", "audit")
        await page.get_by_label("Event").fill("agent.created")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await page.reload()
        await expect(page.get_by_label("Event")).to_have_value("agent.created")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await at.go("governance", "audit", "1")  # a record of the hub's own, or of somebody else
        await expect(page.get_by_role("heading", name="No such record")).to_be_visible()


async def test_the_first_screen_is_soon_there(web: ToolHub, browser: Browser) -> None:
    took = []
    for _ in range(5):
        async with tab(browser, web.hub) as at:
            await at.page.get_by_label("E-mail").fill("somebody@example.org")  # what one can type into is interactive
            took.append(await at.page.evaluate("performance.now()"))
            scripts = await at.page.evaluate(
                "performance.getEntriesByType('resource').filter(one => one.initiatorType === 'script')"
                ".reduce((sum, one) => sum + one.encodedBodySize, 0)"
            )
    median = sorted(took)[2]
    note(
        f"first screen usable after {median:.0f} ms (median of 5, each with an empty cache),"
        f" with {scripts / 1024:.0f} KiB of scripts, compressed"
    )
    assert median <= FIRST_SCREEN_MS, took
    assert 0 < scripts <= FIRST_SCRIPTS


async def test_a_conversation_of_five_thousand_messages_scrolls_evenly(web: ToolHub, browser: Browser) -> None:
    ada = await web.hub.account()
    agent = await web.hub.agent(ada)
    await archived(web.hub, ada, agent.jid, MESSAGES)
    async with signed_in(browser, web.hub, ada) as at:
        page = at.page
        await at.go("chat", agent.jid)
        await expect(page.locator(".message").last).to_contain_text(f"Message {MESSAGES} ")
        await to_the_beginning(at)
        assert await page.locator(".message").count() >= MESSAGES  # and the agent's own greeting
        frames = await scrolled(page)
        late = [one for one in frames if one > FRAME_MS]
        note(
            f"{MESSAGES} messages: {len(frames)} frames scrolled, {100 * len(late) / len(frames):.1f} % of them over"
            f" {FRAME_MS:.0f} ms apart, {max(frames):.0f} at most; a key is shown after {await typing(at):.0f} ms"
        )
        assert len(late) <= len(frames) * 0.05, sorted(late)[-10:]


async def to_the_beginning(at: Tab) -> None:
    """Up and up, as a reader would, until there is no older page."""
    async with asyncio.timeout(600):
        while await at.page.locator(".older").count() or await at.page.locator(".message").count() < MESSAGES:
            await at.page.locator(".log").evaluate("box => { box.scrollTop = 0 }")
            await at.page.wait_for_timeout(20)


async def scrolled(page: Page) -> list[float]:
    """Milliseconds between the frames while one scrolls up, half a screen a frame, as a thrown wheel does."""
    found: list[float] = await page.locator(".log").evaluate(
        """async box => {
            const frames = []
            box.scrollTop = box.scrollHeight
            let before = await new Promise(requestAnimationFrame)
            for (let step = 0; step < 600 && box.scrollTop > 0; step += 1) {
                box.scrollTop -= 400
                const now = await new Promise(requestAnimationFrame)
                frames.push(now - before)
                before = now
            }
            return frames
        }"""
    )
    return found


async def typing(at: Tab) -> float:
    """Milliseconds from a key to the frame that shows it, the worst of ten."""
    box = at.page.get_by_placeholder("Write to")
    await box.click(timeout=SOON_MS)
    worst: float = await at.page.evaluate("""async () => {
        let worst = 0
        const box = document.querySelector('.composer textarea')
        const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set
        for (let at = 0; at < 10; at += 1) {
            const began = performance.now()
            set.call(box, box.value + 'x')
            box.dispatchEvent(new Event('input', { bubbles: true }))
            await new Promise(requestAnimationFrame)
            worst = Math.max(worst, performance.now() - began)
        }
        return worst
    }""")
    return worst


async def test_who_governs_the_hub_says_what_peers_may_do(web: ToolHub, browser: Browser) -> None:
    ada, eve = await web.hub.account(), await web.hub.account()
    name = f"{uuid4().hex[:8]}.example.net"
    async with superuser(web.hub) as connection:
        await connection.execute("UPDATE users SET hub_role = 'hub_admin' WHERE id = $1", ada.actor.owner)
    async with signed_in(browser, web.hub, ada) as at:
        page = at.page
        await at.go("governance", "peers")
        await page.get_by_label("Domain or address").fill(name)
        await page.get_by_label("see agents").check()
        await page.get_by_role("button", name="Add a peer").click()
        row = page.get_by_role("row").filter(has_text=name)
        await expect(row.get_by_label("see agents")).to_be_checked()
        await row.get_by_label("talk to agents").check()
        await expect(row.get_by_label("talk to agents")).to_be_checked()
        await row.get_by_role("button", name="Block").click()
        await expect(row.get_by_text("blocked")).to_be_visible()
        await row.get_by_role("button", name="Remove").click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(row).to_have_count(0)
    async with signed_in(browser, web.hub, eve) as at:
        await at.go("governance", "peers")
        await expect(at.page.get_by_role("link", name="Audit")).to_be_visible()
        await expect(at.page.get_by_role("link", name="Peers")).to_have_count(0)


async def test_a_frozen_hub_is_let_in_again_with_the_keyboard_alone(web: ToolHub, browser: Browser) -> None:
    ada = await web.hub.account()
    await governs(web.hub, ada)
    domain = await frozen_hub(web.hub)
    async with signed_in(browser, web.hub, ada) as at:
        page = at.page
        await at.go("governance", "peers")
        pinned = page.get_by_role("region", name="Pinned keys").get_by_role("row").filter(has_text=domain)
        await expect(pinned.get_by_text("frozen: it showed other keys")).to_be_visible()
        seen = page.get_by_role("region", name="Ledgers that this hub has co-signed")
        await expect(seen.get_by_role("row").filter(has_text=domain).get_by_text("REWRITTEN")).to_be_visible()
        await expect(page.get_by_text(f"{domain} called this hub's ledger rewritten")).to_be_visible()
        await reached(page, pinned.get_by_role("button", name="Take its keys anew"))
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_text("its operator has told you")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await reached(page, pinned.get_by_role("button", name="Take its keys anew"))
        await page.keyboard.press("Enter")
        await reached(page, dialog.get_by_role("button", name="Take its keys anew"))
        await page.keyboard.press("Enter")
        await expect(pinned).to_have_count(0)
        entry = page.get_by_role("region", name="Peers").get_by_role("row").filter(has_text="met at the fair")
        await expect(entry.filter(has_text=domain).get_by_text("allowed", exact=True)).to_be_visible()
        await expect(seen.get_by_role("row").filter(has_text=domain)).to_have_count(0)


async def reached(page: Page, wanted: Locator) -> None:
    """Goes from one thing to the next with the Tab key until it is there."""
    for _ in range(MOST_STEPS):
        if await wanted.evaluate("one => one === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    pytest.fail(f"the Tab key does not come to {wanted} within {MOST_STEPS} steps")
