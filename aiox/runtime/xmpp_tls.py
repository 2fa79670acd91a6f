"""Whose word counts for the hub's own XMPP server when a part of the hub connects to it."""

from __future__ import annotations

import ssl
from pathlib import Path

from aiox.runtime.settings import Settings


def trust(settings: Settings, ca_file: Path | str) -> ssl.SSLContext:
    """The hub's own authority, whose certificate is `ca_file`; where the server shows a certificate of the operator's
    (public.certificate), also this machine's authorities, and those of federation.authority_file.

    Either way the certificate must be for the hub's domain, or for the host that is connected to.
    """
    context = ssl.create_default_context(cafile=str(ca_file))
    if settings.public.certificate is not None:
        context.load_default_certs()
        if settings.federation.authority_file is not None:
            context.load_verify_locations(settings.federation.authority_file)
    return context
