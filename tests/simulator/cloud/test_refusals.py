"""Whom the simulated cloud turns away, and in which fault it answers nobody as it should."""

from __future__ import annotations

import json

import httpx
import pytest
from tests.simulator.cloud.stage import CURRENT, HISTORY, READS, SUMMARY, TOKENS, Client

from lictui.simulator.inventory import FaultMode

AUTHENTICATION = "https://errors-api.cloud.com/common/authentication"


@pytest.mark.parametrize("scheme", ["CwsAuth Bearer=", "CwsAuth bearer=", "CWSAUTH BEARER="])
async def test_the_scheme_may_be_written_in_any_case(inside: Client, scheme: str) -> None:
    token = inside.headers["Authorization"].partition("=")[2]
    assert (await inside.get(CURRENT, Authorization=scheme + token)).status_code == 200


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "missing"),
        ("", "missing"),
        ("CwsAuth", "invalid"),
        ("Bearer {}", "invalid"),
        ("Bearer Bearer={}", "invalid"),
        ("CwsAuth {}", "invalid"),
        ("CwsAuth Token={}", "invalid"),
        ("CwsAuth Bearer={}x", "invalid"),
    ],
)
async def test_nothing_else_opens_anything(inside: Client, header: str | None, reason: str) -> None:
    token = inside.headers["Authorization"].partition("=")[2]
    for path in READS:
        answer = await inside.get(path, Authorization=header and header.format(token))
        assert answer.status_code == 401
        assert answer.json()["type"] == AUTHENTICATION
        assert answer.json()["parameters"] == [{"name": "reason", "value": reason}]


async def test_a_request_must_say_which_customer_it_is_about(inside: Client) -> None:
    for path in READS:
        answer = await inside.get(path, Citrix_CustomerId=None)
        assert (answer.status_code, answer.json()["type"]) == (401, AUTHENTICATION)
        answer = await inside.get(path, Citrix_CustomerId="other")
        assert answer.status_code == 403
        assert answer.json()["type"] == "https://errors-api.cloud.com/common/authorization"
        assert (await inside.get(path, Citrix_CustomerId="ACME")).status_code == 200


async def test_what_is_not_there_is_told_with_its_parameters_in_an_object(inside: Client) -> None:
    other = SUMMARY.replace("acme", "other")
    for path in ("/", "/licensing", CURRENT + "/x", other, "/acme/serviceStates"):
        answer = await inside.get(path)
        assert answer.status_code == 404
        assert answer.json() == {
            "type": "404",
            "detail": "resource not found",
            "parameters": {"name": "entityType", "value": "path"},
        }


async def test_paths_may_be_written_in_any_case_and_nothing_can_be_changed(
    inside: Client,
) -> None:
    assert (await inside.get(CURRENT.upper() + "/")).status_code == 200
    for method in ("POST", "PUT", "DELETE"):
        answer = await inside.http.request(method, CURRENT, headers=inside.headers)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


async def test_a_service_that_fails_says_500_and_goes_on(inside: Client) -> None:
    account, inside.stage.account = inside.stage.account, "no account"  # type: ignore[assignment]
    assert (await inside.get(CURRENT)).status_code == 500
    inside.stage.account = account
    assert (await inside.get(CURRENT)).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status"), [(FaultMode.BUSY, 503), (FaultMode.RATE_LIMITED, 429)]
)
async def test_a_service_that_is_too_busy_says_when_to_come_back(
    inside: Client, fault: FaultMode, status: int
) -> None:
    inside.stage.fault = fault
    for answer in (await inside.token(), *[await inside.get(path) for path in READS]):
        assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
        assert answer.json()["type"] == str(status)
    inside.stage.fault = FaultMode.NORMAL
    assert (await inside.get(CURRENT)).status_code == 200


async def test_a_client_without_the_permission_has_a_token_and_reads_nothing(
    inside: Client,
) -> None:
    inside.stage.fault = FaultMode.FORBIDDEN
    assert "access_token" in (await inside.token()).json()
    for path in READS:
        answer = await inside.get(path)
        assert answer.status_code == 403
        assert answer.json()["type"] == "https://errors-api.cloud.com/common/authorization"


async def test_another_region_gives_a_token_and_knows_no_customer(inside: Client) -> None:
    inside.stage.fault = FaultMode.UNKNOWN_CUSTOMER
    assert "access_token" in (await inside.token()).json()
    for path in READS:
        answer = await inside.get(path)
        assert answer.status_code == 404
        assert answer.json()["parameters"] == {"name": "entityType", "value": "customer"}


async def test_an_empty_account_is_one_of_which_nothing_was_recorded(inside: Client) -> None:
    inside.stage.fault = FaultMode.EMPTY
    statuses = [(await inside.get(path)).status_code for path in READS]
    assert statuses == [204, 204, 404]


async def test_a_portal_answers_everything_with_its_page(inside: Client) -> None:
    inside.stage.fault = FaultMode.LOGIN_PAGE
    for answer in (await inside.http.post(TOKENS), *[await inside.get(path) for path in READS]):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        assert b"Sign in" in answer.content


async def test_an_answer_can_be_cut_off(inside: Client) -> None:
    inside.stage.fault = FaultMode.TRUNCATED
    assert "access_token" in (await inside.token()).json()
    for path in READS:
        with pytest.raises(httpx.RemoteProtocolError):
            await inside.get(path)


async def test_an_answer_can_be_too_long_to_read(inside: Client) -> None:
    inside.stage.fault = FaultMode.OVERSIZED
    for path in READS:
        answer = await inside.get(path)
        assert len(answer.content) > 10 * 1024 * 1024
        assert answer.json()  # only its length is wrong with it


async def test_an_answer_can_mean_nothing(inside: Client) -> None:
    inside.stage.fault = FaultMode.GARBAGE
    for path in READS:
        answer = await inside.get(path)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("application/json")
        with pytest.raises(UnicodeDecodeError):
            answer.content.decode()
        with pytest.raises(json.JSONDecodeError):
            json.loads(answer.content.decode("latin-1"))


async def test_no_content_cannot_be_spoiled(inside: Client) -> None:
    inside.stage.account = None
    for fault in (FaultMode.TRUNCATED, FaultMode.OVERSIZED, FaultMode.GARBAGE):
        inside.stage.fault = fault
        assert (await inside.get(CURRENT)).status_code == 204


async def test_silence_lasts_until_the_client_gives_up(inside: Client) -> None:
    inside.stage.fault = FaultMode.SILENT
    for path in (TOKENS, HISTORY):
        with pytest.raises(httpx.ReadTimeout):
            await inside.http.get(path, headers=inside.headers, timeout=0.05)
    inside.stage.fault = FaultMode.NORMAL
    assert (await inside.get(CURRENT)).status_code == 200


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
