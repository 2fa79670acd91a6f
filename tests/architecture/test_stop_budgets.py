"""What a service does to stop fits into the time after which `aiox up` kills it. Read from the code."""

from __future__ import annotations

import ast
from importlib import import_module
from inspect import getsource
from typing import get_args

import pytest

from aiox.cli.stack.services import STOP_BUDGET_S
from aiox.runtime.settings import Service

LEFT_S = 0.5
"""For the interpreter to end."""


def budgets(service: str) -> dict[str, float]:
    found: dict[str, float] = import_module(f"{service}.service").STOP
    return found


def run_of(service: str) -> ast.AsyncFunctionDef:
    tree = ast.parse(getsource(import_module(f"{service}.service")))
    return next(node for node in tree.body if isinstance(node, ast.AsyncFunctionDef) and node.name == "run")


def steps(service: str) -> list[str]:
    """The steps of a stop as `run` takes them; what is not a step with a budget stands there as it is written."""
    found = []
    for node in ast.walk(run_of(service)):
        if isinstance(node, ast.Try):
            found += [
                _step(one.value) for line in node.finalbody for one in ast.walk(line) if isinstance(one, ast.Await)
            ]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".push_async_callback"):
            found.append(_step(ast.Call(func=node.args[0], args=node.args[1:], keywords=[])))
    return found


def _step(call: ast.expr) -> str:
    match call:
        case ast.Call(func=func, args=[ast.Constant(value=str(name)), *_]) if ast.unparse(func) == "closing.step":
            return name
        case ast.Call(func=func) if ast.unparse(func) == "supervisor.stop":
            return "tasks"
    return ast.unparse(call)


@pytest.mark.parametrize("service", get_args(Service))
def test_every_step_of_a_stop_has_a_budget_and_every_budget_a_step(service: str) -> None:
    assert sorted(steps(service)) == sorted(budgets(service))


@pytest.mark.parametrize("service", get_args(Service))
def test_the_supervisor_stops_within_its_share(service: str) -> None:
    assert "Supervisor(log, STOP['tasks'])" in ast.unparse(run_of(service))
    assert "Closing(STOP, log)" in ast.unparse(run_of(service))


@pytest.mark.parametrize("service", get_args(Service))
def test_all_budgets_together_are_below_the_kill_timeout(service: str) -> None:
    assert sum(budgets(service).values()) + LEFT_S <= STOP_BUDGET_S
