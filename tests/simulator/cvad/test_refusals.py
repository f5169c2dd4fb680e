"""Whom a simulated site turns away, and in which fault it answers nobody as it should."""

from __future__ import annotations

import httpx
import pytest
from tests.simulator.cvad.stage import FULL, SITE, Client

from lictui.simulator.inventory import FaultMode


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (SITE, {"Citrix_CustomerId": None}, 401),
        (SITE, {"Citrix_CustomerId": "other"}, 401),
        (FULL, {"Citrix_InstanceId": None}, 400),
        (FULL, {"Citrix_InstanceId": "other"}, 400),
        (f"{SITE}/ErrorWarning", {"Citrix_InstanceId": None}, 400),
        (SITE, {"Accept": "text/html"}, 406),
        (SITE, {"Accept": "*/*"}, 200),
        ("/cvad/manage/Sites/other", {}, 404),
        ("/", {}, 404),
    ],
)
async def test_a_request_must_say_who_asks_whom(
    inside: Client, path: str, headers: dict[str, str | None], status: int
) -> None:
    answer = await inside.get(path, **headers)
    assert answer.status_code == status
    if status != 200:
        assert set(answer.json()) == {"SdkErrorId", "ErrorMessage", "ErrorType", "ErrorDetails"}


async def test_nothing_can_be_changed(inside: Client) -> None:
    for method in ("PATCH", "DELETE", "PUT"):
        answer = await inside.http.request(method, SITE, headers=inside.headers)
        assert answer.status_code == 405


@pytest.mark.parametrize(
    ("fault", "status"), [(FaultMode.BUSY, 503), (FaultMode.RATE_LIMITED, 429)]
)
async def test_a_site_that_is_too_busy_says_when_to_come_back(
    inside: Client, fault: FaultMode, status: int
) -> None:
    inside.stage.fault = fault
    for answer in (await inside.get(SITE), await inside.log_in()):
        assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
        assert "ErrorMessage" in answer.json()
    inside.stage.fault = FaultMode.NORMAL
    assert (await inside.get(SITE)).status_code == 200


async def test_a_user_without_the_permission_may_still_ask_who_he_is(inside: Client) -> None:
    inside.stage.fault = FaultMode.FORBIDDEN
    assert (await inside.get("/cvad/manage/me")).status_code == 200
    assert [(await inside.get(path)).status_code for path in (SITE, FULL)] == [403, 403]


async def test_a_portal_answers_everything_with_its_page(inside: Client) -> None:
    inside.stage.fault = FaultMode.LOGIN_PAGE
    for answer in (await inside.get(SITE), await inside.http.post("/cvad/manage/Tokens")):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/html")


async def test_an_answer_can_be_cut_off(inside: Client) -> None:
    inside.stage.fault = FaultMode.TRUNCATED
    with pytest.raises(httpx.RemoteProtocolError):
        await inside.get(SITE)


async def test_silence_lasts_until_the_client_gives_up(inside: Client) -> None:
    inside.stage.fault = FaultMode.SILENT
    with pytest.raises(httpx.ReadTimeout):
        await inside.http.get(SITE, headers=inside.headers, timeout=0.05)
    inside.stage.fault = FaultMode.NORMAL
    assert (await inside.get(SITE)).status_code == 200


async def test_an_answer_can_be_too_long_to_read(inside: Client) -> None:
    inside.stage.fault = FaultMode.OVERSIZED
    answer = await inside.get(FULL)
    assert len(answer.content) > 10 * 1024 * 1024
    assert answer.json()["LicensesUsage"] == 255  # only its length is wrong with it


async def test_an_answer_can_mean_nothing(inside: Client) -> None:
    inside.stage.fault = FaultMode.GARBAGE
    answer = await inside.get(FULL)
    assert answer.status_code == 200
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode()


async def test_a_password_that_ran_out_gives_no_new_token(inside: Client) -> None:
    inside.stage.fault = FaultMode.CREDENTIALS_EXPIRED
    assert (await inside.get(SITE)).status_code == 200
    assert (await inside.log_in()).status_code == 401


async def test_elsewhere_there_is_no_such_site(inside: Client) -> None:
    inside.stage.fault = FaultMode.UNKNOWN_CUSTOMER
    assert (await inside.log_in()).status_code == 200
    assert [(await inside.get(path)).status_code for path in (SITE, FULL)] == [404, 404]
