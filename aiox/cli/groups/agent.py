"""`aiox agent`: agents, their drafts and versions, in the name of an account."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiox.cli.groups import documents, mcp, memories, rooms
from aiox.runtime.settings import load_settings

if TYPE_CHECKING:
    from aiox.cli.agents import Work

app = typer.Typer(help="Agents of an account: make, change, publish, share, delete.", no_args_is_help=True)
app.add_typer(documents.app, name="documents")
app.add_typer(memories.app, name="memories")
app.add_typer(rooms.app, name="rooms")
app.command("reactions")(rooms.reactions)
app.command("sources")(memories.sources)
app.add_typer(mcp.app, name="mcp")

Owner = Annotated[str, typer.Option(help="the account's e-mail address or JID; left out: the demo's, or the only one")]
Which = Annotated[str, typer.Argument(help="the agent's id, address, alias or name", metavar="AGENT")]
File = Annotated[Path | None, typer.Option(help="JSON or TOML file with the agent's fields, as in docs/rfc-aiox.md")]
Assignments = Annotated[list[str] | None, typer.Option("--set", help="one field: llm_config.temperature=0.2")]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask")]


@app.command("list")
def list_all(
    owner: Owner = "", *, deleted: Annotated[bool, typer.Option(help="those that can be restored")] = False
) -> None:
    """The account's agents, oldest first."""
    from aiox.cli.agent_reports import listed

    print(asyncio.run(listed(load_settings(), owner, deleted=deleted)))


@app.command("templates")
def templates_list() -> None:
    """Agents to begin with, and what each is for."""
    from aiox.cli.agent_reports import templates_listed

    print(templates_listed())


@app.command("create")
@app.command("new", hidden=True)
def create(
    name: Annotated[str, typer.Option(help="the agent's name")] = "",
    template: Annotated[str, typer.Option(help="a template to begin with; see 'aiox agent templates'")] = "",
    file: File = None,
    alias: Annotated[str, typer.Option(help="a short address")] = "",
    assignments: Assignments = None,
    owner: Owner = "",
) -> None:
    """Make an agent from a template, a file, or single fields."""
    from aiox.cli.agents import both, settings_of
    from aiox.cli.agents import create as make

    given: dict[str, Any] = {**({"profile": {"name": name}} if name else {}), **({"alias": alias} if alias else {})}
    fields = both(settings_of(assignments or []), given)
    print(asyncio.run(make(load_settings(), owner, template, file, fields)))


@app.command("show")
def show(agent: Which, owner: Owner = "") -> None:
    """All of an agent but the text of its prompt, which is its owner's."""
    from aiox.cli.agent_reports import shown

    _with(owner, agent, shown)


@app.command("edit")
def edit(
    agent: Which,
    file: File = None,
    assignments: Assignments = None,
    owner: Owner = "",
    *,
    whole: Annotated[bool, typer.Option("--whole", help="what is not given goes back to its default")] = False,
) -> None:
    """Change the draft; what is active stays until the draft is published."""
    from aiox.cli.agents import both, read_file, replace, settings_of
    from aiox.cli.agents import edit as change

    given = both(read_file(file), settings_of(assignments or []))
    _with(owner, agent, partial(replace, given=given) if whole else partial(change, patch=given))


@app.command("draft")
def draft(agent: Which, owner: Owner = "") -> None:
    """The draft, whole but the text of its prompt, which is its owner's."""
    from aiox.cli.agent_versions import draft as show_draft

    _with(owner, agent, show_draft)


@app.command("discard")
def discard(agent: Which, owner: Owner = "", *, yes: Yes = False) -> None:
    """Throw the draft away."""
    from aiox.cli.agent_versions import discarded

    _ask(f"Throw the draft of {agent} away?", yes=yes)
    _with(owner, agent, discarded)


@app.command("diff")
def diff(
    agent: Which,
    before: Annotated[str, typer.Option(help="a version's number, active or draft")] = "active",
    after: Annotated[str, typer.Option(help="a version's number, active or draft")] = "draft",
    owner: Owner = "",
) -> None:
    """What the draft, or one version, changes against another."""
    from aiox.cli.agent_reports import difference

    _with(owner, agent, partial(difference, before=_side(before), after=_side(after)))


