"""Faults of the simulated license server that spoil its answers, or hide it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
import pytest
from defusedxml.ElementTree import ParseError, fromstring
from pypsrp.exceptions import AuthenticationError
from tests.simulator.winrm.test_pypsrp import POOLS, ask
from tests.simulator.winrm.test_service import ASKED, BASIC, SOAP
from tests.simulator.winrm.wsman import products

from lictui.simulator.inventory import FaultMode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lictui.simulator.http import Listener, ServerCertificate

    Serve = Callable[..., Awaitable[Listener]]


async def said(serve: Serve, certificate: ServerCertificate, fault: FaultMode) -> httpx.Response:
    """The answer to a question for pools, over TLS and Basic."""
    trust = ssl.create_default_context(cadata=certificate.pem.decode())
    url = (await serve(fault)).url + "/wsman"
    async with httpx.AsyncClient(verify=trust, auth=BASIC) as client:
        return await client.post(url, content=ASKED, headers=SOAP)


async def test_an_answer_can_be_too_long_to_read(
    serve: Serve, certificate: ServerCertificate
) -> None:
    reply = await said(serve, certificate, FaultMode.OVERSIZED)
    assert len(reply.content) > 10 * 1024 * 1024
    assert products(fromstring(reply.content)) == ["XDT_PLT_UD"]


async def test_an_answer_can_mean_nothing(serve: Serve, certificate: ServerCertificate) -> None:
    reply = await said(serve, certificate, FaultMode.GARBAGE)
    assert reply.status_code == 200
    with pytest.raises(ParseError):
        fromstring(reply.content)


async def test_a_password_that_ran_out_is_refused(serve: Serve) -> None:
    listener = await serve(FaultMode.CREDENTIALS_EXPIRED)
    for auth in ("basic", "ntlm"):
        with pytest.raises(AuthenticationError):
            await ask(listener, POOLS, auth=auth)


async def test_elsewhere_there_is_no_license_server(
    serve: Serve, certificate: ServerCertificate
) -> None:
    assert (await said(serve, certificate, FaultMode.UNKNOWN_CUSTOMER)).status_code == 404


async def test_a_sealed_answer_is_spoiled_inside_its_seal(serve: Serve) -> None:
    assert len(await ask(await serve(FaultMode.OVERSIZED, certificate=None), POOLS)) == 3
    with pytest.raises(UnicodeDecodeError):
        await ask(await serve(FaultMode.GARBAGE, certificate=None), POOLS)
