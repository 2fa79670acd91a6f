"""What the doctor says of the sandbox."""

from __future__ import annotations

import pytest

from aiox.cli.doctor import sandbox_finding


def test_a_sandbox_that_starts_is_in_order() -> None:
    assert sandbox_finding().mend == ""


@pytest.mark.control
def test_where_there_is_none_the_doctor_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ai_worker.sandbox.root.shutil.which", lambda *_, **__: None)
    assert "is not installed. Mend: sh setup/debian.sh" in sandbox_finding().mend
