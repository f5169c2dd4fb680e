"""The HTTP side of the simulated license server: offers, handshakes, sealed bodies, faults."""

from __future__ import annotations

import ssl
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import spnego
from defusedxml.ElementTree import ParseError, fromstring
from tests.simulator.winrm.wsman import NAMESPACES, envelope, products

from lictui.simulator.inventory import FaultMode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lictui.simulator.http import Listener, ServerCertificate

    Serve = Callable[..., Awaitable[Listener]]

SOAP = {"Content-Type": "application/soap+xml;charset=UTF-8"}
BASIC = (r"CORP\svc-lictui", "secret")
ASKED = envelope(
    "Enumerate",
    "<n:Enumerate><w:OptimizeEnumeration/>"
    '<w:Filter Dialect="http://schemas.microsoft.com/wbem/wsman/1/WQL">'
    "SELECT * FROM Citrix_GT_License_Pool</w:Filter></n:Enumerate>",
)

# The envelope as the protocol notes have it, letter by letter
TEMPLATE = b"""
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
  xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">
 <s:Header>
  <a:To>https://lic01:5986/wsman</a:To>
  <w:ResourceURI s:mustUnderstand="true">http://schemas.microsoft.com/wbem/wsman/1/wmi/root/CitrixLicensing/*</w:ResourceURI>
  <a:ReplyTo><a:Address s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>
  <a:Action s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate</a:Action>
  <w:MaxEnvelopeSize s:mustUnderstand="true">512000</w:MaxEnvelopeSize>
  <a:MessageID>uuid:NEW-GUID</a:MessageID>
  <w:OperationTimeout>PT60S</w:OperationTimeout>
 </s:Header>
 <s:Body><n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>100</w:MaxElements>
  <w:Filter Dialect="http://schemas.microsoft.com/wbem/wsman/1/WQL">SELECT * FROM Citrix_GT_License_Pool</w:Filter>
 </n:Enumerate></s:Body></s:Envelope>
"""  # noqa: E501 - as the notes have it


@pytest.fixture
def trust(certificate: ServerCertificate) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=certificate.pem.decode())


def offers(reply: httpx.Response) -> list[str]:
    return reply.headers.get_list("WWW-Authenticate")


async def shake(
    client: httpx.AsyncClient, url: str, protocol: str = "ntlm", password: str = BASIC[1]
) -> tuple[Any, list[httpx.Response]]:
    """The handshake by empty POSTs, as MS-WSMV has it: the client's context, and the replies."""
    context = spnego.client(BASIC[0], password, protocol=protocol)
    replies = []
    token = context.step()
    while token:
        header = {"Authorization": f"Negotiate {b64encode(token).decode()}"}
        replies.append(await client.post(url, headers=header))
        said = replies[-1].headers.get("WWW-Authenticate", "").removeprefix("Negotiate").strip()
        token = context.step(b64decode(said)) if said else None
    return context, replies


def sealed(context: Any, body: bytes) -> dict[str, Any]:
    """Headers and content of an encrypted message, put together by hand from the notes."""
    header, data, padding = context.wrap_winrm(body)
    content = (
        b"--Encrypted Boundary\r\n"
        b"\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
        b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d\r\n"
        b"--Encrypted Boundary\r\n"
        b"\tContent-Type: application/octet-stream\r\n"
        % (len(body) + padding)
        + len(header).to_bytes(4, "little")
        + header
        + data
        + b"--Encrypted Boundary--\r\n"
    )
    kind = (
        'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted"'
        ';boundary="Encrypted Boundary"'
    )
    return {"headers": {"Content-Type": kind}, "content": content}


async def test_server_answers_the_documented_envelope(serve: Serve, trust: ssl.SSLContext) -> None:
    listener = await serve()
    async with httpx.AsyncClient(verify=trust, auth=BASIC) as client:
        reply = await client.post(f"{listener.url}/wsman", headers=SOAP, content=TEMPLATE.strip())
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/soap+xml;charset=UTF-8"
    root = fromstring(reply.content)
    assert products(root) == ["XDT_PLT_UD"]
    assert root.findtext("s:Header/a:RelatesTo", None, NAMESPACES) == "uuid:NEW-GUID"


async def test_offers_depend_on_tls(serve: Serve, trust: ssl.SSLContext) -> None:
    async with httpx.AsyncClient(verify=trust) as client:
        tls = await client.post((await serve()).url + "/wsman", content=ASKED, headers=SOAP)
        plain = await client.post((await serve(certificate=None)).url + "/wsman")
    assert (tls.status_code, plain.status_code) == (401, 401)
    assert offers(tls) == ["Negotiate", 'Basic realm="WSMAN"']
    assert offers(plain) == ["Negotiate"]


