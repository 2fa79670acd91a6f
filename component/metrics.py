"""What the door counts."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

MESSAGES: Final = Counter("aiox_component_messages_total", "Messages with a body that reached the door.", ["outcome"])
"""`outcome` is "admitted", or the error code of the refusal."""

STANZAS_FAILED: Final = Counter("aiox_component_stanzas_failed_total", "Stanzas that the door failed on: bugs.")
REPLIES: Final = Counter("aiox_component_replies_total", "Outbox rows sent to the server.", ["kind"])
LEFT_OUT: Final = Counter("aiox_component_left_out_total", "Stanzas left out because too many left for one peer.")
