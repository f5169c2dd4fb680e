"""A poll of a site: which site, where its license overview is, what its controllers add."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from msgspec.structs import replace
from tests.support.clock import FakeClock, settle
from tests.support.fake_site import (
    CLOUD_TOKENS,
    CONTROLLERS,
    ME,
    OVERVIEW,
    SERVER,
    SESSIONS,
    SITE,
    TOKENS,
    USERNAME,
    FakeSite,
    inventory_row,
    license_overview,
    me_reply,
    site_details,
)
from tests.support.polls import failure_in, failure_of, ignore_steps, poll_once

from lictui.model import (
    Activation,
    ActivationStatus,
    Failure,
    FailureKind,
    Level,
    Mode,
    Reading,
    Snapshot,
    Step,
)
from lictui.sources.cvad import CvadSource, build_snapshot

Open = Callable[..., CvadSource]


@pytest.fixture
def site() -> FakeSite:
    return FakeSite()


@pytest.fixture
def open_source(site: FakeSite, open_rest_source: Open) -> Open:
    return lambda server: open_rest_source(server, site)


@pytest.fixture
def source(open_source: Open) -> CvadSource:
    return open_source(SERVER)


async def test_poll_reads_the_site_and_reports_each_step(
    source: CvadSource, site: FakeSite
) -> None:
    steps: list[tuple[Step, str]] = []
    snapshot = await source.fetch(lambda step, detail: steps.append((step, detail)))
    (pool,) = snapshot.pools
    assert (pool.product, pool.reading) == ("XDT_PLT_CCS", Reading(214, 500, 50))
    assert (snapshot.reported_name, snapshot.version, snapshot.mode) == ("PROD", "7.47", Mode.FILE)
    assert [step for step, _ in steps] == [Step.AUTH, Step.INVENTORY, Step.PARSE]
    assert USERNAME in steps[0][1]
    assert OVERVIEW in steps[1][1]
    assert site.paths[:4] == [TOKENS, ME, SITE, OVERVIEW]
    request = site.requests[3]
    assert dict(request.url.params) == {"includeInventory": "true", "async": "false"}
    assert request.headers["Citrix-CustomerId"] == "CitrixOnPremises"
    assert request.headers["Citrix-InstanceId"] == "9f3c"
    assert "Citrix-InstanceId" not in site.requests[1].headers


async def test_site_without_licenses_has_no_data(source: CvadSource, site: FakeSite) -> None:
    site.answers[OVERVIEW] = license_overview(
        LicenseInformation={"LicenseServerStatus": "NoInventory"}
    )
    site.answers[SITE] = site_details(LicensedSessionsActive=None)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.PARSE)
    assert failure.message == (
        "site PROD returned no license data; The license server has no licenses for the site"
    )


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(403), httpx.Response(200, html="<p>"), {"Items": 5}],
    ids=["403", "html", "shape"],
)
async def test_unreadable_controllers_do_not_fail_the_poll(
    answer: object, source: CvadSource, site: FakeSite
) -> None:
    site.answers[CONTROLLERS] = answer
    snapshot = await source.fetch(ignore_steps)
    assert snapshot.pools
    assert snapshot.activation is None


async def test_controllers_that_do_not_respond_do_not_fail_the_poll(
    source: CvadSource, site: FakeSite, timeouts: list[asyncio.Timeout]
) -> None:
    """A 503 asks for a second try after a pause, which here never ends."""
    site.answers[CONTROLLERS] = httpx.Response(503)
    reading = asyncio.ensure_future(source.fetch(ignore_steps))
    while CONTROLLERS not in site.paths:
        await settle()
    timeouts[-1].reschedule(0)
    assert (await reading).pools


async def test_controllers_that_reject_the_token_are_not_asked_again_soon(
    source: CvadSource, site: FakeSite
) -> None:
    site.answers[CONTROLLERS] = httpx.Response(401)
    for _ in range(2):
        await source.fetch(ignore_steps)
    tokens = site.paths.count(TOKENS)
    await source.fetch(ignore_steps)
    assert site.paths.count(TOKENS) == tokens


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (
            {
                "Items": [
                    {"State": s} for s in ["Active", "Connected"] * 100 + ["Disconnected"] * 40
                ]
            },
            "214 licensed, 200 connected, 40 disconnected; 26 more than licensed",
        ),
        ({"Items": [{"State": "Odd"}, {}]}, "0 disconnected, 2 in an unknown state; 212 fewer"),
        ({"Items": [], "ContinuationToken": "again"}, ""),  # without end
        ({"Items": None}, ""),
        (httpx.Response(403), ""),
        (httpx.Response(401), ""),
        (httpx.Response(200, html="<p>"), ""),
    ],
    ids=["counted", "unknown", "endless", "shape", "403", "401", "html"],
)
async def test_sessions_are_compared_with_licenses_and_never_fail_the_poll(
    answer: object, detail: str, source: CvadSource, site: FakeSite
) -> None:
    site.answers[SESSIONS] = answer
    for _ in range(2):
        found = [n.detail for n in (await source.fetch(ignore_steps)).notices]
        assert [detail in text for text in found] == ([True] if detail else [])
    assert site.paths.count(SESSIONS) == (50 if "ContinuationToken" in str(answer) else 1)


async def test_controllers_too_old_for_las_are_a_warning(
    source: CvadSource, site: FakeSite
) -> None:
    site.answers[CONTROLLERS] = [{"IsLasAware": False}, {"IsLasAware": True}]
    assert (await source.fetch(ignore_steps)).notices == ()
    las = {"UseLicenseActivationService": True}
    site.answers[OVERVIEW] = license_overview(las=(inventory_row(),), LicenseInformation=las)
    (notice,) = (await source.fetch(ignore_steps)).notices
    assert (notice.level, notice.detail) == (Level.WARN, "1 of 2, IsLasAware false")


async def test_activation_is_unknown_with_license_files(source: CvadSource, site: FakeSite) -> None:
    site.answers[CONTROLLERS] = [{"LasActivationStatus": "NotActivated"}]
    assert (await source.fetch(ignore_steps)).activation is None
    site.answers[OVERVIEW] = httpx.Response(404)
    assert (await source.fetch(ignore_steps)).activation == Activation(
        ActivationStatus.NOT_ACTIVATED
    )


# Which site of an account


@pytest.mark.parametrize("site_key", ["TEST", "A1"])
async def test_site_is_selected_by_name_or_id(
    site_key: str, open_source: Open, site: FakeSite
) -> None:
    site.answers[ME] = me_reply(("9f3c", "PROD"), ("a1", "Test"))
    site.answers["/cvad/manage/Sites/a1"] = site_details(Name="Test")
    snapshot = await open_source(replace(SERVER, site=site_key)).fetch(ignore_steps)
    assert snapshot.reported_name == "Test"


@pytest.mark.parametrize("site_key", ["", "nosuch"])
async def test_ambiguous_site_lists_the_names(
    site_key: str, open_source: Open, site: FakeSite
) -> None:
    site.answers[ME] = me_reply(("9f3c", "PROD"), ("a1", "Te\x1bst"))
    failure = await failure_of(open_source(replace(SERVER, site=site_key)))
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.INVENTORY)
    assert "PROD, Test" in failure.message


@pytest.mark.parametrize(("site_key", "result"), [("9f3c", Snapshot), ("", Failure)])
async def test_release_that_lists_no_sites_needs_the_id(
    site_key: str, result: type, open_source: Open, site: FakeSite
) -> None:
    del site.answers[ME]
    assert isinstance(await poll_once(open_source(replace(SERVER, site=site_key))), result)


async def test_account_without_a_site_is_forbidden(source: CvadSource, site: FakeSite) -> None:
    site.answers[ME] = {"Customers": [{"Id": "CitrixOnPremises", "Sites": []}]}
    assert (await failure_of(source)).kind is FailureKind.FORBIDDEN


async def test_deleted_site_is_searched_again(source: CvadSource, site: FakeSite) -> None:
    await source.fetch(ignore_steps)
    site.answers = {ME: me_reply(("b2", "PROD")), "/cvad/manage/Sites/b2": site_details()}
    assert (await failure_of(source)).kind is FailureKind.NO_DATA
    site.requests.clear()
    assert (await source.fetch(ignore_steps)).pools
    assert site.paths[0] == ME
    assert "Citrix-InstanceId" not in site.requests[0].headers


@pytest.mark.parametrize("identity", ["../../x", "a/b?c=d#e", "//evil.example", "ü \u202e"])
async def test_hostile_site_id_stays_one_path_segment_of_the_server(
    identity: str, source: CvadSource, site: FakeSite
) -> None:
    site.answers[ME] = me_reply((identity, "PROD"))
    await failure_of(source)
    assert {request.url.host for request in site.requests} == {"ddc01.acme.test"}
    paths = [request.url.raw_path.partition(b"?")[0] for request in site.requests]
    assert [path.count(b"/") for path in paths if b"/Sites/" in path] == [4]
    of_site = [path.partition(b"/CitrixOnPremises/")[2] for path in paths]
    assert [path.count(b"/") for path in of_site if path.endswith(b"LicenseOverview")] == [2, 2]


# The license overview: its path, and the job that creates it

PREVIEW = "/citrix/orchestration/api/techpreview/CitrixOnPremises/9f3c/Licensing/LicenseOverview"


async def test_site_details_are_used_while_no_overview_path_exists(
    source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    del site.answers[OVERVIEW]
    snapshot = await source.fetch(ignore_steps)
    assert snapshot.pools[0].reading == Reading(214, None, None)
    assert snapshot.mode is None
    assert [path for path in site.paths if path.endswith("LicenseOverview")] == [
        OVERVIEW,
        "/cvad/manage/Licensing/LicenseOverview",
        PREVIEW,
    ]
    site.requests.clear()
    await source.fetch(ignore_steps)
    assert site.paths == [SITE]
    await clock.advance(3600)
    site.answers[OVERVIEW] = license_overview(inventory_row())
    assert (await source.fetch(ignore_steps)).pools[0].reading.installed == 500


@pytest.mark.parametrize(
    "elsewhere",
    [
        httpx.Response(405),
        httpx.Response(501),
        httpx.Response(200, html="\n<!DOCTYPE html><title>Web Studio</title>"),
        httpx.Response(200, html="\ufeff<!DOCTYPE html><title>Web Studio</title>"),
    ],
    ids=lambda reply: f"{reply.status_code}",
)
async def test_overview_path_that_exists_is_remembered(
    elsewhere: httpx.Response, source: CvadSource, site: FakeSite
) -> None:
    site.answers[OVERVIEW] = elsewhere
    site.answers[PREVIEW] = license_overview(inventory_row(LicensesInUse=3))
    assert (await source.fetch(ignore_steps)).pools[0].reading.in_use == 3
    site.requests.clear()
    await source.fetch(ignore_steps)
    assert OVERVIEW not in site.paths
    preview = site.answers.pop(PREVIEW)  # for one poll, while the site is updated
    assert (await source.fetch(ignore_steps)).pools[0].reading.installed is None
    site.answers[PREVIEW] = preview
    assert (await source.fetch(ignore_steps)).pools[0].reading.installed == 500


async def test_configured_overview_paths_replace_the_built_in_ones(
    open_source: Open, site: FakeSite
) -> None:
    paths = ("/a/{customer}/{site}/L?x=1", "/b/L")
    site.answers["/b/L"] = license_overview(inventory_row(LicensesInUse=4))
    source = open_source(replace(SERVER, overview_paths=paths))
    assert (await source.fetch(ignore_steps)).pools[0].reading.in_use == 4
    first = next(r for r in site.requests if r.url.path == "/a/CitrixOnPremises/9f3c/L")
    assert dict(first.url.params) == {"x": "1"}
    assert OVERVIEW not in site.paths


async def test_job_is_followed_to_its_result(
    source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    site.answers[OVERVIEW] = httpx.Response(202, headers={"Location": "/jobs/7"})
    replies = [
        httpx.Response(202, headers={"Location": "https://ddc01.acme.test/jobs/7"}),
        httpx.Response(200, json=license_overview(inventory_row(LicensesInUse=5))),
    ]
    site.answers["/jobs/7"] = lambda _request: replies.pop(0)
    reading = asyncio.ensure_future(source.fetch(ignore_steps))
    await clock.advance(2)
    assert reading.done()
    assert (await reading).pools[0].reading.in_use == 5


async def test_endless_job_is_a_timeout(
    source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    site.answers[OVERVIEW] = httpx.Response(202, headers={"Location": OVERVIEW})
    reading = asyncio.ensure_future(failure_of(source))
    await clock.advance(60)
    assert reading.done()
    assert (await reading).kind is FailureKind.TIMEOUT


@pytest.mark.parametrize(
    "location", ["", "//evil.example/x", "http://[", "https://ddc01.acme.test//evil.example"]
)
async def test_job_on_another_host_does_not_get_the_token(
    location: str, source: CvadSource, site: FakeSite
) -> None:
    site.answers[OVERVIEW] = httpx.Response(202, headers={"Location": location})
    assert (await failure_of(source)).kind is FailureKind.PROTOCOL
    assert {request.url.host for request in site.requests} == {"ddc01.acme.test"}


# The snapshot


@pytest.mark.parametrize(
    ("uses_las", "status", "las_rows", "mode"),
    [
        (True, "LasCompatible", 1, Mode.LAS),
        (False, "LasCompatible", 1, Mode.FILE),
        (None, "LasCompatible", 0, Mode.LAS),
        (None, "Compatible", 1, Mode.LAS),
        (None, "Compatible", 0, Mode.FILE),
    ],
)
def test_mode_follows_the_setting_of_the_site(
    uses_las: object, status: str, las_rows: int, mode: Mode
) -> None:
    information = {"UseLicenseActivationService": uses_las, "LicenseServerStatus": status}
    answer = license_overview(
        inventory_row(), las=(inventory_row(),) * las_rows, LicenseInformation=information
    )
    assert build_snapshot(site_details(), answer, None, name="PROD", cloud=False).mode is mode
    assert build_snapshot(site_details(), answer, None, name="PROD", cloud=True).mode is Mode.CLOUD


@pytest.mark.parametrize(
    ("site_name", "overview_name", "host"),
    [
        ("lic01.acme.test", None, "lic01.acme.test"),
        (None, "lic02", "lic02"),
        ("localhost", None, ""),
        (None, None, ""),
    ],
)
def test_license_server_of_the_site_is_reported(
    site_name: object, overview_name: object, host: str
) -> None:
    overview = license_overview(
        inventory_row(), LicenseInformation={"LicenseServer": overview_name}
    )
    site = site_details(LicenseServerName=site_name)
    snapshot = build_snapshot(site, overview, None, name="PROD", cloud=False)
    assert snapshot.license_server_host == host


@pytest.mark.parametrize(
    ("site", "answer"), [([], None), (None, []), ("x", {}), (site_details(), 5)]
)
def test_answer_of_another_shape_is_a_parse_failure(site: object, answer: object) -> None:
    failure = failure_in(lambda: build_snapshot(site, answer, None, name="PROD", cloud=False))
    assert (failure.kind, failure.step) == (FailureKind.PARSE, Step.PARSE)


# Sign-in: token endpoints of each release, and of Citrix Cloud

FRONT_PAGE = httpx.Response(200, html="<!DOCTYPE html><title>Web Studio</title>")
OLD_TOKENS = "/citrix/orchestration/api/tokens"


@pytest.mark.parametrize("expires_at", ["2020-01-01T00:00:00Z", "never", "", "9" * 30])
async def test_invalid_token_expiry_is_taken_as_one_hour(
    expires_at: str, source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    site.expires_at = expires_at
    await source.fetch(ignore_steps)
    await clock.advance(3000)
    await source.fetch(ignore_steps)
    assert site.token_number == 1


@pytest.mark.parametrize("page", [{}, dict.fromkeys((TOKENS, ME), FRONT_PAGE)])
async def test_token_of_an_older_release_is_at_another_path(
    page: dict[str, httpx.Response], source: CvadSource, site: FakeSite
) -> None:
    site.token_paths = {OLD_TOKENS}
    site.answers["/citrix/orchestration/api/me"] = site.answers.pop(ME)
    site.answers[f"/citrix/orchestration/api{SITE.removeprefix('/cvad/manage')}"] = site_details()
    del site.answers[SITE]
    site.answers |= page
    assert (await source.fetch(ignore_steps)).version == "7.47"
    assert site.paths[:2] == [TOKENS, OLD_TOKENS]


async def test_server_without_rest_api_has_no_data(source: CvadSource, site: FakeSite) -> None:
    site.token_paths = set()
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.AUTH)


async def test_cloud_site_is_read_with_a_cloud_token(open_source: Open, site: FakeSite) -> None:
    server = replace(SERVER, url="https://api.cloud.com", customer_id="acme")
    site.answers[ME] = me_reply(("c1", "cloudxdsite"), customer="acme")
    site.answers["/cvad/manage/Sites/c1"] = site_details(Name="cloudxdsite", LicenseServerUri=None)
    snapshot = await open_source(server).fetch(ignore_steps)
    assert snapshot.mode is Mode.CLOUD
    assert site.paths[0] == CLOUD_TOKENS
    assert site.requests[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert site.requests[1].headers["Citrix-CustomerId"] == "acme"


async def test_token_for_a_customers_own_host_is_requested_globally(
    open_source: Open, site: FakeSite
) -> None:
    server = replace(SERVER, url="https://acme.xendesktop.net", customer_id="acme")
    await open_source(server).fetch(ignore_steps)
    hosts = [request.url.host for request in site.requests]
    assert (hosts[0], {*hosts[1:]}) == ("api.cloud.com", {"acme.xendesktop.net"})