@app.command("versions")
def versions(agent: Which, owner: Owner = "") -> None:
    """An agent's versions, the newest first; a star marks the active one."""
    from aiox.cli.agent_reports import versions as list_versions

    _with(owner, agent, list_versions)


@app.command("version")
def version(agent: Which, number: Annotated[int, typer.Argument(min=1)], owner: Owner = "") -> None:
    """One version as it was published, but the text of its prompt."""
    from aiox.cli.agent_versions import version as show_version

    _with(owner, agent, partial(show_version, number=number))


@app.command("executions")
def executions(
    agent: Which, limit: Annotated[int, typer.Option(min=1, max=200, help="lines at most")] = 50, owner: Owner = ""
) -> None:
    """An agent's turns, the newest first: who asked, what came of it, tokens and times; never what was said."""
    from aiox.cli.agent_versions import executions as list_executions

    _with(owner, agent, partial(list_executions, limit=limit))


@app.command("usage")
def usage(
    agent: Which,
    days: Annotated[int, typer.Option(min=1, max=366, help="how far back")] = 30,
    owner: Owner = "",
) -> None:
    """Turns, tokens and estimated cost by model; what nobody has priced is said to be unknown."""
    from aiox.cli.agent_reports import used

    _with(owner, agent, partial(used, days=days))


@app.command("publish")
def publish(agent: Which, owner: Owner = "") -> None:
    """Make the draft the next version, which turns begin with from now on."""
    from aiox.cli.agent_reports import published

    _with(owner, agent, published)


@app.command("rollback")
def rollback(agent: Which, version: Annotated[int, typer.Argument(min=1)], owner: Owner = "") -> None:
    """Point the agent at another of its versions; nothing new is published."""
    from aiox.cli.agent_reports import rolled_back

    _with(owner, agent, partial(rolled_back, version=version))


@app.command("share")
def share(
    agent: Which,
    grantee: Annotated[str, typer.Argument(help="a JID or a domain")],
    owner: Owner = "",
    *,
    back: Annotated[bool, typer.Option("--back", help="take it back")] = False,
) -> None:
    """Let somebody talk to an agent, at once."""
    from aiox.cli.agent_reports import granted

    _with(owner, agent, partial(granted, grantee=grantee, back=back))


@app.command("alias")
def alias(
    agent: Which, name: Annotated[str, typer.Argument(help="the alias; '' takes it away")], owner: Owner = ""
) -> None:
    """Give an agent a short address."""
    from aiox.cli.agent_reports import renamed

    _with(owner, agent, partial(renamed, alias=name))


@app.command("delete")
def delete(agent: Which, owner: Owner = "", *, yes: Yes = False) -> None:
    """Delete an agent; it can be restored for 30 days (setting limits.deleted_agent_days)."""
    from aiox.cli.agent_reports import deleted

    _ask(f"Delete the agent {agent}?", yes=yes)
    _with(owner, agent, deleted)


@app.command("restore")
def restore(agent: Which, owner: Owner = "") -> None:
    """Bring a deleted agent back as it was."""
    from aiox.cli.agent_reports import restored

    _with(owner, agent, restored, deleted=True)


@app.command("purge")
def purge(agent: Which, owner: Owner = "", *, yes: Yes = False) -> None:
    """Have a deleted agent purged without waiting for its time. There is no way back."""
    from aiox.cli.agent_reports import purged

    _ask(f"Purge the agent {agent} with its memories, documents and texts, for good?", yes=yes)
    _with(owner, agent, purged, deleted=True)


def _with(owner: str, agent: str, work: Work, *, deleted: bool = False) -> None:
    from aiox.cli.agents import with_agent

    print(asyncio.run(with_agent(load_settings(), owner, agent, work, deleted=deleted)))


def _side(text: str) -> Any:
    return int(text) if text.isdigit() else text


def _ask(question: str, *, yes: bool) -> None:
    if not yes and not typer.confirm(question):
        raise typer.Exit(1)
