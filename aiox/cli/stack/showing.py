"""What `aiox up` prints: the answer with its times, and how to go on."""

from __future__ import annotations

import asyncio
import textwrap
from typing import Final

from aiox.cli.chat.client import Exchange
from aiox.cli.chat.screen import printable
from aiox.cli.stack.home import Home
from aiox.cli.traces import read_trace
from aiox.runtime.settings import Settings
from registry.executions import ExecutionSummary

OLLAMA_PORT: Final = 11434
_PROBE_S: Final = 0.2


def print_answer(question: str, exchange: Exchange, turn: ExecutionSummary | None, home: Home) -> None:
    """Question, answer, and the time each part took."""
    receipt = "no receipt" if exchange.receipt_ms is None else f"receipt after {exchange.receipt_ms:.0f} ms"
    print(f"\nQuestion\n{_indented(question)}\nAnswer\n{_indented(printable(exchange.text))}")
    print(f"  {receipt}, answer after {exchange.answer_ms:.0f} ms")
    if turn is not None:
        print(f"  of these: platform {turn.platform_latency_ms} ms, worker {turn.worker_latency_ms} ms")
        for span in read_trace(home.traces, str(turn.correlation_id)):
            print(f"    {span.name:<28} {span.service:<14} {span.duration_ms:8.1f} ms")
    print(flush=True)


async def ollama_is_here() -> bool:
    """Whether something listens on Ollama's default port on this machine."""
    try:
        async with asyncio.timeout(_PROBE_S):
            _, writer = await asyncio.open_connection("127.0.0.1", OLLAMA_PORT)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def print_how_to_go_on(settings: Settings, jid: str, password: str, agent_jid: str) -> None:
    """Addresses and the next commands."""
    print(
        f"How to go on\n"
        f"  chat here      make chat            (or: .venv/bin/aiox chat)\n"
        f"  any client     JID {jid}, password {password}\n"
        f"                 server 127.0.0.1 port {settings.ports.xmpp_client}, STARTTLS,"
        f" CA {settings.home}/secrets/xmpp/ca.crt\n"
        f"  the agent      {agent_jid}\n"
        f"  web and API    http://127.0.0.1:{settings.ports.gateway}/"
    )
    if settings.model.provider:
        print(f"  model          {settings.model.provider}/{settings.model.name}")
    elif await ollama_is_here():
        print(
            "  model          Ollama was found here. To use it: AIOX_MODEL__PROVIDER=ollama"
            f" AIOX_MODEL__NAME=llama3.2 AIOX_MODEL__API_BASE=http://127.0.0.1:{OLLAMA_PORT} make up"
        )
    else:
        print(f"  model          none: the offline responder quotes documents. Set one in {settings.home}/hub.toml")
    print(flush=True)


def _indented(text: str) -> str:
    return "\n".join(
        textwrap.fill(line, 110, initial_indent="  ", subsequent_indent="  ") for line in text.splitlines() if line
    )
