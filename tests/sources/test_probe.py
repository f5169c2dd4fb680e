"""The step-by-step test of a server, over real sockets and with programs."""

import asyncio
import json
import re
from contextlib import aclosing
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.fake_api import SECRET
from tests.support.fake_site import (
    ME,
    OVERVIEW,
    SITE,
    TOKENS,
    inventory_row,
    license_overview,
    me_reply,
    site_details,
)
from tests.support.lmstat import CITRIX
from tests.support.polls import failure_from, http_client
from tests.support.programs import program
from tests.support.tcp_server import (
    TlsIdentity,
    connect_proxy,
    http_reply,
    never_reply,
    scripted_replies,
    tcp_server,
)

from lictui.clock import SystemClock
from lictui.config.settings import Limits
from lictui.model import Server, SourceName, Step, StepResult
from lictui.sources.probe import probe
from lictui.sources.tls import fingerprint

LONG = Limits(timeout=20.0, connect_timeout=10.0)


async def probe_steps(server: Server, limits: Limits = LONG) -> list[StepResult]:
    return [result async for result in probe(server, limits, SystemClock())]


def outcomes(results: list[StepResult]) -> list[tuple[str, bool]]:
    return [(result.step.value, result.ok) for result in results]


SHORT = Limits(timeout=1.5, connect_timeout=1.0)  # for servers that never answer

SERVER = Server("x", SourceName.CVAD, username="u", secret="env:LICTUI_TEST")


ANSWERS: dict[str, object] = {
    TOKENS: {"Token": "token-1", "Principal": r"CORP\u"},
    ME: me_reply(),
    SITE: site_details(),
    OVERVIEW: license_overview(inventory_row()),
}


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LICTUI_TEST", SECRET)


class SiteServer:
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


async def test_every_step_is_reported_in_order(identity: TlsIdentity, bundle: Path) -> None:
    async with tcp_server(SiteServer(), identity.server) as port:
        server = replace(SERVER, url=f"https://localhost:{port}", verify=str(bundle))
        results = await probe_steps(server)
    assert outcomes(results) == [(step.value, True) for step in Step]
    resolve, connect, tls, auth, inventory, parse = results
    assert "127.0.0.1" in resolve.detail
    assert connect.detail == f"127.0.0.1:{port}"
    assert tls.detail.startswith("trusted · ")
    assert f"sha256:{fingerprint(identity.der)}" in tls.detail
    assert re.search(r"O=trustme.* · valid until \d{4}-\d\d-\d\d · ", tls.detail)
    assert tls.fingerprint == fingerprint(identity.der)
    assert r"CORP\u" in auth.detail
    assert OVERVIEW in inventory.detail
    assert parse.detail == "1 pool"
    assert "PROD" not in parse.host_names  # the name of a site is not that of a host
    assert all(0 <= result.seconds < 60 for result in results)


