"""TLS policy, and the certificate that lictui remembers of a server, over real TLS."""

import asyncio
import os
import ssl
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.polls import failure_from, http_client
from tests.support.tcp_server import (
    TlsIdentity,
    http_reply,
    never_reply,
    scripted_replies,
    tcp_server,
)

from lictui.config.settings import Limits
from lictui.model import Certificate, Failure, FailureKind, Server, SourceName, Step
from lictui.sources import tls
from lictui.sources.http import HttpClient, HttpReply
from lictui.sources.source import SourceError
from lictui.sources.tls import fingerprint, read_leaf, ssl_context

LIMITS = Limits(timeout=20.0, connect_timeout=20.0)

SERVER = Server("x", SourceName.CVAD)


async def request(
    identity: TlsIdentity,
    verify: bool | str,  # noqa: FBT001 - as in servers.toml
    requests: list[bytes],
) -> HttpReply | Failure:
    """What one request over TLS brings; `heard` is what the server got to read."""
    headers = {"Authorization": "Basic c2VjcmV0"}
    async with (
        tcp_server(scripted_replies(http_reply(b"ok"), heard=requests), identity.server) as port,
        http_client(
            replace(SERVER, url=f"https://localhost:{port}", verify=verify), LIMITS
        ) as client,
    ):
        try:
            return await client.request("GET", "/", step=Step.AUTH, headers=headers)
        except SourceError as error:
            return error.failure


async def test_bundle_is_trusted_as_file_and_as_folder(identity: TlsIdentity, bundle: Path) -> None:
    for verify in (bundle, bundle.parent):
        assert isinstance(await request(identity, str(verify), []), HttpReply)


async def test_pinned_or_unverified_certificate_needs_no_ca_and_no_name() -> None:
    identity = TlsIdentity("other.example")
    digits = fingerprint(identity.der)
    colons = ":".join(digits[i : i + 2] for i in range(0, 64, 2)).upper()
    for verify in (f"sha256:{digits}", f"SHA256:{colons}", False):
        assert isinstance(await request(identity, verify, []), HttpReply)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_pin_mismatch_sends_nothing_in_any_tls_version(
    identity: TlsIdentity, version: ssl.TLSVersion
) -> None:
    identity.server.minimum_version = identity.server.maximum_version = version
    requests: list[bytes] = []
    failure = await request(identity, "sha256:" + "0" * 64, requests)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.step) == (FailureKind.TLS, Step.TLS)
    assert fingerprint(identity.der) in failure.message
    assert f'verify = "sha256:{fingerprint(identity.der)}"' in failure.hint
    assert requests == []


