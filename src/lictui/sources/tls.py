"""TLS policy of all sources: system store, CA bundle, pinned leaf certificate, or no check.

A pin is checked during the handshake, so that no byte of a request is sent on a mismatch.
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
_UNKNOWN_CA: Final = "is issued by an unknown CA"
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
_OLD: Final = ("supports only TLS 1.1 or older", "Enable TLS 1.2 on the server.")
_ALERTS: Final = {
    "WRONG_VERSION_NUMBER": (
        "does not use TLS on this port",
        "Check whether the URL must start with http://.",
    ),
    "UNSUPPORTED_PROTOCOL": _OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _OLD,
}


class PinMismatchError(ssl.SSLError):
    """The leaf certificate is not the pinned one; `seen` is the SHA-256 of the one presented."""

    def __init__(self, seen: str) -> None:
        super().__init__(ssl.SSL_ERROR_SSL, f"not the pinned certificate: sha256:{seen}")
        self.fingerprint = seen


def ssl_context(server: Server) -> ssl.SSLContext:
    """Return the context for connections to `server`, shared by all servers of the same policy.

    For asynchronous use only: a pin is not checked on blocking sockets. Raises SourceError of kind
    `config` if a pin, CA bundle or client certificate cannot be used.
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
    """Return when the files of the policy last changed: a renewed bundle makes a new context."""
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
    # Python 3.13 made both flags the default. Private CAs rarely satisfy the first; with the second
    # a bundle may hold only the issuing CA. All Python versions give the same verdict.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if certificate:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, password="")
    return context


def unverified_context() -> ssl.SSLContext:
    """Return a context that accepts any certificate: for `verify = false`, and to look at one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _fill_empty_store(context: ssl.SSLContext) -> None:
    """Some Python builds have no system store; httpx brings one."""
    where = ssl.get_default_verify_paths()
    if not context.get_ca_certs() and not where.cafile and not where.capath:
        import certifi  # noqa: PLC0415 - seldom needed

        context.load_verify_locations(certifi.where())


def _bundles(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES)
    if not found:
        raise ValueError("no .pem, .crt or .cer file in this directory")
    return found


def pinned_fingerprint(verify: bool | str) -> str:  # noqa: FBT001 - `verify` as the registry spells it
    """Return the pinned SHA-256 as 64 lower-case hex digits; "" if `verify` is not a pin.

    Colons between the digits are accepted. Raises ValueError for an invalid pin.
    """
    if not isinstance(verify, str) or not verify.lower().startswith(_PIN):
        return ""
    digits = verify[len(_PIN) :].replace(":", "").strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise ValueError("a SHA-256 fingerprint has 64 hex digits")
    return digits


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate in DER, as lower-case hex."""
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
    """Return the failure for a TLS handshake with `where` (HOST:PORT) that `error` ended."""
    match error:
        case PinMismatchError():
            message = (
                f"the certificate of {where} does not match the pinned fingerprint:"
                f" sha256:{error.fingerprint}"
            )
            hint = (
                "If the certificate was renewed, pin the new one:"
                f' verify = "sha256:{error.fingerprint}".'
                " If not, this may be a man-in-the-middle attack."
            )
        case ssl.SSLCertVerificationError():
            reason = _REASONS.get(error.verify_code, f"is rejected: {error.verify_message}")
            message = f"the certificate of {where} {reason}"
            hint = (
                "Set the CA bundle that issued it (verify = PATH), or pin it (verify ="
                ' "sha256:…"): `lictui servers test` shows its fingerprint.'
            )
        case _:
            why = (error.reason or "no reason given").lower().replace("_", " ")
            words, hint = _ALERTS.get(
                error.reason or "",
                (f"ended the TLS handshake: {why}", "Check that the server supports TLS 1.2."),
            )
            message = f"{where} {words}"
    return SourceError(FailureKind.TLS, message, hint, Step.TLS)


# The certificate of a server as lictui remembers it: fingerprint and validity


def read_certificate(der: bytes) -> Certificate:
    """Return fingerprint and validity (UTC days, if readable) of a certificate in DER."""
    from cryptography import x509  # noqa: PLC0415 - 8 MiB, only for who answers over TLS

    try:
        read = x509.load_der_x509_certificate(der)
        days = read.not_valid_before_utc.date(), read.not_valid_after_utc.date()
    except Exception:  # noqa: BLE001 - as above
        return Certificate(fingerprint(der))
    return Certificate(fingerprint(der), *days)
