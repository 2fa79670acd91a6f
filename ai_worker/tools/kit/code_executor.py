"""Runs Python in the sandbox: no network, no files but those that are given and named, and a few seconds."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ai_worker.sandbox import inside
from ai_worker.sandbox.calls import INTERPRETER
from ai_worker.sandbox.port import MIB, Finished, Job, Limits, Why
from ai_worker.tools.port import Given, Means, ToolFailed
from aiox.kernel.canonical import Json
from aiox.kernel.tools import Terms, ToolDescription

_NAME: Final = {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"}
DESCRIPTION: Final = ToolDescription(
    name="code_executor",
    description=(
        "Runs a Python 3 program without network and gives what it prints. It starts in a folder with the given files "
        "and documents; files that it writes there come back when `outputs` names them, and the person gets a link to "
        "each. Only the standard library is there."
    ),
    schema={
        "type": "object",
        "properties": {
            "code": {"type": "string", "minLength": 1, "maxLength": 20000},
            "stdin": {"type": "string", "maxLength": 16384},
            "files": {
                "type": "object",
                "maxProperties": 16,
                "propertyNames": {**_NAME, "not": {"const": "main.py"}},
                "additionalProperties": {"type": "string", "maxLength": 16384},
            },
            "documents": {
                "type": "object",
                "maxProperties": 4,
                "propertyNames": {**_NAME, "not": {"const": "main.py"}},
                "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 1024},
                "description": "by the name that each gets in the folder: the title or source of a document",
            },
            "outputs": {"type": "array", "maxItems": 8, "items": _NAME},
        },
        "required": ["code"],
        "additionalProperties": False,
    },
    worker_type="python",
    risk="high",
    read_only=False,
    terms=Terms(timeout_ms=20_000, max_bytes=128 * 1024, rate_limit_per_minute=10, sandbox=True),
    untrusted=True,
    files=True,
)
_RUNNER: Final = Path(inside.__file__).parent / "script.py"
_ENDED: Final = {
    Why.TIME: "It was stopped: its time was used up.",
    Why.MEMORY: "It was stopped: its memory was used up.",
    Why.OUTPUT: "It was stopped: it wrote too much.",
}


class CodeExecutor:
    """See DESCRIPTION."""

    name = DESCRIPTION.name

    def __init__(self, means: Means) -> None:
        self._sandbox = means.sandbox

    async def run(self, arguments: Mapping[str, Any], given: Given) -> str:
        """What came of it, as JSON; a program that fails is a result, too."""
        wall_s = max(0.5, given.terms.timeout_ms / 1000 - 1)
        most = given.terms.max_bytes
        limits = Limits(
            wall_s=wall_s,
            cpu_s=max(1, round(wall_s)),
            memory_bytes=256 * MIB,
            disk_bytes=32 * MIB,
            stdout_bytes=most,
            result_bytes=2 * most,
        )
        texts = {**arguments.get("files", {}), "main.py": arguments["code"]}
        finished = await self._sandbox.run(
            Job(
                (*INTERPRETER, "/code/script.py", *arguments.get("outputs", ())),
                stdin=arguments.get("stdin", "").encode(),
                files={**given.files, **{name: text.encode() for name, text in texts.items()}},
                code={"script.py": _RUNNER},
                limits=limits,
            )
        )
        left = _left(finished.result, most) if finished.result else {}
        given.left.update(left)
        return json.dumps(_shown(finished, left), ensure_ascii=False)


def _shown(finished: Finished, left: Mapping[str, bytes]) -> Json:
    shown: dict[str, Json] = {
        "status": finished.status,
        "stdout": finished.stdout.decode(errors="replace"),
        "stderr": finished.stderr.decode(errors="replace")[-4000:],
    }
    if finished.why is not Why.EXITED:
        shown["ended"] = _ENDED[finished.why]
    if left:
        shown["files"] = {name: _text(content) for name, content in left.items()}
    return shown


def _left(written: bytes, most: int) -> dict[str, bytes]:
    """What the program left, by its own word: checked like any stranger's."""
    try:
        found = {str(name): base64.b64decode(content, validate=True) for name, content in json.loads(written).items()}
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise ToolFailed("The program wrote its files in no form that can be read.") from None
    if sum(map(len, found.values())) > most:
        raise ToolFailed(f"The files are more than {most} bytes.")
    return found


def _text(content: bytes) -> Json:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


make = CodeExecutor
