"""What the doctor says of the sandbox and of the object store."""

from __future__ import annotations

import pytest

from aiox.cli.doctor import objects_finding, sandbox_finding
from aiox.runtime.settings import Settings
from tests.s3_server import S3Server


def test_a_sandbox_that_starts_is_in_order() -> None:
    assert sandbox_finding().mend == ""


@pytest.mark.control
def test_where_there_is_none_the_doctor_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ai_worker.sandbox.root.shutil.which", lambda *_, **__: None)
    assert "is not installed. Mend: sh setup/debian.sh" in sandbox_finding().mend


def test_an_object_store_that_answers_is_in_order(s3_server: S3Server) -> None:
    assert objects_finding(Settings()).mend == ""
    found = objects_finding(Settings(objects=s3_server.settings()))
    assert (found.mend, s3_server.url in found.what) == ("", True)


def test_one_that_refuses_the_key_is_said_with_its_mend(s3_server: S3Server) -> None:
    wrong = s3_server.settings().model_copy(update={"secret_key": "another"})
    assert "Mend: objects.access_key, objects.secret_key" in objects_finding(Settings(objects=wrong)).mend
