"""Files over HTTP: streamed in, sealed in the store, read back, and gone without a trace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog

from aiox.commands import upload_document
from aiox.commands.hub import Actor
from aiox.commands.upload_document import UploadDocument
from aiox.kernel.ids import AgentId
from aiox.runtime.objects.folder import FolderStore
from aiox.runtime.objects.port import NoStore
from aiox.runtime.postgres import owner_scope
from orchestrator.object_sweep import ObjectSweep
from registry import indexing, tenants
from tests.integration.gateway.door import HttpDoor, Person
from tests.stores import Stores

TEXT = b"# Guide\n\nThe secret of the pump is turquoise.\n"


@pytest.fixture
async def ada(door: HttpDoor) -> Person:
    return await door.person()


@pytest.fixture
async def store(door: HttpDoor, tmp_path: Path) -> AsyncIterator[FolderStore]:
    """The door with an object store; files of 64 KiB at most."""
    kept, objects = door.inner.hub, FolderStore(tmp_path)
    door.inner.hub = replace(kept, objects=objects, upload_bytes=65_536)
    yield objects
    door.inner.hub = kept


@pytest.fixture
async def where(door: HttpDoor, ada: Person, store: FolderStore) -> str:
    return f"/v1/agents/{await door.agent(ada)}/documents"


def files(store: FolderStore) -> list[Path]:
    return [path for path in store.folder.rglob("*") if path.is_file()]


async def upload(door: HttpDoor, ada: Person, where: str, content: bytes, name: str = "guide.md", **more: Any) -> Any:
    headers = {**ada.headers, "Content-Type": "application/octet-stream"}
    return await door.client.post(where, params={"name": name}, content=content, headers=headers, **more)


async def test_a_file_comes_in_is_read_by_the_orchestrator_and_comes_out_again(
    door: HttpDoor, ada: Person, where: str, stores: Stores, store: FolderStore
) -> None:
    created = await upload(door, ada, where, TEXT)
    assert (created.status_code, created.json()["stored"]) == (200, "created")
    one = f"{where}/{created.json()['document_id']}"
    seen = (await door.client.get(one, headers=ada.headers)).json()
    assert (seen["source"], seen["state"], seen["bytes"], seen["is_file"]) == ("guide.md", "waiting", len(TEXT), True)
    assert (await door.client.get(f"{one}/original", headers=ada.headers)).content == TEXT
    pool = stores.pools["orchestrator"]
    content = await indexing.load_content(pool, ada.account.owner, UUID(created.json()["document_id"]))
    assert content is not None
    assert await content.open(await tenants.load_ring(pool, stores.keys, ada.account.owner), store) == TEXT


async def test_a_form_brings_it_too(door: HttpDoor, ada: Person, where: str) -> None:
    form = {"file": ("C:\\papers\\päpers.csv", b"a;b\n1;2", "text/csv")}
    created = await door.client.post(where, data={"note": "x"}, files=form, headers=ada.headers)
    assert created.status_code == 200, created.text
    (seen,) = (await door.client.get(where, headers=ada.headers)).json()["items"]
    assert (seen["source"], seen["media_type"], seen["bytes"]) == ("päpers.csv", "text/csv", 7)


async def test_what_lies_in_the_store_is_no_text(door: HttpDoor, ada: Person, where: str, store: FolderStore) -> None:
    await upload(door, ada, where, TEXT * 1000)
    (path,) = files(store)
    assert b"turquoise" not in path.read_bytes()


async def test_the_same_file_again_changes_nothing_and_another_replaces_it(
    door: HttpDoor, ada: Person, where: str, store: FolderStore, stores: Stores
) -> None:
    first = (await upload(door, ada, where, TEXT)).json()
    again = (await upload(door, ada, where, TEXT)).json()
    assert (again["stored"], again["document_id"]) == ("unchanged", first["document_id"])
    assert len(files(store)) == 1
    assert (await upload(door, ada, where, b"other")).json()["stored"] == "replaced"
    assert len(files(store)) == 2
    await sweep(stores, store).drop()
    assert len(files(store)) == 1


def sweep(stores: Stores, store: FolderStore) -> ObjectSweep:
    return ObjectSweep(stores.pools["orchestrator"], store, structlog.get_logger())


async def test_deleted_it_is_gone_with_its_file_and_cannot_be_opened_before_that(
    door: HttpDoor, ada: Person, where: str, store: FolderStore, stores: Stores
) -> None:
    document = (await upload(door, ada, where, TEXT)).json()["document_id"]
    assert (await door.client.delete(f"{where}/{document}", headers=ada.headers)).status_code == 204
    assert (await door.client.delete(f"{where}/{document}", headers=ada.headers)).status_code == 404
    assert (await door.client.get(f"{where}/{document}/original", headers=ada.headers)).status_code == 404
    await sweep(stores, store).drop()
    assert files(store) == []
    async with stores.superuser() as connection:
        for table in ("documents", "agent_memories", "memory_words"):
            column = "id" if table == "documents" else "document_id"
            query = f"SELECT count(*) FROM aiox.{table} WHERE {column} = $1"  # noqa: S608 -- constants
            assert await connection.fetchval(query, document) == 0
        assert await connection.fetchval("SELECT count(*) FROM aiox.dropped_objects") == 0


async def test_files_go_with_the_agent(
    door: HttpDoor, ada: Person, where: str, store: FolderStore, stores: Stores
) -> None:
    await upload(door, ada, where, TEXT)
    async with stores.superuser() as connection:
        await connection.execute("DELETE FROM aiox.agents WHERE owner_user_id = $1", ada.account.owner)
    await sweep(stores, store).drop()
    assert files(store) == []


async def test_a_file_without_a_row_is_swept_and_one_with_a_row_stays(
    door: HttpDoor, ada: Person, where: str, store: FolderStore, stores: Stores
) -> None:
    await upload(door, ada, where, TEXT)
    (kept,) = files(store)
    lost = store.folder / "00" / "00000000-0000-4000-8000-00000000dead"
    lost.parent.mkdir(exist_ok=True)
    lost.write_bytes(b"x")
    assert await sweep(stores, store).look_through(age_s=-1) == 1
    assert files(store) == [kept]


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (b"x" * 65_537, "long.txt", 413, "BODY_TOO_LARGE"),
        (b"", "empty.txt", 422, "BODY_EMPTY"),
        (b"\x89PNG\r\n\x1a\n" + bytes(5000), "scan.pdf", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"text", "", 422, "BODY_INVALID"),
        (b"text", "a\x01b", 422, "BODY_INVALID"),
    ],
)
async def test_what_is_not_taken_leaves_nothing(
    door: HttpDoor, ada: Person, where: str, store: FolderStore, content: bytes, name: str, status: int, code: str
) -> None:
    refused = await upload(door, ada, where, content, name)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert files(store) == []
    assert (await door.client.get(where, headers=ada.headers)).json()["items"] == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"no form"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--'),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; filename="a.txt"\r\n\r\nhalf'),
    ],
)
async def test_a_broken_form_is_refused(
    door: HttpDoor, ada: Person, where: str, store: FolderStore, content_type: str, body: bytes
) -> None:
    headers = {**ada.headers, "Content-Type": content_type}
    refused = await door.client.post(where, content=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "BODY_INVALID")
    assert files(store) == []


async def test_an_object_store_that_is_away_is_said(door: HttpDoor, ada: Person, where: str) -> None:
    """In both directions, and before a byte of an answer that would break off."""
    made = await upload(door, ada, where, TEXT)
    original = f"{where}/{made.json()['document_id']}/original"
    kept = door.inner.hub
    door.inner.hub = replace(kept, objects=NoStore())
    try:
        answers = [await upload(door, ada, where, b"more"), await door.client.get(original, headers=ada.headers)]
    finally:
        door.inner.hub = kept
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "HUB_BUSY")
    assert (await door.client.get(original, headers=ada.headers)).content == TEXT


async def test_a_file_is_not_held_in_memory(door: HttpDoor, ada: Person, where: str, store: FolderStore) -> None:
    """What comes in is on its way to the store before the next piece is asked for."""
    agent = AgentId(where.split("/")[3])  # type: ignore[arg-type]
    seen: list[int] = []

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"a" * (1 << 20)
            seen.append(sum(path.stat().st_size for path in files(store)))

    hub, fields = replace(door.inner.hub, upload_bytes=8 << 20), UploadDocument(agent_id=agent, name="big.txt")
    await upload_document.run(hub, Actor(ada.account.owner, ada.account.jid), fields, pieces())
    assert seen[-1] >= 3 << 20


async def test_a_file_of_another_is_not_there(door: HttpDoor, ada: Person, where: str, store: FolderStore) -> None:
    document = (await upload(door, ada, where, TEXT)).json()["document_id"]
    eve = await door.person()
    for method, path in (("GET", ""), ("GET", "/original"), ("DELETE", "")):
        answer = await door.client.request(method, f"{where}/{document}{path}", headers=eve.headers)
        assert answer.status_code == 404
    assert (await upload(door, eve, where, TEXT)).status_code == 404
    assert len(files(store)) == 1


async def test_a_full_memory_takes_no_file(
    door: HttpDoor, ada: Person, where: str, store: FolderStore, stores: Stores
) -> None:
    async with owner_scope(stores.pools["gateway"], ada.account.owner) as connection:
        await connection.execute(
            "UPDATE users SET quota_config = jsonb_set(quota_config, '{max_memory_mb}', '0') WHERE id = $1",
            ada.account.owner,
        )
    refused = await upload(door, ada, where, TEXT)
    assert (refused.status_code, refused.json()["code"]) == (507, "MEMORY_FULL")
    assert files(store) == []
