"""The self-signed certificates of the simulated servers.

Owns their making and the TLS context they are served with. Must not know a protocol above TLS.
"""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# A simulated clock may be far ahead of the client's real one, and a test's far behind.
_BEFORE: Final = timedelta(days=365)
_AFTER: Final = timedelta(days=3650)
_LONGEST_COMMON_NAME: Final = 64  # X.520's upper bound


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that vouches for itself, and its private key."""

    pem: bytes = field(repr=False)  # certificate and key; also what a client may trust
    der: bytes = field(repr=False)
    fingerprint: str  # SHA-256 of `der`, lower-case hex

    def server_context(self) -> ssl.SSLContext:
        """A TLS context that presents this certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # OpenSSL reads a chain from a file only; the folder is private and gone at once.
        with tempfile.TemporaryDirectory(prefix="lictui-") as folder:
            file = Path(folder) / "chain.pem"
            file.write_bytes(self.pem)
            context.load_cert_chain(file)
        return context


def self_signed(common_name: str, *, now: float) -> Certificate:
    """Make a certificate for `common_name` and loopback; `now` is UTC epoch seconds."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_LONGEST_COMMON_NAME] or "localhost")]
    )
    at = datetime.fromtimestamp(now, UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - _BEFORE)
        .not_valid_after(at + _AFTER)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    *([x509.DNSName(common_name)] if _is_host(common_name) else []),
                    x509.DNSName("localhost"),
                    x509.IPAddress(ip_address("127.0.0.1")),
                    x509.IPAddress(ip_address("::1")),
                ]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    return Certificate(
        pem=certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        der=certificate.public_bytes(serialization.Encoding.DER),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def _is_host(name: str) -> bool:
    return name.isascii() and name.replace("-", "").replace(".", "").isalnum()
