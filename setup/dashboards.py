"""Writes the Grafana dashboards into docker/grafana/dashboards. `--check` only says whether they are up to date."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from setup.generated import written

FOLDER: Final = Path("docker/grafana/dashboards")
SOURCE: Final = {"type": "prometheus", "uid": "prometheus"}
RATE: Final = "$__rate_interval"
_COLUMNS: Final = 24


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. `lines` maps what a line is called to its expression; `stat`: only the last value, in big."""

    title: str
    lines: Mapping[str, str]
    unit: str = "short"
    says: str = ""
    stat: bool = False
    red_from: float | None = None
    width: int = 8


def _rate(name: str, by: str = "", **labels: str) -> str:
    wanted = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"sum{f' by ({by})' if by else ''} (rate({name}{{{wanted}}}[{RATE}]))"


def _quantiles(name: str, by: str = "", **labels: str) -> dict[str, str]:
    wanted = ",".join(f'{label}="{value}"' for label, value in labels.items())
    beside = f"le, {by}" if by else "le"
    shown = "".join(f" {{{{{label.strip()}}}}}" for label in by.split(",")) if by else ""
    return {
        f"{words}{shown}": f"histogram_quantile({share}, sum by ({beside}) (rate({name}_bucket{{{wanted}}}[{RATE}])))"
        for share, words in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
    }


HEALTH: Final = (
    Panel("services there", {"{{job}}": "sum by (job) (up)"}, stat=True, says="How many of each answer."),
    Panel("turns a second", {"{{outcome}}": _rate("aiox_turns_total", "outcome")}, "ops", width=16),
    Panel(
        "time in the hub",
        _quantiles("aiox_latency_seconds", operation="platform"),
        "s",
        "Without the worker's and the model's time. A point leads to its trace, and its correlation id to audit rows.",
    ),
    Panel(
        "time in the worker", _quantiles("aiox_latency_seconds", operation="worker"), "s", "Without the model's time."
    ),
    Panel("calls to workers", _quantiles("aiox_grpc_request_duration", "method"), "s"),
    Panel(
        "queue",
        {"waiting": "sum(aiox_queue_depth)", "in debounce": "sum(aiox_debounce_pending)"},
        says="Turns that wait for a worker's place, and turns that one message more would restart.",
    ),
    Panel("the oldest waits", {"oldest": "max(aiox_queue_oldest_wait_seconds)"}, "s", red_from=30),
    Panel(
        "places of workers",
        {
            "in use": "max(aiox_worker_places_busy)",
            "there": "max(aiox_worker_places)",
            "workers wanted": "max(aiox_workers_wanted)",
        },
    ),
    Panel("workers", {"{{status}}": "sum by (status) (max by (worker_id, status) (aiox_python_worker_health))"}),
    Panel("memory of agents", {"all": "max by (job) (sum by (instance, job) (aiox_memory_bytes))"}, "bytes"),
    Panel("memory of processes", {"{{job}}": "max by (job) (process_resident_memory_bytes)"}, "bytes"),
    Panel("cores in use", {"{{job}}": "sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))"}),
    Panel(
        "ledger signed", {"age": "time() - max(aiox_ledger_checked_timestamp_seconds)"}, "s", stat=True, red_from=120
    ),
    Panel("conversations that are stuck", {"stuck": "max(aiox_stuck_conversations)"}, stat=True, red_from=1),
)

