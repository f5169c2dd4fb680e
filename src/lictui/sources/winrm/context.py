"""The security context of one login: pyspnego's, bound to the TLS channel it goes through.

Owns how it is made, and the channel binding of RFC 5929. Must not know how its tokens travel.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Step
from lictui.sources.clean import text
from lictui.sources.credentials import secret
from lictui.sources.source import SourceError
from lictui.sources.winrm.login import require_name

if TYPE_CHECKING:
    from spnego import ContextProxy

    from lictui.model import Server

_SERVICE: Final = "WSMAN"  # of the service principal that WinRM registers for its host


class TokenError(Exception):
    """pyspnego, or GSSAPI below it, cannot go on from this token; says why."""


async def step(context: ContextProxy, token: bytes | None) -> bytes | None:
    """The token to send next, None after the last; raises TokenError, and nothing else.

    In a thread, since Kerberos may have to ask its KDC.
    """
    return await asyncio.to_thread(_step, context, token)


def _step(context: ContextProxy, token: bytes | None) -> bytes | None:
    try:
        return context.step(token)
    except Exception as error:  # what a stranger sends breaks it in many ways, StopIteration too
        raise TokenError(text(error) or type(error).__name__) from error


async def new_context(server: Server, protocol: str, host: str, certificate: bytes) -> ContextProxy:
    """The context for a login of `server.username` to `host`; SourceError (config) if none can be.

    `protocol` is negotiate, ntlm or kerberos; `certificate` is the server's leaf in DER, b"" over
    plain HTTP, where the context must be able to seal. Without a secret Kerberos uses its ticket.
    """
    import spnego  # noqa: PLC0415 - costs a tenth of a second
    from spnego.channel_bindings import GssChannelBindings  # noqa: PLC0415 - likewise

    if protocol != "kerberos":
        require_name(server)
    needs_secret = protocol != "kerberos" or server.secret
    password = await secret(server) if needs_secret else None
    bindings = GssChannelBindings(application_data=end_point(certificate)) if certificate else None
    options = (
        spnego.NegotiateOptions.none if certificate else spnego.NegotiateOptions.wrapping_winrm
    )
    try:
        return spnego.client(
            server.username or None,
            password,
            hostname=host,
            service=_SERVICE,
            channel_bindings=bindings,
            protocol=protocol,
            options=options,
        )
    except (ImportError, ValueError) as error:  # ValueError: GSSAPI is there, without Kerberos
        raise SourceError(
            FailureKind.CONFIG,
            f"auth = {protocol} needs GSSAPI, which this machine lacks",
            "Install the extra: pip install 'lictui[kerberos]'.",
            Step.AUTH,
        ) from error
    except spnego.exceptions.SpnegoError as error:
        raise SourceError(
            FailureKind.AUTH,
            f"{protocol} has nothing to log in with: {text(error)}",
            "Check username and secret; for Kerberos the ticket too (klist).",
            Step.AUTH,
        ) from error


def end_point(certificate: bytes) -> bytes:
    """The `tls-server-end-point` binding of a certificate in DER (RFC 5929, section 4.1)."""
    from cryptography import x509  # noqa: PLC0415 - costs as much as pyspnego
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - likewise
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - likewise

    try:
        signed = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError):
        signed = None
    digest = hashes.Hash(
        hashes.SHA256() if signed is None or signed.name in {"md5", "sha1"} else signed
    )
    digest.update(certificate)
    return b"tls-server-end-point:" + digest.finalize()
