"""The ledger: read, exported, proven. An owner sees their own records, the hub's auditor all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from aiox.commands import ledger_checkpoints, ledger_export, ledger_proof, ledger_read
from aiox.commands.ledger_checkpoints import ListCheckpoints
from aiox.commands.ledger_export import ExportLedger, Form
from aiox.commands.ledger_proof import WhichCheckpoint, WhichRecord
from aiox.commands.ledger_read import ReadLedger
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.ledger import (
    CheckpointOut,
    CheckpointPage,
    ConsistencyOut,
    LedgerKeyOut,
    LedgerPage,
    LedgerRecordOut,
)
from registry.checkpoints import StoredCheckpoint

router = APIRouter(prefix="/v1/ledger", tags=["ledger"])

PER_MINUTE: Final = 100
"""Requests per action and account."""
EXPORTS_PER_MINUTE: Final = 5
_PART_BYTES: Final = 1 << 16
_MEDIA: Final = {Form.JSONL: "application/x-ndjson", Form.CSV: "text/csv; charset=utf-8"}
_READ = problems(ErrorCode.UNAUTHENTICATED, ErrorCode.ACCESS_DENIED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID)
_EXPORT = problems(
    ErrorCode.UNAUTHENTICATED,
    ErrorCode.ACCESS_DENIED,
    ErrorCode.NOT_FOUND,
    ErrorCode.BODY_INVALID,
    ErrorCode.CONFLICT,
)
_ONE = problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID)
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file", "content": {media.split(";")[0]: {} for media in _MEDIA.values()}}
}
_PROOF: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The proof (c2sp.org/tlog-proof)", "content": {"text/plain": {}}}
}


@router.get("", responses=_READ, openapi_extra=declared(Action.LEDGER_READ))
async def read(door: TheDoor, actor: TheActor, fields: Annotated[ReadLedger, Query()]) -> LedgerPage:
    """Records, the newest first. `scope=hub` is for the hub's auditor."""
    await door.limit(Action.LEDGER_READ, str(actor.owner), PER_MINUTE)
    result = await ledger_read.run(door.hub, actor, fields)
    if isinstance(result, Refused):
        raise stop(result)
    more = len(result) == fields.limit and result[-1].seq > 1
    return LedgerPage(
        items=[LedgerRecordOut.model_validate(row) for row in result], next=result[-1].seq if more else None
    )


@router.get(
    "/export", response_class=StreamingResponse, responses=_FILE | _EXPORT, openapi_extra=declared(Action.LEDGER_EXPORT)
)
async def export(door: TheDoor, actor: TheActor, fields: Annotated[ExportLedger, Query()]) -> StreamingResponse:
    """One file with rows, checkpoint, keys and proofs, for `aiox ledger verify`. Cut off after 60 s, which it shows."""
    await door.limit(Action.LEDGER_EXPORT, str(actor.owner), EXPORTS_PER_MINUTE)
    result = await ledger_export.run(door.hub, actor, fields)
    if isinstance(result, Refused):
        raise stop(result)
    name = {"Content-Disposition": f'attachment; filename="ledger.{fields.format}"'}
    return StreamingResponse(_in_parts(result), media_type=_MEDIA[fields.format], headers=name)


@router.get("/checkpoints", responses=_READ, openapi_extra=declared(Action.LEDGER_CHECKPOINTS))
async def checkpoints(door: TheDoor, actor: TheActor, fields: Annotated[ListCheckpoints, Query()]) -> CheckpointPage:
    """Signed checkpoints, the newest first, and the keys that signed them."""
    await door.limit(Action.LEDGER_CHECKPOINTS, str(actor.owner), PER_MINUTE)
    result = await ledger_checkpoints.run(door.hub, actor, fields)
    if isinstance(result, Refused):
        raise stop(result)
    listed = result.checkpoints
    keys = [
        LedgerKeyOut(number=one.number, key=str(one.key), created_at=one.created_at, retired_at=one.retired_at)
        for one in result.keys
    ]
    more = len(listed) == fields.limit
    return CheckpointPage(items=[_checkpoint(one) for one in listed], keys=keys, next=listed[-1].size if more else None)


@router.get("/checkpoints/{old}/consistency", responses=_ONE, openapi_extra=declared(Action.LEDGER_CONSISTENCY))
async def consistency(door: TheDoor, actor: TheActor, old: int) -> ConsistencyOut:
    """Proves that the tree of `old` records is the beginning of the newest checkpoint's."""
    await door.limit(Action.LEDGER_CONSISTENCY, str(actor.owner), PER_MINUTE)
    if not 0 < old < 1 << 63:
        raise stop(ledger_proof.NOT_HERE)
    result = await ledger_proof.prove_consistency(door.hub, actor, WhichCheckpoint(old=old))
    if isinstance(result, Refused):
        raise stop(result)
    return ConsistencyOut(old=old, newest=_checkpoint(result.newest), proof=[step.hex() for step in result.proof])


@router.get(
    "/{seq}/proof",
    response_class=PlainTextResponse,
    responses=_PROOF | _ONE,
    openapi_extra=declared(Action.LEDGER_PROVE),
)
async def proof(door: TheDoor, actor: TheActor, seq: int) -> Response:
    """One record with its proof, for `aiox ledger verify`."""
    await door.limit(Action.LEDGER_PROVE, str(actor.owner), PER_MINUTE)
    if not 0 < seq < 1 << 63:
        raise stop(ledger_proof.NOT_HERE)
    result = await ledger_proof.prove_record(door.hub, actor, WhichRecord(seq=seq))
    if isinstance(result, Refused):
        raise stop(result)
    return PlainTextResponse(result)


def _checkpoint(stored: StoredCheckpoint) -> CheckpointOut:
    return CheckpointOut(size=stored.size, root=stored.root.hex(), note=stored.note, created_at=stored.created_at)


async def _in_parts(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines, some of them at a time: a send each would cost more than the lines themselves."""
    part = bytearray()
    async for line in lines:
        part += line
        if len(part) >= _PART_BYTES:
            yield bytes(part)
            part.clear()
    yield bytes(part)
