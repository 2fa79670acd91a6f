"""The table of metrics is true of the code, and dashboards and alerts name only metrics that stand in it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry

from ai_worker.model import metrics as model_metrics
from aiox.commands import gate_metrics
from aiox.runtime import timeouts
from component import metrics as door_metrics
from gateway.metrics import AgentMetrics, HttpMetrics
from orchestrator import burial, checkpoints, scaling, watchdog
from orchestrator.tool_metrics import ToolMetrics
from orchestrator.turn_metrics import TurnMetrics
from orchestrator.workers import link_metrics
from setup import dashboards
from tests.architecture.house import TOP
from tests.metrics_table import is_ours, named_in, table

RULES: Final = TOP / "docker" / "prometheus" / "alerts.yml"
TRIALS: Final = TOP / "docker" / "prometheus" / "alerts_test.yml"
BOARDS: Final = sorted((TOP / "docker" / "grafana" / "dashboards").glob("*.json"))
FOREIGN: Final = re.compile(r"\b(up|process_\w+|python_\w+|ALERTS)\b")
MODULES: Final = (gate_metrics, timeouts, door_metrics, burial, checkpoints, scaling, watchdog, link_metrics)
"""Their metrics are in the registry of this process once they are imported."""
SPECIFIED: Final = {
    "aiox_agents_created_total": ("counter", {"user_id"}),
    "aiox_memory_bytes": ("gauge", {"agent_id", "user_id"}),
    "aiox_tools_executed_total": ("counter", {"tool_name", "agent_id"}),
    "aiox_tokens_used_total": ("counter", {"agent_id", "user_id"}),
    "aiox_latency_seconds": ("histogram", {"agent_id", "operation"}),
    "aiox_policy_violations_total": ("counter", {"violation_type", "severity"}),
    "aiox_quota_remaining": ("gauge", {"user_id"}),
    "aiox_python_worker_health": ("gauge", {"worker_id", "status"}),
    "aiox_grpc_request_duration": ("histogram", {"method", "status"}),
    "aiox_llm_inference_time": ("histogram", {"model", "provider"}),
    "gate_decisions_total": ("counter", {"action", "decision", "reason_code"}),
}
"""SPEC 13, to the letter."""
BESIDE: Final = {
    "http_requests_total",
    "http_request_duration_seconds",
    "http_requests_rate_limited_total",
    "llm_requests_total",
    "llm_request_latency_seconds",
    "llm_tokens_total",
    "llm_errors_total",
    "llm_timeout_total",
    "llm_circuit_breaker_state",
    "aiox_debounce_pending",
}


def made() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Name, type and labels of every metric that the code makes, but those that are read from the database."""
    assert MODULES
    own = CollectorRegistry()
    for kind in (HttpMetrics, AgentMetrics, ToolMetrics, TurnMetrics, model_metrics.ModelMetrics):
        kind(own)
    for registry in (REGISTRY, own):
        collectors: set[Any] = set(registry._collector_to_names)
        for one in collectors:
            if is_ours(name := getattr(one, "_name", "")):
                yield (f"{name}_total" if one._type == "counter" else name), one._type, frozenset(one._labelnames)


def test_the_table_has_what_is_specified_by_name_type_and_labels() -> None:
    rows = table()
    assert {name: (rows[name].type, set(rows[name].labels)) for name in SPECIFIED} == SPECIFIED
    assert set(rows) >= BESIDE


def test_the_table_is_true_of_the_code() -> None:
    from_database = {"aiox_memory_bytes", "aiox_quota_remaining"}
    written = {row.name: (row.type, row.labels) for row in table().values() if row.name not in from_database}
    assert {name: (kind, labels) for name, kind, labels in made()} == written


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_reads_metrics_that_we_export_and_has_a_runbook(rule: dict[str, Any]) -> None:
    named = named_in(rule["expr"])
    assert named <= set(table())
    assert named or FOREIGN.search(rule["expr"])
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["summary"]
    assert re.fullmatch(r"docs/runbooks/[a-z-]+\.md", rule["annotations"]["runbook"])


