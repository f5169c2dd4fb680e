"""What the simulated company's accounts in Citrix Cloud say, from the figures of the estate.

Owns the step from pools to an entitlement and its months, and to what license servers report. Must
not know HTTP or JSON. Times are UTC epoch seconds.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from lictui.simulator.cloud.account import Account as CloudAccount
from lictui.simulator.cloud.account import Assigned, Change, Month, MonthCount
from lictui.simulator.outposts import uploaded
from lictui.simulator.partner.account import Account as PartnerAccount
from lictui.simulator.partner.account import (
    CustomerUsage,
    Feature,
    FeatureCount,
    LinkedCustomer,
    PartnerServer,
    ServerUsage,
    Sku,
    Stamps,
)
from lictui.simulator.region import DAY

if TYPE_CHECKING:
    from lictui.simulator.stock import LicenseServer, Pool, Report

_MONTHS: Final = 12  # that Citrix Cloud remembers
_DEVICES: Final = 1.21  # devices to each user: Citrix counts whichever are fewer
_CUSTOMER: Final = LinkedCustomer("corp", "51000001", "Corp", "Corp Holding")


def cloud_at(server: LicenseServer, at: float) -> CloudAccount | None:
    """The account behind `server`; None once its entitlement has ended."""
    pool = server.pools[0]
    held = pool.at(at)
    if held is None:
        return None
    name, _, edition = pool.product.partition(":")
    ends = pool.ends()
    return CloudAccount(
        users=Assigned(held.in_use),
        devices=Assigned(_devices(held.in_use)),
        owned=held.installed,
        product_name=name,
        edition=edition,
        next_expiry=None if ends is None else Change(ends - DAY, held.installed),
        months=tuple(_months(pool, at)),
    )


def _months(pool: Pool, at: float) -> list[Month]:
    """The calendar months up to the one of `at`, which is not yet over."""
    first, months = datetime.fromtimestamp(at, UTC).date().replace(day=1), []
    end = at
    for _ in range(_MONTHS):
        start = datetime(first.year, first.month, 1, tzinfo=UTC).timestamp()
        before, after = pool.curve.at(start), pool.curve.at(end)
        owned = pool.installed_at(start)
        users = _count(before, after)
        devices = _count(_devices(before), _devices(after))
        months.append(Month(f"{first:%Y-%m}", owned, users, devices))
        first, end = _month_before(first), start - 1
    return months[::-1]


def _month_before(first: date) -> date:
    return date.fromordinal(first.toordinal() - 1).replace(day=1)


def _count(before: int, after: int) -> MonthCount:
    new = max(0, after - before) + before // 90
    return MonthCount(after, new, before + new - after)


def _devices(users: int) -> int:
    return round(users * _DEVICES)


def partner_at(server: LicenseServer, at: float, month: str) -> PartnerAccount:
    """The account behind `server` at `at`, with the usage of `month`: `2026-10`."""
    # A month that is over stands as its last upload left it.
    then = min(at, _end_of(month) - 1)
    return PartnerAccount(
        org_id="51000000",
        servers=tuple(_reported(each, at) for each in server.reports),
        skus=tuple(
            Sku(
                f"CSP-{pool.product}",
                pool.full_name.partition("|")[0],
                (_used(server, pool, then),),
            )
            for pool in server.pools
        ),
    )


def _end_of(month: str) -> float:
    year, number = (int(part) for part in month.split("-"))
    after = (year, number + 1) if number < 12 else (year + 1, 1)  # noqa: PLR2004 - December
    return datetime(*after, 1, tzinfo=UTC).timestamp()


def _reported(report: Report, at: float) -> PartnerServer:
    ends = report.expires
    return PartnerServer(
        host_id=report.host.upper(),
        fqdn=_fqdn(report),
        last_reported=min(at // DAY * DAY, report.until) if report.reports else None,
        expires=datetime(ends.year, ends.month, ends.day, tzinfo=UTC).timestamp() if ends else None,
        in_back_office=report.in_back_office,
        ccu=tuple(
            FeatureCount(pool.product, held.in_use)
            for pool in report.concurrent
            if (held := pool.at(at // DAY * DAY)) is not None
        ),
        customers=(_CUSTOMER,),
        stamps=Stamps(digits=7 if report.concurrent else 2),
    )


def _used(server: LicenseServer, pool: Pool, at: float) -> Feature:
    usages = tuple(
        ServerUsage(_fqdn(report), uploaded(report, pool.product, at), reported=at // DAY * DAY)
        for report in server.reports
        if any(each.product == pool.product for each in report.pools)
    )
    count = sum(usage.count for usage in usages)
    customers = (CustomerUsage(_CUSTOMER.customer_id, count, nick_name=_CUSTOMER.nick_name),)
    return Feature(pool.product, pool.full_name.partition("|")[0], usages, customers)


def _fqdn(report: Report) -> str:
    return f"{report.host}.corp.example"
