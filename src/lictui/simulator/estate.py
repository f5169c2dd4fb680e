"""The simulated estate: the license servers of a company, their pools and faults at any time.

A pure function of the seed and the time, so that its history can be generated immediately. Times
are UTC epoch seconds.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from enum import Enum, auto
from math import inf, pi, sin
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lictui.simulator import FaultMode, License
from lictui.simulator.usage import (
    APAC,
    DAY,
    EMEA,
    QUARTER,
    QUARTERS,
    US,
    AssignedUsage,
    ConstantUsage,
    MachineUsage,
    Noise,
    OfficeHours,
    OfficeUsage,
    Project,
    Region,
    StepCurve,
    UsageCurve,
    UsageProfile,
    as_date,
    last_working_day,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lictui.analysis.columns import BoolArray, IntArray

# Pools and servers over time


class PastReadings(NamedTuple):
    """Evenly spaced readings of a pool."""

    time: IntArray
    in_use: IntArray
    size: IntArray  # which of the pool's sizes is valid

    def select(self, chosen: BoolArray) -> PastReadings:
        """Return some of the readings."""
        return PastReadings(*(column[chosen] for column in self))


class SimulatedPool(Struct, frozen=True):
    """One product code and subscription date, over all of time."""

    product: str
    full_name: str
    subscription_date: date
    curve: UsageCurve
    sizes: tuple[tuple[float, int], ...]  # from when on, installed; the first from ever on
    license_type: str = "Retail"
    expires: date | None = None
    overdraft: float = 0.1  # a share of installed, rounded down
    is_capped: bool = True  # whether the total is a wall
    rush: tuple[float, float, float] | None = None  # from, to, and the share in use in the middle

    def installed_at(self, at: float) -> int:
        """Licenses bought and installed."""
        return next((size for since, size in reversed(self.sizes) if since <= at), 0)

    def overdraft_of(self, installed: int) -> int:
        """The allowance on top of `installed`."""
        return int(installed * self.overdraft + 1e-9)

    def readings(self, start: int, end: int, step: int) -> PastReadings:
        """What a reader would have seen from `start` to before `end`, before the pool expires.

        All times are full quarter hours, and the step is one of them or five minutes.
        """
        curve, first, last = self.curve, start // QUARTER, -(-end // QUARTER)
        values = curve.quarter_values if step == QUARTER else curve.five_minute_values
        time = np.arange(start, end, step)
        in_use = values(first, last)[: len(time)]
        size = np.searchsorted([since for since, _ in self.sizes], time, side="right") - 1
        if self.is_capped:
            totals = [count + self.overdraft_of(count) for _, count in self.sizes]
            in_use = np.minimum(in_use, np.array(totals)[size])
        return PastReadings(time, in_use, size)

    def end_time(self) -> float | None:
        """The first moment the license is no longer valid."""
        if self.expires is None:
            return None
        return datetime.combine(self.expires, time(), UTC).timestamp() + DAY

    def license_at(self, moment: float) -> License | None:
        """The pool at one moment; None once it has expired."""
        end = self.end_time()
        if end is not None and moment >= end:
            return None
        installed = self.installed_at(moment)
        overdraft = self.overdraft_of(installed)
        demand = max(self.curve.value_at(moment), round(installed * self._rush_at(moment)))
        in_use = min(demand, installed + overdraft) if self.is_capped else demand
        return License(
            self.product,
            self.full_name,
            self.license_type,
            self.subscription_date,
            self.expires,
            installed,
            overdraft,
            in_use,
            queued=demand - in_use,
        )

    def _rush_at(self, moment: float) -> float:
        start, end, share = self.rush or (inf, inf, 0.0)
        return share * sin(pi * (moment - start) / (end - start)) if start < moment < end else 0.0


class ServerKind(Enum):
    """How a simulated license server is read."""

    WINRM_BASIC = auto()  # WMI over WinRM: TLS and Basic
    WINRM_NTLM = auto()  # TLS and Negotiate, which comes down to NTLM
    WINRM_ENCRYPTED = auto()  # plain HTTP and Negotiate, with message encryption
    SITE = auto()  # the orchestration API of a legacy site
    LAS_SITE = auto()  # of a site that uses the License Activation Service
    SITE_WITHOUT_OVERVIEW = auto()  # where no license overview answers
    CLOUD = auto()  # an account of Citrix Cloud
    PARTNER = auto()  # a partner's account of License Usage Insights
    LMSTAT = auto()  # FlexNet, asked from afar
    INVENTORY = auto()  # the rest by a command over there: Get-LicInventory
    LAS_INVENTORY = auto()  # Get-LicLasInventory
    WMI_JSON = auto()  # Citrix_GT_License_Pool
    REMOTE_LMSTAT = auto()
    UDADMIN = auto()
    CHECKMK = auto()
    LICTUI = auto()  # another lictui


class ReportedServer(Struct, frozen=True):
    """What License Usage Insights knows of one license server."""

    host: str
    pools: tuple[SimulatedPool, ...] = ()  # of users and devices
    concurrent: tuple[SimulatedPool, ...] = ()
    has_reported: bool = True  # whether it ever did
    last_upload: float = inf  # when it did for the last time
    expires: date | None = None
    in_back_office: bool = True


class SimulatedServer(Struct, frozen=True):
    """One license server, or one site, of the simulated company."""

    name: str
    region: Region
    kind: ServerKind
    pools: tuple[SimulatedPool, ...]
    fault: FaultMode = FaultMode.NORMAL  # how it always is
    outages: tuple[tuple[float, float], ...] = ()  # from, to
    activated_until: date | None = None
    same_as: str = ""  # the server that this is another way to read
    vendor: str = "CITRIX"  # whose daemon FlexNet runs
    reported_servers: tuple[ReportedServer, ...] = ()  # of a partner's account

    def inventory_at(self, moment: float) -> tuple[License, ...]:
        """The licenses at one moment."""
        licenses = (pool.license_at(moment) for pool in self.pools)
        return tuple(held for held in licenses if held is not None)

    def fault_at(self, moment: float) -> FaultMode:
        """How it behaves at one moment."""
        silent = any(start <= moment < end for start, end in self.outages)
        return FaultMode.SILENT if silent else self.fault


def _server(
    name: str, region: Region, kind: ServerKind, *pools: SimulatedPool, **fields: Any
) -> SimulatedServer:
    return SimulatedServer(name, region, kind, pools, **fields)


# The factory of pools


# Products as `Citrix_GT_License_Pool.PLDFullName` words them (protocols: Get-LicLocalizedNames).
_NAMES: Final = {
    "XDT_PLT_UD": "Citrix XenDesktop Platinum|User/Device",
    "XDT_ENT_UD": "Citrix XenDesktop Enterprise|User/Device",
    "XDT_ADV_UD": "Citrix XenDesktop Advanced|User/Device",
    "XDT_STD_UD": "Citrix XenDesktop VDI|User/Device",
    "XDT_PLT_CCS": "Citrix XenDesktop Platinum|Concurrent",
    "XDT_ENT_CCS": "Citrix XenDesktop Enterprise|Concurrent",
    "XDT_STD_CCS": "Citrix XenDesktop VDI|Concurrent",
    "XDS_PLT_CCS": "Citrix XenDesktop Platinum|Concurrent (Legacy)",
    "MPS_PLT_CCU": "Citrix XenApp (Presentation Server) Platinum|Concurrent",
    "MPS_ENT_CCU": "Citrix XenApp (Presentation Server) Enterprise|Concurrent",
    "MPS_ADV_CCU": "Citrix XenApp (Presentation Server) Advanced|Concurrent",
    "PVS_STD_CCS": "Citrix Provisioning Services|Concurrent",
    "CXS_ENT_CCS": "Citrix XenServer Enterprise|Concurrent",
    "CITRIX": "Citrix Start-up License|Server",
    "XenDesktop:XAXDFull": "Citrix DaaS Premium|User/Device",
}


class PoolFactory:
    """Buys pools of licenses; the same seed and the same orders give the same pools."""

    def __init__(self, seed: int, start: float) -> None:
        self.random = Random(f"company/{seed}")  # noqa: S311 - a simulation, not a secret
        self.noise = Noise(seed)
        self.start = start
        self.today = int(start // DAY)

    def day(self, from_now: int) -> date:
        """The date so many days from the start."""
        return as_date(self.today + from_now)

    def concurrent(
        self,
        region: Region,
        product: str,
        installed: int,
        peak: float,
        *,
        growth: float = 0.05,
        subscription: int = 200,
        surges: tuple[tuple[int, float], ...] = (),
    ) -> SimulatedPool:
        """Concurrent licenses whose usual peak is `peak` of `installed`."""
        today = region.day(self.start)
        rhythm = OfficeUsage(
            region=region,
            hours=OfficeHours(self.random),
            noise=self.noise,
            phase=self.random.randrange(4096),
            today=today,
            peak=installed * peak * self.random.uniform(0.985, 1.015),
            growth=growth * self.random.uniform(0.8, 1.2),
            surges=tuple(
                (last_working_day(region, today + day), share * installed) for day, share in surges
            ),
        )
        return self._pool(product, installed, rhythm, region.hours, subscription)

    def assigned(
        self,
        region: Region,
        product: str,
        installed: int,
        share: float,
        *,
        growth: float = 0.08,
        subscription: int = 200,
    ) -> SimulatedPool:
        """User/device licenses of which `share` are assigned today."""
        today = region.day(self.start)
        projects = tuple(
            Project(
                today - self.random.randrange(earliest - 40, earliest),
                int(installed * self.random.uniform(0.03, 0.08)),
                self.random.randrange(15, 45),
            )
            for earliest in (180, 330)
        )
        rhythm = AssignedUsage(
            region=region,
            noise=self.noise,
            phase=self.random.randrange(4096),
            today=today,
            people=installed * share
            - sum(int(project.assigned(np.array([today]))[0]) for project in projects),
            growth=growth * self.random.uniform(0.8, 1.2),
            projects=projects if installed >= 100 else (),  # noqa: PLR2004 - a small pool is calm
        )
        return self._pool(product, installed, rhythm, region.hours, subscription)

    def machines(
        self,
        product: str,
        installed: int,
        share: float,
        *,
        added: int = 0,
        subscription: int = 200,
    ) -> SimulatedPool:
        """Licenses held around the clock, `share` of them now; `added` came five days ago."""
        rhythm = MachineUsage(
            noise=self.noise,
            phase=self.random.randrange(4096),
            today=self.today,
            count=installed * share,
            growth=self.random.uniform(0.02, 0.1),
            window=self.random.choice((2, 5, 6)),
            added=added,
        )
        # More machines than licenses have been seen in the wild: here nobody is turned away.
        return replace(self._pool(product, installed, rhythm, 0, subscription), is_capped=False)

    def constant(self, product: str, installed: int, in_use: int = 0) -> SimulatedPool:
        """Return licenses of which always the same number is in use."""
        return self._pool(product, installed, ConstantUsage(in_use), 0, 200)

    def startup(self) -> SimulatedPool:
        """Return the start-up licenses of every license server."""
        pool = self.constant("CITRIX", 10, in_use=1)
        day = date(2030, 1, 1)
        return replace(pool, subscription_date=day, license_type="SYS", overdraft=0.0)

    def _pool(
        self, product: str, installed: int, rhythm: UsageProfile, hours: float, subscription: int
    ) -> SimulatedPool:
        return SimulatedPool(
            product,
            _NAMES.get(product, product),
            self.day(subscription),
            UsageCurve(rhythm, hours),
            ((0.0, installed),),
        )


# Servers of the company that are not read by WMI or through a site only


_SOME_DAY: Final = 400  # days until a license ends that nobody worries about


def other_sources(
    buyer: PoolFactory, known: Sequence[SimulatedServer]
) -> tuple[SimulatedServer, ...]:
    """Return all other servers; `known` are the license servers that a partner's account lists."""
    # In this order: each purchase takes the next random numbers.
    servers = (*_in_three_ways(buyer), *_commanded_in_us(buyer), *_commanded_elsewhere(buyer))
    entitlement = replace(
        _exactly(buyer.assigned(EMEA, "XenDesktop:XAXDFull", 2400, 0.86, growth=0.2)),
        expires=buyer.day(167),
        is_capped=False,
    )
    return (
        *servers,
        _server("daas-eu", EMEA, ServerKind.CLOUD, entitlement),
        _partner(buyer, known),
    )


