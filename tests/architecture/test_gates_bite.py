"""`make check` fails for each planted wrong thing, at the gate meant for it, and passes when nothing is planted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.house import PACKAGES, House, build

QUICK = ("lint", "format", "imports", "sizes", "protobuf", "documents")


@dataclass(frozen=True, slots=True)
class Plant:
    gate: str
    place: str
    text: str
    says: str


def importing(place: str, line: str, says: str) -> Plant:
    return Plant("imports", place, f'"""Planted."""\n\n{line}\n', says)


def using(statement: str, says: str) -> Plant:
    text = f'"""Planted."""\n\nimport asyncio\nimport datetime\nimport os\n\n_ = (asyncio, datetime, os)\n{statement}\n'
    return Plant("lint", "orchestrator/planted.py", text, says)


FLOORS = "Imports go down"
PURE = "are pure"
PLANTS = {
    "policy imports asyncio": importing("policy/planted.py", "import asyncio", PURE),
    "policy imports time": importing("policy/planted.py", "from time import monotonic", PURE),
    "kernel imports os": importing("aiox/kernel/planted.py", "import os", PURE),
    "kernel imports socket, late": importing("aiox/kernel/planted.py", "def f():\n    import socket", PURE),
    "kernel imports runtime": importing("aiox/kernel/planted.py", "import aiox.runtime.clock", FLOORS),
    "policy imports wire": importing("policy/planted.py", "import aiox.wire.codec", FLOORS),
    "gateway imports orchestrator": importing("gateway/planted.py", "import orchestrator", FLOORS),
    "registry imports gateway": importing("registry/planted.py", "import gateway", FLOORS),
    "worker imports commands": importing("ai_worker/planted.py", "import aiox.commands", "do not run commands"),
    "component imports commands": importing("component/planted.py", "import aiox.commands", "do not run commands"),
    "a room without a floor": importing("aiox/attic/__init__.py", "", "Everything in aiox has a floor"),
    "slixmpp in gateway": importing("gateway/planted.py", "import slixmpp", "slixmpp only"),
    "litellm in orchestrator": importing("orchestrator/planted.py", "import litellm", "litellm only"),
    "litellm beside the worker's model": importing("ai_worker/planted.py", "import litellm", "litellm only"),
    "a folder that import-linter cannot see": Plant("lint", "policy/attic/planted.py", '"""Planted."""\n', "INP001"),
    "fastapi in component": importing("component/planted.py", "import fastapi", "fastapi only"),
    "asyncpg in gateway": importing("gateway/planted.py", "import asyncpg", "asyncpg only"),
    "redis in component": importing("component/planted.py", "import redis.asyncio", "redis only"),
    "grpc in gateway": importing("gateway/planted.py", "import grpc", "grpc only"),
    "a file of 401 lines": Plant("sizes", "policy/planted.py", '"""Planted."""\n' + "\n" * 400, "has 401 lines"),
    "a function of 61 lines": Plant(
        "sizes", "policy/planted.py", "def planted() -> None:\n" + "    pass\n" * 60, "planted has 61 lines"
    ),
    "a function too complex": Plant(
        "lint", "policy/planted.py", "def planted(n: int) -> None:\n" + "    if n:\n        pass\n" * 10, "C901"
    ),
    "a file not formatted": Plant("format", "policy/planted.py", "PLANTED = ( 1 )\n", "policy/planted.py"),
    "datetime.now": using("datetime.datetime.now()", "ask a Clock"),
    "os.environ": using('os.environ["X"]', "settings live in"),
    "asyncio.create_task": using("asyncio.create_task(None)", "tasks are named and owned"),
    "stale generated code": Plant(
        "protobuf", "aiox/wire/v1/worker_pb2.pyi", "# planted\n", "mend: sh setup/protobuf.sh"
    ),
    "changed wire source": Plant(
        "protobuf", "proto/aiox/wire/v1/worker.proto", "message Planted { string id = 1; }\n", "mend: sh"
    ),
    "settings page out of date": Plant("documents", "docs/settings.md", "planted\n", "is out of date"),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return build(tmp_path_factory.mktemp("house"), PACKAGES)


@pytest.fixture(scope="module")
def small_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """For the type gate, which takes too long on the whole tree."""
    small = build(tmp_path_factory.mktemp("small"), ("aiox/kernel", "policy"))
    for path in (small.top / "setup").glob("[!_]*.py"):
        path.unlink()
    return small


@pytest.mark.parametrize("plant", PLANTS.values(), ids=list(PLANTS))
def test_planted(house: House, plant: Plant) -> None:
    with house.planted(plant.place, plant.text):
        checked = house.check(plant.gate)
    assert checked.status == 1
    assert checked.verdicts() == {plant.gate: "FAILED"}
    assert plant.says in checked.said


@pytest.mark.control
def test_nothing_planted_passes(house: House) -> None:
    checked = house.check(*QUICK)
    assert checked.verdicts() == dict.fromkeys(QUICK, "ok"), checked.said
    assert checked.status == 0


def test_an_untyped_function_fails(small_house: House) -> None:
    with small_house.planted("policy/planted.py", "def planted(n):\n    return n\n"):
        checked = small_house.check("types")
    assert checked.status == 1
    assert "Function is missing a type annotation" in checked.said


def test_an_untyped_test_fails(small_house: House) -> None:
    with small_house.planted("tests/planted.py", "def test_planted():\n    assert True\n"):
        checked = small_house.check("types")
    assert checked.status == 1
    assert "Function is missing a return type annotation" in checked.said


@pytest.mark.control
def test_a_typed_function_passes(small_house: House) -> None:
    with small_house.planted("policy/planted.py", "def planted(n: int) -> int:\n    return n\n"):
        checked = small_house.check("types")
    assert checked.status == 0, checked.said


def test_every_gate_runs_when_an_earlier_one_fails(house: House) -> None:
    with house.planted("policy/planted.py", "import json\n"):
        checked = house.check("lint", "imports", "sizes")
    assert checked.verdicts() == {"lint": "FAILED", "imports": "ok", "sizes": "ok"}
    assert checked.status == 1


def test_the_longest_lengths_allowed_pass(house: House) -> None:
    most = '"""Planted."""\n' + "\n" * 338 + "def planted() -> None:\n" + "    pass\n" * 59
    assert len(most.splitlines()) == 399
    with house.planted("policy/planted.py", most + "\n"):
        assert house.check("sizes").status == 0


def test_generated_folders_are_not_measured(house: House) -> None:
    for place in ("aiox/wire/v1/planted.py", "registry/migrations/versions/planted.py"):
        with house.planted(place, "\n" * 401):
            assert house.check("sizes").status == 0


def test_the_gates_answer_with_one_line_each(house: House, tmp_path: Path) -> None:
    checked = house.check("imports", "protobuf")
    assert [line.split()[0] for line in checked.said.splitlines()] == ["imports", "protobuf"]
    assert all(line.endswith(" ms") for line in checked.said.splitlines())
    assert not list(tmp_path.iterdir())
