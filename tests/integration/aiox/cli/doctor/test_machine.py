"""What the doctor says of the sandbox and of the object store."""

from __future__ import annotations

import pytest

from aiox.cli.doctor.machine import objects, sandbox
from aiox.runtime.clock import SystemClock
from aiox.runtime.settings import Settings
from tests.s3_server import S3Server


async def test_a_sandbox_that_starts_is_in_order() -> None:
    assert (await sandbox(SystemClock())).mend == ""


@pytest.mark.control
async def test_where_there_is_none_the_doctor_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ai_worker.sandbox.root.shutil.which", lambda *_, **__: None)
    assert "is not installed. Mend: sh setup/debian.sh" in (await sandbox(SystemClock())).mend


async def test_an_object_store_that_answers_is_in_order(s3_server: S3Server) -> None:
    assert (await objects(Settings())).mend == ""
    found = await objects(Settings(objects=s3_server.settings()))
    assert (found.mend, s3_server.url in found.what) == ("", True)


async def test_one_that_refuses_the_key_is_said_with_its_mend(s3_server: S3Server) -> None:
    wrong = s3_server.settings().model_copy(update={"secret_key": "another"})
    assert "Mend: objects.access_key, objects.secret_key" in (await objects(Settings(objects=wrong))).mend
