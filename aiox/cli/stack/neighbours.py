"""Several hubs on one machine, for trying federation: `aiox up --hub a`, `aiox up --hub b`.

Each has a home, ports, a loopback address and a name under .test (RFC 6761) of its own; the names are known to their
XMPP servers alone. A letter is laid out once, into hub.toml; what stands there may be edited.
"""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase
from typing import Final

from aiox.cli.stack.home import private_file, private_folder
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.settings import Ports

LETTERS: Final = ascii_lowercase[:8]
PORT_STEP: Final = 1000
S2S_PORT: Final = 5269


def home_of(letter: str, home: Path) -> Path:
    """Where the hub of this letter lies: beside the hub of `home`, `var-b` beside `var`. Raises CannotGoOn."""
    if len(letter) != 1 or letter not in LETTERS:
        raise CannotGoOn(f"there is no hub {letter!r} here. Mend: one letter of {', '.join(LETTERS)}")
    return home.with_name(f"{home.name}-{letter}")


def domain_of(letter: str) -> str:
    """The name of the hub of this letter."""
    return f"{letter}.test"


def lay_out(letter: str, home: Path) -> Path:
    """Writes hub.toml of this letter's hub, unless it is there; returns its home. Raises CannotGoOn."""
    folder = private_folder(home_of(letter, home))
    if not (folder / "hub.toml").exists():
        private_file(folder / "hub.toml", settings_text(letter))
    return folder


def settings_text(letter: str, port: int = S2S_PORT) -> str:
    """hub.toml of this letter's hub."""
    number = LETTERS.index(letter)
    ports = {name: value + PORT_STEP * (number + 1) for name, value in Ports().model_dump().items()}
    lines = [
        f"# One of several hubs on this machine, for trying federation (docs/federation.md): aiox up --hub {letter}",
        f'domain = "{domain_of(letter)}"',
        "",
        "[ports]",
        *(f"{name} = {value}" for name, value in ports.items()),
        "",
        "[federation]",
        f'address = "{address_of(letter)}"',
        f"port = {port}",
        'authorities = "pinned"',
        "",
        "[federation.hosts]",
        *(f'"{name}" = "{address}"' for name, address in hosts().items()),
    ]
    return "\n".join(lines) + "\n"


def address_of(letter: str) -> str:
    """Where the XMPP server of this letter's hub listens for others."""
    return f"127.0.0.{LETTERS.index(letter) + 2}"


def hosts() -> dict[str, str]:
    """The addresses of all of them, by the names that their servers have."""
    parts = ("", "agents.", "conference.")
    return {f"{part}{domain_of(letter)}": address_of(letter) for letter in LETTERS for part in parts}
