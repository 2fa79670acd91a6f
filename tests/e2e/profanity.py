"""Profanity, a console client of other people (the Debian package), in a terminal of tmux."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.stack import Account, RunningHub

PATIENCE_S = 120.0
MEND = "profanity and tmux are needed. Mend: sh setup/test_clients.sh"


@dataclass(frozen=True)
class Profanity:
    """A running client: what is typed goes in, what is on the screen comes out."""

    socket: str

    def type(self, line: str) -> None:
        """Types a line and presses return."""
        self._tmux("send-keys", "-t", "client", "-l", line)
        self._tmux("send-keys", "-t", "client", "Enter")

    def screen(self) -> str:
        """What the terminal shows now, without the breaks of its lines."""
        return " ".join(self._tmux("capture-pane", "-p", "-J", "-t", "client").split())

    async def shows(self, *words: str) -> str:
        """The screen, once all these words stand on it."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not all(word in self.screen() for word in words):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{words} never came up; on the screen: {self.screen()}") from None
        return self.screen()

    def _tmux(self, *words: str) -> str:
        return _run("tmux", "-L", self.socket, *words)


@asynccontextmanager
async def profanity(hub: RunningHub, account: Account, folder: Path) -> AsyncIterator[Profanity]:
    """The client, logged in."""
    assert shutil.which("profanity"), MEND
    assert shutil.which("tmux"), MEND
    accounts = folder / "share" / "profanity" / "accounts"
    accounts.parent.mkdir(parents=True)
    accounts.write_text(
        f"[{account.jid}]\nenabled=true\njid={account.jid}\nserver=127.0.0.1\nport={hub.settings.ports.xmpp_client}\n"
        f"resource=profanity\npassword={account.password}\ntls.policy=trust\n"
    )
    client = Profanity(f"aiox-{uuid4().hex[:8]}")
    home = {"XDG_DATA_HOME": str(folder / "share"), "XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder)}
    _run(
        *("tmux", "-L", client.socket, "-f", "/dev/null", "new-session", "-d", "-s", "client", "-x", "180", "-y", "50"),
        *("profanity", "-a", account.jid),
        environment={**os.environ, **home, "TERM": "screen", "LC_ALL": "C.UTF-8"},
    )
    try:
        await client.shows("logged in")
        yield client
    finally:
        _run("tmux", "-L", client.socket, "kill-server")


def _run(*command: str, environment: Mapping[str, str] | None = None) -> str:
    """What the command prints. Raises when it fails or takes longer than 120 s."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, env=environment).stdout
