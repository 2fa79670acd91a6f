"""A runbook as its reader follows it: what stands in its grey boxes is typed, and nothing else."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from typer.testing import CliRunner

from aiox.cli.main import app
from tests.architecture.house import TOP

FOLDER = TOP / "docs" / "runbooks"


def commands(page: Path) -> list[str]:
    """Lines of the page's shell boxes, in order, each once."""
    found: dict[str, None] = {}
    inside = False
    for line in map(str.strip, page.read_text().splitlines()):
        if line.startswith("```"):
            inside = line == "```sh"
        elif inside and line:
            found[line] = None
    return list(found)


@dataclass
class Runbook:
    """One page, for the hub at `home`. `environment` wins over hub.toml, as it does for an operator."""

    name: str
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    followed: set[str] = field(default_factory=set)

    async def follow(self, line: str, *more: str, keys: str = "", fails: bool = False, **filled: object) -> str:
        """Types one line of the page, its words in capitals filled in; `more` are options, `keys` what is asked for.

        Returns what it prints.
        """
        assert line in commands(FOLDER / f"{self.name}.md"), f"{line!r} is not on the page"
        self.followed.add(line)
        words = [str(filled.get(word, word)) for word in shlex.split(line)]
        assert words[0] == "aiox"
        return await asyncio.to_thread(self.type_in, [*words[1:], *more], keys, fails)

    def done(self, *others: str) -> None:
        """Raises AssertionError when a line was left out; `others` were done by the test itself."""
        left = [line for line in commands(FOLDER / f"{self.name}.md") if line not in {*self.followed, *others}]
        assert not left, f"not followed: {left}"

    def type_in(self, words: list[str], keys: str, fails: bool) -> str:
        with _environment(self.environment):
            result = CliRunner().invoke(app, ["--home", str(self.home), *words], input=keys)
        error = result.exception
        said = result.output + (f"\naiox: {error}" if error and not isinstance(error, SystemExit) else "")
        assert bool(result.exit_code) is fails, f"aiox {' '.join(words)}: {said}"
        return said


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    """What `--home` and the options leave in this process's environment goes again."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AIOX_")}
    os.environ.update(more)
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("AIOX_")]:
            del os.environ[name]
        os.environ.update(before)
