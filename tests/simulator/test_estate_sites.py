"""What sites say of themselves follows from what they hold."""

from __future__ import annotations

import pytest
from tests.support.clock import START

from lictui.simulator.cvad_server import site_at
from lictui.simulator.estate import SimulatedEstate
from lictui.simulator.usage import DAY, as_date

_ESTATE = SimulatedEstate(1, START)
_SERVERS = {server.name: server for server in _ESTATE.servers}


def _titles(name: str, at: float) -> set[str]:
    return {alert.title for alert in site_at(_ESTATE, _SERVERS[name], at).alerts}


def test_a_las_site_is_activated_for_eighteen_days() -> None:
    site = site_at(_ESTATE, _SERVERS["ddc-emea-01"], START)
    assert site.las
    assert site.activated_until == as_date(int(START // DAY) + 18)
    assert "License activation is due for renewal" in {alert.title for alert in site.alerts}


def test_a_site_without_an_overview_has_no_path_for_one() -> None:
    assert site_at(_ESTATE, _SERVERS["ddc-us-02"], START).overview_path is None
    assert site_at(_ESTATE, _SERVERS["ddc-us-01"], START).overview_path is not None


def test_an_excursion_is_an_alarm_while_it_lasts() -> None:
    night, morning = START, START + 9.5 * 3600  # 01:00 and 10:30 in New York
    assert "Licenses are in overdraft" not in _titles("ddc-us-01", night)
    assert "Licenses are in overdraft" in _titles("ddc-us-01", morning)


def test_an_expiry_is_announced_until_it_is_past() -> None:
    assert "Licenses expire soon" in _titles("ddc-us-01", START)
    assert "Licenses expire soon" not in _titles("ddc-us-01", START + 25 * DAY)


def test_the_peak_of_a_day_never_falls_until_midnight() -> None:
    server = _SERVERS["ddc-us-01"]
    midnight = START - START % DAY + 5 * 3600  # in New York, in UTC
    peaks = [site_at(_ESTATE, server, midnight + hour * 3600).peak or 0 for hour in range(24)]
    assert peaks == sorted(peaks)
    assert peaks[-1] > (site_at(_ESTATE, server, midnight + DAY + 60).peak or 0)


@pytest.mark.parametrize("name", sorted(name for name in _SERVERS if name.startswith("ddc")))
def test_a_site_keeps_its_identity(name: str) -> None:
    now, later = (site_at(_ESTATE, _SERVERS[name], at) for at in (START, START + DAY))
    assert (now.id, now.name) == (later.id, later.name)
    assert now.id != site_at(SimulatedEstate(2, START), _SERVERS[name], START).id