def test_each_alert_is_provoked_and_a_good_hub_rings_none() -> None:
    trials = yaml.safe_load(TRIALS.read_text())["tests"]
    expected = [one["exp_samples"] for trial in trials for one in trial["promql_expr_test"]]
    rung = {re.findall(r'alertname="(\w+)"', sample["labels"])[0] for samples in expected for sample in samples}
    assert rung == {rule["alert"] for rule in rules()}
    assert trials[0]["promql_expr_test"][0]["exp_samples"] == []
    fed = {name for row in trials[0]["input_series"] for name in named_in(row["series"].split("{")[0])}
    assert fed == {name for rule in rules() for name in named_in(rule["expr"])} - {"aiox_component_messages_total"} - {
        "aiox_policy_violations_total"
    }


@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", str(RULES)),
        ("test", "rules", str(TRIALS)),
        ("check", "config", "--syntax-only", str(RULES.with_name("prometheus.yml"))),
    ],
)
def test_promtool_finds_them_right(words: tuple[str, ...]) -> None:
    ran = subprocess.run([promtool(), *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.control
def test_control_an_alert_that_never_rings_is_found(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(RULES.read_text().replace("== 2", "== 9"))
    shutil.copy(TRIALS, tmp_path)
    ran = subprocess.run(
        [promtool(), "test", "rules", str(tmp_path / TRIALS.name)], capture_output=True, text=True, check=False
    )
    assert ran.returncode != 0
    assert "BreakerOpen" in ran.stdout + ran.stderr


def promtool() -> str:
    """Put beside Python by setup/test_clients.sh."""
    found = shutil.which("promtool", path=f"{TOP / '.venv' / 'bin'}:/usr/bin:/usr/local/bin")
    assert found, "promtool is missing. Mend: sh setup/test_clients.sh"
    return found


def panels(board: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(board.read_text())["panels"]
    return found


def expressions() -> list[str]:
    return [target["expr"] for board in BOARDS for panel in panels(board) for target in panel["targets"]]


def test_there_are_the_five_dashboards_as_they_are_made() -> None:
    assert {board.stem for board in BOARDS} == {"health", "gate", "model", "errors", "federation"}
    for path, text in dashboards.files().items():
        assert (TOP / path).read_text() == text


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: str(board.stem))
def test_a_dashboard_is_what_grafana_reads(board: Path) -> None:
    read = json.loads(board.read_text())
    assert read["uid"] == f"aiox-{board.stem}"
    assert {"title", "schemaVersion", "panels", "time", "templating", "annotations"} <= set(read)
    assert len({panel["id"] for panel in read["panels"]}) == len(read["panels"])
    cells = [cell for panel in read["panels"] for cell in _cells(panel["gridPos"])]
    assert len(cells) == len(set(cells)), "panels lie over each other"
    for panel in read["panels"]:
        assert panel["type"] in {"timeseries", "stat"}
        assert panel["datasource"] == {"type": "prometheus", "uid": "prometheus"}
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEF"[: len(panel["targets"])])


def _cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    assert place["x"] + place["w"] <= 24
    for column in range(place["x"], place["x"] + place["w"]):
        for row in range(place["y"], place["y"] + place["h"]):
            yield column, row


@pytest.mark.parametrize("expression", expressions())
def test_a_panel_reads_metrics_that_we_export(expression: str) -> None:
    named = named_in(expression)
    assert named <= set(table())
    assert named or FOREIGN.search(expression)


def test_every_expression_of_the_dashboards_is_promql(tmp_path: Path) -> None:
    written = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "1m")}
        for number, expression in enumerate(expressions())
    ]
    rules_of_all = tmp_path / "panels.yml"
    rules_of_all.write_text(json.dumps({"groups": [{"name": "panels", "rules": written}]}))
    ran = subprocess.run([promtool(), "check", "rules", str(rules_of_all)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_what_is_specified_is_shown_somewhere() -> None:
    shown = {name for expression in expressions() for name in named_in(expression)}
    assert (set(SPECIFIED) | BESIDE) <= shown
