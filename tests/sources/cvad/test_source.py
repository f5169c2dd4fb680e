from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.sources.cvad.conftest import SERVER
from tests.support import fake_site
from tests.support.fake_site import (
    CLOUD_TOKENS,
    CONTROLLERS,
    ME,
    OVERVIEW,
    PASSWORD,
    SITE,
    TOKENS,
    details,
    me,
    overview,
    row,
)

from lictui.model import Activation, Reading
from lictui.sources.source import SourceError, ignore
from lictui.words import ActivationStatus, FailureKind, Mode, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clock import FakeClock
    from tests.support.fake_site import FakeSite

    from lictui.model import Failure, Server
    from lictui.sources.cvad.source import CvadSource

PREVIEW = "/citrix/orchestration/api/techpreview/CitrixOnPremises/9f3c/Licensing/LicenseOverview"
OLD_TOKENS = "/citrix/orchestration/api/tokens"


async def failure_of(source: CvadSource) -> Failure:
    with pytest.raises(SourceError) as caught:
        await source.fetch(ignore)
    failure = caught.value.failure
    assert PASSWORD not in f"{failure}"
    assert "token-" not in f"{failure}"
    assert failure.hint
    return failure


async def test_a_site_is_read_and_tells_each_step(source: CvadSource, site: FakeSite) -> None:
    found: list[tuple[Step, str]] = []
    snapshot = await source.fetch(lambda step, detail: found.append((step, detail)))
    (pool,) = snapshot.pools
    assert (pool.product, pool.reading) == ("XDT_PLT_CCS", Reading(214, 500, 50))
    assert (snapshot.reported_name, snapshot.version, snapshot.mode) == ("PROD", "7.47", Mode.FILE)
    assert [step for step, _ in found] == [Step.AUTH, Step.INVENTORY, Step.PARSE]
    assert fake_site.USERNAME in found[0][1]
    assert OVERVIEW in found[1][1]
    assert site.paths[:4] == [TOKENS, ME, SITE, OVERVIEW]
    asked = site.asked[3]
    assert dict(asked.url.params) == {"includeInventory": "true", "async": "false"}
    assert asked.headers["Citrix-CustomerId"] == "CitrixOnPremises"
    assert asked.headers["Citrix-InstanceId"] == "9f3c"
    assert "Citrix-InstanceId" not in site.asked[1].headers


async def test_the_next_poll_keeps_token_site_and_path(source: CvadSource, site: FakeSite) -> None:
    await source.fetch(ignore)
    site.asked.clear()
    await source.fetch(ignore)
    assert site.paths == [SITE, OVERVIEW]