GATE: Final = (
    Panel("decisions a second", {"{{decision}}": _rate("gate_decisions_total", "decision")}, "ops"),
    Panel(
        "refused, by reason", {"{{reason_code}}": _rate("gate_decisions_total", "reason_code", decision="deny")}, "ops"
    ),
    Panel("by action", {"{{action}}": f"topk(10, {_rate('gate_decisions_total', 'action')})"}, "ops"),
    Panel(
        "violations",
        {"{{violation_type}} ({{severity}})": _rate("aiox_policy_violations_total", "violation_type, severity")},
        "ops",
        "Rules and limits that refused something; `error`: the hub itself lacks something.",
    ),
    Panel("tokens a second, by account", {"{{user_id}}": f"topk(10, {_rate('aiox_tokens_used_total', 'user_id')})"}),
    Panel(
        "least left today",
        {"{{user_id}}": "bottomk(10, max by (user_id) (aiox_quota_remaining))"},
        says="Tokens that an account's own limit leaves it.",
    ),
    Panel(
        "unknown actions",
        {"since the start": 'sum(gate_decisions_total{reason_code="UNKNOWN_ACTION"}) or vector(0)'},
        stat=True,
        red_from=1,
    ),
    Panel("tool calls a second", {"{{tool_name}}": _rate("aiox_tools_executed_total", "tool_name")}, "ops"),
    Panel("agents made in an hour", {"agents": "sum(increase(aiox_agents_created_total[1h])) or vector(0)"}, stat=True),
)

MODEL: Final = (
    Panel("calls a second", {"{{provider}}/{{model}}": _rate("llm_requests_total", "provider, model")}, "ops"),
    Panel("time of a call", _quantiles("llm_request_latency_seconds", "provider, model"), "s", red_from=10),
    Panel("time of calls that answered", _quantiles("aiox_llm_inference_time", "model"), "s"),
    Panel("tokens a second", {"{{direction}}": _rate("llm_tokens_total", "direction")}),
    Panel("US dollars an hour", {"{{model}}": "sum by (model) (rate(llm_cost_usd_total[1h])) * 3600"}, "currencyUSD"),
    Panel("calls without a price", {"{{model}}": _rate("llm_unpriced_total", "model")}, "ops"),
    Panel("errors", {"{{model}} {{code}}": _rate("llm_errors_total", "model, code")}, "ops"),
    Panel("timeouts", {"{{model}}": _rate("llm_timeout_total", "model")}, "ops"),
    Panel(
        "breaker",
        {"{{provider}}/{{model}}": "max by (provider, model) (llm_circuit_breaker_state)"},
        says="0 closed, 1 half open, 2 open.",
        red_from=2,
    ),
    Panel("time in the model, of a turn", _quantiles("aiox_latency_seconds", operation="model"), "s"),
)

ERRORS: Final = (
    Panel(
        "turns that were not answered",
        {
            "share": 'sum(rate(aiox_turns_total{outcome!="answered"}[$__rate_interval]))'
            " / sum(rate(aiox_turns_total[$__rate_interval]))"
        },
        "percentunit",
        red_from=0.05,
    ),
    Panel(
        "by outcome",
        {"{{outcome}}": 'sum by (outcome) (rate(aiox_turns_total{outcome!="answered"}[$__rate_interval]))'},
    ),
    Panel(
        "dead letters in a day",
        {"turns": "sum(increase(aiox_dead_letters_total[1d])) or vector(0)"},
        stat=True,
        red_from=1,
    ),
    Panel(
        "requests that failed",
        {"{{route}} {{status}}": 'sum by (route, status) (rate(http_requests_total{status=~"5.."}[$__rate_interval]))'},
        "ops",
    ),
    Panel("requests", {"{{route}}": f"topk(10, {_rate('http_requests_total', 'route')})"}, "ops"),
    Panel("time of requests", _quantiles("http_request_duration_seconds"), "s", red_from=2),
    Panel("refused for their rate", {"{{route}}": _rate("http_requests_rate_limited_total", "route")}, "ops"),
    Panel("messages at the XMPP door", {"{{outcome}}": _rate("aiox_component_messages_total", "outcome")}, "ops"),
    Panel(
        "stanzas that met a bug, or were left out",
        {"bugs": _rate("aiox_component_stanzas_failed_total"), "left out": _rate("aiox_component_left_out_total")},
        "ops",
    ),
    Panel("statements given up", {"{{job}}": _rate("aiox_database_timeouts_total", "job")}, "ops"),
    Panel("replies sent", {"{{kind}}": _rate("aiox_component_replies_total", "kind")}, "ops"),
)

