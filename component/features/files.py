"""Files beside messages: where they lie (XEP-0066, XEP-0447), uploaded by XEP-0363, and links to ours."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

from aiox.kernel.envelope import Attachment
from component.stanza_xml import add, child

OOB: Final = "jabber:x:oob"
SHARING: Final = "urn:xmpp:sfs:0"
METADATA: Final = "urn:xmpp:file:metadata:0"
URL_DATA: Final = "http://jabber.org/protocol/url-data"
MOST: Final = 8
"""Files that are read out of one message; what is beyond is not looked at. The hub takes fewer and says so."""
MAX_URL: Final = 2048
MAX_NAME: Final = 200


def attachments_of(message: Element) -> tuple[Attachment, ...]:
    """The files of a message, each once. A file that is named both ways is the one that says more of itself."""
    found: dict[str, Attachment] = {}
    for shared in message.findall(f"{{{SHARING}}}file-sharing")[:MOST]:
        one = _shared(shared)
        if one is not None:
            found.setdefault(one.url, one)
    for x in message.findall(f"{{{OOB}}}x")[:MOST]:
        url = _text(child(x, OOB, "url"), MAX_URL)
        if url:
            found.setdefault(url, Attachment(url, name_in(url)))
    return tuple(found.values())[:MOST]


def text_beside(body: str, files: tuple[Attachment, ...]) -> str:
    """What a message says beside its files: clients put the link into the body for those that know nothing else."""
    lines = [line for line in body.splitlines() if line.strip() not in {one.url for one in files}]
    return "\n".join(lines).strip() if files else body


def add_file(message: Element, file: Attachment) -> None:
    """Shows a file of ours, in both ways."""
    shared = add(message, SHARING, "file-sharing", disposition="attachment")
    about = add(shared, METADATA, "file")
    if file.name:
        add(about, METADATA, "name", file.name)
    if file.bytes:
        add(about, METADATA, "size", str(file.bytes))
    if file.media_type:
        add(about, METADATA, "media-type", file.media_type)
    add(add(shared, SHARING, "sources"), URL_DATA, "url-data", target=file.url)
    add(add(message, OOB, "x"), OOB, "url", file.url)


def name_in(url: str) -> str:
    """What the last part of an address calls a file."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return _clean(unquote(path.rpartition("/")[2]))


def _shared(shared: Element) -> Attachment | None:
    about, sources = child(shared, METADATA, "file"), child(shared, SHARING, "sources")
    data = None if sources is None else child(sources, URL_DATA, "url-data")
    url = "" if data is None else data.get("target", "").strip()
    if not url or len(url) > MAX_URL:
        return None
    if about is None:
        return Attachment(url, name_in(url))
    size = _text(child(about, METADATA, "size"), 12)
    return Attachment(
        url,
        _clean(_text(child(about, METADATA, "name"), MAX_NAME)) or name_in(url),
        _text(child(about, METADATA, "media-type"), 100),
        int(size) if size.isascii() and size.isdecimal() else 0,
    )


def _text(element: Element | None, most: int) -> str:
    """The text of an element; empty when it is longer than it may be."""
    text = "" if element is None else (element.text or "").strip()
    return text if len(text) <= most else ""


def _clean(name: str) -> str:
    """One line without folders."""
    line = " ".join("".join(one if one.isprintable() else " " for one in name).split())
    return line.replace("\\", "/").rpartition("/")[2][:MAX_NAME]
