"""A Python function of ours as a job: bytes in, bytes out, in a fresh process that holds nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ai_worker.sandbox.port import PYTHON, Job, Limits

_INSIDE: Final = Path(__file__).parent / "inside"
INTERPRETER: Final = (PYTHON, "-I", "-S", "-X", "utf8")
"""Without site packages, user folder or environment."""


def call(module: Path, function: str, argument: bytes, packages: Sequence[str] = (), limits: Limits = Limits()) -> Job:  # noqa: B008 -- frozen
    """`function(argument: bytes) -> bytes` of the file `module`, which may import the standard library and `packages`.

    The answer is `Finished.result`, whole only if `Finished.ok`. Raises ValueError for a package that is not installed.
    """
    code = {"call.py": _INSIDE / "call.py", module.name: module}
    for name in packages:
        place = located(name)
        code[place.name] = place
    return Job((*INTERPRETER, "/code/call.py", module.stem, function), argument, code=code, limits=limits)


def located(package: str) -> Path:
    """The folder, or the one file, of an installed top-level package. Raises ValueError."""
    spec = find_spec(package)
    if spec is None or spec.origin is None or "." in package:
        raise ValueError(f"there is no package {package} to show to the sandbox")
    return Path(spec.submodule_search_locations[0]) if spec.submodule_search_locations else Path(spec.origin)
