"""The accounts and sites of the simulated company agree with its estate."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from tests.support.clock import START

from lictui.simulator.cloud_server import month_rows
from lictui.simulator.cvad_server import SimulatedSite, site_detail
from lictui.simulator.estate import SimulatedEstate
from lictui.simulator.partner_server import usage_data_body
from lictui.simulator.usage import DAY

_SERVERS = {server.name: server for server in SimulatedEstate(1, START).servers}
_COUNTS = ("cumulativeAssignedCount", "newAssignedCount", "releasedCount")


@pytest.mark.parametrize("kind", ["userLicenseUsage", "deviceLicenseUsage"])
def test_months_of_a_cloud_account_add_up(kind: str) -> None:
    (pool,) = _SERVERS["daas-eu"].pools
    rows = month_rows(pool, 2026 * 12, 2026 * 12 + 11, START)
    assert [row["timeStamp"][:7] for row in rows] == [f"2026-{month:02}" for month in range(1, 12)]
    months = [tuple(row[kind][name] for name in _COUNTS) for row in rows]
    for (before, *_), (after, new, released) in pairwise(months):
        assert min(new, released) >= 0
        # A month begins a second after the one before it ended.
        assert abs(before + new - released - after) <= 1
    assert rows[-1]["userLicenseUsage"][_COUNTS[0]] == pool.curve.value_at(START)


def _usage(at: float) -> dict[str, dict[str, int]]:
    """Users by product and license server."""
    features = [
        sku["features"][0] for sku in usage_data_body(_SERVERS["csp-partner"], "acme", at)["skus"]
    ]
    return {
        feature["featureId"]: {row["fqdn"]: row["count"] for row in feature["licenseServerUsages"]}
        for feature in features
    }


def test_partner_usage_has_the_figures_of_the_estate() -> None:
    noon = datetime(2026, 9, 30, 12, tzinfo=UTC).timestamp()
    assert {product: sum(counts.values()) for product, counts in _usage(noon).items()} == {
        each.product: each.in_use for each in _SERVERS["csp-partner"].inventory_at(noon)
    }


def test_partner_usage_of_a_silent_server_is_its_last() -> None:
    def uploaded(days: int) -> int:
        return _usage(START + days * DAY)["XDT_STD_UD"]["lic-apac-02.corp.example"]

    assert len({uploaded(days) for days in range(-5, 120, 5)}) == 1
    assert len({uploaded(-days) for days in range(6, 21)}) > 1


def _site(name: str, at: float) -> dict[str, Any]:
    return site_detail(SimulatedSite(_SERVERS[name], _SERVERS[name].inventory_at(at), at))


@pytest.mark.parametrize(
    ("name", "title", "during", "outside"),
    [
        ("ddc-emea-01", "License activation is due for renewal", START, START - 13 * DAY),
        # 10:30 and 01:00 in New York
        ("ddc-us-01", "Licenses are in overdraft", START + 9.5 * 3600, START),
        ("ddc-us-01", "Licenses expire soon", START, START + 25 * DAY),
    ],
)
def test_site_has_an_alert_while_there_is_a_reason(
    name: str, title: str, during: float, outside: float
) -> None:
    for at, is_shown in ((during, True), (outside, False)):
        titles = {alert["Title"] for alert in _site(name, at)["LicensingAlerts"]}
        assert (title in titles) is is_shown
