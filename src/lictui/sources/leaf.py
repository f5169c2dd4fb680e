"""The certificate of a server as lictui remembers it: its fingerprint, and the days it is good for.

Owns reading them from DER, which can be malformed in any way. Must not know whether it is trusted
(`tls`).
"""

from __future__ import annotations

from lictui.model import Certificate
from lictui.sources.tls import fingerprint


def read_leaf(der: bytes) -> Certificate:
    """The fingerprint of a certificate in DER, and its days in UTC as far as they can be read."""
    from cryptography import x509  # noqa: PLC0415 - 8 MiB, only for who answers over TLS

    try:
        read = x509.load_der_x509_certificate(der)
        days = read.not_valid_before_utc.date(), read.not_valid_after_utc.date()
    except Exception:  # noqa: BLE001 - as above
        return Certificate(fingerprint(der))
    return Certificate(fingerprint(der), *days)