async def test_server_accepts_only_soap_posted_to_wsman(
    serve: Serve, trust: ssl.SSLContext
) -> None:
    url = (await serve()).url
    async with httpx.AsyncClient(verify=trust, auth=BASIC) as client:
        assert (await client.post(url + "/")).status_code == 404
        assert (await client.get(url + "/wsman")).status_code == 405
        assert (await client.post(url + "/wsman", content=ASKED)).status_code == 415
        assert (await client.post(url + "/WSMan/", content=ASKED, headers=SOAP)).is_success
        assert (await client.post(url + "/wsman")).is_success


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic eA==", "Negotiate", "Bearer x"])
async def test_malformed_authorization_is_refused(
    serve: Serve, trust: ssl.SSLContext, header: str
) -> None:
    url = (await serve()).url + "/wsman"
    async with httpx.AsyncClient(verify=trust) as client:
        for value in (header, "Negotiate " + b64encode(b"NTLMSSP\0\x01junk").decode(), header):
            reply = await client.post(url, headers={"Authorization": value})
            assert reply.status_code == 401
            assert offers(reply) == ["Negotiate", 'Basic realm="WSMAN"']


@pytest.mark.parametrize("protocol", ["ntlm", "negotiate"])
async def test_handshake_and_a_sealed_body(serve: Serve, protocol: str) -> None:
    url = (await serve(certificate=None)).url + "/wsman"
    async with httpx.AsyncClient() as client:
        context, replies = await shake(client, url, protocol)
        assert [reply.status_code for reply in replies] == [401, 200]
        assert context.complete
        for _ in range(2):  # the keys' state goes on from message to message
            reply = await client.post(url, **sealed(context, ASKED))
            assert reply.status_code == 200
            head, said = reply.content.split(b"\tContent-Type: application/octet-stream\r\n")
            size = int.from_bytes(said[:4], "little")
            said = said.removesuffix(b"--Encrypted Boundary--\r\n")
            body = context.unwrap_winrm(said[4 : 4 + size], said[4 + size :])
            assert head == (
                b"--Encrypted Boundary\r\n"
                b"\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
                b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d\r\n"
                b"--Encrypted Boundary\r\n" % len(body)
            )
            assert products(fromstring(body)) == ["XDT_PLT_UD"]


async def test_login_is_valid_on_its_connection_alone(serve: Serve) -> None:
    url = (await serve(certificate=None)).url + "/wsman"
    async with httpx.AsyncClient() as client, httpx.AsyncClient() as other:
        context, _ = await shake(client, url)
        assert (await other.post(url, **sealed(context, ASKED))).status_code == 401
        assert (await client.post(url)).status_code == 200


async def test_connection_may_log_in_again(serve: Serve) -> None:
    url = (await serve(certificate=None)).url + "/wsman"
    async with httpx.AsyncClient() as client:
        for password, status in (("guess", 401), ("secret", 200), ("secret", 200), ("guess", 401)):
            context, replies = await shake(client, url, password=password)
            assert replies[-1].status_code == status
            assert (await client.post(url, **sealed(context, ASKED))).status_code == status


async def test_tampered_body_ends_the_login(serve: Serve) -> None:
    url = (await serve(certificate=None)).url + "/wsman"
    async with httpx.AsyncClient() as client:
        context, _ = await shake(client, url)
        message = sealed(context, ASKED)
        message["content"] = message["content"][:-40] + b"x" + message["content"][-39:]
        assert (await client.post(url, **message)).status_code == 400
        assert (await client.post(url, **sealed(context, ASKED))).status_code == 401


async def test_incomplete_handshake_is_no_login(serve: Serve) -> None:
    url = (await serve(certificate=None)).url + "/wsman"
    async with httpx.AsyncClient() as client:
        token = b64encode(spnego.client(*BASIC, protocol="ntlm").step() or b"").decode()
        reply = await client.post(url, headers={"Authorization": f"Negotiate {token}"})
        assert reply.status_code == 401
        assert reply.headers["WWW-Authenticate"].startswith("Negotiate TlRMTVNTUA")
        assert (await client.post(url)).status_code == 401


async def test_silent_server_never_answers(serve: Serve, trust: ssl.SSLContext) -> None:
    async with httpx.AsyncClient(verify=trust, timeout=httpx.Timeout(5, read=0.05)) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post((await serve(FaultMode.SILENT)).url + "/wsman")


@pytest.mark.parametrize("fault", [FaultMode.OVERSIZED, FaultMode.GARBAGE])
async def test_answer_may_be_oversized_or_garbage(
    serve: Serve, trust: ssl.SSLContext, fault: FaultMode
) -> None:
    url = (await serve(fault)).url + "/wsman"
    async with httpx.AsyncClient(verify=trust, auth=BASIC) as client:
        reply = await client.post(url, content=ASKED, headers=SOAP)
    assert reply.status_code == 200
    if fault is FaultMode.OVERSIZED:
        assert len(reply.content) > 10 * 1024 * 1024
        assert products(fromstring(reply.content)) == ["XDT_PLT_UD"]
    else:
        with pytest.raises(ParseError):
            fromstring(reply.content)
