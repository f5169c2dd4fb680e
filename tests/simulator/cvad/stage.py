"""What a test may change of a simulated site, and a client that knows only the notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from tests.support.clock import START, FakeClock

from lictui.simulator.cvad_server import SimulatedSite
from lictui.simulator.http import self_signed
from lictui.simulator.inventory import FaultMode, License

if TYPE_CHECKING:
    import httpx

USER, PASSWORD = r"CORP\svc-lictui", "c0rrect:horse"
CERTIFICATE = self_signed("ddc01.corp.example", now=START)
TRUSTED = CERTIFICATE.pem.decode().partition("-----BEGIN PRIVATE")[0]
SITE = "/cvad/manage/Sites/9f3c"
OVERVIEW = "/citrix/orchestration/api/CitrixOnPremises/9f3c/Licensing/LicenseOverview"
FULL = f"{OVERVIEW}?includeInventory=true"

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


@dataclass
class Stage:
    """What the site is, holds and feels just now."""

    clock: FakeClock
    site: SimulatedSite = field(default_factory=lambda: SimulatedSite(id="9f3c", name="PROD"))
    licenses: tuple[License, ...] = LICENSES
    fault: FaultMode = FaultMode.NORMAL


class Client:
    """Asks the site over TLS."""

    def __init__(self, http: httpx.AsyncClient, stage: Stage) -> None:
        self.http = http
        self.stage = stage
        self.headers: dict[str, str] = {}

    async def log_in(self, password: str = PASSWORD, path: str = "/cvad/manage/Tokens") -> Any:
        answer = await self.http.post(path, auth=(USER, password))
        if answer.status_code == 200:
            self.wear(answer.json()["Token"])
        return answer

    def wear(self, token: str) -> None:
        """Use `token` from now on, with the headers that the API demands."""
        self.headers = {
            "Authorization": f"CWSAuth bearer={token}",
            "Citrix-CustomerId": self.stage.site.customer,
            "Citrix-InstanceId": self.stage.site.id,
            "Accept": "application/json",
        }

    async def get(self, path: str, **headers: str | None) -> httpx.Response:
        """GET `path`; a header given as None is left out."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        wanted = {**self.headers, **changed}
        return await self.http.get(
            path, headers={name: value for name, value in wanted.items() if value is not None}
        )
