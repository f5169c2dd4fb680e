"""Tokens of the older trust service: how one is had, what it opens, and when it ends."""

from __future__ import annotations

import pytest
from tests.simulator.partner.stage import CLIENT, SECRET, SERVERS, TOKENS, Client

from lictui.simulator.inventory import FaultMode


@pytest.mark.parametrize("path", [TOKENS, "/acme/tokens/clients", "/ROOT/Tokens/Clients"])
async def test_a_secret_gives_a_token_of_an_hour_in_seconds(client: Client, path: str) -> None:
    answer = await client.token(path)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"principal", "subject", "token", "openIdToken", "expiresIn"}
    assert (body["principal"], body["expiresIn"]) == (CLIENT, 3600)


async def test_a_token_dies_after_an_hour_and_the_next_one_lives(client: Client) -> None:
    await client.log_in()
    await client.stage.clock.advance(3599)
    assert (await client.get(SERVERS)).status_code == 200
    await client.stage.clock.advance(1)
    answer = await client.get(SERVERS)
    assert (answer.status_code, answer.json()["parameters"][0]["value"]) == (401, "expired")
    await client.log_in()
    assert (await client.get(SERVERS)).status_code == 200


async def test_the_other_token_opens_nothing(client: Client) -> None:
    other = (await client.token()).json()["openIdToken"]
    answer = await client.get(SERVERS, Authorization=f"CwsAuth bearer={other}")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("changed", "status", "kind"),
    [
        ({"clientId": "who"}, 401, "authentication"),
        ({"clientSecret": "wrong"}, 401, "authentication"),
        ({"clientSecret": "höllisch"}, 401, "authentication"),
        ({"clientSecret": ""}, 400, "missing"),
        ({"clientId": None}, 400, "missing"),
        ({"clientId": 7}, 400, "missing"),
    ],
)
async def test_anything_else_is_refused(
    client: Client, changed: dict[str, object], status: int, kind: str
) -> None:
    answer = await client.token(TOKENS, **changed)
    assert answer.status_code == status
    assert answer.json()["type"] == f"https://errors-api.cloud.com/common/{kind}"


async def test_only_a_json_object_is_read(client: Client) -> None:
    form = await client.http.post(TOKENS, data={"clientId": CLIENT, "clientSecret": SECRET})
    assert form.status_code == 415
    head = {"Content-Type": "application/json; charset=utf-8"}
    for content, kind in ((b"{", "invalidJson"), (b"\xff", "invalidJson"), (b"[1]", "missing")):
        answer = await client.http.post(TOKENS, content=content, headers=head)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, kind)
    answer = await client.http.get(TOKENS)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert (await client.token("/other/tokens/clients")).status_code == 401


async def test_a_client_that_is_denied_loses_its_token_too(client: Client) -> None:
    await client.log_in()
    client.stage.fault = FaultMode.DENIED
    assert (await client.get(SERVERS)).status_code == 401
    assert (await client.token()).status_code == 401


async def test_a_secret_that_ran_out_gives_no_new_token_but_the_old_one_lives(
    client: Client,
) -> None:
    await client.log_in()
    client.stage.fault = FaultMode.CREDENTIALS_EXPIRED
    assert (await client.get(SERVERS)).status_code == 200
    answer = await client.token()
    assert answer.status_code == 401
    assert answer.json()["parameters"] == [{"name": "reason", "value": "expired"}]
