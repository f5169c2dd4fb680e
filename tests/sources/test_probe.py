from __future__ import annotations

import asyncio
import json
import re
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support.fake_site import (
    ME,
    OVERVIEW,
    PASSWORD,
    SITE,
    TOKENS,
    inventory_row,
    license_overview,
    me_reply,
    site_details,
)
from tests.support.probe_steps import LONG, outcomes, probe_steps
from tests.support.tcp_server import TlsIdentity, http_reply, never_reply, tcp_server

from lictui.clock import SystemClock
from lictui.config.settings import Limits
from lictui.model import Server, SourceName, Step
from lictui.sources.probe import probe
from lictui.sources.tls import fingerprint

if TYPE_CHECKING:
    from pathlib import Path


SHORT = Limits(timeout=0.5, connect_timeout=0.3)  # for servers that never answer
SERVER = Server("x", SourceName.CVAD, username="u", secret="env:LICTUI_TEST")
ANSWERS: dict[str, object] = {
    TOKENS: {"Token": "token-1", "Principal": r"CORP\u"},
    ME: me_reply(),
    SITE: site_details(),
    OVERVIEW: license_overview(inventory_row()),
}


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LICTUI_TEST", PASSWORD)


class Site:
    """Answers by path over real sockets."""

    def __init__(self, changes: dict[str, object] | None = None) -> None:
        self.answers = ANSWERS | (changes or {})

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ", 2)[1].partition("?")[0]
            answer = self.answers.get(path)
            if answer is None or isinstance(answer, int):
                writer.write(http_reply(b"", f"{answer or 404} No"))
            else:
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                writer.write(http_reply(body))
            await writer.drain()


@pytest.fixture
def identity() -> TlsIdentity:
    return TlsIdentity("localhost", "127.0.0.1", "::1")


@pytest.fixture
def bundle(identity: TlsIdentity, tmp_path: Path) -> str:
    (tmp_path / "ca.pem").write_bytes(identity.ca_pem)
    return str(tmp_path / "ca.pem")


async def test_every_step_in_order(identity: TlsIdentity, bundle: str) -> None:
    async with tcp_server(Site(), identity.server) as port:
        server = replace(SERVER, url=f"https://localhost:{port}", verify=bundle)
        found = await probe_steps(server)
    assert outcomes(found) == [(step.value, True) for step in Step]
    resolve, connect, tls, auth, inventory, parse = found
    assert "127.0.0.1" in resolve.detail
    assert connect.detail == f"127.0.0.1:{port}"
    assert tls.detail.startswith("trusted · ")
    assert f"sha256:{fingerprint(identity.der)}" in tls.detail
    assert re.search(r"O=trustme.* · until \d{4}-\d\d-\d\d · ", tls.detail)
    assert tls.fingerprint == fingerprint(identity.der)
    assert r"CORP\u" in auth.detail
    assert OVERVIEW in inventory.detail
    assert parse.detail == "1 pool"
    assert all(finding.seconds >= 0 for finding in found)


async def test_plain_http_has_no_tls_step() -> None:
    async with tcp_server(Site()) as port:
        found = await probe_steps(replace(SERVER, url=f"http://127.0.0.1:{port}"))
    assert outcomes(found) == [(step.value, True) for step in Step if step is not Step.TLS]


async def test_ipv6(identity: TlsIdentity, bundle: str) -> None:
    async with tcp_server(Site(), identity.server, host="::1") as port:
        found = await probe_steps(replace(SERVER, url=f"https://[::1]:{port}", verify=bundle))
    assert found[1].detail == f"[::1]:{port}"
    assert found[-1].ok


@pytest.mark.parametrize("verify", [True, "sha256:" + "0" * 64])
async def test_an_untrusted_leaf_can_be_pinned_with_what_is_told(
    verify: bool | str,  # noqa: FBT001 - as the registry spells it
    identity: TlsIdentity,
) -> None:
    async with tcp_server(Site(), identity.server) as port:
        server = replace(SERVER, url=f"https://localhost:{port}", verify=verify)
        found = await probe_steps(server)
        assert outcomes(found) == [("resolve", True), ("connect", True), ("tls", False)]
        assert found[-1].fingerprint == fingerprint(identity.der)
        assert found[-1].detail.count(f"sha256:{fingerprint(identity.der)}") == 1
        assert "O=trustme" in found[-1].detail
        assert found[-1].hint
        again = await probe_steps(replace(server, verify=f"sha256:{found[-1].fingerprint}"))
    assert again[-1].ok
    assert again[2].detail.startswith("pinned · ")


