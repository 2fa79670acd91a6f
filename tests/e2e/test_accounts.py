"""Accounts on a whole hub: the shell, the web door and the XMPP server agree on who may come in."""

from __future__ import annotations

import asyncio
import base64
import sys
import time
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from aiox.cli import users
from aiox.cli.chat.client import ChatClient
from aiox.cli.chat.stream import ChatTrouble
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.stack.xmpp_accounts import ServerAccounts
from aiox.kernel import totp
from aiox.kernel.jid import BareJid
from aiox.runtime.settings import environment
from tests.e2e.database import superuser
from tests.integration.aiox.runtime.oauth_client import log_in
from tests.stack import RunningHub

PASSWORD = "correct horse battery"
OTHER = "another horse battery"


@dataclass(frozen=True)
class Person:
    """An account made from the shell, and its ways in."""

    hub: RunningHub
    email: str
    jid: str

    def web(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.hub.settings.ports.gateway}", timeout=30)

    async def sign_in(self, password: str = PASSWORD, **more: str) -> httpx.Response:
        async with self.web() as client:
            body = {"email": self.email, "password": password, **more}
            return await client.post("/v1/sessions", json=body)

    async def headers(self, password: str = PASSWORD) -> dict[str, str]:
        return {"Authorization": f"Bearer {(await self.sign_in(password)).json()['access_token']}"}

    async def chats(self, password: str = PASSWORD) -> bool:
        ca_file = self.hub.home.secrets("xmpp").path("ca.crt")
        port = self.hub.settings.ports.xmpp_client
        try:
            async with ChatClient(self.jid, password, "127.0.0.1", port, ca_file):
                return True
        except ChatTrouble:
            return False


@pytest.fixture
async def ada(hub: RunningHub, tmp_path: Path) -> Person:
    name = f"u{uuid4().hex[:10]}"
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    said = await users.add(hub.settings, f"{name}@Example.org", name, file)
    assert PASSWORD not in said
    return Person(hub, f"{name}@example.org", f"{name}@localhost")


async def test_an_account_from_the_shell_opens_web_and_xmpp(hub: RunningHub, ada: Person) -> None:
    assert (await ada.sign_in()).status_code == 201
    assert await ada.chats()
    assert f"{ada.email}  {ada.jid}  active" in await users.list_all(hub.settings)
    assert "second factor  off" in await users.show(hub.settings, ada.email)
    with pytest.raises(CannotGoOn):
        await users.show(hub.settings, "nobody@example.org")


async def test_a_change_of_the_password_holds_on_both_sides(ada: Person) -> None:
    async with ada.web() as client:
        body = {"current": PASSWORD, "new": OTHER}
        changed = await client.put("/v1/account/password", json=body, headers=await ada.headers())
    assert changed.status_code == 204
    assert [(await ada.sign_in(one)).status_code for one in (PASSWORD, OTHER)] == [401, 201]
    assert [await ada.chats(one) for one in (PASSWORD, OTHER)] == [False, True]


async def test_a_server_that_fell_out_of_step_is_mended_at_sign_in(hub: RunningHub, ada: Person) -> None:
    """As if the hub had died after the server's half of a change."""
    await ServerAccounts(hub.home, hub.settings).set_password(BareJid(ada.jid), OTHER)
    async with superuser(hub) as connection:
        await connection.execute("UPDATE users SET xmpp_password = 'unsure' WHERE jid = $1", ada.jid)
    assert [await ada.chats(one) for one in (PASSWORD, OTHER)] == [False, True]
    assert (await ada.sign_in()).status_code == 201
    assert [await ada.chats(one) for one in (PASSWORD, OTHER)] == [True, False]


@pytest.mark.parametrize("within_s", [60.0, pytest.param(5.0, marks=pytest.mark.prove)])  # SPEC 5: seen within 5 s
async def test_the_webs_xmpp_connection_ends_with_its_session(hub: RunningHub, ada: Person, within_s: float) -> None:
    headers = await ada.headers()
    async with ada.web() as client:
        token = (await client.post("/v1/account/xmpp-tokens", headers=headers)).json()["token"]
        ca_file, port = hub.home.secrets("xmpp").path("ca.crt"), hub.settings.ports.xmpp_client
        stream = await log_in(port, ca_file, ada.jid, token)
        assert stream is not None
        assert (await client.delete("/v1/sessions/current", headers=headers)).status_code == 204
        began = time.monotonic()
        assert "</stream:stream>" in await stream.until("</stream:stream>")
        assert (await client.get("/v1/account", headers=headers)).status_code == 401
        assert time.monotonic() - began < within_s
    await stream.close()
    assert await log_in(port, ca_file, ada.jid, token) is None


