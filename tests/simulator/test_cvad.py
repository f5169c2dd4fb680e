"""The simulated REST API of a site: tokens, site details and the license overview."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from tests.simulator.callers import SECRET, USER, SiteCaller, serve
from tests.support.clock import START

from lictui.clock import iso
from lictui.simulator import FaultMode
from lictui.simulator.cvad_server import SimulatedSite, SiteAlert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.clock import FakeClock

BASES = ["/cvad/manage", "/citrix/orchestration/api"]
ERROR = {"SdkErrorId", "ErrorMessage", "ErrorType", "ErrorDetails"}
CLOUD_TOKENS = "/cctrustoauth2/acme/tokens/clients"


@pytest.fixture
async def api(clock: FakeClock) -> AsyncIterator[SiteCaller]:
    async with serve(SiteCaller, clock) as caller:
        await caller.log_in()
        yield caller


# Tokens and access


@pytest.mark.parametrize("base", BASES)
async def test_password_gives_a_token_of_an_hour(api: SiteCaller, base: str) -> None:
    body = (await api.token(f"{base}/tokens")).json()
    assert set(body) == {"Token", "Principal", "UserId", "CustomerId", "ExpiresAt"}
    assert body["CustomerId"] == "CitrixOnPremises"
    assert body["ExpiresAt"] == iso(START + 3600)


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"user": "svc-lictui"}])
async def test_wrong_password_or_user_is_refused(api: SiteCaller, changes: dict[str, str]) -> None:
    answer = await api.token(**changes)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Basic")
    assert set(answer.json()) == ERROR


async def test_site_in_the_cloud_takes_client_credentials_only(api: SiteCaller) -> None:
    form = {"grant_type": "client_credentials", "client_id": USER, "client_secret": SECRET}
    assert (await api.http.post(CLOUD_TOKENS, data=form)).status_code == 404
    api.stage.site = SimulatedSite("9f3c", "cloudxdsite", customer="acme", cloud=True)
    assert (await api.token()).status_code == 404
    other = CLOUD_TOKENS.replace("acme", "other")
    assert (await api.http.post(other, data=form)).status_code == 404
    token = (await api.http.post(CLOUD_TOKENS, data=form)).json()["access_token"]
    headers = {"Authorization": f"CwsAuth Bearer={token}", "Citrix_CustomerId": "acme"}
    assert (await api.get("/cvad/manage/me", **headers)).json()["Customers"][0]["Id"] == "acme"
    body = (await api.get(api.site, **headers)).json()
    absent = ("LicenseServerName", "LicenseServerUri", "LicenseExpirationDate")
    assert [body[key] for key in absent] == [None, None, None]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (SiteCaller.site, {"Citrix_CustomerId": None}, 401),
        (SiteCaller.site, {"Citrix_CustomerId": "other"}, 401),
        (SiteCaller.full, {"Citrix_InstanceId": None}, 400),
        (SiteCaller.full, {"Citrix_InstanceId": "other"}, 400),
        (SiteCaller.site, {"Accept": "text/html"}, 406),
        (SiteCaller.site, {"Accept": "*/*"}, 200),
        ("/cvad/manage/Sites/other", {}, 404),
        ("/", {}, 404),
    ],
)
async def test_request_must_name_customer_and_site(
    api: SiteCaller, path: str, headers: dict[str, str | None], status: int
) -> None:
    answer = await api.get(path, **headers)
    assert answer.status_code == status
    assert status == 200 or set(answer.json()) == ERROR


# The site


@pytest.mark.parametrize("base", BASES)
async def test_me_has_the_site(api: SiteCaller, base: str) -> None:
    body = (await api.get(f"{base}/me", Citrix_InstanceId=None)).json()
    assert set(body) == {
        "UserId",
        "DisplayName",
        "ExpiryTime",
        "RefreshExpirationTime",
        "Customers",
    }
    assert (body["DisplayName"], body["ExpiryTime"]) == (USER, iso(START + 3600))
    assert body["Customers"][0]["Sites"] == [{"Id": "9f3c", "Name": "PROD"}]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("name", ["9f3c", "PROD", "prod"])
async def test_site_is_addressed_by_its_id_or_name(api: SiteCaller, base: str, name: str) -> None:
    body = (await api.get(f"{base}/Sites/{name}", Citrix_InstanceId=None)).json()
    assert {
        "LicenseServerName": "lic01.corp.example",
        "LicenseServerPort": 27000,
        "LicenseServerUri": "https://lic01.corp.example:8083/",
        "LicensingModel": "Concurrent",
        "ProductCode": "XDT",
        "ProductEdition": "PLT",
        "LicenseExpirationDate": "2027-03-31T00:00:00Z",
        "LicensedSessionsActive": 214,
        "LicensingGracePeriodActive": False,
        "LicensingGraceHoursLeft": None,
        "LicensingOutOfBoxGracePeriodActive": False,
        "LicenseGraceSessionsRemaining": None,
        "LicensingAlerts": [],
    }.items() <= body.items()
    assert {"PeakConcurrentLicenseUsers", "TotalUniqueLicenseUsers"} <= set(body)


async def test_site_has_grace_periods_and_alerts(api: SiteCaller) -> None:
    api.stage.site = replace(
        api.stage.site,
        grace_hours_left=500,
        out_of_box_hours_left=96,
        grace_sessions_left=10,
        alerts=(SiteAlert("Alert", "title", "detail", "action", "code"), SiteAlert("Alarm", "x")),
    )
    body = (await api.get(api.site)).json()
    assert body["LicensingGracePeriodActive"] is True
    assert body["LicensingGraceHoursLeft"] == 500
    assert body["LicensingOutOfBoxGracePeriodActive"] is True
    assert body["LicenseGraceSessionsRemaining"] == 10
    assert body["LicensingAlerts"][0] == {
        "Priority": 1,
        "AlertLevel": "Alert",
        "TypeCode": "code",
        "Title": "title",
        "Detail": "detail",
        "Action": "action",
    }


@pytest.mark.parametrize(
    "path",
    [
        "/cvad/manage/DeliveryControllers",
        "/citrix/orchestration/api/techpreview/CitrixOnPremises/9f3c/DeliveryControllers",
    ],
)
async def test_controllers_have_their_las_activation(api: SiteCaller, path: str) -> None:
    async def activation() -> tuple[object, ...]:
        first, second = (await api.get(path)).json()["Items"]
        names = ("LasActivationStatus", "LasActivationExpiry", "IsLasAware")
        assert [first[name] for name in names] == [second[name] for name in names]
        return tuple(first[name] for name in names)

    assert await activation() == ("NotActivated", None, False)
    until = date(2026, 12, 12)
    api.stage.site = replace(api.stage.site, las=True, activated_until=until)
    assert await activation() == ("Activated", "2026-12-12T00:00:00Z", True)
    await api.stage.clock.advance(19 * 86400)
    await api.log_in()
    assert (await activation())[0] == "Expired"
    api.stage.site = replace(api.stage.site, activation="Unknown")
    assert (await activation())[0] == "Unknown"


# The license overview


async def test_overview_has_every_field_of_the_model(api: SiteCaller) -> None:
    body = (await api.get(api.full)).json()
    assert set(body["LicenseInformation"]) == {
        "LicenseServerStatus",
        "LicenseServerWslAddress",
        "LicenseServerLicensingAddress",
        "LicenseServer",
        "LicensePort",
        "LicensingBurnInDate",
        "LicenseProduct",
        "ProductEdition",
        "LicenseModel",
        "OutOfBoxGracePeriodActive",
        "OutOfBoxGracePeriodHoursLeft",
        "UseLicenseActivationService",
    }
    first, second = body["LicenseInventories"]
    assert first == {
        "LicenseProductName": "XenDesktopXdt",
        "LocalizedLicenseProductName": "Citrix Virtual Apps and Desktops Premium",
        "LicenseExpirationDate": "2027-03-31",
        "LicenseSubscriptionAdvantageDate": "2027-03-31",
        "LicenseType": "Retail",
        "LicensesInUse": 214,
        "LicensesAvailable": 550,
        "LicenseOverdraft": 50,
        "LicenseModel": "Concurrent",
        "ProductEdition": "Platinum",
        "LocalizedLicenseProductEdition": "Premium",
    }
    assert (second["LicenseProductName"], second["ProductEdition"]) == ("XenApp", "Enterprise")
    assert (second["LicenseExpirationDate"], second["LicensesInUse"]) == (None, 41)
    totals = (body["NormalLicenses"], body["OverdraftLicenses"], body["LicensesUsage"])
    assert totals == (540, 50, 255)
    assert (body["LicenseLasInventories"], body["CertAccepted"]) == ([], True)


async def test_las_site_has_its_inventory_in_a_list_of_its_own(api: SiteCaller) -> None:
    api.stage.site = replace(api.stage.site, las=True)
    body = (await api.get(api.full)).json()
    assert (len(body["LicenseInventories"]), len(body["LicenseLasInventories"])) == (0, 2)
    assert body["LicenseInformation"]["LicenseServerStatus"] == "LasCompatible"
    assert body["LicenseInformation"]["UseLicenseActivationService"] is True


async def test_overview_has_no_inventory_unless_requested(api: SiteCaller) -> None:
    assert (await api.get(api.overview)).json()["LicenseInventories"] == []


async def test_empty_site_has_no_inventory(api: SiteCaller) -> None:
    api.stage.fault = FaultMode.EMPTY
    body = (await api.get(api.full)).json()
    assert body["LicenseInventories"] == []
    assert body["LicenseInformation"]["LicenseServerStatus"] == "NoInventory"
    assert (await api.get(api.site)).json()["LicensingModel"] == "None"


async def test_overview_has_one_path_or_none(api: SiteCaller) -> None:
    preview = "/citrix/orchestration/api/techpreview/{customer}/{site}/Licensing/LicenseOverview"
    api.stage.site = replace(api.stage.site, overview_path=preview)
    path = preview.format(customer="citrixonpremises", site="PROD")
    assert (await api.get(path)).status_code == 200
    for other in (api.overview, "/cvad/manage/Licensing/LicenseOverview"):
        answer = await api.get(other)
        assert (answer.status_code, answer.json()["ErrorType"]) == (404, "NotFound")
    api.stage.site = replace(api.stage.site, overview_path=None)
    assert (await api.get(path)).status_code == 404
    assert (await api.get(api.site)).status_code == 200


async def test_asynchronous_overview_is_accepted_with_its_job(api: SiteCaller) -> None:
    answer = await api.get(f"{api.full}&async=true")
    assert answer.status_code == 202
    assert answer.headers["Location"] == "/cvad/manage/Jobs/get-license-summary"
