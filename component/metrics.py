"""What the door counts."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

MESSAGES: Final = Counter("aiox_component_messages_total", "Messages with a body that reached the door.", ["outcome"])
"""`outcome` is "admitted", or the error code of the refusal."""

STANZAS_FAILED: Final = Counter("aiox_component_stanzas_failed_total", "Stanzas that the door failed on: bugs.")
REPLIES: Final = Counter("aiox_component_replies_total", "Outbox rows sent to the server.", ["kind"])
LEFT_OUT: Final = Counter("aiox_component_left_out_total", "Stanzas left out because too many left for one peer.")
PEER_STANZAS: Final = Counter("aiox_peer_stanzas_total", "Stanzas from other servers.", ["peer", "outcome"])
"""`peer`: the entry that decided, or "stranger". `outcome`: taken, refused, limited, silence, blocked, frozen, or
not_decided when the list of peers could not be read."""
WITNESSED: Final = Counter("aiox_witness_requests_total", "Checkpoints that other hubs showed us.", ["outcome"])
"""`outcome`: cosigned, or why not (policy/witness.py)."""
WITNESSES: Final = Gauge("aiox_ledger_cosigned_size", "Records of our ledger that another hub has co-signed.", ["peer"])