# fmt: off
def _in_three_ways(buyer: PoolFactory) -> tuple[SimulatedServer, ...]:
    """One license server over WMI, through its site, and in a partner's account."""
    pools = (buyer.assigned(EMEA, "XDT_ENT_UD", 900, 0.78, subscription=220),)
    report = ReportedServer("lic-emea-06", pools, expires=buyer.day(_SOME_DAY))
    return (
        _server("lic-emea-06", EMEA, ServerKind.WINRM_NTLM, *pools),
        _server("ddc-emea-06", EMEA, ServerKind.SITE, *pools, same_as="lic-emea-06"),
        _account("csp-emea-06", (report,), same_as="lic-emea-06"))


def _commanded_in_us(buyer: PoolFactory) -> tuple[SimulatedServer, ...]:
    return (
        _server(
            "lic-us-02", US, ServerKind.LMSTAT,
            _exactly(buyer.concurrent(US, "XDT_STD_CCS", 480, 0.71)),
            _exactly(buyer.machines("CXS_ENT_CCS", 96, 0.8))),
        _server(
            "lic-legal-01", US, ServerKind.LMSTAT,  # another vendor's on the same kind of server
            _exactly(buyer.concurrent(US, "docman_pro", 120, 1.04)),
            _exactly(buyer.machines("casefile_index", 16, 0.5)),
            vendor="legald"),
        _server(
            "lic-us-03", US, ServerKind.INVENTORY,
            buyer.concurrent(US, "XDT_ENT_CCS", 350, 0.68, subscription=310),
            buyer.assigned(US, "XDT_PLT_UD", 240, 0.81),
            buyer.startup()),
        _server("lic-us-04", US, ServerKind.CHECKMK, buyer.machines("PVS_STD_CCS", 120, 0.7)))