async def test_no_check_is_said_aloud(identity: TlsIdentity) -> None:
    async with tcp_server(Site(), identity.server) as port:
        found = await probe_steps(replace(SERVER, url=f"https://localhost:{port}", verify=False))
    assert found[2].detail.startswith("NOT CHECKED")
    assert found[-1].ok


@pytest.mark.parametrize(
    ("url", "step"),
    [
        ("https://no-such-host.invalid", Step.RESOLVE),
        ("https://" + "x" * 64, Step.RESOLVE),
        ("gopher://lic01", Step.RESOLVE),
    ],
)
async def test_an_address_that_leads_nowhere(url: str, step: Step) -> None:
    (found,) = await probe_steps(replace(SERVER, url=url))
    assert (found.step, found.ok) == (step, False)
    assert found.hint


async def test_refused() -> None:
    async with tcp_server(never_reply) as port:
        pass
    found = await probe_steps(replace(SERVER, url=f"https://127.0.0.1:{port}"))
    assert outcomes(found) == [("resolve", True), ("connect", False)]
    assert "connection refused" in found[-1].detail


async def test_silence_in_the_handshake_and_after_it() -> None:
    async with tcp_server(never_reply) as port:
        tls = await probe_steps(replace(SERVER, url=f"https://127.0.0.1:{port}"), SHORT)
        auth = await probe_steps(replace(SERVER, url=f"http://127.0.0.1:{port}"), SHORT)
    assert outcomes(tls) == [("resolve", True), ("connect", True), ("tls", False)]
    assert "0.3 s" in tls[-1].detail
    assert outcomes(auth) == [("resolve", True), ("connect", True), ("auth", False)]
    assert "0.5 s" in auth[-1].detail


@pytest.mark.parametrize(
    ("path", "body", "steps"),
    [
        (TOKENS, b"<html>", ["auth"]),
        (ME, {"Customers": []}, ["auth", "inventory"]),
        (SITE, 401, ["auth", "inventory"]),  # the token itself was good
        (OVERVIEW, b"{", ["auth", "inventory", "parse"]),
        (OVERVIEW, [], ["auth", "inventory", "parse"]),
    ],
)
async def test_the_first_failure_is_the_last_finding(
    path: str, body: object, steps: list[str]
) -> None:
    async with tcp_server(Site({path: body})) as port:
        found = await probe_steps(replace(SERVER, url=f"http://127.0.0.1:{port}"))
    assert [finding.step.value for finding in found[2:]] == steps
    assert [finding.ok for finding in found] == [True] * (len(found) - 1) + [False]


async def test_a_bundle_that_is_missing_fails_the_tls_step(identity: TlsIdentity) -> None:
    async with tcp_server(Site(), identity.server) as port:
        server = replace(SERVER, url=f"https://localhost:{port}", verify="/no/such.pem")
        found = await probe_steps(server)
    assert outcomes(found)[-1] == ("tls", False)
    assert "/no/such.pem" in found[-1].detail


async def test_giving_up_half_way_leaves_nothing_behind() -> None:
    tasks = asyncio.all_tasks()
    async with tcp_server(Site({OVERVIEW: b"<html>"})) as port:
        server = replace(SERVER, url=f"http://127.0.0.1:{port}")
        async with aclosing(probe(server, LONG, SystemClock())) as steps:
            async for finding in steps:
                if finding.step is Step.AUTH:
                    break
        ours = {task for task in asyncio.all_tasks() - tasks if "fetch" in repr(task)}
        assert not ours


async def test_the_name_of_a_site_is_no_host() -> None:
    async with tcp_server(Site()) as port:
        found = await probe_steps(replace(SERVER, url=f"http://127.0.0.1:{port}"))
    assert not any("PROD" in finding.host_names for finding in found)