async def test_a_token_is_renewed_before_it_ends(
    source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    await source.fetch(ignore)
    await clock.advance(3600 - 61)
    await source.fetch(ignore)
    assert site.valid == 1
    await clock.advance(1)
    await source.fetch(ignore)
    assert site.valid == 2


@pytest.mark.parametrize("ends", ["2020-01-01T00:00:00Z", "never", "", "9" * 30])
async def test_an_end_that_cannot_be_is_taken_as_an_hour(
    ends: str, source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    site.lifetime["ExpiresAt"] = ends
    await source.fetch(ignore)
    await clock.advance(3000)
    await source.fetch(ignore)
    assert site.valid == 1


async def test_a_token_that_dies_half_way_is_renewed_once(
    source: CvadSource, site: FakeSite
) -> None:
    await source.fetch(ignore)
    site.valid = 7  # token-1 is no longer known
    site.asked.clear()
    await source.fetch(ignore)
    assert site.paths == [SITE, TOKENS, SITE, OVERVIEW]


async def test_a_token_that_is_never_good_ends_in_auth(source: CvadSource, site: FakeSite) -> None:
    site.answers[SITE] = httpx.Response(401)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert site.paths.count(TOKENS) == 2


async def test_older_releases_have_the_token_elsewhere(source: CvadSource, site: FakeSite) -> None:
    site.token_paths = {OLD_TOKENS}
    site.answers["/citrix/orchestration/api/me"] = site.answers.pop(ME)
    site.answers[f"/citrix/orchestration/api{SITE.removeprefix('/cvad/manage')}"] = details()
    del site.answers[SITE]
    assert (await source.fetch(ignore)).version == "7.47"
    assert site.paths[:2] == [TOKENS, OLD_TOKENS]


async def test_a_wrong_password(source: CvadSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LICTUI_TEST", "wrong")
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert "ddc01.acme.test:443" in failure.message


async def test_a_secret_that_is_not_there(
    source: CvadSource, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LICTUI_TEST")
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)
    assert not site.asked


async def test_no_password_over_plain_http(
    open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    failure = await failure_of(open_source(replace(SERVER, url="http://ddc01.acme.test")))
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)
    assert not site.asked


async def test_a_server_that_repeats_the_password(source: CvadSource, site: FakeSite) -> None:
    said = {"ErrorData": {"ErrorMessage": f"bad password {PASSWORD}!"}}
    site.answers[TOKENS] = httpx.Response(400, json=said)
    assert "bad password …!" in (await failure_of(source)).message


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.PROTOCOL),
        (403, FailureKind.FORBIDDEN),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.UNAVAILABLE),
        (502, FailureKind.UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("path", [TOKENS, ME, SITE, OVERVIEW])
async def test_every_status_has_its_kind(
    status: int, kind: FailureKind, path: str, source: CvadSource, site: FakeSite
) -> None:
    said = {"ErrorData": {"ErrorMessage": "because\x1b[2J of it"}}
    site.answers[path] = httpx.Response(status, json=said)
    failure = await failure_of(source)
    assert failure.kind is kind
    assert failure.step is (Step.AUTH if path == TOKENS else Step.INVENTORY)
    assert f"{status}: ddc01.acme.test:443" in failure.message
    assert "because[2J of it" in failure.message


async def test_a_503_is_tried_again(source: CvadSource, site: FakeSite, clock: FakeClock) -> None:
    replies = [httpx.Response(503), httpx.Response(200, json=overview(row()))]
    site.answers[OVERVIEW] = lambda _request: replies.pop(0)
    reading = asyncio.ensure_future(source.fetch(ignore))
    await clock.advance(1)
    assert reading.done()
    assert (await reading).pools


@pytest.mark.parametrize("path", [TOKENS, ME, SITE, OVERVIEW])
async def test_a_login_page_is_called_one(path: str, source: CvadSource, site: FakeSite) -> None:
    site.answers[path] = httpx.Response(200, html="\n<!DOCTYPE html><title>Sign in</title>")
    failure = await failure_of(source)
    assert failure.kind is FailureKind.PARSE
    assert "HTML page instead of JSON" in failure.message


@pytest.mark.parametrize("path", [TOKENS, ME, SITE, OVERVIEW])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[" * 9999, b'{"a":NaN}', b"\x80"],
    ids=["empty", "cut", "deep", "nan", "bytes"],
)
async def test_what_is_not_json(path: str, body: bytes, source: CvadSource, site: FakeSite) -> None:
    site.answers[path] = httpx.Response(200, content=body)
    assert (await failure_of(source)).kind is FailureKind.PARSE


@pytest.mark.parametrize("token", [None, "", "two words", "new\nline", "ümlaut", 5])
async def test_an_answer_without_a_usable_token(
    token: object, source: CvadSource, site: FakeSite
) -> None:
    site.answers[TOKENS] = {"Token": token}
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.PARSE, Step.AUTH)


async def test_no_rest_api_at_all(source: CvadSource, site: FakeSite) -> None:
    site.token_paths = set()
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.AUTH)


