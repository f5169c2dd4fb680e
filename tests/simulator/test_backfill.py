"""The year before the demo: the same figures that the servers would have given."""

import numpy as np
import pytest
from tests.support.clock import START

from lictui.analysis.series import Resolution
from lictui.history.csv_reader import UNKNOWN, ImportedPool
from lictui.model import PoolKey
from lictui.simulator import License
from lictui.simulator.backfill import backfill
from lictui.simulator.estate import SimulatedEstate
from lictui.simulator.usage import DAY

_UNTIL = START + 1234.5
_ESTATE = SimulatedEstate(1, _UNTIL)
_SERVERS = {server.name: server for server in _ESTATE.servers}
_Past = dict[tuple[str, PoolKey], ImportedPool]


@pytest.fixture(scope="module")
def past() -> _Past:
    return {(pool.server, pool.key): pool for pool in backfill(_ESTATE, _UNTIL)}


def _held(server: str, key: PoolKey, at: float) -> License:
    return next(
        each
        for each in _SERVERS[server].inventory_at(at)
        if each.product == key.product
        and key.subscription_date in ("", each.subscription_date.isoformat())
    )


def test_failed_servers_have_no_history(past: _Past) -> None:
    assert {server for server, _ in past} == _SERVERS.keys() - {
        "lic-emea-03",
        "lic-apac-03",
    }


def test_buckets_and_readings_cover_the_year_without_a_gap(past: _Past) -> None:
    tomorrow = START - START % DAY + DAY
    for (server, _), pool in past.items():
        widths = (Resolution.DAY, Resolution.HOUR, Resolution.FIVE_MINUTES)
        columns = [pool.of_width(width)["time"] for width in widths]
        readings = pool.of_width(Resolution.RAW)["time"]
        starts = [int(column[0]) for column in columns]
        assert starts == [tomorrow - days * DAY for days in (365, 92, 62)]
        ends = [int(column[-1]) + width for column, width in zip(columns, widths, strict=True)]
        assert ends == [*starts[1:], readings[0]]
        assert readings[-1] == START + 1200
        steps = {int(step) for column in columns for step in np.diff(column)}
        assert steps == set(widths) or server == "lic-apac-02"


def test_readings_and_maxima_are_those_of_their_time(past: _Past) -> None:
    for (server, key), pool in past.items():
        for name in ("average", "last"):
            assert (pool.rows["low"] <= pool.rows[name]).all()
            assert (pool.rows[name] <= pool.rows["in_use"]).all()
        figures = pool.rows[["high_at", "in_use"]].tolist()[::191]
        for at, count in figures if not server.startswith("csp") else ():
            assert _held(server, key, at).in_use == count


def test_outage_is_a_gap(past: _Past) -> None:
    (start, end), *_ = _SERVERS["lic-apac-02"].outages
    for server, key in past:
        fives = past[server, key].of_width(Resolution.FIVE_MINUTES)["time"]
        if server == "lic-apac-02":
            assert not ((fives >= start) & (fives < end)).any()
            assert fives[0] < start < end < fives[-1]


# What a lictui that had watched would know: server, product, day, installed, overdraft.
_TOLD = [
    ("ddc-us-02", "XDT_STD_CCS", "", None, None),
    ("lic-us-02", "XDT_STD_CCS", "2027-06-12", 480, None),
    ("lic-legal-01", "docman_pro", "", 120, None),
    ("lic-us-03", "XDT_PLT_UD", "2027-06-12", 240, 24),
    ("lic-us-03", "CITRIX", "", 10, 0),
    ("lic-us-04", "PVS_STD_CCS", "", 132, None),
    ("lic-emea-04", "XDT_STD_UD", "2027-06-12", None, None),
    ("lic-apac-04", "CITRIX", "2030-01-01", 10, 0),
    ("branch-tokyo", "MPS_ENT_CCU", "2027-06-12", 90, 9),
    ("daas-eu", "XenDesktop:XAXDFull", "", 2400, None),
    ("csp-partner", "XDT_PLT_UD", "", None, None),
]


@pytest.mark.parametrize(("server", "product", "day", "installed", "overdraft"), _TOLD)
def test_history_has_the_figures_that_each_source_reports(
    past: _Past,
    server: str,
    product: str,
    day: str,
    installed: int | None,
    overdraft: int | None,
) -> None:
    days = past[server, PoolKey(product, day)].of_width(Resolution.DAY)
    expected = [{UNKNOWN if count is None else count} for count in (installed, overdraft)]
    assert [set(days[name].tolist()) for name in ("installed", "overdraft")] == expected
