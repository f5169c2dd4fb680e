"""What a test may change of a simulated cloud customer, and a client that knows only the notes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.support.clock import START, FakeClock

from lictui.simulator.cloud_server import (
    AssignedCount,
    CloudAccount,
    CloudConcurrent,
    CloudMonth,
    CloudPeak,
    LicenseChange,
    MonthCount,
)
from lictui.simulator.http import self_signed
from lictui.simulator.inventory import FaultMode

if TYPE_CHECKING:
    import httpx

CLIENT, SECRET = "a1b2-c3d4", "p%2Fq+r=s&t=="
CERTIFICATE = self_signed("api.cloud.example", now=START)
TOKENS = "/cctrustoauth2/acme/tokens/clients"
LICENSING = "/licensing/license/enterprise/cloud/cvad/ud"
CURRENT = f"{LICENSING}/current"
HISTORY = f"{LICENSING}/historicalusage"
CONCURRENT = "/acme/license/enterprise/cloud/cvad/ccu/summary"
SUMMARY = f"{CONCURRENT}?UsageType=device&LicenseModel=Concurrent"
READS = (CURRENT, f"{HISTORY}?startDate=2026-01&endDate=2026-11", SUMMARY)


def at(year: int, month: int, day: int) -> float:
    return datetime(year, month, day, tzinfo=UTC).timestamp()


ACCOUNT = CloudAccount(
    users=AssignedCount(412, released=3),
    devices=AssignedCount(501),
    owned=500,
    next_expiry=LicenseChange(at(2027, 5, 10), 500),
    months=(
        CloudMonth("2026-10", 500, users=MonthCount(400, 12), devices=MonthCount(480, 9, 2)),
        CloudMonth("2026-09", 450, users=MonthCount(388, 5, 1), devices=MonthCount(380, 7)),
        CloudMonth("2025-10", 400, users=MonthCount(300, 3), devices=MonthCount(310, 4)),
    ),
    concurrent=CloudConcurrent(
        total=200,
        assigned=151,
        reported_at=START - 120,
        last_24_hours=CloudPeak(170, START - 50_000),
        month=CloudPeak(188, at(2026, 11, 3)),
        all_time=CloudPeak(205, at(2025, 2, 28)),
    ),
    recorded_at=START - 1800 + 0.0215469,
)


@dataclass
class Stage:
    """What the customer holds and the service feels just now."""

    clock: FakeClock
    account: CloudAccount | None = ACCOUNT
    fault: FaultMode = FaultMode.NORMAL


class Client:
    """Asks the service over TLS."""

    def __init__(self, http: httpx.AsyncClient, stage: Stage) -> None:
        self.http = http
        self.stage = stage
        self.headers: dict[str, str] = {}

    async def token(self, path: str = TOKENS, **changed: str) -> httpx.Response:
        """Ask for a token, with some of the form's fields changed."""
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_secret": SECRET,
            **changed,
        }
        return await self.http.post(path, data=form)

    async def log_in(self) -> None:
        """Get a token and use it from now on, with the headers that the API demands."""
        self.headers = {
            "Authorization": f"CwsAuth Bearer={(await self.token()).json()['access_token']}",
            "Citrix-CustomerId": "acme",
            "Accept": "application/json",
        }

    async def get(self, path: str, **headers: str | None) -> httpx.Response:
        """GET `path`; a header given as None is left out."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        wanted = {**self.headers, **changed}
        return await self.http.get(
            path, headers={name: value for name, value in wanted.items() if value is not None}
        )