@pytest.mark.parametrize("wanted", ["TEST", "test", "a1", "A1"])
async def test_a_site_is_chosen_by_name_or_id(
    wanted: str, open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    site.answers[ME] = me(("9f3c", "PROD"), ("a1", "Test"))
    site.answers["/cvad/manage/Sites/a1"] = details(Name="Test")
    assert (await open_source(replace(SERVER, site=wanted)).fetch(ignore)).reported_name == "Test"


@pytest.mark.parametrize("wanted", ["", "nosuch"])
async def test_a_site_that_is_not_clear_lists_the_names(
    wanted: str, open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    site.answers[ME] = me(("9f3c", "PROD"), ("a1", "Te\x1bst"))
    failure = await failure_of(open_source(replace(SERVER, site=wanted)))
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.INVENTORY)
    assert "PROD, Test" in failure.message


async def test_an_account_without_a_site(source: CvadSource, site: FakeSite) -> None:
    site.answers[ME] = {"Customers": [{"Id": "CitrixOnPremises", "Sites": []}]}
    assert (await failure_of(source)).kind is FailureKind.FORBIDDEN


async def test_a_site_that_is_gone_is_looked_for_again(source: CvadSource, site: FakeSite) -> None:
    await source.fetch(ignore)
    site.answers = {ME: me(("b2", "PROD")), "/cvad/manage/Sites/b2": details()}
    assert (await failure_of(source)).kind is FailureKind.NO_DATA
    assert (await source.fetch(ignore)).pools


@pytest.mark.parametrize("identity", ["../../x", "a/b?c=d#e", "//evil.example", "ü \u202e"])
async def test_a_hostile_site_id_stays_one_segment_of_this_host(
    identity: str, source: CvadSource, site: FakeSite
) -> None:
    site.answers[ME] = me((identity, "PROD"))
    await failure_of(source)
    assert {request.url.host for request in site.asked} == {"ddc01.acme.test"}
    paths = [request.url.raw_path.partition(b"?")[0] for request in site.asked]
    assert [path.count(b"/") for path in paths if b"/Sites/" in path] == [4]
    of_site = [path.partition(b"/CitrixOnPremises/")[2] for path in paths]
    assert [path.count(b"/") for path in of_site if path.endswith(b"LicenseOverview")] == [2, 2]


async def test_only_the_site_is_known_where_no_overview_answers(
    source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    del site.answers[OVERVIEW]
    snapshot = await source.fetch(ignore)
    assert snapshot.pools[0].reading == Reading(214, None, None)
    assert snapshot.mode is None
    assert [path for path in site.paths if path.endswith("LicenseOverview")] == [
        OVERVIEW,
        "/cvad/manage/Licensing/LicenseOverview",
        PREVIEW,
    ]
    site.asked.clear()
    await source.fetch(ignore)
    assert site.paths == [SITE]
    await clock.advance(3600)
    site.answers[OVERVIEW] = overview(row())
    assert (await source.fetch(ignore)).pools[0].reading.installed == 500


@pytest.mark.parametrize("status", [404, 405, 406, 501])
async def test_the_overview_is_found_on_a_later_path_and_remembered(
    status: int, source: CvadSource, site: FakeSite
) -> None:
    site.answers[OVERVIEW] = httpx.Response(status)
    site.answers[PREVIEW] = overview(row(LicensesInUse=3))
    assert (await source.fetch(ignore)).pools[0].reading.in_use == 3
    site.asked.clear()
    await source.fetch(ignore)
    assert OVERVIEW not in site.paths
    assert PREVIEW in site.paths


async def test_configured_paths_replace_the_known_ones(
    open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    paths = ("/a/{customer}/{site}/L?x=1", "/b/L")
    site.answers["/b/L"] = overview(row(LicensesInUse=4))
    source = open_source(replace(SERVER, overview_paths=paths))
    assert (await source.fetch(ignore)).pools[0].reading.in_use == 4
    first = next(r for r in site.asked if r.url.path == "/a/CitrixOnPremises/9f3c/L")
    assert dict(first.url.params) == {"x": "1"}
    assert OVERVIEW not in site.paths


async def test_a_job_is_followed_to_its_end(
    source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    site.answers[OVERVIEW] = httpx.Response(202, headers={"Location": "/jobs/7"})
    looks = [
        httpx.Response(202, headers={"Location": "https://ddc01.acme.test/jobs/7"}),
        httpx.Response(200, json=overview(row(LicensesInUse=5))),
    ]
    site.answers["/jobs/7"] = lambda _request: looks.pop(0)
    reading = asyncio.ensure_future(source.fetch(ignore))
    await clock.advance(2)
    assert reading.done()
    assert (await reading).pools[0].reading.in_use == 5


async def test_a_job_without_end_is_given_up(
    source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    site.answers[OVERVIEW] = httpx.Response(202, headers={"Location": OVERVIEW})
    reading = asyncio.ensure_future(failure_of(source))
    await clock.advance(60)
    assert reading.done()
    assert (await reading).kind is FailureKind.TIMEOUT


@pytest.mark.parametrize(
    "location",
    [
        "",
        "https://evil.example/jobs/7",
        "//evil.example/x",
        "http://[",
        "https://ddc01.acme.test//evil.example",
    ],
)
async def test_a_job_elsewhere_does_not_get_our_token(
    location: str, source: CvadSource, site: FakeSite
) -> None:
    site.answers[OVERVIEW] = httpx.Response(202, headers={"Location": location})
    assert (await failure_of(source)).kind is FailureKind.PROTOCOL
    assert {request.url.host for request in site.asked} == {"ddc01.acme.test"}


async def test_las_is_activated_until(source: CvadSource, site: FakeSite) -> None:
    information = {"UseLicenseActivationService": True, "LicenseServerStatus": "LasCompatible"}
    site.answers[OVERVIEW] = overview(las=(row(),), LicenseInformation=information)
    site.answers[CONTROLLERS] = {
        "Items": [
            {"LasActivationStatus": "Activated", "LasActivationExpiry": "2026-12-24T00:00:00Z"},
            {"LasActivationStatus": "Activated", "LasActivationExpiry": "2026-12-03T00:00:00Z"},
        ]
    }
    snapshot = await source.fetch(ignore)
    assert snapshot.mode is Mode.LAS
    assert snapshot.activation is not None
    assert snapshot.activation.status is ActivationStatus.ACTIVATED
    assert str(snapshot.activation.expires) == "2026-12-03"


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(403), httpx.Response(500), httpx.Response(200, html="<p>"), {"Items": 5}],
    ids=["403", "500", "html", "shape"],
)
async def test_without_controllers_the_poll_goes_on(
    answer: object, source: CvadSource, site: FakeSite
) -> None:
    site.answers[CONTROLLERS] = answer
    snapshot = await source.fetch(ignore)
    assert snapshot.pools
    assert snapshot.activation is None


async def test_controllers_that_refuse_our_token_do_not_cost_one_each_poll(
    source: CvadSource, site: FakeSite
) -> None:
    site.answers[CONTROLLERS] = httpx.Response(401)
    await source.fetch(ignore)
    await source.fetch(ignore)
    tokens = site.paths.count(TOKENS)
    await source.fetch(ignore)
    await source.fetch(ignore)
    assert site.paths.count(TOKENS) == tokens


async def test_a_cloud_site(open_source: Callable[[Server], CvadSource], site: FakeSite) -> None:
    server = replace(SERVER, url="https://api.cloud.com", customer_id="acme")
    site.answers[ME] = me(("c1", "cloudxdsite"), customer="acme")
    site.answers["/cvad/manage/Sites/c1"] = details(Name="cloudxdsite", LicenseServerUri=None)
    snapshot = await open_source(server).fetch(ignore)
    assert snapshot.mode is Mode.CLOUD
    assert site.paths[0] == CLOUD_TOKENS
    assert site.asked[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert site.asked[1].headers["Citrix-CustomerId"] == "acme"


async def test_a_customers_own_host_is_signed_in_to_at_the_global_one(
    open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    server = replace(SERVER, url="https://acme.xendesktop.net", customer_id="acme")
    await open_source(server).fetch(ignore)
    hosts = [request.url.host for request in site.asked]
    assert hosts[0] == "api.cloud.com"
    assert set(hosts[1:]) == {"acme.xendesktop.net"}


async def test_an_error_of_the_cloud_may_come_with_a_200(
    open_source: Callable[[Server], CvadSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICTUI_TEST", "expired")
    server = replace(SERVER, url="https://api.cloud.com", customer_id="acme")
    failure = await failure_of(open_source(server))
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert "invalid_client" in failure.message


@pytest.mark.parametrize("told", [60, "60", 60.0])
async def test_the_life_of_a_cloud_token_in_any_form(
    told: object, open_source: Callable[[Server], CvadSource], site: FakeSite, clock: FakeClock
) -> None:
    server = replace(SERVER, url="https://api.cloud.com", customer_id="acme")
    site.valid = 1
    site.answers[CLOUD_TOKENS] = {"access_token": "token-1", "expires_in": told}
    source = open_source(server)
    await source.fetch(ignore)
    await clock.advance(55)
    site.asked.clear()
    await source.fetch(ignore)
    assert CLOUD_TOKENS in site.paths


async def test_the_wrong_region(
    open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    site.token_paths = set()
    failure = await failure_of(
        open_source(replace(SERVER, url="https://api-ap-s.cloud.com", customer_id="acme"))
    )
    assert failure.kind is FailureKind.NO_DATA
    assert "customer_id" in failure.hint


async def test_a_site_that_knows_of_no_license(source: CvadSource, site: FakeSite) -> None:
    site.answers[OVERVIEW] = overview()
    site.answers[SITE] = {"Id": "9f3c", "Name": "PROD"}
    failure = await failure_of(source)
    assert failure.kind is FailureKind.NO_DATA
    assert "PROD" in failure.message


async def test_nothing_is_known_of_activation_with_license_files(
    source: CvadSource, site: FakeSite
) -> None:
    site.answers[CONTROLLERS] = [{"LasActivationStatus": "NotActivated"}]
    assert (await source.fetch(ignore)).activation is None
    site.answers[OVERVIEW] = httpx.Response(404)
    assert (await source.fetch(ignore)).activation == Activation(ActivationStatus.NOT_ACTIVATED)
