"""Someone in front of a browser: Debian's Chromium, driven by Playwright, with the pages that a hub serves."""

from __future__ import annotations

import asyncio
import email
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.policy import default
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, ConsoleMessage, Page, ViewportSize, async_playwright, expect

from tests.stack import Account, RunningHub

AXE: Final = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
SOON_MS: Final = 60_000
WIDE: Final[ViewportSize] = {"width": 1280, "height": 800}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
_RUN: Final = """async () => (await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
})).violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`)"""

expect.set_options(timeout=SOON_MS)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser without a window."""
    found = shutil.which("chromium")
    assert found is not None, "Chromium is not installed. Mend: sh setup/test_clients.sh"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


class Tab:
    """A page, and everything that it complained about: errors, and what its security policy refused."""

    def __init__(self, page: Page, hub: RunningHub) -> None:
        self.page = page
        self.hub = hub
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, said: ConsoleMessage) -> None:
        if "Content Security Policy" in said.text:
            self.complaints.append(said.text)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.hub.settings.ports.gateway}"

    async def go(self, *parts: str) -> None:
        """To a place in the pages."""
        await self.page.evaluate("place => { location.hash = place }", "#/" + "/".join(parts))

    async def resume(self, who: Account) -> None:
        """Signed in without the form: the cookies of a session, as a browser keeps them over a reload."""
        fields = {"email": address_of(who), "password": who.password, "keep": "cookie"}
        answer = await self.page.context.request.post(f"{self.url}/v1/sessions", data=fields)
        assert answer.status == 201, await answer.text()
        await self.page.goto(self.url)
        await expect(self.page.get_by_role("navigation", name="Main")).to_be_visible()

    async def sign_in(self, address: str, password: str) -> None:
        page = self.page
        await page.get_by_label("E-mail").fill(address)
        await page.get_by_label("Password").fill(password)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("navigation", name="Main")).to_be_visible()

    async def say(self, text: str) -> None:
        box = self.page.get_by_placeholder("Write to")
        await box.fill(text)
        await box.press("Enter")

    async def settled(self) -> None:
        """Until nothing is on its way any more: no skeleton is shown."""
        await expect(self.page.locator("main .skeleton:visible")).to_have_count(0)

    async def violations(self) -> list[str]:
        """What axe finds on the page as it is."""
        if not await self.page.evaluate("() => 'axe' in window"):
            await self.page.evaluate(AXE.read_text())
        found: list[str] = await self.page.evaluate(_RUN)
        return found


@asynccontextmanager
async def blank(browser: Browser, hub: RunningHub, **more: Any) -> AsyncIterator[Tab]:
    """A page of its own with cookies of its own, nowhere yet. It must not have complained in the end."""
    context = await browser.new_context(**{"viewport": WIDE, "locale": "en-GB", **more})
    context.set_default_timeout(SOON_MS)
    try:
        opened = Tab(await context.new_page(), hub)
        yield opened
        assert opened.complaints == []
    finally:
        await context.close()


@asynccontextmanager
async def tab(browser: Browser, hub: RunningHub, **more: Any) -> AsyncIterator[Tab]:
    """The same, at the hub's door."""
    async with blank(browser, hub, **more) as opened:
        await opened.page.goto(opened.url)
        yield opened


@asynccontextmanager
async def signed_in(browser: Browser, hub: RunningHub, who: Account, **more: Any) -> AsyncIterator[Tab]:
    """The same, signed in."""
    async with blank(browser, hub, **more) as opened:
        await opened.resume(who)
        yield opened


def address_of(who: Account) -> str:
    """The e-mail address of an account that a test has made."""
    return f"{who.jid.partition('@')[0]}@example.org"


async def link_for(hub: RunningHub, address: str) -> str:
    """What stands behind the address of the pages in the newest letter to somebody, once there is one."""
    async with asyncio.timeout(SOON_MS / 1000):
        while True:
            found = _link_in(hub.home.root / "mail", address)
            if found:
                return found
            await asyncio.sleep(0.05)


def _link_in(mail: Path, address: str) -> str:
    letters = sorted(mail.glob("2*.eml"), key=lambda one: one.stat().st_mtime, reverse=True)
    for one in letters:
        letter = email.message_from_bytes(one.read_bytes(), policy=default)
        body = letter.get_body()
        if letter["To"] == address and body is not None:
            return "/?" + str(body.get_content()).split("/?", 1)[1].split()[0]
    return ""
