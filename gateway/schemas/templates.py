"""Templates, as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from aiox.commands.create_agent import CreateAgent
from gateway.schemas.common import Out


class TemplateOut(Out):
    """An agent to begin with. `agent` can be sent to `POST /v1/agents` as it is, or changed before."""

    template: str
    title: str
    usage: str
    agent: CreateAgent


class TemplateList(Out):
    """All templates, by name."""

    items: Sequence[TemplateOut]
