"""AIOX_HOME: one folder that holds everything a hub keeps. Laid out here, checked here."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings

NEEDED_MIB: Final = 500
"""Free space below which a start is refused: PostgreSQL's log and JetStream need room to be honest about storing."""

_HEAD = """\
# Settings of this hub, written once by `aiox up`; edit freely, then restart. The environment wins over this file:
# AIOX_DOMAIN=..., AIOX_PORTS__POSTGRES=... Every setting with its unit and default: aiox/runtime/settings.py.
#
# A model provider (without one the built-in offline responder answers from the agent's own documents):
#   [model]
#   provider = "openai"                        # litellm's name; any OpenAI-compatible endpoint is "openai"
#   name = "gpt-4o-mini"
#   api_base = "https://api.example.org/v1"
# Its key belongs into the environment: AIOX_MODEL__API_KEY
"""


@dataclass(frozen=True, slots=True)
class Home:
    """The folders and files of one hub."""

    root: Path

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.root / "logs"

    @property
    def traces(self) -> Path:
        """Spans of sampled turns, one file per service."""
        return self.root / "traces"

    @property
    def settings_file(self) -> Path:
        """The hub's settings."""
        return self.root / "hub.toml"

    @property
    def lock_file(self) -> Path:
        """Held by the running `aiox up`; contains its process id."""
        return self.root / "up.lock"

    @property
    def demo_file(self) -> Path:
        """The demo account and agent, 0600."""
        return self.root / "demo.json"

    def part(self, name: str) -> Path:
        """The folder of one store or server, 0700."""
        return private_folder(self.root / name)

    def log_file(self, name: str) -> Path:
        """Where process `name` writes; kept short while it runs by log_rotation.py."""
        return self.logs / f"{name}.log"

    def secrets(self, service: str) -> Secrets:
        """The secrets of one service; `stack` holds those of `aiox up` itself."""
        return Secrets.of(self.root, service)


def private_folder(path: Path) -> Path:
    """Makes a folder only its user may enter. Raises CannotGoOn when it cannot."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotGoOn(f"cannot make {path}: {error.strerror}. Mend: choose another AIOX_HOME.") from error
    return path


def private_file(path: Path, text: str) -> Path:
    """Writes a file that only its user may read, whole or not at all."""
    Secrets(path.parent).write(path.name, text)
    return path


def prepare(settings: Settings) -> Home:
    """Lays out AIOX_HOME; writes `hub.toml` at the first start and never again. Raises CannotGoOn."""
    home = Home(settings.home)
    private_folder(home.root)
    if home.root.stat().st_uid != os.geteuid():
        raise CannotGoOn(
            f"{home.root} belongs to another user. Mend: start as that user, or set AIOX_HOME to a folder of your own."
        )
    home.root.chmod(0o700)
    for folder in (home.logs, home.traces, home.root / "secrets"):
        private_folder(folder)
    check_space(home.root)
    if not home.settings_file.exists():
        private_file(home.settings_file, render_settings(settings))
    return home


def check_space(folder: Path, needed_mib: int = NEEDED_MIB) -> None:
    """Raises CannotGoOn when the disk under `folder` has less than `needed_mib` MiB free."""
    free = shutil.disk_usage(folder).free >> 20
    if free < needed_mib:
        raise CannotGoOn(
            f"only {free} MiB are free under {folder}, {needed_mib} are needed."
            " Mend: free some space, or set AIOX_HOME to a folder on another disk."
        )


def render_settings(settings: Settings) -> str:
    """`hub.toml`: domain and ports always, other settings where they differ from their defaults, never a key."""
    lines = [_HEAD, f'domain = "{settings.domain}"', "", "# TCP ports, all on loopback", "[ports]"]
    lines += [f"{name} = {value}" for name, value in settings.ports.model_dump().items()]
    for section in ("limits", "model", "memory", "telemetry", "ledger", "backup", "accounts", "mail"):
        changed = _changed(getattr(settings, section))
        if changed:
            lines += ["", f"[{section}]", *changed]
    return "\n".join(lines) + "\n"


_SECRETS: Final = frozenset({"api_key", "password", "passphrase"})
"""They belong into the environment."""


def _changed(section: BaseModel) -> list[str]:
    default = type(section)().model_dump()
    values = {k: v for k, v in section.model_dump().items() if v != default[k] and k not in _SECRETS}
    return [f"{name} = {_toml(value)}" for name, value in values.items()]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else '"' + str(value).replace('"', '\\"') + '"'
