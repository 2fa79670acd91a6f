"""Every setting stands on the page, under the name that the environment uses."""

from __future__ import annotations

import pytest

from aiox.runtime.settings import Limits, Settings
from setup.settings_document import document


@pytest.mark.parametrize("name", list(Limits.model_fields))
def test_settings_of_a_section(name: str) -> None:
    assert f"| `AIOX_LIMITS__{name.upper()}` |" in document()


def test_sections_and_single_settings() -> None:
    page = document()
    assert "| `AIOX_DOMAIN` | `localhost` |" in page
    assert all(f"\n## {name}\n" in page for name in ("hub", "ports", "limits", "model", "memory", "telemetry"))
    assert len([line for line in page.splitlines() if line.startswith("| `AIOX_")]) > len(Settings.model_fields)
