"""What is remembered of the certificate that a server shows, over real TLS."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.simulators import PASSWORD, USER, Simulators
from tests.support.tcp_server import TlsIdentity, http_reply, scripted_replies, tcp_server

from lictui.clock import SystemClock
from lictui.config.settings import Limits
from lictui.history.json_codec import from_json, to_json
from lictui.model import Certificate, Server, Snapshot, SourceName, Step
from lictui.sources import open_source
from lictui.sources.http import HttpClient
from lictui.sources.source import ignore_steps
from lictui.sources.tls import fingerprint, read_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = Limits(timeout=5.0, connect_timeout=5.0)
ENDS = datetime(2027, 3, 12, 10, tzinfo=UTC)


async def test_a_connection_knows_what_was_shown_and_a_new_one_what_is_shown_now() -> None:
    first, second = (TlsIdentity("localhost", not_after=ENDS) for _ in range(2))
    link: HttpClient | None = None
    port = 0
    for identity in (first, second):
        async with tcp_server(
            scripted_replies(http_reply(b"ok")), identity.server, port=port
        ) as port:
            if link is None:
                server = Server("x", SourceName.CVAD, url=f"https://localhost:{port}", verify=False)
                link = HttpClient(server, LIMITS)
                assert link.certificate is None
            await link.request("GET", "/", step=Step.AUTH)
            shown = link.certificate
            assert shown is not None
            assert (shown.sha256, shown.expires) == (fingerprint(identity.der), date(2027, 3, 12))
            await link.aclose()


async def test_neither_plain_http_nor_another_host_has_one() -> None:
    identity = TlsIdentity("localhost")
    async with (
        tcp_server(scripted_replies(http_reply(b"ok"))) as plain,
        tcp_server(scripted_replies(http_reply(b"ok")), identity.server) as other,
    ):
        server = Server("x", SourceName.CVAD, url=f"http://localhost:{plain}", verify=False)
        link = HttpClient(server, LIMITS)
        await link.request("GET", "/", step=Step.AUTH)
        assert link.certificate is None
        secure = HttpClient(replace(server, url=f"https://localhost:{other}"), LIMITS)
        await secure.request("GET", f"https://127.0.0.1:{other}/", step=Step.AUTH)
        assert secure.certificate is None  # as tokens are asked for elsewhere
        await link.aclose()
        await secure.aclose()


@pytest.fixture(scope="module")
def simulators() -> Iterator[Simulators]:
    with Simulators() as found:
        yield found


@pytest.mark.parametrize("source", [SourceName.WINRM, SourceName.CVAD])
async def test_a_snapshot_says_which_certificate_was_shown(
    simulators: Simulators, source: SourceName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICTUI_TEST", PASSWORD)
    one = simulators.winrm() if source is SourceName.WINRM else simulators.cvad()
    path = "/wsman" if source is SourceName.WINRM else ""
    server = Server(
        "x",
        source,
        url=f"https://127.0.0.1:{one.listener.port}{path}",
        username=USER,
        secret="env:LICTUI_TEST",
        auth="basic" if source is SourceName.WINRM else "",
        verify=one.pin,
    )
    opened = open_source(server, LIMITS, SystemClock())
    told = await opened.fetch(ignore_steps)
    await opened.aclose()
    assert told.certificate is not None
    assert told.certificate.sha256 == one.certificate.fingerprint
    assert told.certificate.expires is not None
    assert from_json(Snapshot, to_json(told)) == replace(
        told, pools=tuple(replace(pool, raw_fields=()) for pool in told.pools)
    )


@given(st.binary(max_size=300))
def test_a_malformed_certificate_has_a_fingerprint_and_no_days(der: bytes) -> None:
    assert read_certificate(der) == Certificate(fingerprint(der))
