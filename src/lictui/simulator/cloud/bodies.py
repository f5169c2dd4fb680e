"""The JSON that the licensing API of Citrix Cloud answers with.

Owns field names and how times are written. Must not know HTTP or who asks. Fields: the examples
of `ud/current` and `ud/historicalusage` on developer-docs.citrix.com; for the concurrent summary,
which is not documented, those that a public script reads.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.simulator.cloud.account import (
        Account,
        Assigned,
        Change,
        Concurrent,
        Month,
        MonthCount,
        Peak,
    )

Json = dict[str, Any]

_TICKS: Final = 10_000_000  # of a second, as .NET counts it


def current(account: Account, customer: str, now: float) -> Json:
    """`ud/current`: what is owned, assigned and left."""
    recorded = now if account.recorded_at is None else account.recorded_at
    return {
        "customerId": customer,
        "totalUsageCount": account.in_use,
        "userLicenseUsage": _assigned(account.users),
        "deviceLicenseUsage": _assigned(account.devices),
        "totalAvailableLicenseCount": account.owned,  # owned, in spite of its name
        "remainingLicenseCount": account.remaining,
        "timeStamp": stamp(recorded),
        "productName": account.product_name,
        "productEdition": account.edition,
        "nextExpiredLicenses": _expiring(account.next_expiry, now),
        "nextActivatingLicense": _activating(account.next_activation),
    }


def _assigned(assigned: Assigned) -> Json:
    return {"totalUsageCount": assigned.total, "releasedCount": assigned.released}


def _expiring(change: Change | None, now: float) -> Json | None:
    if change is None:
        return None
    ends, today = (datetime.fromtimestamp(at, UTC).date() for at in (change.at, now))
    return {
        "nextExpiredTime": stamp(change.at),
        "totalCount": change.count,
        "daysToExpire": (ends - today).days,
    }


def _activating(change: Change | None) -> Json | None:
    if change is None:
        return None
    return {"activatingTime": stamp(change.at), "activatingCount": change.count}


def history(account: Account, customer: str, months: Iterable[str]) -> Json:
    """`ud/historicalusage`: those of `months` (`2026-10`) that were recorded, the oldest first."""
    wanted = set(months)
    told = sorted(
        (each for each in account.months if each.month in wanted), key=lambda each: each.month
    )
    return {
        "customerId": customer,
        "historicalUsageType": "Monthly",
        "productEdition": account.edition,
        "xenAppXenDesktopHistoricalUsageList": [
            {**_month(each), **_counts(each.counted)} for each in told
        ],
        "historicalUsageList": [
            {
                **_month(each),
                "deviceLicenseUsage": _counts(each.devices),
                "userLicenseUsage": _counts(each.users),
            }
            for each in told
        ],
    }


def _month(month: Month) -> Json:
    return {
        "timeStamp": f"{month.month}-01T00:00:00.0000000Z",
        "totalAvailableLicenseCount": month.owned,
    }


def _counts(counted: MonthCount) -> Json:
    return {
        "cumulativeAssignedCount": counted.cumulative,
        "newAssignedCount": counted.new,
        "releasedCount": counted.released,
    }


def concurrent(held: Concurrent) -> Json:
    """`ccu/summary`: what is in use now, and three peaks."""
    return {
        "currentCcu": {
            "totalLicenseCount": held.total,
            "assignedLicenseCount": held.assigned,
            "reportTime": stamp(held.reported_at),
        },
        "last24HoursPeak": _peak(held.last_24_hours),
        "monthPeak": _peak(held.month),
        "allTimePeak": _peak(held.all_time),
    }


def _peak(peak: Peak | None) -> Json | None:
    if peak is None:
        return None
    return {"assignedLicenseCount": peak.assigned, "reportTime": stamp(peak.at)}


def stamp(at: float) -> str:
    """`2026-11-24T06:00:00.0215469Z`: .NET's round-trip format, always seven digits."""
    seconds, ticks = divmod(round(at * _TICKS), _TICKS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ticks:07d}Z"
