"""Logins of WinRM against a fake server and a small NTLM listener, and message encryption."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import spnego
from tests.sources.winrm.conftest import OpenWinrm
from tests.sources.winrm.ntlm_server import PASSWORD, NtlmServer
from tests.sources.winrm.wsman_replies import (
    MESSAGE_ID,
    SOAP,
    WsmanRequest,
    enumerate_reply,
    fault_reply,
    pool_values,
    pull_reply,
    wmi_instance,
)
from tests.support.polls import failure_of, ignore_steps, poll_once, snapshot_of
from tests.support.tcp_server import TlsIdentity

from lictui.installation import extra_command
from lictui.model import Failure, FailureKind, Step
from lictui.sources.http import HttpReply
from lictui.sources.winrm.auth import (
    channel_binding,
    offered_schemes,
    seal,
    sealed_content_type,
    unseal,
)
from lictui.sources.winrm.source import WinrmSource

Ask = Callable[..., Awaitable[str | Failure]]
Connect = Callable[..., WinrmSource]

pytestmark = pytest.mark.usefixtures("ntlm_users")
POOL = wmi_instance(pool_values())
BASIC = "Basic " + base64.b64encode(rf"CORP\svc:{PASSWORD}".encode()).decode()

MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"


@pytest.fixture
def ask(open_source: OpenWinrm) -> Ask:
    """Polls a server that accepts one Authorization: its first step, or the failure."""

    async def run(accepted: str, offered: str = "", **changes: object) -> str | Failure:
        def handle(request: httpx.Request) -> httpx.Response:
            if request.headers.get("authorization") != accepted:
                return httpx.Response(401, headers={"WWW-Authenticate": offered})
            message = WsmanRequest(request.content).message.encode()
            body = enumerate_reply(POOL).replace(MESSAGE_ID.encode(), message)
            return httpx.Response(200, headers={"Content-Type": SOAP}, content=body)

        steps: list[str] = []
        source = open_source(httpx.MockTransport(handle), **changes)
        result = await poll_once(source, lambda step, detail: steps.append(f"{step}: {detail}"))
        return result if isinstance(result, Failure) else steps[0]

    return run


async def test_basic_is_sent_over_tls_or_on_loopback_only(ask: Ask) -> None:
    assert await ask(BASIC) == r"auth: Basic as CORP\svc"
    assert await ask(BASIC, url="http://127.0.0.1:5985/wsman") == r"auth: Basic as CORP\svc"
    failure = await ask(BASIC, url="http://lic01.example:5985/wsman")
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)


@pytest.mark.parametrize("status", [200, 500])
async def test_fault_that_repeats_the_password_does_not_show_it(
    open_source: OpenWinrm, status: int
) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        reason = f"{'x' * 190}{PASSWORD} {request.headers['Authorization']}"
        message = WsmanRequest(request.content).message
        body = fault_reply("", reason=f"{PASSWORD} {reason}", relates_to=message)
        return httpx.Response(status, content=body)

    failure = await failure_of(open_source(httpx.MockTransport(handle)))
    assert ": … xxx" in failure.message
    assert PASSWORD[:4] not in failure.message
    assert BASIC[6:12] not in failure.message


async def test_client_certificate_is_announced_and_its_rejection_explained(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ssl_context(_server: object, _seconds: float) -> bool:
        return True

    monkeypatch.setattr("lictui.sources.http.ssl_context", ssl_context)
    login = {"auth": "certificate", "certificate": "/etc/lictui.pem", "username": "", "secret": ""}
    assert await ask(MUTUAL, **login) == "auth: client certificate"
    failure = await ask("never", "Negotiate", **login)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.AUTH
    assert "certmapping" in failure.hint


@pytest.mark.parametrize(
    "changes",
    [
        {"auth": "certificate"},
        {"auth": "certificate", "certificate": "/x.pem", "url": "http://127.0.0.1/wsman"},
        {"auth": "negotiate", "username": ""},
        {"auth": "negotiate", "secret": ""},
        {"auth": "basic", "secret": "env:MISSING_SECRET"},
    ],
)
async def test_impossible_login_is_a_config_failure(ask: Ask, changes: dict[str, str]) -> None:
    failure = await ask("never", "Negotiate", **changes)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.CONFIG
    assert failure.hint


def test_offered_schemes_are_read_from_one_header_or_several() -> None:
    headers = httpx.Headers(
        [
            ("WWW-Authenticate", "Negotiate TlRM=="),
            ("WWW-Authenticate", 'Kerberos, basic realm="a, b", Mystery x'),
        ]
    )
    assert offered_schemes(HttpReply(401, headers, b"")) == {
        "Negotiate": "TlRM==",
        "Kerberos": "",
        "Basic": 'realm="a',
    }


# NTLM over real sockets


def answer(request: WsmanRequest) -> bytes:
    """Two pools in two pages; no licenses and no services."""
    if "License_Pool" not in request.wql and not request.pulls:
        return enumerate_reply()
    if not request.pulls:
        return enumerate_reply(POOL, context="uuid:c1")
    return pull_reply(wmi_instance(pool_values(PLD="MPS_PLT_CCU")))


@pytest.fixture
def connect(open_source: OpenWinrm) -> Connect:
    """Opens a source for a listener on loopback."""

    def open_(listener: NtlmServer, **changes: object) -> WinrmSource:
        scheme = "https" if listener.tls else "http"
        url = f"{scheme}://127.0.0.1:{listener.port}/wsman"
        source: WinrmSource = open_source(**({"url": url, "auth": "negotiate"} | changes))
        return source

    return open_


@pytest.mark.parametrize(("auth", "blank"), [("negotiate", b" "), ("ntlm", b"")])
async def test_negotiate_encrypts_everything_over_plain_http(
    connect: Connect, auth: str, blank: bytes
) -> None:
    offered = "NTLM" if auth == "ntlm" else "Negotiate"
    async with NtlmServer(answer, blank=blank, offers=offered, scheme=offered) as listener:
        steps: list[tuple[Step, str]] = []
        snapshot = await connect(listener, auth=auth).fetch(lambda *step: steps.append(step))
        assert [pool.product for pool in snapshot.pools] == ["MPS_PLT_CCU", "XDT_PLT_UD"]
        assert steps == [
            (Step.AUTH, r"NTLM as CORP\svc"),
            (Step.INVENTORY, "2 pools, 0 licenses"),
            (Step.PARSE, "2 products"),
        ]
        assert not any(b"Envelope" in body for body in listener.seen)
        assert (listener.connections, listener.logins) == (1, 1)


async def test_login_is_kept_until_the_connection_is_lost(connect: Connect) -> None:
    async with NtlmServer(answer) as listener:
        source = connect(listener)
        for _ in range(3):
            await source.fetch(ignore_steps)
        assert (listener.connections, listener.logins) == (1, 1)
        listener.drop()
        await asyncio.sleep(0)
        assert (await source.fetch(ignore_steps)).pools
        assert listener.logins == 2


async def test_401_in_mid_session_is_authenticated_again(connect: Connect) -> None:
    async with NtlmServer(answer, shut_out_after=1) as listener:
        assert (await connect(listener).fetch(ignore_steps)).pools
        assert listener.logins == 5  # pools, their second page, licenses, services, version


async def test_login_that_has_no_effect_is_not_repeated(connect: Connect) -> None:
    async with NtlmServer(answer, shut_out_after=0) as listener:
        failure = await failure_of(connect(listener))
        assert failure.kind is FailureKind.AUTH
        assert listener.logins == 1


async def test_wrong_password_is_tried_once(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG", "hunter2-wrong")
    async with NtlmServer(answer) as listener:
        failure = await failure_of(connect(listener, secret="env:WRONG"))
        assert "locked" in failure.hint
        assert listener.connections == 1


@pytest.mark.parametrize(
    ("flaw", "kind", "words"),
    [
        ({"clear": 200}, FailureKind.PROTOCOL, "unencrypted response"),
        ({"clear": 403}, FailureKind.FORBIDDEN, "HTTP 403"),
        ({"close_between_legs": True}, FailureKind.PROTOCOL, "closed during authentication"),
        # The password was right: the next connection is refused for lack of a login.
        ({"close_after_login": True}, FailureKind.PROTOCOL, "closed after authentication"),
    ],
)
async def test_insecure_or_broken_exchange_is_refused(
    connect: Connect, flaw: dict[str, Any], kind: FailureKind, words: str
) -> None:
    async with NtlmServer(answer, **flaw) as listener:
        failure = await failure_of(connect(listener))
        assert failure.kind is kind
        assert words in failure.message


async def test_forged_response_is_refused_and_the_next_poll_logs_in_again(
    connect: Connect,
) -> None:
    async with NtlmServer(answer) as listener:
        source = connect(listener)
        await source.fetch(ignore_steps)
        listener.forge = True
        failure = await failure_of(source)
        assert failure.kind is FailureKind.PROTOCOL
        assert "cannot be decrypted" in failure.message
        listener.forge = False
        assert (await source.fetch(ignore_steps)).pools
        assert listener.logins == 2


@pytest.mark.parametrize(
    ("offers", "auth", "words", "hint"),
    [
        ('Basic realm="WSMAN"', "negotiate", "accepts only Basic", "Set auth = basic"),
        ("Negotiate, Kerberos", "basic", "accepts only Negotiate and Kerberos", "auth = negotiate"),
        ("CredSSP", "negotiate", "accepts only CredSSP", "Allow Negotiate"),
    ],
)
async def test_unsupported_scheme_names_the_way_out(
    connect: Connect, offers: str, auth: str, words: str, hint: str
) -> None:
    async with NtlmServer(answer, offers=offers) as listener:
        failure = await failure_of(connect(listener, auth=auth))
        assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
        assert words in failure.message
        assert hint in failure.hint


@pytest.mark.parametrize("token", ["!!!", "TlRMTVNTUAAC"])
async def test_invalid_token_is_a_named_failure(connect: Connect, token: str) -> None:
    async with NtlmServer(answer, offers=f"Negotiate {token}", scheme="Kerberos") as listener:
        failure = await failure_of(connect(listener))
        assert failure.kind in {FailureKind.PROTOCOL, FailureKind.AUTH}
        assert failure.step is Step.AUTH


async def test_negotiate_without_an_account_uses_what_this_user_has(connect: Connect) -> None:
    async with NtlmServer(answer) as listener:
        assert (await snapshot_of(connect(listener, username="", secret=""))).pools


@pytest.mark.skipif(find_spec("gssapi") is not None, reason="the extra is installed")
async def test_kerberos_without_its_extra_says_what_to_install(connect: Connect) -> None:
    async with NtlmServer(answer, offers="Negotiate, Kerberos") as listener:
        failure = await failure_of(connect(listener, auth="kerberos"))
        assert failure.kind is FailureKind.CONFIG
        assert extra_command("kerberos") in failure.hint


async def test_login_over_tls_is_bound_to_the_channel(
    connect: Connect, identity: TlsIdentity, bundle: Path
) -> None:
    bindings = channel_binding(identity.der)
    async with NtlmServer(answer, tls=identity.server, bindings=bindings) as listener:
        snapshot = await snapshot_of(connect(listener, verify=str(bundle)))
        assert len(snapshot.pools) == 2
        assert any(b"Envelope" in body for body in listener.seen)
        listener.bindings += b"x"  # another channel
        assert (await failure_of(connect(listener, verify=str(bundle)))).kind is FailureKind.AUTH


# Message encryption

ENVELOPE = "<s:Envelope>größer</s:Envelope>".encode()


class _Mirror:
    """Seals by turning bytes around, so that every byte of the form can be read."""

    def wrap_winrm(self, data: bytes) -> tuple[bytes, bytes, int]:
        return b"HEADER", data[::-1], 3

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        assert header == b"HEADER"
        return data[::-1]


MIRROR = cast("spnego.ContextProxy", _Mirror())


def test_encrypted_message_has_the_documented_form() -> None:
    assert seal(b"abc", MIRROR, "SPNEGO") == (
        b"--Encrypted Boundary\r\n"
        b"\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
        b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=6\r\n"
        b"--Encrypted Boundary\r\n"
        b"\tContent-Type: application/octet-stream\r\n"
        b"\x06\x00\x00\x00HEADERcba--Encrypted Boundary--\r\n"
    )
    assert sealed_content_type("Kerberos") == (
        'multipart/encrypted;protocol="application/HTTP-Kerberos-session-encrypted"'
        ';boundary="Encrypted Boundary"'
    )


SEALED = seal(ENVELOPE, MIRROR, "SPNEGO")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"--Encrypted Boundary\r\n", "parts"),
        (SEALED.replace(b"\x06\0\0\0", b"\xff\xff\xff\xff"), "truncated"),
        (SEALED.replace(b"\x06\0\0\0", b"\0\0\0\0"), "truncated"),
    ],
)
def test_invalid_encrypted_message_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        unseal(body, MIRROR)
