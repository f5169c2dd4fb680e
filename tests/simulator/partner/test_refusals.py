"""Whom the simulated partner API turns away, and in which fault it answers nobody as it should."""

from __future__ import annotations

import httpx
import pytest
from tests.simulator.partner.stage import READS, SERVERS, TOKENS, Client

from lictui.simulator.inventory import FaultMode

AUTHORIZATION = "https://errors-api.cloud.com/common/authorization"


@pytest.mark.parametrize("scheme", ["CwsAuth Bearer=", "CWSAuth bearer=", "cwsauth BEARER="])
async def test_the_scheme_may_be_written_in_any_case(inside: Client, scheme: str) -> None:
    token = inside.headers["Authorization"].partition("=")[2]
    assert (await inside.get(SERVERS, Authorization=scheme + token)).status_code == 200


@pytest.mark.parametrize("header", [None, "", "CwsAuth", "Bearer {}", "CwsAuth bearer={}x"])
async def test_nothing_else_opens_anything(inside: Client, header: str | None) -> None:
    token = inside.headers["Authorization"].partition("=")[2]
    for path in READS:
        answer = await inside.get(path, Authorization=header and header.format(token))
        assert answer.status_code == 401
        assert answer.json()["type"] == "https://errors-api.cloud.com/common/authentication"


async def test_the_customer_stands_in_the_path_and_perhaps_in_a_header(inside: Client) -> None:
    for path in READS:
        other = path.replace("acme", "other")
        for answer in (
            await inside.get(other),
            await inside.get(path, Citrix_CustomerId="other"),
            await inside.get(other, Citrix_CustomerId="acme"),
            await inside.get(other, Citrix_CustomerId="other"),
        ):
            assert (answer.status_code, answer.json()["type"]) == (403, AUTHORIZATION)
        assert (await inside.get(path, Citrix_CustomerId="ACME")).status_code == 200
        assert (await inside.get(path.replace("acme", "ACME"))).status_code == 200


async def test_there_is_nothing_else_and_nothing_can_be_changed(inside: Client) -> None:
    for path in ("/", "/acme", "/licenseservers", "/acme/licenseservers/LIC01"):
        answer = await inside.get(path)
        assert (answer.status_code, answer.json()["parameters"]["value"]) == (404, "path")
    answer = await inside.http.post(SERVERS, headers=inside.headers)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


async def test_every_answer_has_a_transaction_of_its_own(inside: Client) -> None:
    answers = [*[await inside.get(path) for path in READS], await inside.token()]
    assert len({each.headers["X-Cws-TransactionId"] for each in answers}) == 4


@pytest.mark.parametrize(
    ("fault", "status"), [(FaultMode.BUSY, 503), (FaultMode.RATE_LIMITED, 429)]
)
async def test_a_service_that_is_too_busy_says_when_to_come_back(
    inside: Client, fault: FaultMode, status: int
) -> None:
    inside.stage.fault = fault
    for answer in (await inside.token(), *[await inside.get(path) for path in READS]):
        assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
    inside.stage.fault = FaultMode.NORMAL
    assert (await inside.get(SERVERS)).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status"), [(FaultMode.FORBIDDEN, 403), (FaultMode.UNKNOWN_CUSTOMER, 404)]
)
async def test_a_token_alone_is_no_permission(
    inside: Client, fault: FaultMode, status: int
) -> None:
    inside.stage.fault = fault
    assert "token" in (await inside.token()).json()
    assert [(await inside.get(path)).status_code for path in READS] == [status] * 3


async def test_an_empty_partner_has_lists_of_nothing(inside: Client) -> None:
    inside.stage.fault = FaultMode.EMPTY
    bodies = [(await inside.get(path)).json() for path in READS]
    lists = ("licenseServersStatus", "skus", "netScalerCallingHomeDetails")
    assert bodies == [{"customerId": "acme", "orgId": "51000000", listed: []} for listed in lists]


async def test_a_portal_answers_everything_with_its_page(inside: Client) -> None:
    inside.stage.fault = FaultMode.LOGIN_PAGE
    for answer in (await inside.token(), *[await inside.get(path) for path in READS]):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/html")


async def test_an_answer_can_be_cut_off(inside: Client) -> None:
    inside.stage.fault = FaultMode.TRUNCATED
    assert "token" in (await inside.token()).json()
    for path in READS:
        with pytest.raises(httpx.RemoteProtocolError):
            await inside.get(path)


async def test_an_answer_can_be_too_long_to_read(inside: Client) -> None:
    inside.stage.fault = FaultMode.OVERSIZED
    for path in READS:
        answer = await inside.get(path)
        assert len(answer.content) > 10 * 1024 * 1024
        assert answer.json()["customerId"] == "acme"  # only its length is wrong with it


async def test_an_answer_can_mean_nothing(inside: Client) -> None:
    inside.stage.fault = FaultMode.GARBAGE
    for path in READS:
        answer = await inside.get(path)
        assert answer.status_code == 200
        with pytest.raises(UnicodeDecodeError):
            answer.content.decode()


async def test_silence_lasts_until_the_client_gives_up(inside: Client) -> None:
    inside.stage.fault = FaultMode.SILENT
    for path in (TOKENS, SERVERS):
        with pytest.raises(httpx.ReadTimeout):
            await inside.http.get(path, headers=inside.headers, timeout=0.05)
    inside.stage.fault = FaultMode.NORMAL
    assert (await inside.get(SERVERS)).status_code == 200


async def test_every_fault_is_unlike_every_other(client: Client) -> None:
    async def seen() -> tuple[object, ...]:
        try:
            token = await client.token()
            answers = [await client.get(path) for path in READS]
        except httpx.HTTPError as error:
            return (type(error),)
        return (
            token.status_code,
            len(token.content) > 0 and token.content[:9],
            *[(each.status_code, each.content[:30], len(each.content)) for each in answers],
        )

    await client.log_in()
    client.http.timeout = httpx.Timeout(5, read=0.5)
    likes = {}
    for fault in FaultMode:
        await client.stage.clock.advance(60)  # or there would be too many tokens
        client.stage.fault = fault
        likes[fault] = await seen()
    assert len(set(likes.values())) == len(FaultMode), likes
