"""Each module of the rooms that need no stack has a test that mirrors it, and each mirror has its module."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.house import TOP

ROOMS = ("aiox/kernel", "aiox/runtime", "aiox/wire", "policy")
KINDS = ("unit", "contract", "integration", "security")
EXCEPTIONS = {
    "aiox/kernel/command.py": "data only; aiox/wire/test_commands.py makes and compares every one of them",
    "aiox/kernel/envelope.py": "data only; aiox/wire/test_codec.py makes and compares every one of them",
    "aiox/kernel/verdict.py": "data only; the judge's tests make and compare them",
    "aiox/runtime/steps.py": "names only; the end-to-end trace test reads all fifteen",
    "aiox/runtime/federation_settings.py": "a part of the settings; tests of those and of the stack read it",
    "aiox/runtime/nats.py": "needs the bus; the integration tests of the doors use it against the real one",
    "aiox/runtime/postgres.py": "needs the database; the registry's tests use it against the real one",
}
"""Modules without a mirror, each with the reason and where it is tested instead."""


def modules() -> list[str]:
    """Sources, as paths from the top."""
    found = [path.relative_to(TOP) for room in ROOMS for path in sorted((TOP / room).rglob("*.py"))]
    return [str(path) for path in found if path.name != "__init__.py" and "v1" not in path.parts]


def mirrors(module: str) -> list[Path]:
    """Where a test of `module` may stand."""
    path = Path(module)
    return [TOP / "tests" / kind / path.parent / f"test_{path.name}" for kind in KINDS]


@pytest.mark.parametrize("module", modules())
def test_module_has_a_mirror(module: str) -> None:
    has_mirror = any(path.is_file() for path in mirrors(module))
    assert has_mirror != (module in EXCEPTIONS), "a module has a mirror, or stands in EXCEPTIONS with its reason"


def test_exceptions_exist() -> None:
    assert set(EXCEPTIONS) <= set(modules())


@pytest.mark.parametrize("kind", KINDS)
def test_mirror_has_its_module(kind: str) -> None:
    """A test whose module moved away is found here. Files may be named after a whole package, too."""
    top = TOP / "tests" / kind
    for room in ROOMS:
        for test in (top / room).rglob("test_*.py"):
            source = TOP / test.relative_to(top).parent / test.name.removeprefix("test_")
            assert source.is_file() or source.with_suffix("").is_dir(), f"{test.relative_to(TOP)} mirrors nothing"