@pytest.mark.parametrize("account", ["", "lic:tui@"])
async def test_server_behind_a_proxy_passes(
    identity: TlsIdentity, bundle: Path, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy whose URL contains a password is a secret."""
    async with (
        tcp_server(SiteServer(), identity.server) as port,
        tcp_server(partial(connect_proxy, account=account.removesuffix("@"))) as proxy,
    ):
        monkeypatch.setenv("LICTUI_PROXY", f"http://{account}127.0.0.1:{proxy}")
        own = "env:LICTUI_PROXY" if account else f"http://127.0.0.1:{proxy}"
        url = f"https://localhost:{port}"
        server = replace(SERVER, url=url, verify=str(bundle), proxy=own)
        results = await probe_steps(server)
    assert outcomes(results) == [(step.value, True) for step in Step]
    assert results[1].detail == f"127.0.0.1:{proxy}"


@pytest.mark.parametrize("reply", [b"HTTP/1.1 407 Authenticate\r\nContent-Length: 0\r\n\r\n", b""])
async def test_failure_of_a_proxy_is_not_blamed_on_the_server(reply: bytes) -> None:
    async with tcp_server(scripted_replies(reply)) as port:
        proxy = f"http://127.0.0.1:{port}"
        server = replace(SERVER, url="https://lic01.example", proxy=proxy)
        (*_, probed) = await probe_steps(server)
    async with http_client(server, LONG) as client:
        # Nothing listens there any more
        refused = await failure_from(client.request("GET", "/", step=Step.AUTH))
        async with tcp_server(scripted_replies(reply), port=port):
            failure = await failure_from(client.request("GET", "/", step=Step.AUTH))
    assert f"connection refused by 127.0.0.1:{port}" in refused.message
    for message in (probed.detail, failure.message):
        assert f"127.0.0.1:{port}" in message
        assert ("407" in message) is bool(reply)


async def test_ipv6_address_is_in_brackets(identity: TlsIdentity, bundle: Path) -> None:
    async with tcp_server(SiteServer(), identity.server, host="::1") as port:
        results = await probe_steps(
            replace(SERVER, url=f"https://[::1]:{port}", verify=str(bundle))
        )
    assert results[1].detail == f"[::1]:{port}"
    assert results[-1].ok


@pytest.mark.parametrize("verify", [True, "sha256:" + "0" * 64])
async def test_untrusted_certificate_can_be_pinned_with_the_result(
    verify: bool | str,  # noqa: FBT001 - as in servers.toml
    identity: TlsIdentity,
) -> None:
    async with tcp_server(SiteServer(), identity.server) as port:
        server = replace(SERVER, url=f"https://localhost:{port}", verify=verify)
        results = await probe_steps(server)
        assert outcomes(results) == [("resolve", True), ("connect", True), ("tls", False)]
        assert results[-1].fingerprint == fingerprint(identity.der)
        assert results[-1].detail.count(f"sha256:{fingerprint(identity.der)}") == 1
        assert "O=trustme" in results[-1].detail
        assert results[-1].hint
        for policy, words in ((f"sha256:{results[-1].fingerprint}", "pinned"), (False, "NOT VERI")):
            again = await probe_steps(replace(server, verify=policy))
            assert again[-1].ok
            assert again[2].detail.startswith(words)


@pytest.mark.parametrize(
    "server",
    [
        *(replace(SERVER, url=url) for url in ("https://no-such-host.invalid", "gopher://lic01")),
        *(Server("x", SourceName.LMSTAT, address=port) for port in ("", "lic 01", "70000@lic01")),
    ],
    ids=lambda server: server.url or server.address,
)
async def test_invalid_address_fails_to_resolve(server: Server) -> None:
    (result,) = await probe_steps(server)
    assert (result.step, result.ok) == (Step.RESOLVE, False)
    assert result.hint


async def test_silent_server_fails_in_the_step_reached() -> None:
    async with tcp_server(never_reply) as port:
        tls = await probe_steps(replace(SERVER, url=f"https://127.0.0.1:{port}"), SHORT)
        auth = await probe_steps(replace(SERVER, url=f"http://127.0.0.1:{port}"), SHORT)
    assert outcomes(tls) == [("resolve", True), ("connect", True), ("tls", False)]
    assert "1 s" in tls[-1].detail
    assert outcomes(auth) == [("resolve", True), ("connect", True), ("auth", False)]
    assert "1.5 s" in auth[-1].detail


@pytest.mark.parametrize(
    ("path", "body", "steps"),
    [
        (TOKENS, b"<html>", ["auth"]),
        (ME, {"Customers": []}, ["auth", "inventory"]),
        (SITE, 401, ["auth", "inventory"]),  # the token itself was good
        (OVERVIEW, b"{", ["auth", "inventory", "parse"]),
    ],
)
async def test_first_failure_is_the_last_result(path: str, body: object, steps: list[str]) -> None:
    async with tcp_server(SiteServer({path: body})) as port:
        results = await probe_steps(replace(SERVER, url=f"http://127.0.0.1:{port}"))
    assert [result.step.value for result in results[2:]] == steps
    assert [result.ok for result in results] == [True] * (len(results) - 1) + [False]


async def test_stopping_early_leaves_no_task() -> None:
    tasks = asyncio.all_tasks()
    async with tcp_server(SiteServer({OVERVIEW: b"<html>"})) as port:
        server = replace(SERVER, url=f"http://127.0.0.1:{port}")
        async with aclosing(probe(server, LONG, SystemClock())) as steps:
            async for result in steps:
                if result.step is Step.AUTH:
                    break
        ours = {task for task in asyncio.all_tasks() - tasks if "fetch" in repr(task)}
        assert not ours


# Programs

REFUSED = 'Error getting status: Cannot connect. (-15,570:111 "refused")'


def lmutil(folder: Path, text: str) -> str:
    return program(folder / "lmutil", f"{text}\n".encode())


def flexnet(path: str, *ports: int | str) -> Server:
    address = ",".join(f"{port}@127.0.0.1" for port in ports)
    return Server("x", SourceName.LMSTAT, address=address, lmutil=path)


async def test_lmstat_has_neither_tls_nor_auth(tmp_path: Path) -> None:
    async with tcp_server(never_reply) as port:
        results = await probe_steps(flexnet(lmutil(tmp_path, CITRIX), port))
    assert all(result.ok for result in results)
    assert [result.step.value for result in results] == "resolve connect inventory parse".split()
    assert (results[0].detail, results[1].detail) == ("127.0.0.1", f"127.0.0.1:{port}")
    assert results[-1].detail == "4 features"
    assert results[-1].host_names == ("lic01",)


async def test_one_of_three_license_servers_is_enough(tmp_path: Path) -> None:
    async with tcp_server(never_reply) as dead:
        pass
    async with tcp_server(never_reply) as port:
        server = flexnet(lmutil(tmp_path, CITRIX), dead, port)
        server = replace(server, address=f"{server.address},27000@no-such-host.invalid")
        results = await probe_steps(server)
    assert results[1].detail == f"127.0.0.1:{port}"
    assert results[-1].ok


async def test_server_that_only_lmutil_reaches_passes(tmp_path: Path) -> None:
    async with tcp_server(never_reply) as port:
        pass
    path = lmutil(tmp_path, CITRIX)
    results = await probe_steps(flexnet(path, port))
    assert [step for step, _ in outcomes(results)] == ["resolve", "connect", "inventory", "parse"]
    assert all(result.ok for result in results)
    expected = f"delegated to {path}: connection refused by 127.0.0.1:{port}"
    assert results[1].detail.startswith(expected)
    refused = await probe_steps(flexnet(lmutil(tmp_path, REFUSED), port))
    assert outcomes(refused) == [("resolve", True), ("connect", False)]
    lmutil(tmp_path, CITRIX)
    far = Server("x", SourceName.LMSTAT, address="27000@no-such-host.invalid", lmutil=path)
    results = await probe_steps(far)
    assert outcomes(results) == [("resolve", True), ("inventory", True), ("parse", True)]
    assert results[-1].host_names == ("lic01",)


async def test_unknown_host_key_fails_the_tls_step(tmp_path: Path) -> None:
    ssh = program(tmp_path / "ssh", stderr="Host key verification failed.", then="exit 255")
    server = Server("x", SourceName.COMMAND, command=(ssh, "lic01", "x"), format="wmi-json")
    (results,) = await probe_steps(server)
    assert (results.step, results.ok) == (Step.TLS, False)
    assert results.detail
