"""`python -m bench whole`: the parts one after the other, each on a hub of its own, and the page in the end."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import uvloop

from bench.peers import python
from bench.whole import echoes, growth, models, page, thousand
from bench.whole.options import Options, asked
from bench.whole.record import FOLDER

MEASURES: Final[Mapping[str, Callable[[Options], Awaitable[None]]]] = {
    echoes.NAME: echoes.measure,
    models.NAME: models.measure,
    thousand.NAME: thousand.measure,
    growth.NAME: growth.measure,
}


def main(words: Sequence[str]) -> None:
    """Runs what was asked for. docs/performance.md is made anew when the results lie where it looks for them."""
    options = asked(words)
    for variable in [name for name in os.environ if name.startswith("AIOX_")]:
        del os.environ[variable]  # the throw-away hubs are nobody's but the bench's
    _install(options)
    for part in options.parts:
        began = time.monotonic()
        print(f"{part}, load {os.getloadavg()[0]:.1f}", flush=True)
        try:
            uvloop.run(_coroutine(part, options))
        except BaseException:
            _set_aside(options.folder / f"{part}.jsonl")
            raise
        print(f"{part}: {time.monotonic() - began:.0f} s", flush=True)
    if options.folder.resolve() == FOLDER:
        page.write()
        print(page.DOCUMENT)
    else:
        print(page.text(options.folder))


def _set_aside(path: Path) -> None:
    """What a part has seen before it broke is kept, and is on no page."""
    if path.is_file():
        path.rename(path.with_suffix(".broken"))


async def _coroutine(part: str, options: Options) -> None:
    await MEASURES[part](options)


def _install(options: Options) -> None:
    """Peers are there before anything is measured."""
    if echoes.NAME in options.parts:
        python()
        python("spade", constrained=False)
    if models.NAME in options.parts:
        python("litellm", constrained=False)
