"""One round of acting: each call of the model is checked, asked for, run, told, and shown to the model."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

import jsonschema

from ai_worker.genai import FAILED_AS, of_tool
from ai_worker.sandbox.port import SandboxUnavailable
from ai_worker.tools.port import (
    AsksHub,
    Ended,
    Given,
    NoServers,
    NotAllowed,
    Servers,
    Tool,
    ToolChanged,
    ToolFailed,
)
from ai_worker.words import ToolCall, ToolOffer
from aiox.kernel.canonical import Json, canonical
from aiox.kernel.errors import ErrorCode
from aiox.kernel.tools import MAX_ARGUMENT_BYTES, MAX_CALLS, Taint
from aiox.runtime.clock import Clock
from aiox.runtime.crash import CrashPoint, Hook
from aiox.runtime.egress.transport import NotAnswered
from aiox.runtime.egress.urls import Blocked
from aiox.runtime.telemetry import Part, no_part

_SHORTEST_SECRET: Final = 4
MAX_SHOWN_CHARACTERS: Final = 8 * 1024
"""Of a result, in the prompt."""


@dataclass(slots=True)
class Hands:
    """What acts in one turn. `asked` counts the calls that reached the hub."""

    offers: Mapping[str, ToolOffer]
    tools: Mapping[str, Tool]
    hub: AsksHub
    clock: Clock
    crash: Hook
    text: str
    """Of the message, for the crash hook."""
    asked: int = 0
    done: tuple[str, ...] = ()
    """Names of the calls that ran."""
    servers: Servers = field(default_factory=NoServers)
    """The body of every tool of an MCP server."""
    held: list[tuple[int, ToolCall]] = field(default_factory=list)
    """Calls of this round that wait for a person, by the number under which the hub knows them."""
    paid: int = 0
    """Tokens of this turn that other agents have taken."""
    part: Part = no_part

    async def act(self, call: ToolCall, taint: Sequence[str] = (Taint.MODEL,)) -> str:
        """One call, from the model's words to what the model is shown of it. A failure is shown, not raised.

        `taint` says where what the model read before it wrote the call came from. Up to the question to the hub nothing
        waits, so that calls that begin in an order are asked in it.
        """
        offer = self.offers.get(call.name)
        tool = self.servers if offer is not None and offer.mcp else self.tools.get(call.name)
        if offer is None or tool is None:
            return _shown(call, "refused", "There is no such tool in this turn.")
        if self.asked >= MAX_CALLS:
            return _shown(call, "refused", f"A turn may call tools {MAX_CALLS} times at most. Answer now.")
        arguments = _read(call.arguments, offer)
        if isinstance(arguments, str):
            return _shown(call, "invalid", arguments)
        index, self.asked = self.asked, self.asked + 1
        answer = await self.hub.ask(index, call.name, canonical(arguments), taint)
        if isinstance(answer, NotAllowed):
            if answer.held:
                self.held.append((index, call))
            return _shown(call, "held" if answer.held else "refused", answer.reason)
        self.paid += answer.given.agent.tokens if answer.given.agent else 0
        return await self._run(index, call, tool, arguments, answer.given)

    async def _run(
        self, index: int, call: ToolCall, tool: Tool | Servers, arguments: Mapping[str, Json], given: Given
    ) -> str:
        started, changed = self.clock.monotonic(), False
        self.done = (*self.done, call.name)
        code: ErrorCode | None = None
        span = self.part(f"execute_tool {call.name}", of_tool(call.name, index))
        try:
            async with asyncio.timeout(given.terms.timeout_ms / 1000):
                result = _bounded(await tool.run(arguments, given), given.terms.max_bytes)
            self.crash(CrashPoint.AFTER_EFFECT, self.text)
        except (ToolFailed, Blocked, NotAnswered, SandboxUnavailable) as failed:
            code, result, changed = ErrorCode.TOOL_REFUSED, str(failed), isinstance(failed, ToolChanged)
            result = _bounded(result, given.terms.max_bytes)
        except TimeoutError:
            code, result = ErrorCode.TIMEOUT, f"It did not end within {given.terms.timeout_ms / 1000:g} seconds."
        except Exception:  # noqa: BLE001 -- the one boundary of tools: told to the hub, shown without its words
            code, result = ErrorCode.INTERNAL, "The tool broke."
        finally:
            if code is not None:
                span.set_attribute(FAILED_AS, str(code))
            span.end()
        took = round((self.clock.monotonic() - started) * 1000)
        result = blotted(result, given.secret)
        digest = hashlib.sha256(result.encode()).digest()
        left = given.left if code is None else {}
        self.hub.told(index, Ended(code is None, digest, took, code, changed, left))
        return _shown(call, "done" if code is None else "failed", result)


def _read(arguments: str, offer: ToolOffer) -> Mapping[str, Json] | str:
    """The arguments, or what is wrong with them. Nothing of their text is in that sentence."""
    try:
        value = json.loads(arguments)
        fits = len(canonical(value)) <= MAX_ARGUMENT_BYTES
    except (ValueError, RecursionError):
        return "The arguments are not JSON."
    if not isinstance(value, dict) or not fits:
        return "The arguments are not a JSON object, or too long."
    wrong = jsonschema.Draft202012Validator(dict(offer.schema)).iter_errors(value)
    first = next(wrong, None)
    if first is not None:
        place = ".".join(str(part) for part in first.absolute_path) or "arguments"
        return f"The arguments do not fit the tool's schema: {first.validator} at {place}."
    return value


def blotted(result: str, secret: str) -> str:
    """Without the credential that the call was made with, nor the password in it: another side may send it back."""
    for one in (secret, *_passwords(secret)):
        if len(one) >= _SHORTEST_SECRET:
            result = result.replace(one, "(a credential)")
    return result


def _passwords(secret: str) -> tuple[str, ...]:
    """Of a credential that is a URL, as it stands there and as it is meant."""
    try:
        found = urlsplit(secret).password or ""
    except ValueError:
        return ()
    return found, unquote(found)


def _bounded(result: str, most: int) -> str:
    """The beginning that has no more than so many bytes."""
    whole = result.encode(errors="replace")
    return whole.decode() if len(whole) <= most else whole[:most].decode(errors="ignore")


def _shown(call: ToolCall, status: str, result: str) -> str:
    """A JSON object: no text inside can close its own quotation."""
    shown = {"tool": call.name, "status": status, "untrusted_result": result[:MAX_SHOWN_CHARACTERS]}
    return json.dumps(shown, ensure_ascii=False)