@pytest.mark.parametrize(
    ("names", "not_after", "trusted", "word", "advice"),
    [
        (["localhost"], None, False, "an unknown CA", "the CA bundle"),
        (["other.example"], None, True, "another host name", "Use a name"),
        (["localhost"], datetime(2020, 1, 1, tzinfo=UTC), True, "expired", "Renew it"),
    ],
)
async def test_refused_certificate_names_the_reason(
    names: list[str],
    not_after: datetime | None,
    trusted: bool,  # noqa: FBT001 - a parameter of the test
    word: str,
    advice: str,
    tmp_path: Path,
) -> None:
    identity = TlsIdentity(*names, not_after=not_after)
    (tmp_path / "ca.pem").write_bytes(identity.ca_pem)
    requests: list[bytes] = []
    failure = await request(identity, str(tmp_path / "ca.pem") if trusted else True, requests)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.step) == (FailureKind.TLS, Step.TLS)
    assert word in failure.message
    assert "verify" in failure.hint
    assert advice in failure.hint
    assert requests == []


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (http_reply(b"", "400 Bad Request"), FailureKind.TLS, "does not use TLS"),
        # alert: fatal, protocol_version
        (bytes.fromhex("15 0302 0002 02 46"), FailureKind.TLS, "only TLS 1.1 or older"),
        (b"", FailureKind.PROTOCOL, "closed the connection during the TLS handshake"),
    ],
)
async def test_failed_handshake_is_named(reply: bytes, kind: FailureKind, words: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(reply)
        await writer.drain()

    async with tcp_server(answer) as port:
        server = replace(SERVER, url=f"https://127.0.0.1:{port}", verify=False)
        async with http_client(server, LIMITS) as client:
            failure = await failure_from(client.request("GET", "/", step=Step.AUTH))
    assert (failure.kind, failure.step) == (kind, Step.TLS)
    assert words in failure.message


@pytest.mark.parametrize(
    ("proxied", "step", "words"),
    [
        (False, Step.TLS, "no response to TLS from localhost:{}"),
        (True, Step.AUTH, "no complete response from 127.0.0.1:{} (the proxy)"),
    ],
)
async def test_timeout_says_how_far_the_connection_got(
    proxied: bool,  # noqa: FBT001 - a parameter of the test
    step: Step,
    words: str,
) -> None:
    async with tcp_server(never_reply) as port:
        url = "https://lic01.example" if proxied else f"https://localhost:{port}"
        proxy = f"http://127.0.0.1:{port}" if proxied else ""
        limits = Limits(timeout=0.1, connect_timeout=0.05)
        server = replace(SERVER, url=url, verify=False, proxy=proxy)
        async with http_client(server, limits) as client:
            with pytest.raises(SourceError) as caught:
                async with client.deadline():
                    await client.request("GET", "/", step=Step.AUTH)
    failure = caught.value.failure
    assert (failure.kind, failure.step) == (FailureKind.TIMEOUT, step)
    assert failure.message.startswith(words.format(port))


async def test_client_certificate_is_presented(tmp_path: Path, identity: TlsIdentity) -> None:
    mine = TlsIdentity("client.example")
    file = tmp_path / "client.pem"
    file.write_bytes(mine.leaf_pem)
    identity.server.verify_mode = ssl.CERT_REQUIRED
    mine.ca.configure_trust(identity.server)
    seen = []

    async def look(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        seen.append(writer.get_extra_info("peercert"))
        writer.write(http_reply())
        await writer.drain()

    async with tcp_server(look, identity.server) as port:
        server = replace(SERVER, url=f"https://localhost:{port}", verify=False)
        async with http_client(replace(server, certificate=str(file)), LIMITS) as client:
            await client.request("GET", "/", step=Step.AUTH)
    assert ("DNS", "client.example") in seen[0]["subjectAltName"]


async def test_context_is_cached_until_its_file_changes(bundle: Path) -> None:
    server = replace(SERVER, verify=str(bundle))
    first = await ssl_context(server)
    assert await ssl_context(replace(server, name="another")) is first
    default = await ssl_context(SERVER)
    assert default is await ssl_context(replace(SERVER, url="https://elsewhere"))
    assert default.verify_mode is ssl.CERT_REQUIRED
    assert default.check_hostname
    assert default.minimum_version is ssl.TLSVersion.TLSv1_2
    await asyncio.to_thread(bundle.write_bytes, TlsIdentity("localhost").ca_pem)
    changed = await ssl_context(server)
    assert changed is not first
    assert changed.get_ca_certs() != first.get_ca_certs()


@pytest.mark.parametrize(
    "verify", ["/no/such/file.pem", "sha256:12", "sha256:" + "g" * 64, "EMPTY", "JUNK"]
)
async def test_invalid_policy_is_a_config_failure(verify: str, tmp_path: Path) -> None:
    (tmp_path / "junk.pem").write_text("no certificate")
    (tmp_path / "empty").mkdir()
    places = {"EMPTY": str(tmp_path / "empty"), "JUNK": str(tmp_path / "junk.pem")}
    verify = places.get(verify, verify)
    failure = await failure_from(ssl_context(replace(SERVER, verify=verify)))
    assert failure.kind is FailureKind.CONFIG
    assert verify in failure.message
    assert "_ssl.c" not in failure.message


async def test_keychain_of_macos_is_read_by_truststore(monkeypatch: pytest.MonkeyPatch) -> None:
    class Keychain(ssl.SSLContext):
        pass

    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setitem(sys.modules, "truststore", SimpleNamespace(SSLContext=Keychain))
    tls._context.cache_clear()
    assert isinstance(await ssl_context(SERVER), Keychain)
    tls._context.cache_clear()


@pytest.mark.parametrize("store", [None, "/etc/ssl/cert.pem"])
async def test_bundle_of_certifi_is_read_only_where_the_system_has_no_store(
    store: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = SimpleNamespace(cafile=store, capath=None)
    monkeypatch.setattr("ssl.get_default_verify_paths", lambda: paths)
    empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    monkeypatch.setattr("ssl.create_default_context", lambda: empty)
    tls._context.cache_clear()
    assert bool((await ssl_context(SERVER)).get_ca_certs()) is (store is None)
    tls._context.cache_clear()


@pytest.mark.skipif(os.name != "posix", reason="a pipe in a folder")
@pytest.mark.parametrize("key", ["verify", "certificate"])
async def test_file_that_never_answers_is_a_config_failure(key: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "dead")
    changes: dict[str, Any] = {key: str(tmp_path / "dead")}
    server = replace(SERVER, url="https://localhost:1", **changes)
    client = HttpClient(server, Limits(timeout=0.01))
    failure = await failure_from(client.request("GET", "/", step=Step.AUTH))
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.TLS)
    assert f"cannot read {tmp_path}/dead within" in failure.message
    (tmp_path / "dead").write_text("")  # lets the thread end


# Certificates

ENDS = datetime(2027, 3, 12, 10, tzinfo=UTC)


async def test_client_has_the_certificate_presented_last() -> None:
    first, second = (TlsIdentity("localhost", not_after=ENDS) for _ in range(2))
    client: HttpClient | None = None
    port = 0
    for identity in (first, second):
        async with tcp_server(
            scripted_replies(http_reply(b"ok")), identity.server, port=port
        ) as port:
            if client is None:
                server = replace(SERVER, url=f"https://localhost:{port}", verify=False)
                client = HttpClient(server, LIMITS)
                assert client.certificate is None
            await client.request("GET", "/", step=Step.AUTH)
            shown = client.certificate
            assert shown is not None
            assert (shown.sha256, shown.expires) == (fingerprint(identity.der), date(2027, 3, 12))
            await client.aclose()


async def test_plain_http_and_other_hosts_have_no_certificate() -> None:
    identity = TlsIdentity("localhost")
    server = replace(SERVER, verify=False)
    async with (
        tcp_server(scripted_replies(http_reply(b"ok"))) as plain,
        tcp_server(scripted_replies(http_reply(b"ok")), identity.server) as foreign,
        http_client(replace(server, url=f"http://localhost:{plain}"), LIMITS) as client,
        http_client(replace(server, url=f"https://localhost:{foreign}"), LIMITS) as secure,
    ):
        await client.request("GET", "/", step=Step.AUTH)
        assert client.certificate is None
        await secure.request("GET", f"https://127.0.0.1:{foreign}/", step=Step.AUTH)
        assert secure.certificate is None  # as tokens are asked for elsewhere


@given(st.binary(max_size=300))
def test_malformed_certificate_has_a_fingerprint_only(der: bytes) -> None:
    assert read_leaf(der)[0] == Certificate(fingerprint(der))


async def test_canceled_handshake_closes_its_connection() -> None:
    hello, end = asyncio.Event(), asyncio.Event()

    async def listen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        hello.set()
        await reader.read()
        end.set()

    async with tcp_server(listen) as port:
        client = HttpClient(replace(SERVER, url=f"https://127.0.0.1:{port}"), Limits())
        request = asyncio.create_task(client.request("GET", "/", step=Step.AUTH))
        await hello.wait()
        request.cancel()
        await asyncio.wait_for(end.wait(), 60)
        await asyncio.wait([request])
