from __future__ import annotations

import os
from pathlib import Path

import pytest

from aiox.cli.stack import postgres as part
from aiox.cli.stack import unprivileged
from aiox.cli.stack.processes import Process
from aiox.cli.stack.trouble import CannotGoOn
from tests.stack import Place, new_place


async def value(place: Place, query: str) -> str:
    return await part.sql(place.home, place.settings.ports.postgres, "aiox", query)


async def postgres_started(place: Place) -> Process:
    return await part.start(place.home, place.settings.ports.postgres)


def users_of(process: Process) -> set[str]:
    """Real, effective, saved and file-system user."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return set(next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:])


async def test_what_is_acknowledged_is_on_disk(postgres: Place) -> None:
    assert await value(postgres, "SHOW fsync") == "on"
    assert await value(postgres, "SHOW synchronous_commit") == "on"
    assert await value(postgres, "SHOW full_page_writes") == "on"


async def test_no_role_of_a_service_has_power(postgres: Place) -> None:
    powers = "rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication"
    powerful = await value(postgres, f"SELECT rolname FROM pg_roles WHERE {powers}")  # noqa: S608 -- fixed text
    assert powerful == "postgres"


async def test_vectors_are_there(postgres: Place) -> None:
    assert await value(postgres, "SELECT '[1,2]'::public.halfvec(2) <=> '[1,2]'::public.halfvec(2)") == "0"


async def test_an_unfinished_first_start_begins_anew(tmp_path: Path) -> None:
    place = new_place(tmp_path)
    unfinished = place.home.part("postgres") / "data.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("half")
    process = await postgres_started(place)
    await process.stop()
    assert not unfinished.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to disguise itself")
async def test_root_without_user_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forbidden() -> bool:
        return False

    monkeypatch.setattr(unprivileged, "namespaces_allowed", forbidden)
    place = new_place(tmp_path)
    shut = unprivileged.unreachable(Path(part.binary("postgres")))
    if shut is not None:  # the project lies under /root, as on a machine where root has just cloned it
        with pytest.raises(CannotGoOn, match=f"no other user may enter {shut}.*Mend: put the project outside"):
            await postgres_started(place)
        return
    process = await postgres_started(place)
    try:
        assert await value(place, "SELECT 1") == "1"
        assert users_of(process) == {"65534"}
    finally:
        await process.stop()
