"""Sums of random estates, compared with a twin that looks at every reading."""

import random
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.history.history_fixture import DAY, PRODUCT, HistoryFixture
from tests.support.csv_files import reading_rows

from lictui.analysis.series import SeriesQuery, day_bounds
from lictui.analysis.usage import USAGE_SHARES
from lictui.analysis.usage_stats import usage_stats
from lictui.history.csv_reader import ImportedPool
from lictui.history.peaks import PeakQuery, find_peaks
from lictui.model import ESTATE, Model, PoolKey

FIVE = 300
START = 1_792_800_000 // DAY * DAY  # 24 October 2026; Berlin sets its clocks back on the 25th
END = START + 3 * DAY
BERLIN = ZoneInfo("Europe/Berlin")
INSTALLED = 20
Points = list[tuple[int, int]]


def server_readings(chance: random.Random) -> Points:
    """Readings every few minutes to an hour, now and then none for a while, from some time on."""
    interval = chance.choice((60, 300, 300, 600, 900, 1800, 3600))
    first = START + chance.choice((0, 0, 0, chance.randrange(DAY))) + chance.randrange(interval)
    last = chance.choice((END, END, END, END - chance.randrange(DAY)))
    points, value, time = [], chance.randrange(INSTALLED), first
    while time < last:
        value = min(max(value + chance.randint(-2, 2), 0), INSTALLED)
        points.append((time, value))
        steps = chance.randint(2, 40) if chance.random() < 0.003 else 1
        time += steps * interval + chance.choice((0, 0, 0, 1, -1))
    return points


def valid_until(points: Points) -> list[int]:
    """The rule for readings of files: valid over a gap of at most 1.5 times its neighbours."""
    gaps = [after[0] - before[0] for before, after in pairwise(points)]
    result = []
    for index, (time, _) in enumerate(points):
        near = [gaps[i] for i in (index - 1, index + 1) if 0 <= i < len(gaps)]
        if index < len(gaps) and gaps[index] <= 1.5 * max(near, default=gaps[index]):
            result.append(time + gaps[index])
        else:
            result.append(time + (near[0] if near else 900))
    return result


def five_minutes(points: Points) -> dict[int, int]:
    """The highest reading of every five minutes, or the one that is valid all the time."""
    result: dict[int, int] = {}
    for (time, value), until in zip(points, valid_until(points), strict=True):
        start = time // FIVE * FIVE
        result[start] = max(result.get(start, value), value)
        for later in range(start + FIVE, until // FIVE * FIVE, FIVE):
            result.setdefault(later, value)
    return result


def twin(estate: Mapping[str, Points]) -> dict[int, tuple[int, int]]:
    """The sums of in use and installed where every server that is expected has a figure."""
    figures = {name: five_minutes(points) for name, points in estate.items()}
    result = {}
    ends = {
        name: max(points[-1][0] // FIVE * FIVE + FIVE, valid_until(points)[-1] // FIVE * FIVE)
        for name, points in estate.items()
    }
    for start in range(START, END, FIVE):
        expected = [
            name
            for name, points in estate.items()
            if points[0][0] < start + FIVE and start < ends[name]
        ]
        values = [figures[name].get(start) for name in expected]
        known = [value for value in values if value is not None]
        if known and len(known) == len(values):
            result[start] = sum(known), INSTALLED * len(known)
    return result


def percentile(values: Sequence[int], share: float) -> int:
    ordered = sorted(values)
    return ordered[bisect_left(range(1, len(ordered) + 1), share * len(ordered))]


@settings(max_examples=6, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.integers(0, 1 << 30), st.sampled_from([2, 3, 20, 160, 300]))
def test_sum_of_any_estate_equals_its_twin(
    tmp_path_factory: pytest.TempPathFactory, seed: int, servers: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a reproducible estate
    estate = {f"lic-{number}": server_readings(chance) for number in range(servers)}
    key = PoolKey(PRODUCT)
    pools = [
        ImportedPool(
            name,
            key,
            Model.CONCURRENT,
            reading_rows([(time, v, INSTALLED) for time, v in points]),
        )
        for name, points in estate.items()
    ]
    with closing(HistoryFixture(tmp_path_factory.mktemp("h") / "history.db")) as fixture:
        fixture.clock._now = END - 1
        fixture.history.import_readings(pools)
        both = twin(estate)
        expected = {start: total for start, (total, _) in both.items()}
        names = tuple(estate)
        series = fixture.history.series(
            SeriesQuery(tuple((name, key) for name in names), START, END, FIVE)
        )
        assert dict(zip(series.start.tolist(), series.high.tolist(), strict=True)) == expected
        if not expected:
            return
        stats = usage_stats(series)
        assert stats is not None
        values = list(expected.values())
        assert (stats.p50, stats.p95, stats.p99) == tuple(
            percentile(values, share) for share in (0.5, 0.95, 0.99)
        )
        assert stats.seconds_above == tuple(
            (share, FIVE * sum(total >= share * installed for total, installed in both.values()))
            for share in USAGE_SHARES
        )
        for first, last in pairwise(day_bounds(START, END, BERLIN)):
            day = [value for start, value in expected.items() if first <= start < last]
            assert [b.high for b in series.joined([first, last]).buckets] == (
                [max(day)] if day else []
            )
        query = PeakQuery(END - 1, BERLIN, names, per_server=False)
        estate_peak = next(
            each.peak
            for each in find_peaks(fixture.history, query)
            if (each.scope, each.peak.window) == (ESTATE, "all")
        )
        assert (estate_peak.peak, estate_peak.bound) == (max(values), False)
        assert estate_peak.average == pytest.approx(series.average.mean())
