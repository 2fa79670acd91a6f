"""Writes aiox/kernel/tool_table.py, what the hub knows of its tools, from ai_worker/tools/kit. `--check` compares."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ai_worker.tools.registry import kit_of
from aiox.kernel.tool import Terms, ToolDescription

TABLE: Final = Path(__file__).parent.parent / "aiox" / "kernel" / "tool_table.py"
_HEAD: Final = '''"""The hub's tools, as all see them. Written by `python -m setup.tool_table` out of
ai_worker/tools/kit, where they are described.
"""
# ruff: noqa: E501

from __future__ import annotations

from typing import Final, Literal

from aiox.kernel.tool import Terms, ToolDescription

'''


def written() -> str:
    """The module's text."""
    known = [description for description, _ in kit_of()]
    names = [description.name for description in known] + ["append_line"]
    text = f"{_HEAD}ToolName = Literal{names!r}\n"
    text += '"""What an agent may be given: the kit, and the tool of the tests."""\n\n'
    text += f"TOOLS: Final = ({', '.join(map(_of, known))},)\n"
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TABLE), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def _of(value: Any) -> str:
    if isinstance(value, ToolDescription | Terms):
        plain = type(value)() if isinstance(value, Terms) else None
        given = [
            f"{one.name}={_of(getattr(value, one.name))}"
            for one in fields(value)
            if plain is None or getattr(value, one.name) != getattr(plain, one.name)
        ]
        return f"{type(value).__name__}({', '.join(given)})"
    return repr(dict(value)) if isinstance(value, MappingProxyType) else repr(value)


def main() -> int:
    """Returns 1 when the table is not the kit's and may not be changed."""
    text = written()
    if TABLE.read_text() == text:
        return 0
    if "--check" in sys.argv:
        print(f"{TABLE} is not what the tools say. Mend: python -m setup.tool_table", file=sys.stderr)  # noqa: T201
        return 1
    TABLE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
