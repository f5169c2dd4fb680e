from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.sources.winrm.ntlm_server import PASSWORD
from tests.sources.winrm.wsman_replies import (
    MESSAGE_ID,
    SOAP,
    WsmanRequest,
    enumerate_reply,
    pool_values,
    wmi_instance,
)

from lictui.model import Failure, FailureKind, Server, Step
from lictui.sources.http import HttpReply
from lictui.sources.source import SourceError
from lictui.sources.winrm.auth import offered_schemes
from lictui.sources.winrm.source import WinrmSource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.clock import FakeClock

    from lictui.config.settings import Limits

    Ask = Callable[..., Awaitable[str | Failure]]

BASIC = "Basic " + base64.b64encode(rf"CORP\svc:{PASSWORD}".encode()).decode()
MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"


@pytest.fixture
def ask(server: Callable[..., Server], limits: Limits, clock: FakeClock) -> Ask:
    """Polls a server that lets in `needed` alone: how that went, or the failure."""

    async def run(needed: str, offered: str = "", **changes: object) -> str | Failure:
        def handle(request: httpx.Request) -> httpx.Response:
            if request.headers.get("authorization") != needed:
                return httpx.Response(401, headers={"WWW-Authenticate": offered})
            message = WsmanRequest(request.content).message.encode()
            body = enumerate_reply(wmi_instance(pool_values())).replace(
                MESSAGE_ID.encode(), message
            )
            return httpx.Response(200, headers={"Content-Type": SOAP}, content=body)

        told: list[str] = []
        source = WinrmSource(server(**changes), limits, clock, httpx.MockTransport(handle))
        try:
            await source.fetch(lambda step, detail: told.append(f"{step}: {detail}"))
        except SourceError as error:
            return error.failure
        finally:
            await source.aclose()
        return told[0]

    return run


async def test_basic_over_tls(ask: Ask) -> None:
    assert await ask(BASIC) == r"auth: Basic as CORP\svc"


async def test_basic_over_plain_http_stays_on_this_machine(ask: Ask) -> None:
    assert await ask(BASIC, url="http://127.0.0.1:5985/wsman") == r"auth: Basic as CORP\svc"
    failure = await ask(BASIC, url="http://lic01.example:5985/wsman")
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)


async def test_a_refused_password_is_told_without_it(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG", "hunter2")
    failure = await ask(BASIC, 'Negotiate, Basic realm="WSMAN"', secret="env:WRONG")
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert "rejected" in failure.message
    assert "local accounts" in failure.hint
    assert "hunter2" not in repr(failure)


async def test_a_server_that_offers_negotiate_only_says_so(ask: Ask) -> None:
    failure = await ask("never", "Negotiate")
    assert isinstance(failure, Failure)
    assert failure.message == "401 Unauthorized: the server accepts only Negotiate"
    assert failure.hint.startswith("Set auth = negotiate, or allow Basic in winrm/config/service")


async def test_a_client_certificate(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lictui.sources.http.ssl_context", lambda _server: True)
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
        {"auth": "basic", "username": ""},
        {"auth": "basic", "secret": "env:MISSING_SECRET"},
        {"auth": "digest"},
        {"url": "lic01"},
    ],
)
async def test_what_cannot_work_is_a_matter_of_configuration(
    ask: Ask, changes: dict[str, str]
) -> None:
    failure = await ask("never", **changes)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.CONFIG
    assert failure.hint


def test_offers_are_read_from_one_header_or_many() -> None:
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
