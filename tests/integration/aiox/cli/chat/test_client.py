"""What the terminal client says when it cannot log in, against a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiox.cli.chat.client import ChatClient
from aiox.cli.chat.stream import ChatTrouble
from tests.integration.component.servers import Ejabberd, ejabberd
from tests.ports import free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> object:
    with ejabberd(tmp_path_factory.mktemp("ejabberd")) as running:
        running.register("bob", "right")
        yield running


async def _refusal(server: Ejabberd, jid: str, password: str, port: int, ca_file: Path | None) -> str:
    with pytest.raises(ChatTrouble) as refused:
        async with ChatClient(jid, password, "127.0.0.1", port, ca_file):
            pass
    return str(refused.value)


async def test_right_password_gets_in(server: Ejabberd) -> None:
    async with ChatClient("bob@localhost", "right", "127.0.0.1", server.client_port, server.ca_file):
        pass


async def test_wrong_password_is_one_sentence(server: Ejabberd) -> None:
    said = await _refusal(server, "bob@localhost", "wrong", server.client_port, server.ca_file)
    assert said == "The server refused the password of bob@localhost."


async def test_certificate_of_an_unknown_ca_is_refused(server: Ejabberd) -> None:
    said = await _refusal(server, "bob@localhost", "right", server.client_port, None)
    assert "no certificate for localhost that we trust" in said


async def test_certificate_must_be_for_the_domain_of_the_address(server: Ejabberd) -> None:
    said = await _refusal(server, "bob@elsewhere.example", "right", server.client_port, server.ca_file)
    assert "no certificate for elsewhere.example" in said or "closed the connection" in said


async def test_nobody_there(server: Ejabberd) -> None:
    said = await _refusal(server, "bob@localhost", "right", free_port(), server.ca_file)
    assert "No XMPP server answers" in said


async def test_bad_address(server: Ejabberd) -> None:
    assert "is not an XMPP address" in await _refusal(server, "@@", "right", server.client_port, server.ca_file)


async def test_missing_ca_file(server: Ejabberd, tmp_path: Path) -> None:
    said = await _refusal(server, "bob@localhost", "right", server.client_port, tmp_path / "none")
    assert "cannot be read" in said
