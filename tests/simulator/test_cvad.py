"""The simulated REST API of a site: tokens, site details and the license overview."""

from collections.abc import AsyncIterator

import pytest
from tests.simulator.callers import SiteCaller, serve
from tests.support.clock import START, FakeClock

from lictui.clock import iso
from lictui.simulator import FaultMode

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
async def test_site_is_addressed_by_its_id_or_name(api: SiteCaller, base: str) -> None:
    (customer,) = (await api.get(f"{base}/me", Citrix_InstanceId=None)).json()["Customers"]
    (site,) = customer["Sites"]
    assert site["Name"] == "PROD"
    body, *others = [
        (await api.get(f"{base}/Sites/{name}", Citrix_InstanceId=None)).json()
        for name in (site["Id"], "PROD", "prod")
    ]
    assert others == [body, body]
    assert {
        "LicenseServerName": "lic-prod.corp.example",
        "LicenseServerPort": 27000,
        "LicenseServerUri": "https://lic-prod.corp.example:8083/",
        "LicensingModel": "Concurrent",
        "ProductCode": "XDT",
        "ProductEdition": "PLT",
        "LicenseExpirationDate": "2027-03-31T00:00:00Z",
        "LicensedSessionsActive": 214,
        "LicensingGracePeriodActive": False,
        "LicensingGraceHoursLeft": None,
        "LicensingOutOfBoxGracePeriodActive": False,
        "LicenseGraceSessionsRemaining": None,
        "PeakConcurrentLicenseUsers": 377,
        "TotalUniqueLicenseUsers": 754,
    }.items() <= body.items()
    assert [alert["Title"] for alert in body["LicensingAlerts"]] == ["Licenses are in overdraft"]


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


async def test_empty_site_has_no_inventory(api: SiteCaller) -> None:
    api.stage.fault = FaultMode.EMPTY
    body = (await api.get(api.full)).json()
    assert body["LicenseInventories"] == []
    assert body["LicenseInformation"]["LicenseServerStatus"] == "NoInventory"
    assert (await api.get(api.site)).json()["LicensingModel"] == "None"
