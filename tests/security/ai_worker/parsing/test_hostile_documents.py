"""Hostile documents through the tool that reads them: the worker lives on, and nothing happens on the host."""

from __future__ import annotations

import io
import json
import os
import resource
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax import make_parser
from xml.sax.handler import ContentHandler, feature_external_ges
from xml.sax.xmlreader import InputSource

import pytest

from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.sandbox.cgroup import find_groups
from ai_worker.tools.kit.document_parser import DocumentParser
from ai_worker.tools.port import Given, Means, ToolFailed
from aiox.kernel.tools import Terms
from aiox.runtime.clock import SystemClock
from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import Egress, Incoming, Outgoing
from setup.prove import note
from tests.security.ai_worker.parsing.hostile import MAKERS, Canary, hostile

WORD = "canary-4711"


class Served(Egress):
    """What the other side would answer; nothing is asked."""

    def __init__(self) -> None:
        super().__init__(Reach())
        self.document: tuple[str, bytes] = "", b""

    async def fetch(self, asked: Outgoing) -> Incoming:
        kind, content = self.document
        return Incoming(200, asked.url, {"content-type": kind}, content, whole=True)


@dataclass
class World:
    """The tool, and what lies around it."""

    tool: DocumentParser
    served: Served
    canary: Canary
    listener: socket.socket

    async def read(self, kind: str, content: bytes) -> str:
        self.served.document = kind, content
        return await self.tool.run({"url": "http://pages.test/x"}, Given(Terms(timeout_ms=15_000, max_bytes=1 << 20)))

    def is_changed(self) -> bool:
        """Whether the file outside is another, or has company."""
        path = Path(self.canary.path)
        return path.read_text() != WORD or list(path.parent.iterdir()) != [path]

    def heard(self) -> int:
        """How many have called."""
        found = 0
        while True:
            try:
                self.listener.accept()[0].close()
            except BlockingIOError:
                return found
            found += 1


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "canary"
    path.write_text(WORD)
    served = Served()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        canary = Canary(str(path), WORD, listener.getsockname()[1])
        tool = DocumentParser(Means(Bubblewrap(SystemClock(), groups=find_groups()), served, Reach()))
        yield World(tool, served, canary, listener)


async def harm_of(world: World, seeds: range) -> tuple[list[str], int]:
    """What was found wrong, and how many of the documents gave a text."""
    wrong, read, before = [], 0, children()
    for seed in seeds:
        try:
            answer = await world.read(*hostile(seed, world.canary))
            read += 1
        except ToolFailed as no:
            answer = str(no)
        if WORD in answer or "root:" in answer:
            wrong.append(f"{seed}: it read a file of the host")
        if children() - before:
            wrong.append(f"{seed}: something still runs")
    if world.is_changed():
        wrong.append("a file of the host was changed")
    if world.heard():
        wrong.append("somebody was called")
    honest = json.loads(await world.read("text/html", b"<html><h1>Hello</h1><p>world</p></html>"))
    if "world" not in honest["text"]:
        wrong.append("honest documents are not read any more")
    return wrong, read


def children() -> set[str]:
    """Processes that this one has started."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


async def test_one_of_each_kind_does_no_harm(world: World) -> None:
    wrong, _ = await harm_of(world, range(len(MAKERS)))
    assert wrong == []


@pytest.mark.control
def test_a_reader_without_guards_brings_a_file_of_the_host_into_the_text(world: World) -> None:
    class Heard(ContentHandler):
        text = ""

        def characters(self, content: str) -> None:
            self.text += content

    parser, heard, source = make_parser(), Heard(), InputSource()  # noqa: S317 -- the naive reader
    parser.setFeature(feature_external_ges, True)
    parser.setContentHandler(heard)
    text = f'<!DOCTYPE w [<!ENTITY a SYSTEM "file://{world.canary.path}">]><w>&a;</w>'
    source.setByteStream(io.BytesIO(text.encode()))
    parser.parse(source)
    assert heard.text == WORD


@pytest.mark.prove
async def test_300_hostile_documents(world: World, request: pytest.FixtureRequest) -> None:
    first = int(request.config.getoption("--hypothesis-seed") or 1)
    wrong, read = await harm_of(world, range(first, first + 300))
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    note(f"300 hostile documents: {len(wrong)} harms, {read} gave a text, the worker held {held} MiB at most")
    assert wrong == []