async def test_deactivation_ends_what_is_open_and_activation_lets_in_again(hub: RunningHub, ada: Person) -> None:
    headers = await ada.headers()
    ca_file, port = hub.home.secrets("xmpp").path("ca.crt"), hub.settings.ports.xmpp_client
    async with ada.web() as client:
        token = (await client.post("/v1/account/xmpp-tokens", headers=headers)).json()["token"]
        stream = await log_in(port, ca_file, ada.jid, token)
        assert stream is not None
        await users.deactivate(hub.settings, ada.email)
        assert "</stream:stream>" in await stream.until("</stream:stream>")
        await stream.close()
        assert (await client.get("/v1/account", headers=headers)).status_code == 401
    assert (await ada.sign_in()).status_code == 401
    assert not await ada.chats()
    assert await log_in(port, ca_file, ada.jid, token) is None
    assert "deactivated" in await users.show(hub.settings, ada.email)
    await users.activate(hub.settings, ada.email)
    assert (await ada.sign_in()).status_code == 201
    assert await ada.chats()


async def test_the_shell_turns_the_second_factor_on_and_off(hub: RunningHub, ada: Person) -> None:
    secrets: list[bytes] = []

    def ask(secret: str, uri: str) -> str:
        assert secret in uri
        secrets.append(base64.b32decode(secret + "=" * (-len(secret) % 8)))
        return totp.code_at(secrets[0], int(time.time()) // totp.STEP_S)

    told = (await users.turn_on_second_factor(hub.settings, ada.email, ask)).splitlines()
    assert (await ada.sign_in()).json()["code"] == "SECOND_FACTOR_REQUIRED"
    assert (await ada.sign_in(code=told[-1])).status_code == 201
    assert (await ada.sign_in(code=totp.code_at(secrets[0], int(time.time()) // totp.STEP_S + 1))).status_code == 201
    await users.turn_off_second_factor(hub.settings, ada.email)
    assert (await ada.sign_in()).status_code == 201


async def test_roles_and_sessions_from_the_shell(hub: RunningHub, ada: Person) -> None:
    headers = await ada.headers()
    assert "was none and is hub_admin" in await users.put_role(hub.settings, ada.email, "hub_admin")
    async with ada.web() as client:
        assert (await client.get("/v1/account", headers=headers)).json()["hub_role"] == "hub_admin"
        assert "127.0.0.1" in await users.list_sessions(hub.settings, ada.email)
        assert await users.end_sessions(hub.settings, ada.email) == f"1 sessions of {ada.email} have ended."
        assert (await client.get("/v1/account", headers=headers)).status_code == 401
    assert "was hub_admin and is none" in await users.put_role(hub.settings, ada.email, "none")


async def test_a_password_from_the_shell_signs_out_everywhere(hub: RunningHub, ada: Person, tmp_path: Path) -> None:
    headers = await ada.headers()
    file = tmp_path / "other"
    file.write_text(OTHER)
    await users.put_password(hub.settings, ada.email, file)
    async with ada.web() as client:
        assert (await client.get("/v1/account", headers=headers)).status_code == 401
    assert [(await ada.sign_in(one)).status_code for one in (PASSWORD, OTHER)] == [401, 201]
    assert await ada.chats(OTHER)


async def shell(hub: RunningHub, *words: str, typed: str = "") -> tuple[int | None, str, str]:
    """`aiox user ...` as a person runs it: exit status, output, errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aiox.cli.main", "user", *words),
        env=environment(hub.home.root),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    async with asyncio.timeout(90):
        out, err = await process.communicate(typed.encode())
    return process.returncode, out.decode(), err.decode()


async def test_the_commands_as_a_person_types_them(hub: RunningHub) -> None:
    name = f"u{uuid4().hex[:10]}"
    email = f"{name}@example.org"
    status, out, err = await shell(hub, "add", email, "--name", name)
    assert (status, err) == (0, "")
    password = next(line.split()[-1] for line in out.splitlines() if line.startswith("password"))
    assert (await Person(hub, email, f"{name}@localhost").sign_in(password)).status_code == 201
    status, out, err = await shell(hub, "totp", email, typed="000000\n")
    assert status == 1
    assert "The code is wrong" in err
    assert len(err.splitlines()) == 1
    status, out, err = await shell(hub, "show", "nobody@example.org")
    assert (status, out) == (1, "")
    assert err.startswith("aiox: ")
    assert len(err.splitlines()) == 1


async def test_letters_are_files_where_no_mail_server_is_set(hub: RunningHub, ada: Person) -> None:
    async with ada.web() as client:
        assert (await client.post("/v1/password-resets", json={"email": ada.email})).status_code == 202
    folder = hub.home.root / "mail"
    async with asyncio.timeout(60):
        while not (found := [file for file in folder.glob("*.eml") if ada.email in file.read_text()]):
            await asyncio.sleep(0.05)
    assert "?reset#token=" in found[0].read_text()
    assert found[0].stat().st_mode & 0o077 == 0