FEDERATION: Final = (
    Panel("stanzas from other servers", {"{{outcome}}": _rate("aiox_peer_stanzas_total", "outcome")}, "ops", width=12),
    Panel("by peer", {"{{peer}}": f"topk(10, {_rate('aiox_peer_stanzas_total', 'peer')})"}, "ops", width=12),
    Panel(
        "strangers",
        {"{{outcome}}": _rate("aiox_peer_stanzas_total", "outcome", peer="stranger")},
        "ops",
        "Who is on no list gets one refusal, then silence.",
    ),
    Panel(
        "share of what was taken",
        {
            "{{peer}}": 'sum by (peer) (rate(aiox_peer_stanzas_total{outcome="taken"}[$__rate_interval]))'
            " / sum by (peer) (rate(aiox_peer_stanzas_total[$__rate_interval]))"
        },
        "percentunit",
    ),
    Panel(
        "co-signed by others", {"{{peer}}": "max by (peer) (aiox_ledger_cosigned_size)"}, says="Records of our ledger."
    ),
    Panel("checkpoints of others", {"{{outcome}}": _rate("aiox_witness_requests_total", "outcome")}, "ops"),
    Panel("left out for one peer", {"stanzas": _rate("aiox_component_left_out_total")}, "ops"),
)

DASHBOARDS: Final = {
    "health": ("AIOX health", HEALTH),
    "gate": ("AIOX gate and limits", GATE),
    "model": ("AIOX models", MODEL),
    "errors": ("AIOX errors", ERRORS),
    "federation": ("AIOX federation", FEDERATION),
}


def dashboard(name: str, title: str, panels: Sequence[Panel]) -> dict[str, Any]:
    """As Grafana 10 and later read it."""
    return {
        "uid": f"aiox-{name}",
        "title": title,
        "tags": ["aiox"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "timezone": "browser",
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "15s",
        "templating": {"list": []},
        "annotations": {"list": []},
        "links": [{"title": "AIOX", "type": "dashboards", "tags": ["aiox"], "asDropdown": False, "includeVars": False}],
        "panels": [_panel(panel, number, place) for number, (panel, place) in enumerate(_placed(panels), 1)],
    }


def _placed(panels: Sequence[Panel]) -> list[tuple[Panel, dict[str, int]]]:
    """From left to right, a new row where the next one does not fit."""
    found, x, y = [], 0, 0
    for panel in panels:
        if x + panel.width > _COLUMNS:
            x, y = 0, y + 8
        found.append((panel, {"x": x, "y": y, "w": panel.width, "h": 8}))
        x += panel.width
    return found


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.red_from is not None:
        steps.append({"color": "red", "value": panel.red_from})
    defaults = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    shown: dict[str, Any] = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}}
    if panel.stat:
        shown = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value"}
    return {
        "id": number,
        "type": "stat" if panel.stat else "timeseries",
        "title": panel.title,
        "description": panel.says,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": shown,
        "targets": [
            {
                "refId": chr(ord("A") + place_of_line),
                "datasource": SOURCE,
                "expr": expression,
                "legendFormat": name,
                "exemplar": "_bucket" in expression,
            }
            for place_of_line, (name, expression) in enumerate(panel.lines.items())
        ],
    }


def files() -> dict[Path, str]:
    """Every dashboard's file and text."""
    return {
        FOLDER / f"{name}.json": json.dumps(dashboard(name, title, panels), indent=1) + "\n"
        for name, (title, panels) in DASHBOARDS.items()
    }


if __name__ == "__main__":
    sys.exit(max(written(path, partial(str, text), "setup.dashboards") for path, text in files().items()))
