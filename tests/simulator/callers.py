"""The simulated JSON APIs on real sockets, and clients that know only the published protocols."""

import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar

import httpx
from tests.support.clock import START, FakeClock

from lictui.simulator import FaultMode, License
from lictui.simulator.cloud_server import LicensingApi
from lictui.simulator.cvad_server import SiteApi
from lictui.simulator.estate import PoolFactory, ReportedServer, ServerKind, SimulatedServer
from lictui.simulator.http import ApiClient, JsonApi, listen, self_signed
from lictui.simulator.partner_server import PartnerApi
from lictui.simulator.usage import EMEA

CLIENT, USER, SECRET = "a1b2-c3d4", r"CORP\svc-lictui", "p%2Fq+r=s&t:=="
CERTIFICATE = self_signed("api.example", now=START)
TRUSTED = CERTIFICATE.pem.decode().partition("-----BEGIN PRIV")[0]


LICENSES = (
    License(
        product="XDT_PLT_CCS",
        full_name="Citrix XenDesktop Platinum|Concurrent",
        license_type="Retail",
        subscription_date=date(2027, 3, 31),
        expires=date(2027, 3, 31),
        installed=500,
        overdraft=50,
        in_use=214,
    ),
    License(
        product="MPS_ENT_CCU",
        full_name="Citrix XenApp Enterprise|Concurrent",
        license_type="Eval",
        subscription_date=date(2026, 12, 1),
        expires=None,
        installed=40,
        overdraft=0,
        in_use=41,
    ),
)
BUYER = PoolFactory(1, START)
CUSTOMER = replace(
    BUYER.constant("XenDesktop:XAXDFull", 500, in_use=412), expires=date(2027, 5, 10)
)
SITE = SimulatedServer(
    "ddc-prod", EMEA, ServerKind.SITE, (BUYER.constant("XDT_PLT_CCS", 500, in_use=377),)
)
ASSIGNED = BUYER.constant("XDT_PLT_UD", 500, in_use=212)
PARTNER = SimulatedServer(
    "csp",
    EMEA,
    ServerKind.PARTNER,
    (ASSIGNED,),
    reported_servers=(
        ReportedServer(
            "lic01",
            (ASSIGNED,),
            (BUYER.constant("MPS_PLT_CCU", 20, in_use=10),),
            expires=date(2027, 7, 27),
        ),
        ReportedServer("lic09", has_reported=False, expires=date(2027, 7, 27)),
        ReportedServer("lic02", (ASSIGNED,), last_upload=START - 5 * 86400),
    ),
)


@dataclass
class Stage:
    """The state that the simulated servers return, which a test may change."""

    clock: FakeClock
    fault: FaultMode = FaultMode.NORMAL


class Caller:
    """A client of one API over TLS; after `log_in` it sends its token."""

    reads: ClassVar[tuple[str, ...]]
    token_path: ClassVar[str]
    token_key: ClassVar[str]
    identity: ClassVar[dict[str, str]] = {}  # headers that the API demands besides the token

    def __init__(self, http: httpx.AsyncClient, stage: Stage) -> None:
        self.http = http
        self.stage = stage
        self.headers: dict[str, str] = {}

    def fault(self) -> FaultMode:
        return self.stage.fault

    def api(self, **options: Any) -> JsonApi:
        """The server, made without a connection."""
        raise NotImplementedError

    async def token(self, path: str = "", **changes: Any) -> httpx.Response:
        """Ask for a token, with some of the fields changed."""
        raise NotImplementedError

    async def log_in(self) -> httpx.Response:
        answer = await self.token()
        if answer.status_code == 200 and self.token_key in answer.text:
            token = answer.json()[self.token_key]
            self.headers = {"Authorization": f"CwsAuth Bearer={token}", **self.identity}
        return answer

    async def get(self, path: str, **headers: str | None) -> httpx.Response:
        """GET `path`; a header given as None is left out."""
        changes = {name.replace("_", "-"): value for name, value in headers.items()}
        merged = {**self.headers, **changes}
        return await self.http.get(
            path, headers={name: value for name, value in merged.items() if value is not None}
        )

    async def statuses(self, **headers: str | None) -> list[int]:
        """The status of every read."""
        return [(await self.get(path, **headers)).status_code for path in self.reads]


class CloudCaller(Caller):
    current = "/licensing/license/enterprise/cloud/cvad/ud/current"
    history = "/licensing/license/enterprise/cloud/cvad/ud/historicalusage"
    reads = (current, f"{history}?startDate=2026-01&endDate=2026-11")
    token_path = "/cctrustoauth2/acme/tokens/clients"
    token_key = "access_token"
    identity = {"Citrix-CustomerId": "acme"}  # noqa: RUF012 - as in the base class

    def api(self, **options: Any) -> JsonApi:
        stage, client = self.stage, ApiClient(CLIENT, SECRET, "acme")
        return LicensingApi(self.fault, stage.clock, client, CUSTOMER, **options)

    async def token(self, path: str = "", **changes: Any) -> httpx.Response:
        form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
        return await self.http.post(path or self.token_path, data=form | changes)


class PartnerCaller(Caller):
    servers = "/acme/licenseservers"
    usage = "/acme/licenseusagedata?date=2026-10"
    reads = (servers, usage)
    token_path = "/root/tokens/clients"
    token_key = "token"

    def api(self, **options: Any) -> JsonApi:
        stage, client = self.stage, ApiClient(CLIENT, SECRET, "acme")
        return PartnerApi(self.fault, stage.clock, client, PARTNER, **options)

    async def token(self, path: str = "", **changes: Any) -> httpx.Response:
        body = {"clientId": CLIENT, "clientSecret": SECRET, **changes}
        return await self.http.post(path or self.token_path, json=body)


class SiteCaller(Caller):
    site = "/cvad/manage/Sites/PROD"
    overview = "/citrix/orchestration/api/CitrixOnPremises/PROD/Licensing/LicenseOverview"
    full = f"{overview}?includeInventory=true"
    reads = (site, full)
    token_path = "/cvad/manage/Tokens"
    token_key = "Token"
    identity = {"Citrix-CustomerId": "CitrixOnPremises", "Citrix-InstanceId": "PROD"}  # noqa: RUF012 - as in the base class

    def api(self, **options: Any) -> JsonApi:
        stage, client = self.stage, ApiClient(USER, SECRET)
        return SiteApi(self.fault, stage.clock, client, SITE, lambda: LICENSES, **options)

    async def token(self, path: str = "", **changes: Any) -> httpx.Response:
        account = {"user": USER, "password": SECRET} | changes
        return await self.http.post(
            path or self.token_path, auth=(account["user"], account["password"])
        )


@asynccontextmanager
async def serve(caller: type[Caller], clock: FakeClock) -> AsyncIterator[Any]:
    """Serve the API of `caller`, and yield one that is not logged in."""
    trust = ssl.create_default_context(cadata=TRUSTED)
    async with httpx.AsyncClient(verify=trust, timeout=5) as http:
        client = caller(http, Stage(clock))
        listener = await listen(client.api(retry_after=7).answer, certificate=CERTIFICATE)
        async with aclosing(listener):
            http.base_url = httpx.URL(listener.url)
            yield client
