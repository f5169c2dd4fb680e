"""The HTTP server of the simulator: TLS, closing, faults, certificates."""

import asyncio
import ssl
import tempfile
from contextlib import aclosing, suppress
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from cryptography import x509
from defusedxml.ElementTree import fromstring

from lictui.simulator import FaultMode
from lictui.simulator.http import HttpListener, apply_fault, self_signed

NOW = 1_795_500_000.0


async def answer(request: web.BaseRequest) -> web.Response | None:
    return None if request.path == "/silent" else web.Response()


async def test_listener_presents_its_certificate() -> None:
    certificate = self_signed("lic-01", now=NOW)
    trust = ssl.create_default_context(cadata=certificate.pem.decode())
    async with aclosing(HttpListener(answer, certificate)) as listener:
        assert listener.url.startswith("https://127.0.0.1:")
        async with httpx.AsyncClient(verify=trust) as client:
            assert (await client.get(listener.url)).status_code == 200
        async with httpx.AsyncClient() as distrustful:
            with pytest.raises(httpx.ConnectError, match="self-signed"):
                await distrustful.get(listener.url)


@pytest.mark.parametrize("tls", [False, True])
async def test_listener_drops_every_connection_when_closed(tls: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    certificate = self_signed("lic-01", now=NOW) if tls else None
    trust = ssl.create_default_context(cadata=certificate.pem.decode()) if certificate else None
    before = asyncio.all_tasks()
    listener = HttpListener(answer, certificate)
    idle = await asyncio.open_connection(listener.host, listener.port)  # under TLS: no handshake
    silent = await asyncio.open_connection(listener.host, listener.port, ssl=trust)
    silent[1].write(b"GET /silent HTTP/1.1\r\nHost: x\r\n\r\n")
    late = await asyncio.open_connection(listener.host, listener.port)
    await listener.aclose()
    await listener.aclose()
    for reader, writer in (idle, silent, late):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
    assert asyncio.all_tasks() == before
    with pytest.raises(OSError):  # noqa: PT011 - the text is the platform's own
        await asyncio.open_connection(listener.host, listener.port)


# Faults


def test_oversized_xml_has_the_same_meaning() -> None:
    body = apply_fault(web.Response(body=b"<a/>"), FaultMode.OVERSIZED).body
    assert isinstance(body, bytes)
    assert len(body) > 10 * 1024 * 1024
    assert fromstring(body).tag == "a"


# Certificates


def test_certificate_names_the_server_and_loopback() -> None:
    certificate = self_signed("lic-emea-01.corp.example", now=NOW)
    parsed = x509.load_pem_x509_certificate(certificate.pem)
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["lic-emea-01.corp.example", "localhost"]
    assert "127.0.0.1" in map(str, names.get_values_for_type(x509.IPAddress))
    assert parsed.not_valid_before_utc.timestamp() < NOW < parsed.not_valid_after_utc.timestamp()


def test_key_is_neither_left_on_disk_nor_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    certificate = self_signed("lic", now=NOW)
    certificate.server_context()
    assert list(tmp_path.iterdir()) == []
    assert "PRIVATE" not in repr(certificate)
