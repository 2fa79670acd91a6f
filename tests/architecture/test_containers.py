"""docker-compose.yml and the images: settings that exist, least rights, no port in plain text, nothing unpinned."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml

from aiox.cli.stack.containers import READS
from aiox.runtime.settings import Settings
from policy.autoscale import Bounds
from tests.architecture.house import TOP

COMPOSE: Final[dict[str, Any]] = yaml.safe_load((TOP / "docker-compose.yml").read_text())
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
CORE: Final = {name: one for name, one in SERVICES.items() if one["profiles"] == ["core"]}
CLUSTER: Final = {name: one for name, one in SERVICES.items() if one["profiles"] == ["cluster"]}
REPLICAS: Final = {"gateway": 3, "orchestrator": 3, "component": 2, "ai-worker": Bounds().least}
VARIABLE: Final = re.compile(r"\$\{([A-Z0-9_]+)(?::?[-?]([^}]*))?\}")
KEYS: Final = {
    *("image", "build", "command", "environment", "profiles", "user", "read_only", "cap_drop", "security_opt"),
    *("restart", "init", "stop_grace_period", "networks", "network_mode", "ports", "tmpfs", "shm_size", "depends_on"),
    *("volumes", "healthcheck", "deploy"),
}
"""Of the compose specification, those in use here: a key that is mistyped does nothing, and says nothing."""


def filled(text: str, given: dict[str, str] | None = None) -> str:
    """With the defaults that stand in the file."""
    return VARIABLE.sub(lambda found: (given or {}).get(found[1], found[2] or ""), text)


def environment(name: str, given: dict[str, str] | None = None) -> dict[str, str]:
    return {key: filled(str(value), given) for key, value in SERVICES[name].get("environment", {}).items()}


def variables(file: str) -> dict[str, str]:
    lines = (TOP / file).read_text().splitlines()
    return dict(line.lstrip("#").split("=", 1) for line in lines if re.match(r"#?[A-Z0-9_]+=", line))


def part_of(service: str) -> str:
    """Whose secrets a service has: nats-2 is one more nats."""
    return re.sub(r"-[0-9]$", "", service).replace("-", "_")


def test_the_parts_of_the_specification() -> None:
    assert set(CORE) == {*REPLICAS, "ejabberd", "nats", "postgres", "redis", "web"}
    assert {name: one["deploy"]["replicas"] for name, one in CORE.items() if "deploy" in one} == REPLICAS
    assert {profile for one in SERVICES.values() for profile in one["profiles"]} >= {"core", "observability", "ollama"}
    together = Counter(part_of(name) for name in {**CORE, **CLUSTER})
    stores = {"postgres": 2, "redis": 3, "sentinel": 3, "nats": 3, "ejabberd": 3, "web": 2}
    assert {part: together[part] for part in stores} == stores
    assert {part_of(name) for name in CLUSTER} == set(stores)


@pytest.mark.parametrize("name", SERVICES)
def test_only_keys_that_compose_knows(name: str) -> None:
    assert set(SERVICES[name]) <= KEYS
    assert {volume.split(":")[0] for volume in SERVICES[name].get("volumes", ()) if volume[0].isalpha()} <= set(
        COMPOSE["volumes"]
    )
    assert set(SERVICES[name].get("networks", ())) <= set(COMPOSE["networks"])
    assert set(SERVICES[name].get("depends_on", ())) <= set(SERVICES)


@pytest.mark.parametrize("file", ["", "docker/cluster.env"])
@pytest.mark.parametrize("name", [name for name, one in SERVICES.items() if "aiox-hub" in one["image"]])
def test_every_setting_exists(name: str, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in [key for key in os.environ if key.startswith("AIOX_")]:
        monkeypatch.delenv(key)
    said = environment(name, variables(file) if file else None)
    for key, value in said.items():
        monkeypatch.setenv(key, value)
    settings = Settings()  # refuses a section or a name that is none, and a value that cannot be
    assert settings.hosts.listen == "0.0.0.0"  # noqa: S104 -- within the private network
    known = known_settings(settings)
    assert {key for key in said if key not in known} == {"AIOX_HOME"} - known


def known_settings(settings: Settings) -> set[str]:
    found = {"AIOX_HOME"}
    for name in type(settings).model_fields:
        section = getattr(settings, name)
        inner = getattr(type(section), "model_fields", None)
        found |= {f"AIOX_{name}__{one}".upper() for one in inner} if inner else {f"AIOX_{name}".upper()}
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_least_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    if name != "ollama":  # its image is made for root
        assert service["read_only"] is True
        assert not str(service["user"]).startswith(("0", "root"))


@pytest.mark.parametrize("name", sorted({*CORE, *CLUSTER, "prometheus", "grafana", "ollama"}))
def test_health_is_asked(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def published() -> Iterator[tuple[str, str, str]]:
    for name, service in SERVICES.items():
        for port in service.get("ports", ()):
            outside, _, inside = filled(port).rpartition(":")
            yield name, outside, inside


def test_only_two_ports_are_published_and_neither_speaks_plain_text() -> None:
    alone = [one for one in published() if one[0] in CORE]
    assert alone == [("ejabberd", "5222", "5222"), ("web", "443", "8443")]
    more = {(name, inside) for name, _, inside in published() if name not in CORE}
    assert more == {("ejabberd-2", "5222"), ("ejabberd-3", "5222"), ("web-2", "8443")}
    assert len({outside for _, outside, _ in published()}) == len(list(published()))
    server = (TOP / "ejabberd/ejabberd.yml.template").read_text()
    assert server.count("starttls_required: true") == server.count("module: ejabberd_c2s")
    listens = re.findall(r"^\s*listen (.*);", (TOP / "docker/web/nginx.conf").read_text(), re.MULTILINE)
    assert listens == ["8443 ssl"]


def test_stores_have_no_way_out() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in (one for one in SERVICES if part_of(one) in ("postgres", "redis", "sentinel", "nats", "component")):
        assert SERVICES[name]["networks"] == ["inside"]


@pytest.mark.parametrize("asked", ["postgres", "redis", "nats", "ejabberd"])
def test_who_is_asked_by_name_is_found_within(asked: str) -> None:
    askers = ("component", "orchestrator", "gateway", "ai-worker", "operator")
    theirs = {net for name in askers for net in SERVICES[name]["networks"]}
    assert theirs & set(SERVICES[asked]["networks"]) == {"inside"}
    assert set(SERVICES["web"]["networks"]) & set(SERVICES["gateway"]["networks"]) == {"inside"}


def test_images_have_tags_and_none_is_latest() -> None:
    files = [TOP / "docker/Dockerfile", TOP / "docker/web.Dockerfile"]
    named = [filled(one["image"]) for one in SERVICES.values()]
    named += [
        image for file in files for image in re.findall(r"^ARG [A-Z]+=(\S+:\S+)$", file.read_text(), re.MULTILINE)
    ]
    assert len(named) > len(SERVICES)
    for image in named:
        tag = image.rpartition(":")[2]
        assert re.search(r"\d+\.\d+", tag), image
        assert tag != "latest"
    for file in files:
        assert all(
            "${" in line or " AS " not in line for line in file.read_text().splitlines() if line.startswith("FROM")
        )


def test_a_container_sees_its_own_secrets_only() -> None:
    for name in (*CORE, *CLUSTER):
        mounted = [filled(volume) for volume in SERVICES[name]["volumes"] if "/parts/" in volume]
        part = part_of(name)
        assert part in READS
        assert all(volume.startswith(f"./var/parts/{part}") and volume.endswith(":ro") for volume in mounted), mounted
        assert len(mounted) == 1


def test_secret_settings_reach_the_one_service_that_reads_them() -> None:
    readers = {
        "AIOX_MODEL__API_KEY": "orchestrator",
        "AIOX_MAIL__PASSWORD": "gateway",
        "AIOX_BACKUP__PASSPHRASE": "operator",
    }
    for setting, reader in readers.items():
        assert [name for name, one in SERVICES.items() if setting in one.get("environment", {})] == [reader]


def test_the_example_names_every_variable_and_no_other() -> None:
    used = {found[1] for found in VARIABLE.finditer((TOP / "docker-compose.yml").read_text())}
    example, cluster = variables(".env.example"), variables("docker/cluster.env")
    assert set(example) | set(cluster) == used
    assert not set(example) & set(cluster)
    assert ".env\n" in (TOP / ".gitignore").read_text()


def test_a_store_of_the_cluster_keeps_its_own_data() -> None:
    folders = {"uploads": "ejabberd/upload", "schema": "schema"}  # what several share
    for name in CLUSTER:
        volumes = [volume.split(":") for volume in SERVICES[name]["volumes"] if volume[0].isalpha()]
        own = [volume[0] for volume in volumes if volume[0] not in folders]
        assert own == ([] if part_of(name) == "web" else [name])


def test_the_parts_of_a_cluster_name_one_another() -> None:
    told = variables("docker/cluster.env")
    named = {
        "AIOX_POSTGRES_HOSTS": "postgres",
        "AIOX_NATS_HOSTS": "nats",
        "AIOX_NATS_NODES": "nats",
        "AIOX_SENTINEL_HOSTS": "sentinel",
        "AIOX_REDIS_NODES": "redis",
        "AIOX_XMPP_HOSTS": "ejabberd",
        "AIOX_XMPP_NODES": "ejabberd",
    }
    for variable, part in named.items():
        hosts = [one.split(":")[0] for one in told[variable].split(",")]
        assert hosts == [name for name in SERVICES if part_of(name) == part], variable


def test_the_ignore_file_keeps_secrets_out_of_images() -> None:
    ignored = (TOP / ".dockerignore").read_text().split()
    assert {".git", ".env", "var", ".venv"} <= set(ignored)
