"""The year before the demo: the same figures that the servers would have given."""

from collections import defaultdict
from itertools import pairwise

import pytest
from tests.support.clock import START

from lictui.analysis.series import BackfillRow, Bucket, Resolution
from lictui.model import PoolKey
from lictui.simulator import License
from lictui.simulator.backfill import backfill
from lictui.simulator.estate import SimulatedEstate
from lictui.simulator.usage import DAY

_UNTIL = START + 1234.5
_ESTATE = SimulatedEstate(1, _UNTIL)
_Line = tuple[str, PoolKey, Resolution]


@pytest.fixture(scope="module")
def past() -> dict[_Line, list[BackfillRow]]:
    lines: dict[_Line, list[BackfillRow]] = defaultdict(list)
    for each in backfill(_ESTATE, _UNTIL):
        lines[each.server, each.key, each.resolution].append(each)
    return dict(lines)


def _buckets(
    past: dict[_Line, list[BackfillRow]], resolution: Resolution
) -> list[tuple[str, PoolKey, Bucket]]:
    return [
        (server, key, each.bucket)
        for (server, key, width), line in past.items()
        if width is resolution
        for each in line
    ]


def _held(server: str, key: PoolKey, at: float) -> License:
    return next(
        each
        for each in _ESTATE.inventory_at(server, at)
        if each.product == key.product
        and key.subscription_date in ("", each.subscription_date.isoformat())
    )


def test_failed_servers_have_no_history(past: dict[_Line, list[BackfillRow]]) -> None:
    assert {server for server, _, _ in past} == {server.name for server in _ESTATE.servers} - {
        "lic-emea-03",
        "lic-apac-03",
    }


def test_resolutions_reach_back_as_far_as_retention(past: dict[_Line, list[BackfillRow]]) -> None:
    days = {
        Resolution.DAY: 364,
        Resolution.HOUR: 91,
        Resolution.FIVE_MINUTES: 8,
        Resolution.RAW: 1.9,
    }
    for (_, _, width), line in past.items():
        assert line[0].bucket.start <= _UNTIL - days[width] * DAY
        assert line[-1].bucket.end >= _UNTIL - 86400


def test_buckets_are_in_order_and_end_before_now(past: dict[_Line, list[BackfillRow]]) -> None:
    for (_, _, width), line in past.items():
        for before, after in pairwise(line):
            assert before.bucket.end <= after.bucket.start
        assert all(each.bucket.start <= _UNTIL for each in line)
        if width is not Resolution.RAW:
            assert all(each.bucket.start % width == 0 for each in line)
            assert all(each.bucket.end == each.bucket.start + width for each in line)


def test_bucket_is_consistent(past: dict[_Line, list[BackfillRow]]) -> None:
    for width in Resolution:
        for _, _, bucket in _buckets(past, width):
            assert bucket.low <= bucket.average <= bucket.high
            assert bucket.low <= bucket.last <= bucket.high
            assert bucket.start <= bucket.high_at <= bucket.end
            assert bucket.samples > 0


@pytest.mark.parametrize("width", [Resolution.DAY, Resolution.HOUR, Resolution.FIVE_MINUTES])
def test_maximum_is_the_reading_of_its_time(
    past: dict[_Line, list[BackfillRow]], width: Resolution
) -> None:
    for server, key, bucket in _buckets(past, width)[::37]:
        if bucket.installed is None:
            continue
        held = _held(server, key, bucket.high_at)
        assert held.in_use == bucket.high
        if bucket.overdraft is None:  # the count has it in it, or there is none
            assert bucket.installed == held.installed + held.overdraft
        else:
            assert (held.installed, held.overdraft) == (bucket.installed, bucket.overdraft)


def test_hour_sums_up_its_five_minute_buckets(
    past: dict[_Line, list[BackfillRow]],
) -> None:
    key = PoolKey("XDT_PLT_CCS", "2027-06-12")
    fives = [each.bucket for each in past["lic-us-01", key, Resolution.FIVE_MINUTES]]
    hours = [each.bucket for each in past["lic-us-01", key, Resolution.HOUR]]
    for hour in (each for each in hours if each.start >= fives[0].start):
        parts = [each for each in fives if hour.start <= each.start < hour.end]
        assert hour.samples == sum(each.samples for each in parts)
        assert hour.high == max(each.high for each in parts)
        assert hour.low == min(each.low for each in parts)
        assert hour.last == parts[-1].last


def test_outage_is_a_gap(past: dict[_Line, list[BackfillRow]]) -> None:
    (start, end), *_ = next(
        server.outages for server in _ESTATE.servers if server.name == "lic-apac-02"
    )
    for server, _, bucket in _buckets(past, Resolution.HOUR):
        if server == "lic-apac-02":
            assert bucket.end <= start + 3600 or bucket.start >= end - 3600


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
    past: dict[_Line, list[BackfillRow]],
    server: str,
    product: str,
    day: str,
    installed: int | None,
    overdraft: int | None,
) -> None:
    line = past[server, PoolKey(product, day), Resolution.DAY]
    assert len(line) > 360
    assert {(each.bucket.installed, each.bucket.overdraft) for each in line} == {
        (installed, overdraft)
    }
