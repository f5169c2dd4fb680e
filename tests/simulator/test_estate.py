"""The simulated estate: the same for the same seed, alive, and with everything a demo must show."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START

from lictui.model import Level, Reading
from lictui.simulator import FaultMode, License
from lictui.simulator.estate import ServerKind, SimulatedEstate, SimulatedServer
from lictui.simulator.usage import DAY

_HOUR = 3600.0


def _servers(seed: int, start: float) -> dict[str, SimulatedServer]:
    return {server.name: server for server in SimulatedEstate(seed, start).servers}


_SERVERS = _servers(1, START)


def _inventories(servers: dict[str, SimulatedServer], at: float) -> list[tuple[License, ...]]:
    return [server.inventory_at(at) for server in servers.values()]


def _levels(servers: dict[str, SimulatedServer], at: float) -> set[Level]:
    return {
        Reading(each.in_use, each.installed, each.overdraft).level(0.8, 0.9)
        for inventory in _inventories(servers, at)
        for each in inventory
    }


def test_estate_depends_only_on_seed_and_time() -> None:
    hours = [START + hour * _HOUR for hour in range(-48, 48, 5)]
    forwards = [_inventories(_servers(7, START), at) for at in hours]
    other = _servers(7, START)
    backwards = [_inventories(other, at) for at in reversed(hours)]
    assert forwards == backwards[::-1]


@pytest.mark.parametrize("seed", [1, 2, 3, 44, 555])
@pytest.mark.parametrize("hour", [0, 9, 18, 75])  # night, morning and evening; a weekend
def test_estate_has_every_level_at_any_hour(seed: int, hour: int) -> None:
    start = START + hour * _HOUR
    assert {
        Level.OK,
        Level.WARN,
        Level.CRITICAL,
        Level.OVERDRAFT,
        Level.EXHAUSTED,
    } <= _levels(_servers(seed, start), start)


@pytest.mark.parametrize("seed", range(1, 9))
def test_estate_has_a_day_in_overdraft(seed: int) -> None:
    server = _servers(seed, START)["ddc-us-01"]
    quarters = [START - 2 * DAY + at * 900 for at in range(96 * 4)]
    readings = [server.inventory_at(at)[0] for at in quarters]
    over = [at for at, each in zip(quarters, readings, strict=True) if each.in_use > each.installed]
    assert over
    assert max(each.in_use for each in readings) <= 1.1 * readings[0].installed
    assert over[-1] - over[0] < DAY


def test_usage_follows_office_hours() -> None:
    tuesday, sunday = START - START % DAY, START - START % DAY - 2 * DAY

    def in_use(at: float) -> int:
        return _SERVERS["ddc-emea-01"].inventory_at(at)[0].in_use

    morning, lunch, afternoon = (in_use(tuesday + hour * _HOUR) for hour in (9.5, 11.6, 14))
    assert in_use(tuesday + 2 * _HOUR) < 0.1 * morning
    assert in_use(sunday + 10 * _HOUR) < 0.25 * morning
    assert lunch < max(morning, afternoon)


@given(at=st.floats(START - 365 * DAY, START + 365 * DAY))
def test_concurrent_usage_never_exceeds_the_total(at: float) -> None:
    for each in _SERVERS["ddc-us-01"].inventory_at(at):
        assert 0 <= each.in_use <= each.installed + each.overdraft


def test_assignments_fall_only_at_night() -> None:
    server = _SERVERS["lic-emea-01"]
    for pool in server.pools[:2]:
        first = int(START // 900) - 300 * 96
        points = pool.curve.quarter_values(first, first + 300 * 96).tolist()
        falls = [
            (first + at + 1) * 900
            for at, (before, after) in enumerate(pairwise(points))
            if after < before
        ]
        assert falls
        assert {(at + server.region.hours * 3600) % DAY for at in falls} == {0}


def test_licenses_are_gone_the_day_after_they_expire() -> None:
    ending = next(
        each for each in _SERVERS["ddc-us-01"].inventory_at(START) if each.expires is not None
    )
    assert ending.expires is not None
    assert 15 <= (ending.expires.toordinal() - 719163) - START // DAY <= 25
    last = (ending.expires.toordinal() - 719163 + 1) * DAY
    assert len(_SERVERS["ddc-us-01"].inventory_at(last - 1)) == 2
    assert len(_SERVERS["ddc-us-01"].inventory_at(last)) == 1


def test_server_fails_and_recovers_while_somebody_looks() -> None:
    minutes = [_SERVERS["lic-apac-02"].fault_at(START + at * 60) for at in range(400)]
    silent = {at for at, fault in enumerate(minutes) if fault is FaultMode.SILENT}
    assert silent == {*range(20, 50), *range(260, 290)}


def test_product_crosses_both_thresholds_within_two_hours() -> None:
    start = START + 10.5 * 3600  # of a working day
    server = _servers(1, start)["ddc-emea-01"]
    shares = [
        license_.in_use / license_.installed
        for at in range(121)
        for license_ in server.inventory_at(start + at * 60)
    ]
    assert max(shares[:40]) < 0.8
    assert max(shares[45:75]) > 0.9
    assert max(shares[100:]) < 0.75


def test_one_server_is_empty_and_one_refuses_its_password() -> None:
    assert _SERVERS["lic-apac-03"].fault_at(START) is FaultMode.EMPTY
    assert _SERVERS["lic-apac-03"].inventory_at(START) == ()
    assert _SERVERS["lic-emea-03"].fault_at(START) is FaultMode.DENIED


def test_license_server_is_read_in_three_ways() -> None:
    ways = [each for each in _SERVERS.values() if "lic-emea-06" in (each.name, each.same_as)]
    assert [each.kind for each in ways] == [
        ServerKind.WINRM_NTLM,
        ServerKind.SITE,
        ServerKind.PARTNER,
    ]
    wmi, site, _ = (each.inventory_at(START + 7 * _HOUR) for each in ways)
    assert wmi == site


def test_partner_figures_change_once_a_day() -> None:
    midnight = START - START % DAY
    partner = _SERVERS["csp-partner"]
    figures = [
        [held.in_use for held in partner.inventory_at(midnight + at * 300)] for at in range(288)
    ]
    assert figures[0] == figures[-1]
    own = _SERVERS["lic-emea-01"].inventory_at(midnight)
    assert figures[0][0] > sum(held.in_use for held in own if held.product == "XDT_PLT_UD")
    daily = [
        tuple(held.in_use for held in partner.inventory_at(midnight + day * DAY))
        for day in range(9)
    ]
    assert len(set(daily)) > 1
