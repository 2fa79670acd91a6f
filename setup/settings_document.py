"""Writes docs/settings.md from aiox.runtime.settings. `--check` only says whether the file is up to date."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from aiox.runtime.settings import Settings
from setup.generated import written

DOCUMENT: Final = Path("docs/settings.md")
HEADER: Final = """# Settings

Every setting of the hub, with its default. This page is generated from `aiox/runtime/settings.py` by
`python -m setup.settings_document`; do not edit it.

A setting is read from the environment first, then from `hub.toml` in the folder `AIOX_HOME` (default `./var`). In the
environment the name starts with `AIOX_` and sections are joined by two underscores:
`AIOX_MODEL__PROVIDER=ollama_chat`. In `hub.toml` sections are tables:

```toml
[model]
provider = "ollama_chat"
```

A setting that does not exist, or a value of the wrong kind, stops the start with one line that names it. A change takes
effect at the next start.
"""


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if not _is_section(field):
            variable = f"AIOX_{prefix}{name}".upper()
            yield f"| `{variable}` | {_default(field)} | {_meaning(field)} |"


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default()
    return "empty" if value == "" else f"`{value}`"


def _meaning(field: FieldInfo) -> str:
    bounds = [
        f"{words} {getattr(bound, attribute)}"
        for bound in field.metadata
        for attribute, words in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))
        if getattr(bound, attribute, None) is not None
    ]
    return "; ".join(part for part in (field.description or "", ", ".join(bounds)) if part)


def _table(title: str, model: type[BaseModel], prefix: str) -> str:
    purpose = (model.__doc__ or "").strip().splitlines()[0]
    rows = "\n".join(_rows(model, prefix))
    return f"\n## {title}\n\n{purpose}\n\n| setting | default | meaning |\n|---|---|---|\n{rows}\n"


def document() -> str:
    """The whole page, as Markdown."""
    sections = [
        _table(name, field.annotation, f"{name}__")
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    ]
    return HEADER + _table("hub", Settings, "") + "".join(sections)


if __name__ == "__main__":
    sys.exit(written(DOCUMENT, document, "setup.settings_document"))
