"""How hubs speak to each other in stanzas (docs/rfc-aiox.md): documents, and checkpoints to be co-signed.

The texts inside are those that policy/ writes and reads: a hub document as a signed note, a request to a witness as
c2sp.org/tlog-witness has it over HTTP.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from component.features.acd import acd_error
from component.stanza_xml import COMPONENT, STANZAS, add, child, kind_of, stanza
from policy.witness import No, Refused

HUB: Final = "urn:aiox:hub:0"
WITNESS: Final = "urn:aiox:witness:0"
_CONDITIONS: Final = {
    No.MALFORMED: ("modify", "bad-request"),
    No.UNKNOWN_LOG: ("cancel", "item-not-found"),
    No.NOT_SIGNED: ("auth", "forbidden"),
    No.OTHER_SIZE: ("cancel", "conflict"),
    No.FORKED: ("cancel", "not-acceptable"),
}
"""As c2sp.org/tlog-witness has them: 400, 404, 403, 409, 422."""


def is_between_hubs(query: Element) -> bool:
    """Whether this iq is one of those that are answered here: to the hub itself, not to an agent."""
    if kind_of(query) != "iq" or "@" in query.get("to", ""):
        return False
    kind = query.get("type")
    return (kind == "get" and child(query, HUB, "hub") is not None) or (
        kind == "set" and child(query, WITNESS, "add-checkpoint") is not None
    )


def ask_document(sender: str, to: str, query_id: str) -> Element:
    """Asks a hub for its document."""
    query = stanza("iq", sender, to, "get", query_id)
    add(query, HUB, "hub")
    return query


def answer_document(query: Element, note: str) -> Element:
    """The document."""
    reply = stanza("iq", query.get("to", ""), query.get("from", ""), "result", query.get("id", ""))
    add(add(reply, HUB, "hub"), HUB, "note", note)
    return reply


def document_in(reply: Element) -> str:
    """The note in an answer; empty when there is none."""
    hub = child(reply, HUB, "hub")
    note = None if hub is None else child(hub, HUB, "note")
    return "" if note is None else note.text or ""


def ask_witness(sender: str, to: str, query_id: str, text: str) -> Element:
    """Asks a hub to co-sign; `text` is policy.witness.Asked's."""
    query = stanza("iq", sender, to, "set", query_id)
    add(query, WITNESS, "add-checkpoint", text)
    return query


def checkpoint_in(query: Element) -> str | None:
    """The request to a witness; None for an iq that asks another thing."""
    found = child(query, WITNESS, "add-checkpoint")
    return None if found is None else found.text or ""


def answer_witness(query: Element, line: str) -> Element:
    """The cosignature lines."""
    reply = stanza("iq", query.get("to", ""), query.get("from", ""), "result", query.get("id", ""))
    add(reply, WITNESS, "cosignature", line)
    return reply


def refuse_witness(query: Element, refused: Refused) -> Element:
    """Why it is not co-signed, and the size at which to begin."""
    reply = acd_error(query, *_CONDITIONS[refused.why])
    error = child(reply, COMPONENT, "error")
    if error is not None:
        add(error, WITNESS, str(refused.why), size=str(refused.size))
    return reply


def cosignature_in(reply: Element) -> str | Refused | None:
    """What a witness answered: its lines, or why not; None for an error of another kind."""
    found = child(reply, WITNESS, "cosignature")
    if reply.get("type") == "result" and found is not None:
        return found.text or ""
    error = child(reply, COMPONENT, "error")
    for why in No if error is not None else ():
        said = None if error is None else child(error, WITNESS, str(why))
        if said is not None:
            size = said.get("size", "")
            return Refused(why, int(size) if size.isascii() and size.isdecimal() and len(size) < 19 else 0)
    return None


def condition_of(reply: Element) -> str:
    """The condition of an error, for the log."""
    error = child(reply, COMPONENT, "error")
    found = () if error is None else (one.tag for one in error if one.tag.startswith(f"{{{STANZAS}}}"))
    return next((tag.rpartition("}")[2] for tag in found), "undefined-condition")
