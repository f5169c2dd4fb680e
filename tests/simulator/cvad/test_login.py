"""Tokens: how one is had, what it opens, and when it ends."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support.clock import START

from lictui.clock import iso
from lictui.simulator.cvad_server import SimulatedSite
from lictui.simulator.inventory import FaultMode

if TYPE_CHECKING:
    from tests.simulator.cvad.stage import Client, Stage

ME = "/cvad/manage/me"
CLOUD = "/cctrustoauth2/acme/tokens/clients"


@pytest.mark.parametrize("path", ["/cvad/manage/Tokens", "/citrix/orchestration/api/tokens"])
async def test_a_password_gives_a_token_of_an_hour(client: Client, path: str) -> None:
    answer = await client.log_in(path=path)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"Token", "Principal", "UserId", "CustomerId", "ExpiresAt"}
    assert body["CustomerId"] == "CitrixOnPremises"
    assert body["ExpiresAt"] == iso(START + 3600)
    assert (await client.get(ME)).status_code == 200


async def test_a_wrong_password_or_user_is_refused(client: Client) -> None:
    answer = await client.log_in("wrong")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Basic"
    assert set(answer.json()) >= {"SdkErrorId", "ErrorMessage", "ErrorType", "ErrorDetails"}
    stranger = await client.http.post("/cvad/manage/Tokens", auth=("svc-lictui", "c0rrect:horse"))
    assert stranger.status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !!", "Bearer x", "Basic " + b64encode(b"\xff:x").decode()]
)
async def test_what_is_no_basic_header_is_refused(client: Client, header: str) -> None:
    answer = await client.http.post("/cvad/manage/Tokens", headers={"Authorization": header})
    assert answer.status_code == 401


async def test_a_token_dies_after_an_hour_and_the_next_one_lives(client: Client) -> None:
    await client.log_in()
    await client.stage.clock.advance(3599)
    assert (await client.get(ME)).status_code == 200
    await client.stage.clock.advance(1)
    assert (await client.get(ME)).status_code == 401
    await client.log_in()
    assert (await client.get(ME)).status_code == 200


@pytest.mark.parametrize("scheme", ["CWSAuth bearer=", "CwsAuth Bearer=", "cwsauth BEARER="])
async def test_the_scheme_may_be_written_in_any_case(client: Client, scheme: str) -> None:
    token = (await client.log_in()).json()["Token"]
    assert (await client.get(ME, Authorization=scheme + token)).status_code == 200


@pytest.mark.parametrize("header", [None, "", "CWSAuth", "Bearer {}", "CWSAuth bearer={}x"])
async def test_nothing_else_opens_anything(client: Client, header: str | None) -> None:
    token = (await client.log_in()).json()["Token"]
    answer = await client.get(ME, Authorization=header and header.format(token))
    assert answer.status_code == 401
    assert answer.json()["ErrorType"] == "Unauthorized"


async def test_an_account_that_is_denied_loses_its_token_too(client: Client) -> None:
    await client.log_in()
    client.stage.fault = FaultMode.DENIED
    assert (await client.get(ME)).status_code == 401
    assert (await client.log_in()).status_code == 401


@pytest.fixture
def cloud(stage: Stage) -> Stage:
    stage.site = replace(SimulatedSite(id="9f3c", name="cloudxdsite"), customer="acme", cloud=True)
    return stage


def _form(**changed: str) -> dict[str, str]:
    form = {
        "grant_type": "client_credentials",
        "client_id": r"CORP\svc-lictui",
        "client_secret": "c0rrect:horse",
    }
    return {**form, **changed}


async def test_the_cloud_counts_its_hour_in_a_string(cloud: Stage, client: Client) -> None:
    answer = await client.http.post(CLOUD, data=_form())
    body = answer.json()
    assert answer.status_code == 200
    assert (body["token_type"], body["expires_in"]) == ("bearer", "3600")
    client.wear(body["access_token"])
    assert (await client.get(ME)).json()["Customers"][0]["Id"] == "acme"
    await cloud.clock.advance(3600)
    assert (await client.get(ME)).status_code == 401


@pytest.mark.usefixtures("cloud")
async def test_the_cloud_refuses_in_more_than_one_way(client: Client) -> None:
    stranger = await client.http.post(CLOUD, data=_form(client_id="who"))
    assert stranger.status_code == 401
    # Its own client looks for `error` in a 200, too.
    wrong = await client.http.post(CLOUD, data=_form(client_secret="wrong"))
    assert wrong.status_code == 200
    assert set(wrong.json()) == {"error", "error_description"}
    odd = await client.http.post(CLOUD, data=_form(grant_type="password"))
    assert odd.status_code == 400


@pytest.mark.usefixtures("cloud")
async def test_the_cloud_knows_no_basic_and_no_other_customer(client: Client) -> None:
    assert (await client.log_in()).status_code == 404
    other = await client.http.post("/cctrustoauth2/other/tokens/clients", data=_form())
    assert other.status_code == 404


async def test_a_site_at_home_knows_no_client_secrets(client: Client) -> None:
    assert (await client.http.post(CLOUD, data=_form())).status_code == 404
