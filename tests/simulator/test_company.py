"""The accounts and sites of the simulated company agree with its estate."""

from datetime import UTC, datetime
from itertools import pairwise

from tests.support.clock import START

from lictui.simulator.cloud_server import cloud_account_at
from lictui.simulator.cvad_server import site_at
from lictui.simulator.estate import SimulatedEstate
from lictui.simulator.partner_server import Sku, partner_account_at
from lictui.simulator.usage import DAY, as_date

_ESTATE = SimulatedEstate(1, START)
_SERVERS = {server.name: server for server in _ESTATE.servers}
_CLOUD, _PARTNER = _SERVERS["daas-eu"], _SERVERS["csp-partner"]


def test_cloud_account_has_the_licenses_of_the_estate() -> None:
    for at in (START, START + 3 * 3600):
        account = cloud_account_at(_CLOUD, at)
        (license_,) = _ESTATE.inventory_at("daas-eu", at)
        assert account is not None
        assert (account.in_use, account.owned) == (license_.in_use, license_.installed)
        assert account.users.total == license_.in_use < account.devices.total
        assert f"{account.product_name}:{account.edition}" == license_.product
        assert account.next_expiry is not None
        assert license_.expires == datetime.fromtimestamp(account.next_expiry.at, UTC).date()


def test_months_of_a_cloud_account_add_up() -> None:
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
            assert abs(one.total + rise - next_one.total) <= 1
        assert after.counted == after.users
    assert account.months[-1].users.total == account.in_use


def test_partner_account_has_every_state_of_a_server() -> None:
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


def _counts(skus: tuple[Sku, ...]) -> dict[str, int]:
    return {
        feature.feature_id: sum(usage.count for usage in feature.servers)
        for sku in skus
        for feature in sku.features
    }


def test_partner_usage_of_a_past_month_is_final() -> None:
    first = partner_account_at(_PARTNER, START, "2026-09").skus
    later = partner_account_at(_PARTNER, START + 9 * DAY, "2026-09").skus
    assert first == later
    last = datetime(2026, 9, 30, 12, tzinfo=UTC).timestamp()
    assert _counts(first) == {
        each.product: each.in_use for each in _ESTATE.inventory_at("csp-partner", last)
    }


def test_partner_usage_of_a_silent_server_is_its_last() -> None:
    def told(at: float) -> int:
        skus = partner_account_at(_PARTNER, at, f"{datetime.fromtimestamp(at, UTC):%Y-%m}").skus
        usages = [usage for sku in skus for feature in sku.features for usage in feature.servers]
        return sum(usage.count for usage in usages if usage.fqdn.startswith("lic-apac-02"))

    assert len({told(START + day * DAY) for day in range(-5, 120, 5)}) == 1
    assert len({told(START - day * DAY) for day in range(6, 21)}) > 1


def _titles(name: str, at: float) -> set[str]:
    return {alert.title for alert in site_at(_ESTATE, _SERVERS[name], at).alerts}


def test_las_site_is_activated_for_eighteen_days() -> None:
    site = site_at(_ESTATE, _SERVERS["ddc-emea-01"], START)
    assert site.las
    assert site.activated_until == as_date(int(START // DAY) + 18)
    assert "License activation is due for renewal" in {alert.title for alert in site.alerts}


def test_overdraft_is_an_alarm_while_it_lasts() -> None:
    night, morning = START, START + 9.5 * 3600  # 01:00 and 10:30 in New York
    assert "Licenses are in overdraft" not in _titles("ddc-us-01", night)
    assert "Licenses are in overdraft" in _titles("ddc-us-01", morning)


def test_expiry_is_an_alert_until_it_is_past() -> None:
    assert "Licenses expire soon" in _titles("ddc-us-01", START)
    assert "Licenses expire soon" not in _titles("ddc-us-01", START + 25 * DAY)
