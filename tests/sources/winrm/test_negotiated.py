from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
import trustme
from tests.sources.winrm.ntlm_server import NtlmServer
from tests.sources.winrm.wsman_replies import (
    WsmanRequest,
    enumerate_reply,
    pool_values,
    pull_reply,
    wmi_instance,
)

from lictui.installation import extra_command
from lictui.model import Failure, FailureKind, Server, Step
from lictui.sources.source import SourceError, ignore_steps
from lictui.sources.winrm.auth import channel_binding
from lictui.sources.winrm.source import WinrmSource

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.support.clock import FakeClock

    from lictui.config.settings import Limits

    Open = Callable[..., WinrmSource]

pytestmark = pytest.mark.usefixtures("ntlm_users")
POOL = wmi_instance(pool_values())


def answer(asked: WsmanRequest) -> bytes:
    """Two pools in two pages; no licenses and no services."""
    if "License_Pool" not in asked.wql and not asked.pulls:
        return enumerate_reply()
    if not asked.pulls:
        return enumerate_reply(POOL, context="uuid:c1")
    return pull_reply(wmi_instance(pool_values(PLD="MPS_PLT_CCU")))


@pytest.fixture
async def opened(
    server: Callable[..., Server], limits: Limits, clock: FakeClock
) -> AsyncIterator[Open]:
    """Opens sources for a listener on loopback, and closes them in the end."""
    sources: list[WinrmSource] = []

    def open_(listener: NtlmServer, **changes: object) -> WinrmSource:
        scheme = "https" if listener.tls else "http"
        url = f"{scheme}://127.0.0.1:{listener.port}/wsman"
        made = server(**({"url": url, "auth": "negotiate"} | changes))
        sources.append(WinrmSource(made, limits, clock))
        return sources[-1]

    yield open_
    for source in sources:
        await source.aclose()


async def failure(source: WinrmSource) -> Failure:
    with pytest.raises(SourceError) as caught:
        await source.fetch(ignore_steps)
    return caught.value.failure


@pytest.mark.parametrize("blank", [b"", b" "])
@pytest.mark.parametrize("auth", ["negotiate", "ntlm"])
async def test_plain_http_carries_nothing_readable(opened: Open, auth: str, blank: bytes) -> None:
    async with NtlmServer(answer, blank=blank) as listener:
        told: list[tuple[Step, str]] = []
        snapshot = await opened(listener, auth=auth).fetch(lambda *step: told.append(step))
        assert [pool.product for pool in snapshot.pools] == ["MPS_PLT_CCU", "XDT_PLT_UD"]
        assert told == [
            (Step.AUTH, r"NTLM as CORP\svc"),
            (Step.INVENTORY, "2 pools, 0 licenses"),
            (Step.PARSE, "2 products"),
        ]
        assert not any(b"Envelope" in body for body in listener.seen)
        assert (listener.connections, listener.logins) == (1, 1)


async def test_a_listener_that_offers_ntlm_by_name(opened: Open) -> None:
    async with NtlmServer(answer, offers="NTLM", scheme="NTLM") as listener:
        assert (await opened(listener, auth="ntlm").fetch(ignore_steps)).pools


async def test_a_login_lasts_from_poll_to_poll(opened: Open) -> None:
    async with NtlmServer(answer) as listener:
        source = opened(listener)
        for _ in range(3):
            await source.fetch(ignore_steps)
        assert (listener.connections, listener.logins) == (1, 1)


async def test_a_lost_connection_is_logged_in_anew(opened: Open) -> None:
    async with NtlmServer(answer) as listener:
        source = opened(listener)
        await source.fetch(ignore_steps)
        listener.drop()
        await asyncio.sleep(0)
        assert (await source.fetch(ignore_steps)).pools
        assert listener.logins == 2


async def test_a_401_in_mid_session_is_logged_in_anew(opened: Open) -> None:
    async with NtlmServer(answer, shut_out_after=1) as listener:
        assert (await opened(listener).fetch(ignore_steps)).pools
        assert listener.logins == 4  # pools, their second page, licenses, services


async def test_a_login_that_is_worth_nothing_is_not_repeated(opened: Open) -> None:
    async with NtlmServer(answer, shut_out_after=0) as listener:
        found = await failure(opened(listener))
        assert found.kind is FailureKind.AUTH
        assert listener.logins == 1


