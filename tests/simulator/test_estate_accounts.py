"""What the accounts in Citrix Cloud say follows from what the estate holds."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from tests.support.clock import START

from lictui.simulator.estate import SimulatedEstate
from lictui.simulator.partner_server import Sku, cloud_account_at, partner_account_at
from lictui.simulator.usage import DAY

_ESTATE = SimulatedEstate(1, START)
_SERVERS = {server.name: server for server in _ESTATE.servers}
_CLOUD, _PARTNER = _SERVERS["daas-eu"], _SERVERS["csp-partner"]


def test_the_cloud_counts_what_the_estate_holds() -> None:
    for at in (START, START + 3 * 3600):
        account = cloud_account_at(_CLOUD, at)
        (held,) = _ESTATE.inventory_at("daas-eu", at)
        assert account is not None
        assert (account.in_use, account.owned) == (held.in_use, held.installed)
        assert account.users.total == held.in_use < account.devices.total
        assert f"{account.product_name}:{account.edition}" == held.product
        assert account.next_expiry is not None
        assert held.expires == datetime.fromtimestamp(account.next_expiry.at, UTC).date()


def test_an_account_whose_entitlement_ended_recorded_nothing() -> None:
    assert cloud_account_at(_CLOUD, START + 200 * DAY) is None


def test_a_year_of_months_adds_up() -> None:
    account = cloud_account_at(_CLOUD, START)
    assert account is not None
    assert [each.month for each in account.months] == [
        "2025-12",
        *(f"2026-{month:02}" for month in range(1, 12)),
    ]
    for before, after in pairwise(account.months):
        for one, next_one in ((before.users, after.users), (before.devices, after.devices)):
            assert min(next_one.new, next_one.released) >= 0
            rise = next_one.new - next_one.released
            # A month begins a second after the one before it ended.
            assert abs(one.cumulative + rise - next_one.cumulative) <= 1
        assert after.counted == after.users
    assert account.months[-1].users.cumulative == account.in_use


def test_a_partner_hears_from_whoever_reports() -> None:
    servers = {
        each.host_id: each for each in partner_account_at(_PARTNER, START, "2026-11").servers
    }
    assert {host for host, each in servers.items() if not each.reporting(START)} == {
        "LIC-APAC-02",
        "LIC-EMEA-03",
    }
    assert servers["LIC-EMEA-03"].last_reported is None
    assert [host for host, each in servers.items() if each.ccu] == ["LIC-US-01"]
    assert [host for host, each in servers.items() if not each.in_back_office] == ["LIC-LAB-01"]
    ended = [host for host, each in servers.items() if each.expires and each.expires < START]
    assert ended == ["LIC-US-07"]


def test_the_usage_of_this_month_is_what_the_account_holds() -> None:
    at = START + 5 * 3600
    assert _counts(partner_account_at(_PARTNER, at, "2026-11").skus) == {
        each.product: each.in_use for each in _ESTATE.inventory_at("csp-partner", at)
    }


def _counts(skus: tuple[Sku, ...]) -> dict[str, int]:
    return {
        feature.feature_id: sum(usage.count for usage in feature.servers)
        for sku in skus
        for feature in sku.features
    }


def test_a_month_that_is_over_stands() -> None:
    first = partner_account_at(_PARTNER, START, "2026-09").skus
    later = partner_account_at(_PARTNER, START + 9 * DAY, "2026-09").skus
    assert first == later
    last = datetime(2026, 9, 30, 12, tzinfo=UTC).timestamp()
    assert _counts(first) == {
        each.product: each.in_use for each in _ESTATE.inventory_at("csp-partner", last)
    }


def test_a_silent_server_stands_at_what_it_told_last() -> None:
    def told(at: float) -> int:
        skus = partner_account_at(_PARTNER, at, f"{datetime.fromtimestamp(at, UTC):%Y-%m}").skus
        usages = [usage for sku in skus for feature in sku.features for usage in feature.servers]
        return sum(usage.count for usage in usages if usage.fqdn.startswith("lic-apac-02"))

    assert len({told(START + day * DAY) for day in range(-5, 120, 5)}) == 1
    assert len({told(START - day * DAY) for day in range(6, 21)}) > 1
