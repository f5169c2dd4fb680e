"""A simulated Windows license server: WS-Management on `/wsman`.

Owns a request's way from HTTP to SOAP and back: moods, login, message encryption. Must not know
what the envelopes say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from spnego.exceptions import SpnegoError

from lictui.simulator.faults import PORTAL, spoiled
from lictui.simulator.http import Reply, listen
from lictui.simulator.inventory import Mood
from lictui.simulator.winrm.login import Login
from lictui.simulator.winrm.sealing import CONTENT_TYPE, seal, unseal
from lictui.simulator.winrm.soap import SoapService
from lictui.simulator.winrm.users import Account

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.simulator.certificate import Certificate
    from lictui.simulator.http import Connection, Listener, Request
    from lictui.simulator.inventory import CurrentMood, Inventory
    from lictui.simulator.winrm.login import Admission

BOTH: Final = frozenset({"basic", "negotiate"})

_SOAP: Final = "application/soap+xml"
# Someone else answers: a portal on the way, or the system in place of a stopped service.
_INSTEAD: Final = {
    Mood.LOGIN_PAGE: PORTAL,
    Mood.BUSY: Reply(503, (("Retry-After", "30"),)),
    Mood.ELSEWHERE: Reply(404),
}
# A password that has run out is refused like a wrong one.
_REFUSING: Final = {Mood.DENIED, Mood.EXPIRED}


async def serve_winrm(  # noqa: PLR0913 - a server has that many sides; all but three are named
    inventory: Inventory,
    mood: CurrentMood,
    clock: Clock,
    *,
    name: str,
    username: str,
    password: str,
    certificate: Certificate | None,
    auth: frozenset[str] = BOTH,
    host: str = "127.0.0.1",
    port: int = 0,
    latency: float = 0.0,
    licensing: bool = True,
) -> Listener:
    r"""Serve `inventory` until `aclose`; over TLS with a certificate, else sealed messages alone.

    `username` may be `CORP\name`, `name@corp.example` or `name`; `auth` offers "basic" (over TLS
    alone) and "negotiate". An answer takes `latency` seconds of `clock`. Without `licensing` there
    is no namespace root/CitrixLicensing. OSError when the port is taken; ValueError for a user that
    NTLM's user file cannot hold.
    """
    login = Login(Account(username, password), name, auth)
    soap = SoapService(name, inventory, mood, clock, latency=latency, licensing=licensing)
    front = _Front(mood, login, soap)
    return await listen(front.answer, host=host, port=port, certificate=certificate)


class _Front:
    """The HTTP side of one server."""

    def __init__(self, mood: CurrentMood, login: Login, soap: SoapService) -> None:
        self._mood = mood
        self._login = login
        self._soap = soap

    async def answer(self, request: Request, connection: Connection) -> Reply | None:
        """What the server says to one request."""
        mood = self._mood()
        if mood is Mood.SILENT:
            return None
        instead = _INSTEAD.get(mood) or _misdirected(request)
        if instead is not None:
            return instead
        admission = self._login.admit(request, connection, deny=mood in _REFUSING)
        if isinstance(admission, Reply):
            return admission
        if not request.body:  # the handshake by itself
            return Reply(200, admission.headers)
        return await self._converse(request, connection, admission)

    async def _converse(
        self, request: Request, connection: Connection, admission: Admission
    ) -> Reply:
        """Take the envelope out of the request, and put the answer into what it came in."""
        kind = _kind(request)
        context = admission.context
        if kind == "multipart/encrypted" and context is not None:
            try:
                asked = unseal(context, request.body)
            except (ValueError, SpnegoError):
                connection.memory = None  # the two ends disagree on where their keys stand
                return Reply(400)
            reply = await self._said(asked)
            kind, body = CONTENT_TYPE, seal(context, reply.body)
        elif not connection.encrypted:
            return Reply(500)  # all that Windows says while AllowUnencrypted is false
        elif kind == _SOAP:
            reply = await self._said(request.body)
            kind, body = f"{_SOAP};charset=UTF-8", reply.body
        else:
            return Reply(415)
        return replace(reply, headers=(*admission.headers, ("Content-Type", kind)), body=body)

    async def _said(self, asked: bytes) -> Reply:
        """The envelope of the answer, spoiled before it is sealed if it is to be spoiled."""
        status, said = await self._soap.answer(asked)
        return spoiled(Reply(status, (), said), self._mood())


def _misdirected(request: Request) -> Reply | None:
    if request.path.rstrip("/").lower() != "/wsman":
        return Reply(404)
    if request.method != "POST":
        return Reply(405, (("Allow", "POST"),))
    return None


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
