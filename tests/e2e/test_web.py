"""The pages in a real browser on a real hub: from signing up to the first answer, and what must never happen.

One hub and one browser for all of them (conftest.py), sessions by cookie, no waiting but for what is to be seen: these
run in `make test`. What takes longer is in test_web_flows.py, the look of each screen in test_web_screens.py.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
from pathlib import Path
from uuid import UUID, uuid4

from playwright.async_api import Browser, expect

from aiox.cli import ledger
from aiox.commands import policies
from aiox.commands.policies import PolicyText
from aiox.kernel.outcome import Refused
from tests.e2e.browser import PHONE, Tab, link_for, signed_in, tab
from tests.e2e.database import superuser
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT
from tests.e2e.tool_hub import HELD, ToolHub, appends
from tests.stack import Account

PASSWORD = "correct horse battery"
HELD_CALL = "append_line waits for a decision"
FOUR_EYES = """
@id("four eyes for low risks") @hold("four_eyes")
forbid(principal, action == Action::"tool.call", resource) when { context.risk == "low" };
"""


async def test_from_signing_up_to_the_first_answer(web: ToolHub, browser: Browser) -> None:
    name = f"u{uuid4().hex[:10]}"
    address = f"{name}@example.org"
    async with tab(browser, web.hub) as at:
        page = at.page
        await page.get_by_role("button", name="Create an account").click()
        await page.get_by_label("E-mail").fill(address)
        await page.get_by_label("Name (").fill(name)
        await page.get_by_label("New password").fill(PASSWORD)
        await page.get_by_role("button", name="Create an account").click()
        await expect(page.get_by_text("Follow the link in the letter")).to_be_visible()
        await page.goto(at.url + await link_for(web.hub, address))
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Confirm").click()
        await at.sign_in(address, PASSWORD)
        await page.get_by_role("button", name="For myself").click()
        await page.get_by_role("button", name="Go on with the hub's").click()
        await page.get_by_role("button", name="Begin as Editor").click()
        await page.get_by_label("Name").fill("Scribe")
        await page.get_by_role("button", name="Create and talk").click()
        await expect(page.get_by_role("heading", name="Scribe")).to_be_visible()
        await at.say("Is anybody there?")
        log = page.get_by_role("log")
        await expect(log.get_by_text("echo: Is anybody there?")).to_be_visible()
        await expect(log.get_by_text("tokens")).to_be_visible()  # the turn's data stand beside its answer
        await expect(page.locator(".message.mine")).to_have_attribute("data-state", "read")


async def test_an_answer_is_read_while_it_is_written(web: ToolHub, browser: Browser) -> None:
    ada = await web.hub.account(quota=ROOMY_ACCOUNT)
    agent = await web.hub.agent(ada, governance=ROOMY)
    async with signed_in(browser, web.hub, ada) as at:
        await at.go("chat", agent.jid)
        log = at.page.get_by_role("log")
        await expect(at.page.locator(".talk[data-live=yes]")).to_be_visible()
        web.model.script("slowly but surely it grows")
        with web.model.halfway():
            await at.say("write slowly")
            await expect(log.get_by_text("slowly but")).to_be_visible()
            await expect(log.get_by_text("it grows")).to_have_count(0)
        await expect(log.get_by_text("slowly but surely it grows")).to_have_count(1)
        await expect(log.locator(".growing")).to_have_count(0)
        await expect(log.get_by_text("tokens")).to_be_visible()


async def test_create_edit_publish_and_roll_back(web: ToolHub, browser: Browser) -> None:
    ada = await web.hub.account(quota=ROOMY_ACCOUNT)
    async with signed_in(browser, web.hub, ada) as at:
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


async def test_two_people_do_not_see_each_other(web: ToolHub, browser: Browser) -> None:
    ada, eve = await web.hub.account(), await web.hub.account()
    agent = await web.hub.agent(ada, name="Ada's own")
    async with signed_in(browser, web.hub, eve) as at:
        page = at.page
        await expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
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


async def four_eyes(web: ToolHub, owner: Account, colleague: Account) -> None:
    """An organisation of both, whose policy wants a second person for what has a low risk."""
    scope = uuid4()
    async with superuser(web.hub) as connection:
        await connection.execute("INSERT INTO organisations VALUES ($1, 'House', now())", scope)
        for who, role in ((owner, "owner"), (colleague, "approver")):
            await connection.execute("INSERT INTO memberships VALUES ($1, $2, $3, now())", scope, who.actor.owner, role)
    async with web.hub.commands() as hub:
        published = await policies.publish(hub, owner.actor, PolicyText(scope=UUID(str(scope)), text=FOUR_EYES))
    assert not isinstance(published, Refused)


async def held_for_another(web: ToolHub, at: Tab, file: str) -> None:
    """Asks until the call waits for a second person: the orchestrators read a new policy when they get to it."""
    card = at.page.get_by_role("region", name=HELD_CALL)
    while True:
        web.model.script(appends(file, "hello"), "I have asked.")
        await at.say("write it")
        await expect(card).to_be_visible()
        if await card.get_by_text("a second person").is_visible():
            return
        await card.get_by_role("button", name="Deny").click()
        await expect(card).to_have_count(0)


async def test_a_second_person_approves(web: ToolHub, browser: Browser) -> None:
    owner, agent = await web.agent(HELD)
    colleague = await web.hub.account()
    await four_eyes(web, owner, colleague)
    file = uuid4().hex
    async with signed_in(browser, web.hub, owner) as at, signed_in(browser, web.hub, colleague) as other:
        await at.go("chat", agent.jid)
        await held_for_another(web, at, file)
        card = at.page.get_by_role("region", name=HELD_CALL)
        await expect(card.get_by_text("Somebody else decides. Agreed: 0 of 1.")).to_be_visible()
        await expect(card.get_by_role("button", name="Approve")).to_have_count(0)
        assert web.lines(file) == []
        await other.go("approvals")
        theirs = other.page.get_by_role("region", name=HELD_CALL)
        await expect(theirs.get_by_text(file)).to_be_visible()  # the call as it would run
        web.model.script("It is written.")
        await theirs.get_by_role("button", name="Approve").click()
        await expect(theirs).to_have_count(0)
        await expect(at.page.get_by_role("log").get_by_text("It is written.")).to_be_visible()
        assert web.lines(file) == ["hello"]


async def until_signed(web: ToolHub, seq: int) -> None:
    async with asyncio.timeout(60):
        while int((await ledger.checkpoint(web.hub.settings)).split("\n")[1]) < seq:
            await asyncio.sleep(0.2)


async def verified(file: Path, folder: Path) -> tuple[int, str]:
    """`aiox ledger verify` in a process without a hub's home."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aiox.cli.main", "ledger", "verify", str(file)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"AIOX_HOME": str(folder / "no-hub")},
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_what_is_exported_holds_elsewhere(web: ToolHub, browser: Browser, tmp_path: Path) -> None:
    ada = await web.hub.account()
    await web.hub.agent(ada)
    async with signed_in(browser, web.hub, ada) as at:
        page = at.page
        await at.go("governance", "audit")
        newest = page.locator("tbody tr").first
        seq = int(await newest.locator("td").first.inner_text())
        await until_signed(web, seq)
        await newest.get_by_role("button", name=f"Verify record {seq}").click()
        await expect(newest.get_by_text("proven in")).to_be_visible()
        await newest.get_by_role("link", name=str(seq)).click()  # the record's own address
        await expect(page.locator("tbody tr")).to_have_count(1)
        assert page.url.endswith(f"#/governance/audit/{seq}")
        for button, name in (("Export as JSON lines", "ledger.jsonl"), ("Export as CSV", "ledger.csv")):
            async with page.expect_download() as coming:
                await page.get_by_role("button", name=button).click()
            file = tmp_path / name
            await (await coming.value).save_as(file)
            status, said = await verified(file, tmp_path)
            assert (status, "one owner's, each with its proof" in said) == (0, True), said
        record = f'"seq":{seq},'.encode()
        lines = (tmp_path / "ledger.jsonl").read_bytes().split(b"\n")
        spoilt = [
            line.replace(b'"ada"', b'"eve"').replace(b'"info"', b'"none"') if record in line else line for line in lines
        ]
        assert spoilt != lines
        (tmp_path / "spoilt").write_bytes(b"\n".join(spoilt))
        status, said = await verified(tmp_path / "spoilt", tmp_path)
        assert (status, f"record {seq} of" in said) == (1, True), said


