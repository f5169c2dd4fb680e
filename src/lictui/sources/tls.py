"""TLS for every source: system store, CA bundle, pinned certificate, or no check at all.

A pin is checked inside the handshake, so that on a mismatch not one byte of a request is sent.
"""

from __future__ import annotations

import hashlib
import re
import ssl
import sys
from functools import lru_cache
from pathlib import Path
from typing import Final

from lictui.model import Certificate, FailureKind, Server, Step
from lictui.sources.process import LOCAL_TIMEOUT, run_blocking
from lictui.sources.sanitize import sanitize
from lictui.sources.source import SourceError, config_error

_PIN: Final = "sha256:"
_BUNDLE_SUFFIXES: Final = frozenset({".pem", ".crt", ".cer"})


async def ssl_context(server: Server, seconds: float = LOCAL_TIMEOUT) -> ssl.SSLContext:
    """Return the context for connections to `server`, shared by all servers of the same policy.

    Its files are read in a thread, since they may be on a network drive that does not respond. For
    asynchronous use only: a pin is not checked on blocking sockets.
    """
    bundle = "" if isinstance(server.verify, bool) else server.verify
    path = server.certificate if bundle.lower().startswith(_PIN) else bundle or server.certificate

    def read() -> ssl.SSLContext:
        return _context(server.verify, server.certificate, _modification_times(server))

    try:
        return await run_blocking(f"verify {server.verify} {server.certificate}", read, seconds)
    except TimeoutError as error:
        raise config_error(
            f"cannot read {path or 'the certificates of this system'} within {seconds:g} s",
            "The drive or network share may not respond, or this machine may be overloaded.",
            Step.TLS,
        ) from error
    except (OSError, ValueError) as error:
        raise config_error(
            f"cannot use {path or server.verify}: {_reason(error)}",
            'verify must be true, false, the path of a CA bundle (PEM) or "sha256:<64 hex'
            ' digits>"; certificate must be a PEM file with the certificate and its key, without'
            " a passphrase.",
            Step.TLS,
        ) from error


def _modification_times(server: Server) -> tuple[int, ...]:
    """Return when the files of the policy changed: a renewed bundle needs a new context."""
    bundle = server.verify if isinstance(server.verify, str) else ""
    if pinned_fingerprint(bundle):
        bundle = ""
    return tuple(Path(path).stat().st_mtime_ns for path in (bundle, server.certificate) if path)


@lru_cache(maxsize=64)
def _context(verify: bool | str, certificate: str, _times: tuple[int, ...]) -> ssl.SSLContext:  # noqa: FBT001 - as in servers.toml
    match verify:
        case True:
            context = _system_context()
        case str() if pinned := pinned_fingerprint(verify):
            context = _unverified_context()
            context.sslobject_class = _pinned(pinned)
        case str():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # with an empty store
            for bundle in _bundle_files(Path(verify)):
                context.load_verify_locations(cafile=bundle)
        case _:
            context = _unverified_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 made both flags the default. Certificates of a private CA seldom pass the first;
    # the second lets a bundle hold just the issuing CA. Here every Python decides the same.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if certificate:
        # Without a password given, OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, password="")
    return context


def _unverified_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _system_context() -> ssl.SSLContext:
    """Return a context with the store of the system; with certifi's bundle if there is none."""
    if sys.platform == "darwin":  # OpenSSL does not read the keychain
        from truststore import SSLContext

        return SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context, paths = ssl.create_default_context(), ssl.get_default_verify_paths()
    if not context.get_ca_certs() and not paths.cafile and not paths.capath:
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _bundle_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in _BUNDLE_SUFFIXES)
    if not files:
        raise ValueError("no .pem, .crt or .cer file in this folder")
    return files


# Pins


