"""What the XMPP server has to know of people elsewhere (docs/production.md): where it listens, what it shows."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509 import DNSName, SubjectAlternativeName

from aiox.cli.stack.ca import XMPP
from aiox.cli.stack.home import Home, private_file
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.settings import Settings

COPY: Final = "public.pem"
_LISTENER: Final = """  - port: {port}
    ip: {address}
    module: ejabberd_c2s
    starttls_required: true
    max_stanza_size: 524288
    shaper: c2s_shaper
    access: c2s
"""


def listeners(home: Home, settings: Settings) -> str:
    """The server's listeners for clients elsewhere, as text for its configuration; empty: there are none.

    With it the digest of the operator's certificate: so the configuration is another one when that was renewed, and is
    read again. Raises CannotGoOn.
    """
    port, beside = settings.ports.xmpp_client, settings.public.addresses
    text = "".join(_LISTENER.format(port=port, address=json.dumps(one)) for one in beside)
    if settings.public.certificate is None:
        return text
    certificate, _ = shown(home, settings)
    return f"{text}  # Certificate: {hashlib.sha256(certificate.read_bytes()).hexdigest()}\n"


def shown(home: Home, settings: Settings) -> tuple[Path, Path]:
    """Files of the certificate that is shown, and its key. The operator's pair is copied, always under the same name:
    what the server has once read of a name it shows until that name has another content. Raises CannotGoOn.
    """
    certificate, key = settings.public.certificate, settings.public.key
    if certificate is None or key is None:
        secrets = home.secrets(XMPP)
        return secrets.path("tls.crt"), secrets.path("tls.key")
    text, path = _pair(certificate, key, (settings.domain, settings.agents_domain)), home.part("ejabberd") / COPY
    if not path.is_file() or path.read_text() != text:
        private_file(path, text)
    return path, path


def _pair(certificate: Path, key: Path, names: tuple[str, ...]) -> str:
    """Chain and key as one text. What does not fit together would leave the server without any."""
    try:
        chain, secret = certificate.read_text(), key.read_text()
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
        own = serialization.load_pem_private_key(secret.encode(), None).public_key()
    except (OSError, ValueError, TypeError) as wrong:
        raise CannotGoOn(f"public.certificate or public.key cannot be read: {wrong}. Mend: two PEM files") from wrong
    if _text(own) != _text(leaf.public_key()):
        raise CannotGoOn("public.key is not the key of public.certificate. Mend: name the two that belong together")
    known = _names(leaf)
    missing = [name for name in names if not {name, f"*.{name.partition('.')[2]}"} & known]
    if missing:
        raise CannotGoOn(f"public.certificate is not for {' and '.join(missing)}. Mend: have one made for both names")
    return f"{chain.strip()}\n{secret.strip()}\n"


def _names(leaf: x509.Certificate) -> set[str]:
    try:
        found = leaf.extensions.get_extension_for_class(SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return set(found.get_values_for_type(DNSName))


def _text(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