@pytest.mark.parametrize("auth", ["negotiate", "ntlm"])
async def test_a_wrong_password_is_tried_once_and_never_shown(
    opened: Open, auth: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG", "hunter2-wrong")
    async with NtlmServer(answer) as listener:
        found = await failure(opened(listener, auth=auth, secret="env:WRONG"))
        assert (found.kind, found.step) == (FailureKind.AUTH, Step.AUTH)
        assert r"CORP\svc" in found.message
        assert "hunter2" not in repr(found)
        assert listener.connections == 1


async def test_an_answer_in_the_clear_to_a_sealed_question_is_not_believed(opened: Open) -> None:
    async with NtlmServer(answer, clear=True) as listener:
        found = await failure(opened(listener))
        assert found.kind is FailureKind.PROTOCOL
        assert "unencrypted response" in found.message


async def test_a_forged_answer_is_not_believed_and_the_next_poll_begins_anew(
    opened: Open,
) -> None:
    async with NtlmServer(answer) as listener:
        source = opened(listener)
        await source.fetch(ignore_steps)
        listener.forge = True
        found = await failure(source)
        assert found.kind is FailureKind.PROTOCOL
        assert "cannot be decrypted" in found.message
        listener.forge = False
        assert (await source.fetch(ignore_steps)).pools
        assert listener.logins == 2


async def test_a_connection_closed_between_the_steps_of_a_login_is_named(opened: Open) -> None:
    async with NtlmServer(answer, close_between_legs=True) as listener:
        found = await failure(opened(listener))
        assert found.kind is FailureKind.PROTOCOL
        assert "closed during authentication" in found.message


@pytest.mark.parametrize(
    ("offers", "auth", "words", "hint"),
    [
        ('Basic realm="WSMAN"', "negotiate", "accepts only Basic", "Set auth = basic"),
        ("Negotiate, Kerberos", "basic", "accepts only Negotiate and Kerberos", "auth = negotiate"),
        ("CredSSP", "negotiate", "accepts only CredSSP", "Allow Negotiate"),
    ],
)
async def test_a_listener_that_wants_another_login_is_told_with_the_way_out(
    opened: Open, offers: str, auth: str, words: str, hint: str
) -> None:
    async with NtlmServer(answer, offers=offers) as listener:
        found = await failure(opened(listener, auth=auth))
        assert (found.kind, found.step) == (FailureKind.AUTH, Step.AUTH)
        assert words in found.message
        assert hint in found.hint


@pytest.mark.parametrize("token", ["!!!", "AAAA", "TlRMTVNTUAAC", ""])
async def test_a_token_that_makes_no_sense_is_a_named_failure(opened: Open, token: str) -> None:
    async with NtlmServer(answer, offers=f"Negotiate {token}", scheme="Kerberos") as listener:
        found = await failure(opened(listener))
        assert found.kind in {FailureKind.PROTOCOL, FailureKind.AUTH}
        assert found.step is Step.AUTH


@pytest.mark.skipif(find_spec("gssapi") is not None, reason="the extra is installed")
async def test_kerberos_without_its_extra_says_what_to_install(opened: Open) -> None:
    async with NtlmServer(answer, offers="Negotiate, Kerberos") as listener:
        found = await failure(opened(listener, auth="kerberos"))
        assert found.kind is FailureKind.CONFIG
        assert extra_command("kerberos") in found.hint


async def test_a_login_without_a_name_is_a_matter_of_configuration(opened: Open) -> None:
    async with NtlmServer(answer) as listener:
        found = await failure(opened(listener, username=""))
        assert (found.kind, found.step) == (FailureKind.CONFIG, Step.AUTH)


@pytest.fixture
def secured(tmp_path: Path) -> tuple[ssl.SSLContext, str, bytes]:
    """A server's TLS context, the bundle that vouches for it, and its leaf in DER."""
    import ssl as tls  # noqa: PLC0415 - beside the type of the same name

    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    context = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    der = tls.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
    return context, str(bundle), der


async def test_over_tls_the_login_is_bound_to_the_channel(
    opened: Open, secured: tuple[ssl.SSLContext, str, bytes]
) -> None:
    tls, bundle, leaf = secured
    async with NtlmServer(answer, tls=tls, bindings=channel_binding(leaf)) as listener:
        snapshot = await opened(listener, verify=bundle).fetch(ignore_steps)
        assert len(snapshot.pools) == 2
        assert any(b"Envelope" in body for body in listener.seen)


async def test_a_login_bound_to_another_channel_is_refused(
    opened: Open, secured: tuple[ssl.SSLContext, str, bytes]
) -> None:
    tls, bundle, leaf = secured
    async with NtlmServer(answer, tls=tls, bindings=channel_binding(leaf) + b"x") as listener:
        assert (await failure(opened(listener, verify=bundle))).kind is FailureKind.AUTH
