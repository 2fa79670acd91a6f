"""Who chats with whom, and where: from the options, else from what `aiox up` left in AIOX_HOME/demo.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiox.cli.chat.stream import ChatTrouble
from aiox.kernel.jid import domain

DEMO: Final = "demo.json"


@dataclass(frozen=True, slots=True)
class Options:
    """What the person gave; None where they left the demo's own."""

    agent: str | None
    jid: str | None
    password_file: Path | None
    host: str | None
    port: int | None
    ca_file: Path | None


@dataclass(frozen=True, slots=True)
class Access:
    """All that a chat needs."""

    jid: str
    password: str
    agent_jid: str
    host: str
    port: int
    ca_file: Path | None


def find_access(home: Path, options: Options) -> Access:
    """The options, completed from the demo account of the hub at `home`. Raises ChatTrouble saying what is missing."""
    demo = _demo(home / DEMO)
    jid = options.jid or demo.get("jid", "")
    agent = options.agent or demo.get("agent_jid", "")
    if not jid or not agent:
        raise ChatTrouble(
            f"There is no demo account in {home / DEMO}. Mend: 'make up' makes one, or give an agent and --jid,"
            " --password-file, --host, --port and --ca."
        )
    ca_file = options.ca_file or (Path(demo["ca_file"]) if demo.get("ca_file") else None)
    return Access(
        jid=jid,
        password=_password(options, jid, demo),
        agent_jid=agent if "@" in agent else f"{agent}@agents.{domain(jid)}",
        host=options.host or demo.get("host", "") or domain(jid),
        port=options.port or int(demo.get("port", "5222")),
        ca_file=ca_file,
    )


def _password(options: Options, jid: str, demo: dict[str, str]) -> str:
    if options.password_file is not None:
        try:
            return options.password_file.read_text().rstrip("\n")
        except OSError as wrong:
            raise ChatTrouble(f"The password file cannot be read: {wrong}.") from wrong
    if jid == demo.get("jid") and "password" in demo:
        return demo["password"]
    raise ChatTrouble(f"There is no password for {jid}. Mend: give --password-file.")


def _demo(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as wrong:
        raise ChatTrouble(f"{path} cannot be read: {wrong}. Mend: 'make up' writes it anew.") from wrong
    if not isinstance(found, dict):
        raise ChatTrouble(f"{path} is damaged. Mend: 'make up' writes it anew.")
    return {str(key): str(value) for key, value in found.items() if value is not None}
