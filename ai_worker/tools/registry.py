"""Which tools this worker has the code of: the modules of ai_worker/tools/kit, and the test tool where it is wanted."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from ai_worker.tools import kit
from ai_worker.tools.append_line import AppendLine
from ai_worker.tools.port import Means, Tool
from aiox.kernel.tools import ToolDescription


def kit_of() -> Iterator[tuple[ToolDescription, Callable[[Means], Tool]]]:
    """Every tool of the kit in the order of their names: what it is, and what makes it.

    A module of the kit has a DESCRIPTION and a `make`; nothing else has to be changed for a new one.
    """
    for found in sorted(pkgutil.iter_modules(kit.__path__), key=lambda one: one.name):
        module = import_module(f"{kit.__name__}.{found.name}")
        yield module.DESCRIPTION, module.make


def tools_of(test_folder: str, means: Means) -> Mapping[str, Tool]:
    """By name; those of `aiox.kernel.tools.known_tools` with the same setting, and no others."""
    found: list[Tool] = [make(means) for _, make in kit_of()]
    if test_folder:
        found.append(AppendLine(Path(test_folder)))
    return MappingProxyType({tool.name: tool for tool in found})
