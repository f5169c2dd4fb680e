"""Tokens of Citrix Cloud: how one is had, what it opens, and when it ends."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from tests.simulator.cloud.stage import CLIENT, CURRENT, SECRET, TOKENS, Client

from lictui.simulator.inventory import FaultMode

ROOT = "/cctrustoauth2/root/tokens/clients"


@pytest.mark.parametrize("path", [TOKENS, ROOT, TOKENS.replace("acme", "ACME")])
async def test_a_secret_gives_a_token_whose_hour_is_a_string(client: Client, path: str) -> None:
    answer = await client.token(path)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"token_type", "access_token", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("bearer", "3600")
    assert body["access_token"].startswith("eyJ")


async def test_every_token_is_another_one(client: Client) -> None:
    tokens = {(await client.token()).json()["access_token"] for _ in range(3)}
    assert len(tokens) == 3


async def test_a_token_dies_after_an_hour_and_the_next_one_lives(client: Client) -> None:
    await client.log_in()
    await client.stage.clock.advance(3599)
    assert (await client.get(CURRENT)).status_code == 200
    await client.stage.clock.advance(1)
    answer = await client.get(CURRENT)
    assert answer.status_code == 401
    assert answer.json()["parameters"] == [{"name": "reason", "value": "expired"}]
    await client.log_in()
    assert (await client.get(CURRENT)).status_code == 200


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_id": "who"}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 200, "invalid_client"),
        ({"client_secret": "höllisch"}, 200, "invalid_client"),
        ({"client_secret": ""}, 200, "invalid_client"),
    ],
)
async def test_it_is_refused_in_more_than_one_way(
    client: Client, changed: dict[str, str], status: int, error: str
) -> None:
    answer = await client.token(**changed)
    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert set(answer.json()) == {"error", "error_description"}


async def test_the_secret_must_be_encoded(client: Client) -> None:
    form = "grant_type=client_credentials&client_id={}&client_secret={}"
    head = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    raw, encoded = [
        await client.http.post(TOKENS, content=form.format(CLIENT, secret), headers=head)
        for secret in (SECRET, quote(SECRET, safe=""))
    ]
    assert "error" in raw.json()
    assert "access_token" in encoded.json()


async def test_only_a_form_is_read(client: Client) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    answer = await client.http.post(TOKENS, json=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    answer = await client.http.post(TOKENS)
    assert answer.status_code == 400
    answer = await client.http.get(TOKENS)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_another_customer_has_no_endpoint_here(client: Client) -> None:
    assert (await client.token("/cctrustoauth2/other/tokens/clients")).status_code == 401


async def test_too_many_tokens_in_a_minute_are_too_many(client: Client) -> None:
    for _ in range(4):
        assert (await client.token(client_secret="wrong")).status_code == 200
    await client.stage.clock.advance(20)
    assert "access_token" in (await client.token()).json()
    answer = await client.token()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "40")
    await client.stage.clock.advance(39)
    assert (await client.token()).headers["Retry-After"] == "1"
    await client.stage.clock.advance(1)
    assert [(await client.token()).status_code for _ in range(5)] == [200] * 4 + [429]


async def test_a_client_that_is_denied_loses_its_token_too(client: Client) -> None:
    await client.log_in()
    client.stage.fault = FaultMode.DENIED
    assert (await client.get(CURRENT)).status_code == 401
    answer = await client.token()
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_secret_that_ran_out_gives_no_new_token_but_the_old_one_lives(
    client: Client,
) -> None:
    await client.log_in()
    client.stage.fault = FaultMode.CREDENTIALS_EXPIRED
    assert (await client.get(CURRENT)).status_code == 200
    answer = await client.token()
    assert answer.status_code == 200
    assert answer.json() == {
        "error": "invalid_client",
        "error_description": "The client secret has expired.",
    }
