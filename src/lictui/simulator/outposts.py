"""The members of the company that are read neither over WMI nor through a site alone.

Owns who is in Citrix Cloud, which license servers are asked with a command, and which one is known
in three ways. Must not know a protocol.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.simulator.curve import Steps
from lictui.simulator.region import APAC, DAY, EMEA, QUARTERS, US
from lictui.simulator.stock import Kind, LicenseServer, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lictui.simulator.buyer import Buyer
    from lictui.simulator.stock import Pool

_SOME_DAY: Final = 400  # days until a license ends that nobody worries about


def outposts(buyer: Buyer, known: Sequence[LicenseServer]) -> tuple[LicenseServer, ...]:
    """Everyone else; `known` are the license servers that a partner's account lists too."""
    return (*_in_three_ways(buyer), *_commanded(buyer), *_cloud(buyer), _partner(buyer, known))


def _in_three_ways(buyer: Buyer) -> tuple[LicenseServer, ...]:
    """One license server over WMI, through its site, and in a partner's account."""
    pools = (buyer.assigned(EMEA, "XDT_ENT_UD", 900, 0.78, subscription=220),)
    report = Report("lic-emea-06", pools, expires=buyer.day(_SOME_DAY))
    return (
        LicenseServer("lic-emea-06", EMEA, Kind.NTLM, pools),
        LicenseServer("ddc-emea-06", EMEA, Kind.SITE, pools, same_as="lic-emea-06"),
        _account("csp-emea-06", (report,), same_as="lic-emea-06"),
    )


def _commanded(buyer: Buyer) -> tuple[LicenseServer, ...]:
    return (
        LicenseServer(
            "lic-us-02",
            US,
            Kind.LMSTAT,
            (
                _exactly(buyer.office(US, "XDT_STD_CCS", 480, 0.71)),
                _exactly(buyer.machines("CXS_ENT_CCS", 96, 0.8)),
            ),
        ),
        LicenseServer(
            "lic-legal-01",  # another vendor's, on the same kind of license server
            US,
            Kind.LMSTAT,
            (
                _exactly(buyer.office(US, "docman_pro", 120, 1.04)),
                _exactly(buyer.machines("casefile_index", 16, 0.5)),
            ),
            vendor="legald",
        ),
        LicenseServer(
            "lic-us-03",
            US,
            Kind.INVENTORY,
            (
                buyer.office(US, "XDT_ENT_CCS", 350, 0.68, subscription=310),
                buyer.assigned(US, "XDT_PLT_UD", 240, 0.81),
                buyer.startup(),
            ),
        ),
        LicenseServer("lic-us-04", US, Kind.CHECKMK, (buyer.machines("PVS_STD_CCS", 120, 0.7),)),
        LicenseServer(
            "lic-emea-04", EMEA, Kind.UDADMIN, (buyer.assigned(EMEA, "XDT_STD_UD", 260, 0.7),)
        ),
        LicenseServer(
            "lic-emea-05",
            EMEA,
            Kind.REMOTE_LMSTAT,
            (_exactly(buyer.office(EMEA, "MPS_PLT_CCU", 160, 0.64)),),
        ),
        LicenseServer(
            "las-apac-03",
            APAC,
            Kind.LAS_INVENTORY,
            (
                buyer.office(APAC, "XDT_PLT_CCS", 520, 0.74, subscription=260),
                buyer.assigned(APAC, "XDT_ENT_UD", 310, 0.6),
            ),
            same_as="lic-apac-03",  # whose WMI is empty, now that it is licensed by LAS
        ),
        LicenseServer(
            "lic-apac-04",
            APAC,
            Kind.WMI_JSON,
            (buyer.office(APAC, "XDT_STD_CCS", 210, 0.66), buyer.startup()),
        ),
        LicenseServer(
            "branch-tokyo", APAC, Kind.LICTUI, (buyer.office(APAC, "MPS_ENT_CCU", 90, 0.59),)
        ),
    )


def _cloud(buyer: Buyer) -> tuple[LicenseServer, ...]:
    pool = buyer.assigned(EMEA, "XenDesktop:XAXDFull", 2400, 0.86, growth=0.2)
    pool = replace(_exactly(pool), expires=buyer.day(167), refuses=False)
    return (LicenseServer("daas-eu", EMEA, Kind.CLOUD, (pool,)),)


def _partner(buyer: Buyer, known: Sequence[LicenseServer]) -> LicenseServer:
    """The account that lists the company's own license servers, whatever state they are in."""
    pools = {server.name: server.pools for server in known}

    def report(host: str, days: int = _SOME_DAY) -> Report:
        held = tuple(pool for pool in pools.get(host, ()) if pool.product.endswith("_UD"))
        return Report(host, held, expires=buyer.day(days))

    concurrent = tuple(pool for pool in pools["lic-us-01"] if pool.product.endswith("_CCU"))
    reports = (
        report("lic-emea-01"),
        report("lic-apac-01", 62),
        replace(report("lic-us-01"), concurrent=concurrent),
        replace(report("lic-apac-02", 21), until=buyer.start - 5.3 * DAY),
        replace(report("lic-emea-03"), reports=False),
        report("lic-us-07", -12),
        replace(report("lic-lab-01"), in_back_office=False),
    )
    return _account("csp-partner", reports)


def _account(name: str, reports: tuple[Report, ...], *, same_as: str = "") -> LicenseServer:
    pools = {pool.product: pool for report in reports for pool in report.pools}
    told = tuple(
        replace(
            pool,
            curve=Steps(_Uploaded(reports, product), 0),
            sizes=((0.0, 0),),
            expires=None,
            refuses=False,
        )
        for product, pool in pools.items()
    )
    return LicenseServer(name, EMEA, Kind.PARTNER, told, same_as=same_as, reports=reports)


class _Uploaded:
    """The rhythm of figures that license servers upload once a day, at midnight UTC."""

    def __init__(self, reports: tuple[Report, ...], product: str) -> None:
        self._reports = reports
        self._product = product

    def quarters(self, day: int) -> Sequence[int]:
        """What was told that day, all day long."""
        told = (uploaded(report, self._product, day * DAY) for report in self._reports)
        return [sum(told)] * QUARTERS


def uploaded(report: Report, product: str, at: float) -> int:
    """The users of `product` that a license server told License Usage Insights of by `at`."""
    last = min(at, report.until) // DAY * DAY
    held = (pool.at(last) for pool in report.pools if pool.product == product)
    return sum(each.in_use for each in held if each is not None)


def _exactly(pool: Pool) -> Pool:
    """Bought without an overdraft, which not every type of license has."""
    return replace(pool, overdraft=0.0)
