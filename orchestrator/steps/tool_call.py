"""A turn's tool calls: judged, on record before they run, told to the person when nobody knows how they ended.

A call that is on record makes its turn one that is never run again: what it did cannot be undone by thinking anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from aiox.commands import gate
from aiox.kernel.actions import Action
from aiox.kernel.canonical import Json
from aiox.kernel.errors import ErrorCode
from aiox.kernel.mcp import McpTool, host_of
from aiox.kernel.outcome import Answered, Failed
from aiox.kernel.tools import ASK_AGENT, Taint, Terms, tool_taint
from aiox.kernel.units import estimate_tokens
from aiox.kernel.verdict import Deny, Hold
from aiox.runtime.crash import CrashPoint
from aiox.runtime.postgres import owner_scope
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.mcp_wire import pin_of
from orchestrator.ports import Ports
from orchestrator.proofs import Loaded
from orchestrator.steps import asking, call_files, held_call
from orchestrator.steps.asking import Reached
from orchestrator.steps.call_files import NoFile
from orchestrator.steps.call_record import call_record
from orchestrator.steps.held_call import call_of
from orchestrator.steps.room import GROUPCHAT
from orchestrator.tool_credentials import NoCredential, credential_for, mcp_credential
from policy.approvals import Call as ApprovedCall
from policy.cedar.facts import Facts
from policy.cedar.judge import Decision, Policies
from policy.credentials import Kind
from policy.quota import Reservation
from policy.tool_gate import Read, asked_by_a_room, asked_by_an_agent, judge_tool
from policy.tools import Call, narrowed, terms_of
from registry import mcp_servers, tool_calls
from registry.approvals import Kept
from registry.tool_calls import ApprovalGone, CallState, NewCall, StoredCall, TooOften

NO_TOKENS: Final = Reservation(0, 0)


class TurnDesk:
    """The tool calls of a turn that is dispatched, to one worker after another until one is let through."""

    def __init__(
        self, ports: Ports, loaded: Loaded, reservation: Reservation = NO_TOKENS, *, clean_history: bool = False
    ) -> None:
        self._ports = ports
        self._loaded = loaded
        self._clean_history = clean_history
        self._ran: set[str] = set()
        self._reservation = reservation
        self._until = asking.ends_at(ports, loaded)
        self._asked = 0
        self._open: dict[str, str] = {}
        self._attempt = 0
        self._said = 0
        self._tokens = 0
        self.has_calls = False
        """Whether any call was let through."""
        self._told: list[held_call.Told] = []
        self._kept: list[str] = []
        self._waiting: dict[str, tuple[ApprovedCall, Hold]] = {}
        self._known = loaded.known(ports.known_tools)

    def begin(self) -> None:
        """A worker begins with the turn: it counts its calls from the first."""
        self._asked = 0
        self._open.clear()
        self._waiting.clear()
        self._tokens = 0
        self._said, self._attempt = 0, max(self._attempt + 1, self._ports.live.now_ms())
        self._tell(0, "")

    def said(self, text: str) -> None:
        """Shows a piece of the answer to who listens (orchestrator/live.py)."""
        self._tell(self._said, text)
        self._said += len(text)
        self._tokens += estimate_tokens(text)

    def _tell(self, offset: int, text: str) -> None:
        """To who listens; what one agent says to another nobody does."""
        if self._loaded.delegation is None:
            self._ports.live.tell(self._loaded.turn, self._attempt, offset, text)

    def cut_off(self) -> Callable[[int], None]:
        """Counts what it has surely cost; a piece of the answer is never less than a token."""
        return self._loaded.turn.spending.cut_off(self._reservation.input_tokens + self._tokens)

    async def asked(self, call: pb.ToolAsked) -> pb.ToolAllowed | pb.ToolHeld | pb.ToolRefused:
        """Judges, and puts an allowed call on record before it may run. Raises LeaseLost, AlreadyStarted."""
        ports, loaded, turn = self._ports, self._loaded, self._loaded.turn
        wanted = Call(turn.message.turn_id, self._asked, call.call_id, call.tool_name, call.canonical_arguments)
        self._asked += 1
        policies = await ports.policies.holding(ports.pool, loaded.authorised.owner, ports.clock.monotonic())
        roles = await gate.roles_towards(ports.pool, policies, turn.message.sender, loaded.authorised.owner)
        other = await asking.reach(ports, loaded, wanted) if wanted.tool == ASK_AGENT else None
        decided = self._judge(wanted, policies, roles, call.taint, other)
        await held_call.note(ports, loaded, decided)
        verdict = decided.verdict
        if isinstance(verdict, Deny):
            ports.log.info("tool_refused", turn_id=str(turn.message.turn_id), rules=list(verdict.rules))
            return pb.ToolRefused(error_code=ErrorCode.TOOL_REFUSED, reason=verdict.reason)
        if isinstance(other, str):
            return pb.ToolRefused(error_code=ErrorCode.TOOL_REFUSED, reason=other)
        turn.seal()
        kept = loaded.approved if wanted.index == 0 else None
        if kept is not None:
            no = await held_call.check(ports, loaded, kept, call_of(loaded, wanted, policies), decided)
            if no is not None:
                return pb.ToolRefused(error_code=ErrorCode.TOOL_REFUSED, reason=no.reason)
        elif isinstance(verdict, Hold):
            self._waiting[call.call_id] = call_of(loaded, wanted, policies), verdict
            return pb.ToolHeld(approval_id=str(held_call.approval_of(turn, self._waiting[call.call_id][0])))
        try:
            granted = await self._granted(wanted)
            await self._start(wanted, kept)
        except ApprovalGone:
            return pb.ToolRefused(error_code=ErrorCode.TOOL_REFUSED, reason=held_call.TOO_LATE)
        except (TooOften, NoCredential, NoFile) as no:
            return pb.ToolRefused(error_code=ErrorCode.TOOL_REFUSED, reason=str(no))
        self.has_calls = True
        self._open[call.call_id] = call.tool_name
        self._ran |= {tool_taint(call.tool_name)} | ({Taint.DOCUMENT} if granted.files else set())
        ports.crash(CrashPoint.AFTER_TOOL_STARTED, turn.message.body)
        if other is not None:
            granted.agent.CopyFrom(await self._ask(wanted, other, call.tokens_used, granted.terms.timeout_ms))
        return granted

    async def _ask(self, wanted: Call, other: Reached, used: int, timeout_ms: int) -> pb.AgentAnswer:
        """Another agent is asked, within the time and half of the tokens that this turn has left."""
        left = self._reservation.tokens - used - self._loaded.turn.spending.paid.tokens
        until = min(self._until, self._ports.clock.monotonic() + timeout_ms / 1000)
        asked = asking.question(self._loaded, wanted, other, until, left // 2)
        answered = await self._ports.ask_agent(self._ports, asked)
        return pb.AgentAnswer(text=answered.text, error_text=answered.error, tokens=answered.tokens)

    async def _granted(self, wanted: Call) -> pb.ToolAllowed:
        """The terms of an allowed call, the credential without which it cannot run, and the documents that it names.

        Raises NoCredential, NoFile.
        """
        terms, described, mcp = self._terms(wanted.tool), self._known[wanted.tool], self._loaded.mcp.get(wanted.tool)
        granted = pb.ToolTerms(
            timeout_ms=terms.timeout_ms,
            max_bytes=terms.max_bytes,
            allowed_domains=terms.allowed_domains,
            allowed_tables=terms.allowed_tables,
        )
        pin = None if mcp is None else pin_of(mcp)
        files = await call_files.given(self._ports, self._loaded, wanted.arguments) if described.files else []
        if not described.credential:
            return pb.ToolAllowed(terms=granted, mcp=pin, files=files)
        owner, pool, ring_of = self._loaded.authorised.owner, self._ports.pool, self._ports.versions.ring
        if mcp is not None:
            return pb.ToolAllowed(
                terms=granted, mcp=pin, credential=await mcp_credential(pool, ring_of, owner, mcp.server)
            )
        found = await credential_for(pool, ring_of, owner, Kind(described.credential))
        return pb.ToolAllowed(terms=granted, credential=found)

    def _terms(self, name: str) -> Terms:
        domains, mcp = self._loaded.version.governance.allowed_domains, self._loaded.mcp.get(name)
        tool = next(one for one in self._loaded.configured if one.name == name)
        terms = terms_of(tool, self._known[name], domains)
        return terms if mcp is None else replace(terms, allowed_domains=narrowed((host_of(mcp.server),), domains))

    def _judge(
        self,
        wanted: Call,
        policies: Policies | None,
        roles: frozenset[str],
        taint: Collection[str],
        other: Reached | str | None,
    ) -> Decision:
        loaded = self._loaded
        turn, version = loaded.turn, loaded.version
        facts = Facts(
            action=Action.TOOL_CALL,
            relation=loaded.authorised.relation,
            actor=turn.message.sender,
            roles=roles,
            resource=str(version.agent_id),
            channel=turn.envelope.channel,
            proof=turn.message.proof,
        )
        labels = frozenset(taint) | self._ran | ({Taint.PEER} if loaded.delegation else frozenset())
        decided = judge_tool(
            wanted,
            facts,
            policies,
            loaded.tools,
            loaded.configured,
            asking.described(self._known, other),
            version.governance.approvals,
            Read(labels, self._clean_history),
        )
        if loaded.delegation is not None:
            return asked_by_an_agent(decided)
        return asked_by_a_room(decided) if turn.message.stanza_type == GROUPCHAT else decided

    async def held(self, held: pb.TurnHeld) -> None:
        """Asks for the approval of a call that waits, with the transcript by which its turn goes on."""
        waiting = self._waiting.get(held.call_id)
        if waiting is None or not held_call.is_transcript(held.continuation):
            self._ports.log.warning("turn_held_not_kept", turn_id=str(self._loaded.turn.message.turn_id))
            return
        told = await held_call.hold(self._ports, self._loaded, *waiting, held.continuation)
        del self._waiting[held.call_id]
        if told not in self._told:
            self._told.append(told)

    @property
    def approvals(self) -> tuple[str, ...]:
        """Names of those that the person may decide on at once."""
        return tuple(one.name for one in self._told if one.name)

    @property
    def told(self) -> list[str]:
        """What the person is told of each call that waits for an approval, or should and could not be put down, and of
        the files that calls have left.
        """
        texts = [one.text for one in self._told]
        lost = (held_call.NOT_KEPT.format(call.tool) for call, _ in self._waiting.values())
        return [*texts, *lost, *self._kept]

    async def _start(self, wanted: Call, kept: Kept | None) -> None:
        turn, now = self._loaded.turn, self._ports.clock.now()
        new = NewCall(
            id=UUID(wanted.call_id),
            owner=self._loaded.authorised.owner,
            agent=self._loaded.version.agent_id,
            turn=turn.message.turn_id,
            turns=[member.message.turn_id for member in turn.all_members],
            tool=wanted.tool,
            arguments_digest=hashlib.sha256(wanted.arguments).digest(),
            created_at=now,
        )
        details: dict[str, Json] = {
            "arguments_digest": new.arguments_digest.hex(),
            "policy_hash": self._loaded.version.policy_hash,
        }
        if kept is not None:
            details["approval_id"] = str(kept.approval.id)
        record = call_record(self._ports, self._loaded, StoredCall(new.id, new.tool, CallState.STARTED), details)
        approval = None if kept is None else kept.approval.id
        rate = self._terms(wanted.tool).rate_limit_per_minute
        await tool_calls.start(self._ports.pool, turn.partition, turn.fence, new, record, approval, rate)

    async def done(self, call: pb.ToolDone) -> None:
        """Records how an allowed call ended; of any other nothing is believed."""
        tool = self._open.pop(call.call_id, None)
        if tool is None:
            self._ports.log.warning("tool_done_unasked", turn_id=call.request_id)
            return
        state = CallState.DONE if call.success else CallState.FAILED
        self._ports.tool_metrics.executed(tool, str(self._loaded.version.agent_id))
        details: dict[str, Json] = {
            "result_digest": call.result_digest.hex(),
            "duration_ms": call.duration_ms,
            "error_code": call.error_code[:64],
        }
        await tool_calls.end(
            self._ports.pool,
            UUID(call.call_id),
            state,
            call_record(self._ports, self._loaded, StoredCall(UUID(call.call_id), tool, state), details),
            result_digest=call.result_digest or None,
            error_code=call.error_code[:64],
        )
        if call.success and call.files and self._known[tool].files:
            self._kept += await call_files.kept(self._ports, self._loaded, call.files)
        if call.changed and (mcp := self._loaded.mcp.get(tool)) is not None:
            await self._look_again(mcp)

    async def _look_again(self, tool: McpTool) -> None:
        """It was not called, for it is not what was approved: its server is looked at, and the owner told of it."""
        owner, agent = self._loaded.authorised.owner, self._loaded.version.agent_id
        async with owner_scope(self._ports.pool, owner) as connection:
            await mcp_servers.ask_again(connection, owner, mcp_servers.server_id(agent, tool.server.name))


def with_held(outcome: Answered | Failed, held: Sequence[str]) -> Answered | Failed:
    """Behind the model's words, the hub's own on each call that waits: what it would do, and how to decide on it."""
    if not held:
        return outcome
    if isinstance(outcome, Answered):
        return replace(outcome, text="\n\n".join((outcome.text, *held)))
    return replace(outcome, reason="\n\n".join((outcome.reason, *held)))
