"""What a service inherits: secrets that stand in settings reach the one service that needs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiox.cli.stack.home import Home, render_settings
from aiox.cli.stack.services import _environment
from aiox.runtime.settings import Mail, Service, Settings

SECRETS = {"AIOX_MODEL__API_KEY": "orchestrator", "AIOX_MAIL__PASSWORD": "gateway"}


@pytest.mark.parametrize("service", ["component", "gateway", "orchestrator", "ai_worker"])
def test_each_secret_has_one_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "hidden")
    inherited = _environment(Home(tmp_path), Settings(home=tmp_path), service)
    assert {name for name, value in inherited.items() if value == "hidden"} == {
        name for name, reader in SECRETS.items() if reader == service
    }


def test_only_what_a_service_needs_is_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = {"AWS_SECRET_ACCESS_KEY": "x", "OPENAI_API_KEY": "x", "PGPASSWORD": "x", "PYTHONPATH": "x", "EDITOR": "x"}
    needed = {"SSL_CERT_FILE": "/ca.pem", "https_proxy": "http://proxy:1", "AIOX_DOMAIN": "example.org"}
    for name, value in {**others, **needed}.items():
        monkeypatch.setenv(name, value)
    inherited = _environment(Home(tmp_path), Settings(home=tmp_path), "orchestrator")
    assert not set(others) & set(inherited)
    assert needed.items() <= inherited.items()
    assert "PATH" in inherited


def test_the_settings_file_holds_the_mail_server_and_not_its_password(tmp_path: Path) -> None:
    written = render_settings(Settings(home=tmp_path, mail=Mail(host="mail.example.org", password="hidden")))
    assert 'host = "mail.example.org"' in written
    assert "hidden" not in written
