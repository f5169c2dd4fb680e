"""How one connection comes to be let in, and carries questions afterwards.

Owns the choice of a login by `server.auth`, the logins that are one fixed header, and what a 401
means. Must not know what is asked.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from lictui.model import FailureKind, Step
from lictui.sources.address import refuse_in_the_clear
from lictui.sources.credentials import basic, secret
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from lictui.model import Server
    from lictui.sources.http import Reply
    from lictui.sources.winrm.endpoint import Endpoint

UNAUTHORIZED: Final = HTTPStatus.UNAUTHORIZED
# DSP0226: what a client says whose certificate was shown in the TLS handshake
_MUTUAL: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
_SPOKEN: Final = ("Negotiate", "Kerberos", "NTLM", "Basic")
_KNOWN: Final = (*_SPOKEN, "CredSSP", "Digest", "Bearer")


class Login(Protocol):
    """Posts SOAP as somebody whom the server lets in."""

    @property
    def identity(self) -> str:
        r"""How and as whom: `NTLM as CORP\svc`."""
        ...

    async def post(self, soap: bytes) -> Reply:
        """The server's answer, readable, of any status but 401. Raises SourceError."""
        ...


def open_login(server: Server, endpoint: Endpoint) -> Login:
    """The login that `server.auth` names; nothing is sent yet, SourceError if it cannot be."""
    match server.auth or "negotiate":
        case "basic":
            return Basic(server, endpoint)
        case "certificate":
            return Certificate(server, endpoint)
        case "negotiate" | "ntlm" | "kerberos" as protocol:
            from lictui.sources.winrm.negotiated import Negotiated  # noqa: PLC0415 - one login only

            return Negotiated(server, endpoint, protocol)
        case other:
            raise SourceError(
                FailureKind.CONFIG,
                f"auth = {other!r} is no way to log in to WinRM",
                "One of negotiate, kerberos, ntlm, basic, certificate.",
                Step.AUTH,
            )


class Basic:
    """Name and password with every request: local accounts only, and never in the clear."""

    def __init__(self, server: Server, endpoint: Endpoint) -> None:
        refuse_in_the_clear(endpoint.url)
        require_name(server)
        self._server, self._endpoint = server, endpoint
        self.identity = f"Basic as {server.username}"

    async def post(self, soap: bytes) -> Reply:
        """One question, one answer; the password is looked up for each."""
        header = basic(self._server.username, await secret(self._server))
        reply = await self._endpoint.post(soap, authorization=header)
        if reply.status == UNAUTHORIZED:
            hint = "WinRM takes Basic for local accounts only: for others set auth = negotiate."
            raise refused(self._server, reply, "Basic", hint)
        return reply


class Certificate:
    """The client certificate that TLS already showed, mapped to a local user by the server."""

    identity: Final = "client certificate"

    def __init__(self, server: Server, endpoint: Endpoint) -> None:
        if not server.certificate or not endpoint.encrypted:
            raise SourceError(
                FailureKind.CONFIG,
                "auth = certificate needs a certificate file and an https:// address",
                "Set certificate to a PEM file with the certificate and its key.",
                Step.AUTH,
            )
        self._endpoint = endpoint

    async def post(self, soap: bytes) -> Reply:
        """One question, one answer."""
        reply = await self._endpoint.post(soap, authorization=_MUTUAL)
        if reply.status == UNAUTHORIZED:
            raise SourceError(
                FailureKind.AUTH,
                "401, the client certificate is refused",
                "The server must allow Certificate in winrm/config/service/auth, and map this"
                " certificate to a local user in winrm/config/service/certmapping.",
                Step.AUTH,
            )
        return reply


def require_name(server: Server) -> None:
    """Raise SourceError (config) if `server` has no user name."""
    if not server.username:
        raise SourceError(
            FailureKind.CONFIG,
            f"auth = {server.auth or 'negotiate'} needs a user name",
            r"Set username, as CORP\svc-lictui for an account of a domain.",
            Step.AUTH,
        )


def offers(reply: Reply) -> dict[str, str]:
    """What the server would accept: scheme -> its token or parameters, in the server's order."""
    found: dict[str, str] = {}
    for part in reply.headers.get("www-authenticate", "").split(","):
        word, _, rest = part.strip().partition(" ")
        for scheme in _KNOWN:
            if word.lower() == scheme.lower():
                found.setdefault(scheme, rest.strip())
    return found


def refused(server: Server, reply: Reply, tried: str, hint: str) -> SourceError:
    """The failure for a 401 to the scheme `tried`: wrong credentials, or another scheme wanted."""
    offered = list(offers(reply))
    if tried in offered or not offered:
        return SourceError(
            FailureKind.AUTH,
            f"401, the user name or password of {server.username} is refused",
            f"Check username and secret. {hint}",
            Step.AUTH,
        )
    usable = next((scheme for scheme in offered if scheme in _SPOKEN), "")
    instead = f"Set auth = {usable.lower()}, or allow" if usable else "Allow"
    return SourceError(
        FailureKind.AUTH,
        f"401, the server offers {' and '.join(offered)} only",
        f"{instead} {tried} in winrm/config/service/auth on the server.",
        Step.AUTH,
    )