def _commanded_elsewhere(buyer: PoolFactory) -> tuple[SimulatedServer, ...]:
    return (
        _server(
            "lic-emea-04", EMEA, ServerKind.UDADMIN, buyer.assigned(EMEA, "XDT_STD_UD", 260, 0.7)
        ),
        _server(
            "lic-emea-05", EMEA, ServerKind.REMOTE_LMSTAT,
            _exactly(buyer.concurrent(EMEA, "MPS_PLT_CCU", 160, 0.64))),
        _server(
            "las-apac-03", APAC, ServerKind.LAS_INVENTORY,
            buyer.concurrent(APAC, "XDT_PLT_CCS", 520, 0.74, subscription=260),
            buyer.assigned(APAC, "XDT_ENT_UD", 310, 0.6),
            same_as="lic-apac-03",  # whose WMI is empty, now that it is licensed by LAS
        ),
        _server(
            "lic-apac-04", APAC, ServerKind.WMI_JSON,
            buyer.concurrent(APAC, "XDT_STD_CCS", 210, 0.66),
            buyer.startup()),
        _server(
            "branch-tokyo", APAC, ServerKind.LICTUI,
            buyer.concurrent(APAC, "MPS_ENT_CCU", 90, 0.59)))
# fmt: on


def _partner(buyer: PoolFactory, known: Sequence[SimulatedServer]) -> SimulatedServer:
    """The account that lists the company's own license servers, whatever state they are in."""
    pools = {server.name: server.pools for server in known}

    def report(host: str, days: int = _SOME_DAY) -> ReportedServer:
        held = tuple(pool for pool in pools.get(host, ()) if pool.product.endswith("_UD"))
        return ReportedServer(host, held, expires=buyer.day(days))

    concurrent = tuple(pool for pool in pools["lic-us-01"] if pool.product.endswith("_CCU"))
    reports = (
        report("lic-emea-01"),
        report("lic-apac-01", 62),
        replace(report("lic-us-01"), concurrent=concurrent),
        replace(report("lic-apac-02", 21), last_upload=buyer.start - 5.3 * DAY),
        replace(report("lic-emea-03"), has_reported=False),
        report("lic-us-07", -12),
        replace(report("lic-lab-01"), in_back_office=False),
    )
    return _account("csp-partner", reports)