async def test_on_a_phone(web: ToolHub, browser: Browser) -> None:
    ada = await web.hub.account()
    agent = await web.hub.agent(ada, name="Pocket")
    async with signed_in(browser, web.hub, ada, viewport=PHONE, has_touch=True, is_mobile=True) as at:
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


async def test_nothing_is_lost_or_doubled_when_the_server_goes_and_comes_back(web: ToolHub, browser: Browser) -> None:
    ada = await web.hub.account(quota=ROOMY_ACCOUNT)
    agent = await web.hub.agent(ada, governance=ROOMY)
    async with signed_in(browser, web.hub, ada) as at:
        page = at.page
        await at.go("chat", agent.jid)
        await at.say("before")
        await expect(page.get_by_text("echo: before")).to_be_visible()
        web.hub.kill("ejabberd")
        await expect(page.get_by_text("The connection is gone.")).to_be_visible()
        await at.say("while away")
        await expect(page.get_by_text("echo: while away")).to_be_visible(timeout=110_000)
        await expect(page.locator(".away")).to_have_count(0)
        await page.reload()
        for said in ("before", "while away"):
            await expect(page.get_by_text(f"echo: {said}", exact=True)).to_have_count(1)
            await expect(page.locator(".message.mine").get_by_text(said, exact=True)).to_have_count(1)


def test_the_first_screen_is_small() -> None:
    """What is loaded before anybody has signed in, as it goes over the wire."""
    built = Path(__file__).parents[2] / "web" / "dist"
    page = (built / "index.html").read_text()
    assert "<script>" not in page
    first = [one for one in (built / "assets").iterdir() if one.name in page]
    scripts = sum(len(gzip.compress(one.read_bytes())) for one in first if one.suffix == ".js")
    assert 0 < scripts <= 250 * 1024