class PinMismatchError(ssl.SSLError):
    """The server's certificate is not the pinned one; `fingerprint` is its SHA-256."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__(ssl.SSL_ERROR_SSL, f"not the pinned certificate: sha256:{fingerprint}")
        self.fingerprint = fingerprint


def pinned_fingerprint(verify: bool | str) -> str:  # noqa: FBT001 - as in servers.toml
    """Return the pinned SHA-256 in lower case without colons; "" if `verify` is not a pin."""
    if not isinstance(verify, str) or not verify.lower().startswith(_PIN):
        return ""
    digits = verify[len(_PIN) :].replace(":", "").strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise ValueError("a SHA-256 fingerprint has 64 hex digits")
    return digits


def _pinned(pinned: str) -> type[ssl.SSLObject]:
    class PinnedSSLObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            presented = fingerprint(self.getpeercert(binary_form=True) or b"")
            if presented != pinned:
                raise PinMismatchError(presented)

    return PinnedSSLObject


# Certificates


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate in DER, as lower-case hex."""
    return hashlib.sha256(der).hexdigest()


@lru_cache(maxsize=512)  # polled again and again
def read_leaf(der: bytes) -> tuple[Certificate, str]:
    """Return a certificate in DER, and its subject and end as text, as far as readable."""
    from cryptography import x509

    try:
        parsed = x509.load_der_x509_certificate(der)
        days = parsed.not_valid_before_utc.date(), parsed.not_valid_after_utc.date()
        subject = sanitize(parsed.subject.rfc4514_string(), 100) or "no subject"
    except Exception:  # noqa: BLE001 - a certificate can be malformed in any way
        return Certificate(fingerprint(der)), "unreadable certificate"
    return Certificate(fingerprint(der), *days), f"{subject} · valid until {days[1]}"


# Errors of the handshake

_PIN_IT: Final = 'pin it (verify = "sha256:…"): `lictui servers test` shows its fingerprint.'
_ISSUER: Final = f"Set verify to the CA bundle that issued it (verify = PATH), or {_PIN_IT}"
_USE_ITS_NAME: Final = f"Use a name that the certificate contains in url, or {_PIN_IT}"
# X509_V_ERR_… of OpenSSL's x509_vfy.h
_VERIFY_ERRORS: Final = {
    9: ("is not valid yet", f"Compare the clocks of the server and of this machine, or {_PIN_IT}"),
    10: ("has expired", f"Renew it on the server; until then, {_PIN_IT}"),
    18: ("is self-signed", _ISSUER),
    **dict.fromkeys((19, 20, 21), ("was issued by an unknown CA", _ISSUER)),
    23: ("has been revoked", "Renew it on the server."),
    62: ("was issued for another host name", _USE_ITS_NAME),
    64: ("was issued for another IP address", _USE_ITS_NAME),
}
_OLD_TLS: Final = ("supports only TLS 1.1 or older", "Enable TLS 1.2 on the server.")
_HANDSHAKE_ERRORS: Final = {
    "WRONG_VERSION_NUMBER": (
        "does not use TLS on this port",
        "Check the port. If the service uses plain HTTP, the address starts with http://.",
    ),
    "UNSUPPORTED_PROTOCOL": _OLD_TLS,
    "TLSV1_ALERT_PROTOCOL_VERSION": _OLD_TLS,
}


_ABORTED_HINT: Final = (
    "Check that the server supports TLS 1.2, and whether it requires a client certificate."
)


def _reason(error: Exception) -> str:
    """Return what OpenSSL or the system says, without their codes."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no reason given").lower().replace("_", " ")
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)


def tls_failure(error: ssl.SSLError, address: str) -> SourceError:
    """Return the failure of a handshake with `address` (HOST:PORT)."""
    match error:
        case PinMismatchError():
            message = (
                f"the certificate of {address} does not match the pinned fingerprint: it has"
                f" sha256:{error.fingerprint}"
            )
            hint = (
                "If the certificate was renewed, pin the new one:"
                f' verify = "sha256:{error.fingerprint}". Otherwise this may be a'
                " man-in-the-middle attack."
            )
        case ssl.SSLCertVerificationError():
            refused = f"is refused: {error.verify_message}", _ISSUER
            problem, hint = _VERIFY_ERRORS.get(error.verify_code, refused)
            message = f"the certificate of {address} {problem}"
        case _:
            aborted = f"aborted the TLS handshake: {_reason(error)}", _ABORTED_HINT
            problem, hint = _HANDSHAKE_ERRORS.get(error.reason or "", aborted)
            message = f"{address} {problem}"
    return SourceError(FailureKind.TLS, message, hint)
