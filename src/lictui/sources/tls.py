"""The one TLS policy of every source: system store, CA bundle, pinned leaf, or no check at all.

Owns what `verify` means and what a refused certificate is called. Must not know any protocol, nor
open a connection. A pin is checked inside the handshake, so that on a mismatch not one byte of a
request leaves the machine.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from functools import lru_cache
from pathlib import Path
from typing import Final

from lictui.model import Certificate, FailureKind, Server, Step
from lictui.sources.source import SourceError

_PIN: Final = "sha256:"
_SUFFIXES: Final = frozenset({".pem", ".crt", ".cer"})

# X509_V_ERR_… of OpenSSL's x509_vfy.h, in words.
_UNKNOWN_CA: Final = "comes from a CA this machine does not know"
_REASONS: Final = {
    9: "is not valid yet",
    10: "has expired",
    18: "is self-signed",
    19: _UNKNOWN_CA,
    20: _UNKNOWN_CA,
    21: _UNKNOWN_CA,
    23: "is revoked",
    62: "is for another host name",
    64: "is for another address",
}
_OLD: Final = ("speaks no TLS newer than 1.1", "Enable TLS 1.2 on the server.")
_ALERTS: Final = {
    "WRONG_VERSION_NUMBER": ("does not speak TLS on this port", "Is the address http://?"),
    "UNSUPPORTED_PROTOCOL": _OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _OLD,
}


class PinMismatchError(ssl.SSLError):
    """The leaf is not the pinned one; `seen` is the SHA-256 of the one that was shown."""

    def __init__(self, seen: str) -> None:
        super().__init__(ssl.SSL_ERROR_SSL, f"not the pinned certificate, but sha256:{seen}")
        self.fingerprint = seen


def ssl_context(server: Server) -> ssl.SSLContext:
    """The context for connections to `server`, shared by all servers of the same policy.

    For asynchronous use only: a pin is not checked on blocking sockets. Raises SourceError of kind
    `config` when a pin, CA bundle or client certificate cannot be used.
    """
    try:
        return _context(server.verify, server.certificate, _stamps(server))
    except (OSError, ValueError) as error:
        path = server.certificate if isinstance(server.verify, bool) else server.verify
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SourceError(
            FailureKind.CONFIG,
            f"cannot use {path}: {reason or error}",
            'verify is true, false, the path of a CA bundle (PEM) or "sha256:<64 hex digits>";'
            " certificate is a PEM file with the certificate and its key without a passphrase.",
            Step.TLS,
        ) from error


def _stamps(server: Server) -> tuple[int, ...]:
    """When the files of the policy last changed: a renewed bundle makes a new context."""
    bundle = (
        server.verify
        if isinstance(server.verify, str) and not pinned_fingerprint(server.verify)
        else ""
    )
    return tuple(Path(path).stat().st_mtime_ns for path in (bundle, server.certificate) if path)


@lru_cache(maxsize=64)
def _context(verify: bool | str, certificate: str, _stamps: tuple[int, ...]) -> ssl.SSLContext:  # noqa: FBT001 - `verify` as the registry spells it
    match verify:
        case True:
            context = ssl.create_default_context()
            _fill_empty_store(context)
        case str() if wanted := pinned_fingerprint(verify):
            context = unverified_context()
            context.sslobject_class = _pinned(wanted)
        case str():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # with an empty store
            for bundle in _bundles(Path(verify)):
                context.load_verify_locations(cafile=bundle)
        case _:
            context = unverified_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 made both the default. A private CA seldom meets the first; with the second a
    # bundle may hold just the issuing CA. Every Python gives the same verdict.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if certificate:
        # Without a password given, OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, password="")
    return context


def unverified_context() -> ssl.SSLContext:
    """A context that accepts any certificate: for `verify = false`, and to look at one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _fill_empty_store(context: ssl.SSLContext) -> None:
    """Some builds of Python come without a system store; httpx brings one along."""
    where = ssl.get_default_verify_paths()
    if not context.get_ca_certs() and not where.cafile and not where.capath:
        import certifi  # noqa: PLC0415 - seldom needed

        context.load_verify_locations(certifi.where())


def _bundles(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES)
    if not found:
        raise ValueError("no .pem, .crt or .cer file in this folder")
    return found


def pinned_fingerprint(verify: bool | str) -> str:  # noqa: FBT001 - `verify` as the registry spells it
    """The pinned SHA-256 as 64 lower-case hex digits; "" when `verify` is no pin.

    Colons between the digits are accepted. Raises ValueError for a pin that is none.
    """
    if not isinstance(verify, str) or not verify.lower().startswith(_PIN):
        return ""
    digits = verify[len(_PIN) :].replace(":", "").strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise ValueError("a SHA-256 fingerprint has 64 hex digits")
    return digits


def fingerprint(certificate: bytes) -> str:
    """The SHA-256 of a certificate in DER, as lower-case hex."""
    return hashlib.sha256(certificate).hexdigest()


def _pinned(wanted: str) -> type[ssl.SSLObject]:
    class Pinned(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            seen = fingerprint(self.getpeercert(binary_form=True) or b"")
            if seen != wanted:
                raise PinMismatchError(seen)

    return Pinned


def tls_failure(error: ssl.SSLError, where: str) -> SourceError:
    """The failure for a handshake with `where` (HOST:PORT) that `error` ended."""
    match error:
        case PinMismatchError():
            message = (
                f"the certificate of {where} is not the pinned one:"
                f" it has sha256:{error.fingerprint}"
            )
            hint = (
                "If it was renewed on purpose, pin the new one:"
                f' verify = "sha256:{error.fingerprint}". If not, someone may be in between.'
            )
        case ssl.SSLCertVerificationError():
            reason = _REASONS.get(error.verify_code, f"is refused: {error.verify_message}")
            message = f"the certificate of {where} {reason}"
            hint = (
                "Give the CA bundle that signed it (verify = PATH), or pin it (verify ="
                ' "sha256:…"): `lictui servers test` shows its fingerprint.'
            )
        case _:
            why = (error.reason or "no reason given").lower().replace("_", " ")
            words, hint = _ALERTS.get(
                error.reason or "", (f"ended the TLS handshake: {why}", "Does it speak TLS 1.2?")
            )
            message = f"{where} {words}"
    return SourceError(FailureKind.TLS, message, hint, Step.TLS)


# The certificate of a server as lictui remembers it: its fingerprint, and the days it is good for


def read_certificate(der: bytes) -> Certificate:
    """The fingerprint of a certificate in DER, and its days in UTC as far as they can be read."""
    from cryptography import x509  # noqa: PLC0415 - 8 MiB, only for who answers over TLS

    try:
        read = x509.load_der_x509_certificate(der)
        days = read.not_valid_before_utc.date(), read.not_valid_after_utc.date()
    except Exception:  # noqa: BLE001 - as above
        return Certificate(fingerprint(der))
    return Certificate(fingerprint(der), *days)
