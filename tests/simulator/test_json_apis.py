"""The simulated JSON APIs: fields as the documentation has them, access, and faults.

The client here knows only the published protocols; tests/sources/test_meets_simulator.py reads the
same servers with lictui.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from tests.support.clock import START, FakeClock

from lictui.simulator import FaultMode, License
from lictui.simulator.cloud_server import LicensingApi
from lictui.simulator.cvad_server import SiteApi
from lictui.simulator.estate import PoolFactory, ReportedServer, ServerKind, SimulatedServer
from lictui.simulator.http import ApiClient, HttpListener, JsonApi
from lictui.simulator.partner_server import PartnerApi
from lictui.simulator.usage import EMEA

CLIENT, USER, SECRET = "a1b2-c3d4", r"CORP\svc-lictui", "p%2Fq+r=s&t:=="
NAME = "Citrix XenDesktop Platinum|Concurrent"
LICENSES = (
    License("XDT_PLT_CCS", NAME, "Retail", date(2027, 3, 31), date(2027, 3, 31), 500, 50, 214),
    License("MPS_ENT_CCU", "Citrix XenApp Enterprise", "Eval", date(2026, 12, 1), None, 40, 0, 41),
)
BUYER = PoolFactory(1, START)
CUSTOMER = replace(
    BUYER.constant("XenDesktop:XAXDFull", 500, in_use=412), expires=date(2027, 5, 10)
)
SITE = SimulatedServer(
    "ddc-prod", EMEA, ServerKind.SITE, (BUYER.constant("XDT_PLT_CCS", 500, in_use=377),)
)
ASSIGNED = BUYER.constant("XDT_PLT_UD", 500, in_use=212)
USED = (BUYER.constant("MPS_PLT_CCU", 20, in_use=10),)
REPORTED = (
    ReportedServer("lic01", (ASSIGNED,), USED, expires=date(2027, 7, 27)),
    ReportedServer("lic09", has_reported=False, expires=date(2027, 7, 27)),
    ReportedServer("lic02", (ASSIGNED,), last_upload=START - 5 * 86400),
)
PARTNER = SimulatedServer("csp", EMEA, ServerKind.PARTNER, (ASSIGNED,), reported_servers=REPORTED)

CURRENT = "/licensing/license/enterprise/cloud/cvad/ud/current"
HISTORY = "/licensing/license/enterprise/cloud/cvad/ud/historicalusage"
SITE_DETAIL = "/cvad/manage/Sites/PROD"
INFORMATION = [
    *("LicenseServerStatus", "LicenseServerWslAddress", "LicenseServerLicensingAddress"),
    *("LicenseServer", "LicensePort", "LicensingBurnInDate"),
    *("LicenseProduct", "ProductEdition", "LicenseModel"),
    *("OutOfBoxGracePeriodActive", "OutOfBoxGracePeriodHoursLeft", "UseLicenseActivationService"),
]
OVERVIEW = "/citrix/orchestration/api/CitrixOnPremises/PROD/Licensing/LicenseOverview"


@dataclass
class Stage:
    """An API, and a client that logs in as the documentation says."""

    kind: str
    clock: FakeClock
    http: httpx.AsyncClient
    fault: FaultMode = FaultMode.NORMAL
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        cloud = ApiClient(CLIENT, SECRET, "acme")
        apis: dict[str, JsonApi] = {
            "cloud": LicensingApi(lambda: self.fault, self.clock, cloud, CUSTOMER),
            "partner": PartnerApi(lambda: self.fault, self.clock, cloud, PARTNER),
            "site": SiteApi(
                lambda: self.fault,
                self.clock,
                ApiClient(USER, SECRET),
                SITE,
                lambda: LICENSES,
            ),
        }
        self.api = apis[self.kind]
        self.reads: dict[str, dict[str, str]] = {
            "cloud": {CURRENT: {}, HISTORY: {"startDate": "2026-01", "endDate": "2026-11"}},
            "partner": {"/acme/licenseservers": {}, "/acme/licenseusagedata": {"date": "2026-10"}},
            "site": {SITE_DETAIL: {}, OVERVIEW: {"includeInventory": "true"}},
        }[self.kind]

    async def ask(
        self,
        path: str,
        query: dict[str, str] | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> httpx.Response:
        """GET `path`; a header given as None is left out."""
        merged = {**self.headers, **(headers or {})}
        sent = {name: value for name, value in merged.items() if value is not None}
        return await self.http.get(path, params=query, headers=sent)

    async def read(self, path: str, **query: str) -> Any:
        reply = await self.ask(path, query)
        assert reply.status_code == 200, reply
        return reply.json()

    async def statuses(self, headers: Mapping[str, str | None] | None = None) -> set[int]:
        """The status of every read."""
        return {(await self.ask(path, query, headers)).status_code
                for path, query in self.reads.items()}  # fmt: skip

    async def token(self, secret: str = SECRET) -> httpx.Response:
        if self.kind == "cloud":
            path = "/cctrustoauth2/acme/tokens/clients"
            form = {"grant_type": "client_credentials", "client_id": CLIENT}
            return await self.http.post(path, data=form | {"client_secret": secret})
        if self.kind == "partner":
            body = {"clientId": CLIENT, "clientSecret": secret}
            return await self.http.post("/root/tokens/clients", json=body)
        return await self.http.post("/cvad/manage/Tokens", auth=(USER, secret))

    async def log_in(self) -> None:
        body = (await self.token()).json()
        (token,) = (
            value for key, value in body.items() if key.lower() in ("token", "access_token")
        )
        customer = "CitrixOnPremises" if self.kind == "site" else "acme"
        self.headers = {
            "authorization": f"CwsAuth Bearer={token}",
            "citrix-customerid": customer,
            "citrix-instanceid": "PROD",
        }


@pytest.fixture(params=["cloud", "partner", "site"])
async def stage(request: pytest.FixtureRequest, clock: FakeClock) -> AsyncIterator[Stage]:
    async with httpx.AsyncClient() as http:
        stage = Stage(request.param, clock, http)
        async with aclosing(HttpListener(stage.api.answer)) as listener:
            http.base_url = httpx.URL(listener.url)
            await stage.log_in()
            yield stage


def of(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stage", [kind], indirect=True)


# Access


async def test_token_is_valid_for_an_hour(stage: Stage) -> None:
    await stage.clock.advance(3599)
    assert await stage.statuses() == {200}
    await stage.clock.advance(1)
    assert await stage.statuses() == {401}
    await stage.log_in()
    assert await stage.statuses() == {200}


async def test_wrong_secret_gives_no_token(stage: Stage) -> None:
    reply = await stage.token("wrong")
    assert reply.status_code == (200 if stage.kind == "cloud" else 401)
    assert "token" not in reply.text.lower()
    assert stage.kind != "cloud" or reply.json()["error"] == "invalid_client"


@pytest.mark.parametrize("authorization", [None, "CwsAuth", "Bearer {}", "CwsAuth Bearer={}x"])
async def test_read_without_a_valid_token_is_refused(
    stage: Stage, authorization: str | None
) -> None:
    token = stage.headers["authorization"].partition("=")[2]
    refused = authorization and authorization.format(token)
    assert await stage.statuses({"authorization": refused}) == {401}


async def test_read_must_name_customer_and_site(stage: Stage) -> None:
    status = 401 if stage.kind == "site" else 403
    assert await stage.statuses({"citrix-customerid": "other"}) == {status}
    if stage.kind == "site":
        assert (
            await stage.ask(OVERVIEW, headers={"citrix-instanceid": "other"})
        ).status_code == 400


@pytest.mark.parametrize(
    ("fault", "status"), [(FaultMode.BUSY, 503), (FaultMode.RATE_LIMITED, 429)]
)
async def test_busy_api_sends_retry_after(stage: Stage, fault: FaultMode, status: int) -> None:
    stage.fault = fault
    for reply in (await stage.token(), await stage.ask(next(iter(stage.reads)))):
        assert (reply.status_code, reply.headers["Retry-After"]) == (status, "600")
        assert reply.json()


# Citrix Cloud


@of("cloud")
async def test_current_usage_has_the_documented_fields(stage: Stage) -> None:
    assert await stage.read(CURRENT) == {
        "customerId": "acme",
        "totalUsageCount": 412,
        "userLicenseUsage": {"totalUsageCount": 412, "releasedCount": 0},
        "deviceLicenseUsage": {"totalUsageCount": 499, "releasedCount": 0},
        "totalAvailableLicenseCount": 500,
        "remainingLicenseCount": 88,
        "timeStamp": "2026-11-24T06:00:00.0000000Z",
        "productName": "XenDesktop",
        "productEdition": "XAXDFull",
        "nextExpiredLicenses": {
            "nextExpiredTime": "2027-05-10T00:00:00.0000000Z",
            "totalCount": 500,
            "daysToExpire": 167,
        },
        "nextActivatingLicense": None,
    }
    stage.fault = FaultMode.EMPTY
    reply = await stage.ask(CURRENT)
    assert (reply.status_code, reply.content) == (204, b"")


@of("cloud")
async def test_history_has_the_months_in_order(stage: Stage) -> None:
    body = await stage.read(HISTORY, startDate="2026-10", endDate="2026-12")
    october, november = body.pop("historicalUsageList")
    counted = body.pop("xenAppXenDesktopHistoricalUsageList")
    assert body == {
        "customerId": "acme",
        "historicalUsageType": "Monthly",
        "productEdition": "XAXDFull",
    }
    names = ("cumulativeAssignedCount", "newAssignedCount", "releasedCount")
    owned = {"timeStamp": "2026-10-01T00:00:00.0000000Z", "totalAvailableLicenseCount": 500}
    users = dict(zip(names, (412, 4, 4), strict=True))
    devices = dict(zip(names, (499, 5, 5), strict=True))
    assert october == owned | {"deviceLicenseUsage": devices, "userLicenseUsage": users}
    assert november["timeStamp"] == "2026-11-01T00:00:00.0000000Z"
    assert counted[0] == owned | users
    wrong = await stage.ask(HISTORY, {"startDate": "2025-11", "endDate": "2026-11"})
    assert (wrong.status_code, "common/outOfRange" in wrong.text) == (400, True)


# License Usage Insights


@of("partner")
async def test_license_servers_have_the_published_fields(stage: Stage) -> None:
    body = await stage.read("/acme/licenseservers")
    reporting, never, silent = body.pop("licenseServersStatus")
    assert body == {"customerId": "acme", "orgId": "51000000"}
    assert reporting == {
        "hostId": "LIC01",
        "fqdn": "lic01.corp.example",
        "lastPhoningHomeTime": "2026-11-24T00:00:00.0000000+00:00",
        "isPhoningHome": True,
        "isEverReported": True,
        "isFoundInBackOffice": True,
        "isCompliant": True,
        "isLicenseServerFree": False,
        "isNonCspLicenseInstalled": False,
        "isCcu": True,
        "ccuFeatureStatistics": [{"featureId": "MPS_PLT_CCU", "usageCount": 10}],
        "isExpired": False,
        "licenseExpirationDate": "2027-07-27T00:00:00.0000000+00:00",
        "daysToExpire": 245,
        "linkedCustomerList": [],
    }
    # Whatever else the estate has of a server that never reported has not been reported either.
    unknown = (
        *("fqdn", "lastPhoningHomeTime", "ccuFeatureStatistics"),
        *("licenseExpirationDate", "daysToExpire"),
    )
    no = ("isPhoningHome", "isEverReported", "isCcu")
    assert never == (
        reporting | {"hostId": "LIC09"} | dict.fromkeys(unknown) | dict.fromkeys(no, False)
    )
    assert (silent["isPhoningHome"], silent["isEverReported"]) == (False, True)
    assert silent["lastPhoningHomeTime"] == "2026-11-19T00:00:00.00+00:00"


@of("partner")
async def test_usage_is_by_product_feature_and_server(stage: Stage) -> None:
    body = await stage.read("/acme/licenseusagedata", date="2026-10")
    (sku,) = body.pop("skus")
    (feature,) = sku.pop("features")
    first, second = feature.pop("licenseServerUsages")
    assert body == {"customerId": "acme", "orgId": "51000000"}
    assert sku == {"skuId": "CSP-XDT_PLT_UD", "skuDescription": "Citrix XenDesktop Platinum"}
    assert feature == {
        "featureId": "XDT_PLT_UD",
        "featureDescription": "Citrix XenDesktop Platinum",
        "count": 424,
        "freeUsersCount": 0,
        "units": "users",
        "isUserList": True,
        "licenseServerCount": 2,
        "freeLicenseServerCount": 0,
        "linkedCustomerCount": 0,
        "linkedCustomerUsages": [],
    }
    assert first == {
        "fqdn": "lic01.corp.example",
        "count": 212,
        "freeUsersCount": 0,
        "reportingDate": "2026-10-31T00:00:00",
        "isLicenseServerFree": False,
    }
    assert second == first | {"fqdn": "lic02.corp.example"}


# A site


@of("site")
async def test_site_is_addressed_by_its_id_or_name(stage: Stage) -> None:
    body: dict[str, Any] = {}
    for base in ("/cvad/manage", "/citrix/orchestration/api"):
        (customer,) = (await stage.read(f"{base}/me"))["Customers"]
        (site,) = customer["Sites"]
        assert site["Name"] == "PROD"
        body, *others = [
            await stage.read(f"{base}/Sites/{name}") for name in (site["Id"], "PROD", "prod")
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


@of("site")
async def test_overview_has_every_field_of_the_model(stage: Stage) -> None:
    body = await stage.read(OVERVIEW, includeInventory="true")
    assert list(body["LicenseInformation"]) == INFORMATION
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
    stage.fault = FaultMode.EMPTY
    body = await stage.read(OVERVIEW, includeInventory="true")
    assert body["LicenseInventories"] == []
    assert body["LicenseInformation"]["LicenseServerStatus"] == "NoInventory"
