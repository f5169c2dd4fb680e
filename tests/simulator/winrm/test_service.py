"""HTTP of the simulated WinRM server: offers, handshakes, sealed bodies, faults."""

import ssl
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import spnego
from tests.simulator.winrm.wsman import POOLS, WQL, Serve, envelope

from lictui.simulator.http import ServerCertificate
from lictui.simulator.winrm_auth import CONTENT_TYPE, seal

SOAP = {"Content-Type": "application/soap+xml;charset=UTF-8"}
BASIC = (r"CORP\svc-lictui", "secret")
ASKED = envelope(
    "Enumerate", f'<n:Enumerate><w:Filter Dialect="{WQL}">{POOLS}</w:Filter></n:Enumerate>'
)


@pytest.fixture
async def client(certificate: ServerCertificate) -> AsyncIterator[httpx.AsyncClient]:
    trust = ssl.create_default_context(cadata=certificate.pem.decode())
    async with httpx.AsyncClient(verify=trust) as client:
        yield client


def offers(reply: httpx.Response) -> list[str]:
    return reply.headers.get_list("WWW-Authenticate")


async def shake(
    client: httpx.AsyncClient, url: str, password: str = BASIC[1]
) -> tuple[Any, list[httpx.Response]]:
    """The handshake by empty POSTs, as MS-WSMV has it: the client's context, and the replies."""
    context = spnego.client(BASIC[0], password, protocol="ntlm")
    replies = []
    token = context.step()
    while token:
        header = {"Authorization": f"Negotiate {b64encode(token).decode()}"}
        replies.append(await client.post(url, headers=header))
        said = replies[-1].headers.get("WWW-Authenticate", "").removeprefix("Negotiate").strip()
        token = context.step(b64decode(said)) if said else None
    return context, replies


def sealed(context: Any, body: bytes = ASKED) -> dict[str, Any]:
    """Headers and content of an encrypted message."""
    return {"headers": {"Content-Type": CONTENT_TYPE}, "content": seal(context, body)}


async def test_offers_depend_on_tls(serve: Serve, client: httpx.AsyncClient) -> None:
    tls = await client.post((await serve()).url + "/wsman", content=ASKED, headers=SOAP)
    plain = await client.post((await serve(certificate=None)).url + "/wsman")
    assert (tls.status_code, plain.status_code) == (401, 401)
    assert offers(tls) == ["Negotiate", 'Basic realm="WSMAN"']
    assert offers(plain) == ["Negotiate"]


async def test_server_accepts_only_soap_posted_to_wsman(
    serve: Serve, client: httpx.AsyncClient
) -> None:
    url, client.auth = (await serve()).url, httpx.BasicAuth(*BASIC)
    assert (await client.post(url + "/")).status_code == 404
    assert (await client.get(url + "/wsman")).status_code == 405
    assert (await client.post(url + "/wsman", content=ASKED)).status_code == 415
    assert (await client.post(url + "/WSMan/", content=ASKED, headers=SOAP)).is_success
    assert (await client.post(url + "/wsman")).is_success


async def test_login_is_valid_on_its_connection_alone(
    serve: Serve, client: httpx.AsyncClient
) -> None:
    url = (await serve(certificate=None)).url + "/wsman"
    context, _ = await shake(client, url)
    async with httpx.AsyncClient() as other:
        assert (await other.post(url, **sealed(context))).status_code == 401
    assert (await client.post(url)).status_code == 200


async def test_tampered_body_ends_the_login(serve: Serve, client: httpx.AsyncClient) -> None:
    url = (await serve(certificate=None)).url + "/wsman"
    context, _ = await shake(client, url)
    message = sealed(context)
    message["content"] = message["content"][:-40] + b"x" + message["content"][-39:]
    assert (await client.post(url, **message)).status_code == 400
    assert (await client.post(url, **sealed(context))).status_code == 401