def _account(
    name: str, reports: tuple[ReportedServer, ...], *, same_as: str = ""
) -> SimulatedServer:
    pools = {pool.product: pool for report in reports for pool in report.pools}
    reported = tuple(
        replace(
            pool,
            curve=StepCurve(_Uploaded(reports, product), 0),
            sizes=((0.0, 0),),
            expires=None,
            is_capped=False,
        )
        for product, pool in pools.items()
    )
    return _server(
        name, EMEA, ServerKind.PARTNER, *reported, same_as=same_as, reported_servers=reports
    )


class _Uploaded(Struct, frozen=True):
    """The profile of figures that license servers upload once a day, at midnight UTC."""

    reports: tuple[ReportedServer, ...]
    product: str

    def days(self, first: int, last: int) -> IntArray:
        """What was reported on each day, all day long."""
        days = sum(uploaded_usage(report, self.product, first, last) for report in self.reports)
        return np.repeat(np.asarray(days)[:, None], QUARTERS, axis=1)


def uploaded_usage(report: ReportedServer, product: str, first: int, last: int) -> IntArray:
    """The users of `product` that a license server had last reported on each of these days."""
    days = np.minimum(np.arange(first, last), int(min(last, report.last_upload // DAY)))
    start = int(days[0])
    midnights = np.zeros(int(days[-1]) + 1 - start, np.int64)
    for pool in report.pools:
        if pool.product == product:
            end = (int(days[-1]) + 1) * DAY
            midnights += pool.readings(start * DAY, end, QUARTER).in_use[::QUARTERS]
    uploaded: IntArray = midnights[days - start]
    return uploaded


def _exactly(pool: SimulatedPool) -> SimulatedPool:
    """Bought without an overdraft, which not every type of license has."""
    return replace(pool, overdraft=0.0)


# The company: license servers and sites around the world


_US_WEST: Final = replace(US, hours=-8)
_INDIA: Final = replace(APAC, hours=5.5)


def company(seed: int, start: float) -> tuple[SimulatedServer, ...]:
    """The same company for the same seed; `start` is when somebody starts to look."""
    buyer = PoolFactory(seed, start)
    known = (*_emea(buyer), *_us(buyer), *_apac(buyer))
    return (*known, *other_sources(buyer, known))


# fmt: off
def _emea(buyer: PoolFactory) -> tuple[SimulatedServer, ...]:
    return (
        _server(
            "lic-emea-01", EMEA, ServerKind.WINRM_BASIC,
            buyer.assigned(EMEA, "XDT_PLT_UD", 1500, 0.85, subscription=37),
            buyer.assigned(EMEA, "XDT_PLT_UD", 600, 0.71, subscription=402),
            buyer.machines("PVS_STD_CCS", 80, 1.06, added=7, subscription=402),
            buyer.startup()),
        _server(
            "lic-emea-02", EMEA, ServerKind.WINRM_ENCRYPTED,
            buyer.concurrent(EMEA, "XDT_ENT_CCS", 1200, 0.76),
            buyer.concurrent(EMEA, "MPS_ADV_CCU", 290, 0.4, growth=-0.3),
            buyer.machines("CXS_ENT_CCS", 64, 0.58),
            buyer.startup()),
        _server(
            "lic-emea-03", EMEA, ServerKind.WINRM_NTLM,
            buyer.concurrent(EMEA, "XDT_ENT_CCS", 150, 0.5),
            buyer.startup(),
            fault=FaultMode.DENIED,  # its password ran out, and nobody has said so yet
        ),
        _server(
            "ddc-emea-01", EMEA, ServerKind.LAS_SITE,
            replace(  # both thresholds are crossed, and all is well again within two hours
                buyer.concurrent(EMEA, "XDT_PLT_CCS", 4000, 0.72, growth=0.18, subscription=310),
                rush=(buyer.start + 20 * 60, buyer.start + 110 * 60, 0.95),
            ),
            activated_until=buyer.day(18)))


def _us(buyer: PoolFactory) -> tuple[SimulatedServer, ...]:
    return (
        _server(
            "lic-us-01", US, ServerKind.WINRM_NTLM,
            buyer.concurrent(US, "XDT_PLT_CCS", 2500, 0.84, growth=0.2),
            # The same purchase under its older code, which nobody uses.
            buyer.constant("XDS_PLT_CCS", 2500),
            buyer.concurrent(US, "MPS_PLT_CCU", 400, 0.36, subscription=85),
            buyer.machines("PVS_STD_CCS", 250, 0.63),
            buyer.startup()),
        _server(
            "ddc-us-01", US, ServerKind.SITE,
            # A launch day: more than purchased, within the overdraft.
            buyer.concurrent(US, "XDT_ENT_CCS", 800, 0.88, surges=((0, 1.08), (-19, 1.05))),
            replace(
                buyer.assigned(US, "XDT_ENT_UD", 450, 0.66),
                license_type="RetailS",
                expires=buyer.day(20),
            )),
        _server(
            "ddc-us-02", _US_WEST, ServerKind.SITE_WITHOUT_OVERVIEW,
            buyer.concurrent(_US_WEST, "XDT_STD_CCS", 600, 0.6)))


def _apac(buyer: PoolFactory) -> tuple[SimulatedServer, ...]:
    days_ago, start = buyer.start - 21.4 * DAY, int(buyer.start)
    # Within the first minutes of a demo, and every four hours of its clock.
    short = ((at, at + 30 * 60) for at in range(start + 20 * 60, start + 30 * DAY, 4 * 3600))
    return (
        _server(
            "lic-apac-01", APAC, ServerKind.WINRM_BASIC,
            buyer.assigned(APAC, "XDT_PLT_UD", 700, 0.93, growth=0.3, subscription=128),
            buyer.assigned(APAC, "XDT_ADV_UD", 25, 1.1, growth=0.1, subscription=128),
            buyer.concurrent(APAC, "XDT_PLT_CCS", 350, 0.55),
            buyer.startup()),
        _server(
            "lic-apac-02", APAC, ServerKind.WINRM_NTLM,
            buyer.assigned(APAC, "XDT_STD_UD", 300, 0.58),
            buyer.concurrent(APAC, "MPS_ENT_CCU", 180, 0.77),
            buyer.machines("PVS_STD_CCS", 40, 0.45),
            buyer.startup(),
            outages=((days_ago, days_ago + 3 * DAY), *short)),
        _server("lic-apac-03", APAC, ServerKind.WINRM_NTLM, fault=FaultMode.EMPTY),
        _server(
            "ddc-apac-01", _INDIA, ServerKind.SITE,
            replace(
                buyer.concurrent(_INDIA, "XDT_PLT_CCS", 900, 0.66),
                sizes=((0.0, 650), (buyer.start - 104 * DAY, 900)),
            ),
            buyer.concurrent(_INDIA, "MPS_ENT_CCU", 120, 0.7, growth=-0.1)))
# fmt: on


def large_company(seed: int, start: float, count: int) -> tuple[SimulatedServer, ...]:
    """`count` license servers of five pools each, for measuring: two in three speak WinRM."""
    buyer = PoolFactory(seed, start)
    regions = EMEA, US, APAC
    kinds = (
        ("lic", ServerKind.WINRM_BASIC),
        ("ddc", ServerKind.SITE),
        ("lic", ServerKind.WINRM_NTLM),
    )
    return tuple(
        _server(
            f"{prefix}-{region.name}-{at:04}",
            region,
            kind,
            buyer.concurrent(region, "XDT_PLT_CCS", 400 + at % 7 * 100, 0.7),
            buyer.concurrent(region, "XDT_ENT_CCS", 250, 0.5),
            buyer.concurrent(region, "MPS_ENT_CCU", 120, 0.8),
            buyer.assigned(region, "XDT_PLT_UD", 500, 0.6 + at % 5 * 0.07),
            buyer.assigned(region, "XDT_PLT_UD", 200, 0.9, subscription=400),
        )
        for at in range(1, count + 1)
        for region, (prefix, kind) in ((regions[at // 3 % 3], kinds[at % 3]),)
    )


class SimulatedEstate:
    """The company of `seed`, as it is at `start`; with a scale, as many similar license servers."""

    def __init__(self, seed: int, start: float, *, scale: int = 0) -> None:
        self.seed = seed
        self.start = start
        # In the order of the registry.
        self.servers = large_company(seed, start, scale) if scale else company(seed, start)
