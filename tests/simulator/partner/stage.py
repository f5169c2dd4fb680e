"""What a test may change of a simulated partner, and a client that knows only the notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.support.clock import START, FakeClock

from lictui.simulator.http import self_signed
from lictui.simulator.inventory import FaultMode
from lictui.simulator.partner_server import (
    CustomerUsage,
    FeatureCount,
    LinkedCustomer,
    NetScaler,
    NetScalerLicense,
    PartnerAccount,
    PartnerFeature,
    PartnerServer,
    ServerUsage,
    Sku,
)

if TYPE_CHECKING:
    import httpx

CLIENT, SECRET = "csp-client", "s3cret/+=="
CERTIFICATE = self_signed("trust.example", now=START)
TOKENS = "/root/tokens/clients"
SERVERS = "/acme/licenseservers"
USAGE = "/acme/licenseusagedata?date=2026-10"
NETSCALERS = "/acme/netscalercallinghomedata"
READS = (SERVERS, USAGE, NETSCALERS)


def at(*when: int) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


LIC01 = PartnerServer(
    "LIC01",
    "lic01.acme.test",
    last_reported=at(2026, 11, 23, 11, 12, 4),
    expires=at(2027, 7, 27),
    ccu=(FeatureCount("MPS_PLT_CCU", 10),),
    customers=(LinkedCustomer("c1", nick_name="C1", display_name="Customer One"),),
)
FEATURE = PartnerFeature(
    "XDT_PLT_UD",
    "Premium",
    servers=(
        ServerUsage("lic01.acme.test", 14, free_users=2),
        ServerUsage("lic02.acme.test", 212, reported=at(2026, 10, 30, 4, 5, 6), free=True),
    ),
    customers=(
        CustomerUsage("c1", 3, free_users=3, nick_name="C1"),
        CustomerUsage("c2", 9, linked=False),
    ),
)
ACCOUNT = PartnerAccount(
    org_id="51000000",
    servers=(LIC01, PartnerServer("LIC09")),
    skus=(Sku("CVAD", "Citrix Virtual Apps and Desktops", (FEATURE,)),),
    netscalers=(
        NetScaler(
            "adc01.acme.test",
            "0a1b2c",
            (NetScalerLicense("Citrix ADC VPX 200", at(2026, 12, 24)),),
        ),
    ),
)


@dataclass
class Stage:
    """What the partner has and the service feels just now."""

    clock: FakeClock
    account: PartnerAccount = ACCOUNT
    fault: FaultMode = FaultMode.NORMAL
    asked: list[str] = field(default_factory=list)  # the months the account was asked for

    def of(self, month: str) -> PartnerAccount:
        self.asked.append(month)
        return self.account


class Client:
    """Asks the service over TLS."""

    def __init__(self, http: httpx.AsyncClient, stage: Stage) -> None:
        self.http = http
        self.stage = stage
        self.headers: dict[str, str] = {}

    async def token(self, path: str = TOKENS, **changed: object) -> httpx.Response:
        """Ask for a token, with some of the body's fields changed."""
        body = {"clientId": CLIENT, "clientSecret": SECRET, **changed}
        return await self.http.post(path, json=body)

    async def log_in(self) -> None:
        """Get a token and use it from now on."""
        token = (await self.token()).json()["token"]
        self.headers = {"Authorization": f"CwsAuth bearer={token}"}

    async def get(self, path: str, **headers: str | None) -> httpx.Response:
        """GET `path`; a header given as None is left out."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        wanted = {**self.headers, **changed}
        return await self.http.get(
            path, headers={name: value for name, value in wanted.items() if value is not None}
        )
