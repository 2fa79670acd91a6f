"""What every route says of itself in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from aiox.kernel.actions import Action

ACTION_KEY: Final = "x-aiox-action"


def declared(action: Action) -> dict[str, Any]:
    """The canonical action behind a route. A test reads these and finds each action once."""
    return {ACTION_KEY: str(action)}
