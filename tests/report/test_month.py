"""Sums of servers in a month, against a twin that adds up every five minutes by itself."""

import itertools
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.report.report_fixture import BERLIN, CCS, END, START, UD, ReportFixture, timestamp
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.analysis.series import day_bounds
from lictui.model import Model
from lictui.report.model import ScopeReport

FIRST = timestamp("2026-10-24T20:00")  # the last hours before a day of 25 hours in Berlin
INSTALLED = 50
Figures = dict[int, int | None]  # by time; None: a failed poll

SERVERS = st.lists(
    st.tuples(
        st.integers(0, 30),  # joins after so many polls
        st.lists(st.none() | st.integers(0, 60), min_size=1, max_size=80),
        st.booleans(),  # removed from the registry since
    ),
    min_size=1,
    max_size=5,
)


def record(fixture: ReportFixture, name: str, figures: Figures, *, removed: bool = False) -> None:
    """Record polls with the same figure of concurrent and of user/device licenses."""
    polled = server(name, interval=300.0)
    if not removed:
        fixture.servers[name] = polled
    polls = []
    for time, figure in figures.items():
        pools = (pool(CCS, figure, INSTALLED, model=Model.CONCURRENT), pool(UD, figure, INSTALLED))
        result = failure() if figure is None else snapshot(*pools)
        polls.append((polled, poll(result, name, time), ()))
    fixture.history.append_many(polls)


def sums(estate: Mapping[str, tuple[Figures, bool]]) -> dict[int, tuple[int, int]]:
    """Return usage and installed of each five minutes in which every expected server has data."""
    total = {}
    for time in range(FIRST, END, 300):
        parts = []
        for figures, removed in estate.values():
            known = [at for at, figure in figures.items() if figure is not None]
            if known and known[0] <= time and not (removed and time > known[-1]):
                parts.append(figures.get(time))
        if parts and None not in parts:
            total[time] = sum(part or 0 for part in parts), INSTALLED * len(parts)
    return total


def assigned_at_day_ends(estate: Mapping[str, tuple[Figures, bool]]) -> list[int | None]:
    """Return the sum of the last figures of each day; None if an expected server has none."""
    days: list[int | None] = []
    bounds = day_bounds(START, END, BERLIN)
    for start, end in pairwise(bounds):
        last: list[int | None] = []
        for figures, removed in estate.values():
            read = {time: figure for time, figure in figures.items() if figure is not None}
            if read and min(read) < end and not (removed and max(read) + 300 < end):
                last.append(
                    next((read[t] for t in sorted(read, reverse=True) if start <= t < end), None)
                )
        days.append(None if not last or None in last else sum(figure or 0 for figure in last))
    return days


def consecutive(times: Sequence[int]) -> list[list[int]]:
    """Return runs of successive five minutes."""
    runs: list[list[int]] = []
    for time in times:
        if runs and runs[-1][-1] == time - 300:
            runs[-1].append(time)
        else:
            runs.append([time])
    return runs


def percentile(values: Sequence[int], share: float) -> int:
    """Return the lowest value that was not exceeded for this share of the time."""
    ordered = sorted(values)
    return next(v for i, v in enumerate(ordered, 1) if i >= share * len(ordered))


def assert_equal_to_twin(scope: ScopeReport, total: Mapping[int, tuple[int, int]]) -> None:
    used = [value for value, _ in total.values()]
    peak = max(used)
    at = next(time for time, (value, _) in total.items() if value == peak)
    month, usage = scope.month, scope.usage
    assert (month.figure, month.timestamp, month.installed) == (peak, at, total[at][1])
    assert month.average == pytest.approx(sum(used) / len(used))
    assert not month.is_upper_bound
    assert usage is not None
    assert (usage.p50, usage.p95, usage.p99) == tuple(
        percentile(used, p) for p in (0.5, 0.95, 0.99)
    )
    for share, seconds in usage.seconds_above:
        assert seconds == 300 * sum(value >= share * of for value, of in total.values())
    assert scope.excess[0] == max(0, *(value - of for value, of in total.values()))
    assert scope.excess[1] == 300 * sum(value > of for value, of in total.values())
    full = [time for time, (value, of) in total.items() if value >= of]
    longest = max((len(run) for run in consecutive(full)), default=0)
    assert (usage.longest_saturation.seconds if usage.longest_saturation else 0) == 300 * longest
    bounds = day_bounds(FIRST, END, BERLIN)
    days = {day.first_day: day.figure for day in scope.days if day.figure is not None}
    expected = [
        max((v for time, (v, _) in total.items() if start <= time < end), default=None)
        for start, end in itertools.pairwise(bounds)
    ]
    assert list(days.values()) == [figure for figure in expected if figure is not None]


@settings(max_examples=25)
@given(SERVERS)
def test_month_equals_the_sum_of_every_five_minutes(
    servers: list[tuple[int, list[int | None], bool]],
) -> None:
    estate: dict[str, tuple[Figures, bool]] = {
        f"s{number}": (
            {FIRST + (joins + index) * 300: figure for index, figure in enumerate(figures)},
            removed,
        )
        for number, (joins, figures, removed) in enumerate(servers)
    }
    total = sums(estate)
    with TemporaryDirectory() as folder:
        fixture = ReportFixture(Path(folder) / "history.db")
        for name, (figures, removed) in estate.items():
            record(fixture, name, figures, removed=removed)
        products = {product.model: product.estate for product in fixture.report().products}
        fixture.history.close()
    if total:
        assert_equal_to_twin(products[Model.CONCURRENT], total)
    else:
        assert all(scope.month.figure is None for scope in products.values())
    if Model.USER_DEVICE in products:
        scope = products[Model.USER_DEVICE]
        assert scope.month.highest == max((value for value, _ in total.values()), default=None)
        assert [day.figure for day in scope.days] == assigned_at_day_ends(estate)


def opposite_phase() -> dict[str, tuple[Figures, bool]]:
    """Return 160 servers whose sum is the same at every moment."""
    return {
        f"s{number:03}": (
            {FIRST + index * 300: 10 if index // 6 % 2 == number % 2 else 1 for index in range(24)},
            False,
        )
        for number in range(160)
    }


def random_estate() -> dict[str, tuple[Figures, bool]]:
    """Return 300 servers; some join later, some are removed, and a few polls fail."""
    random = Random(7)  # noqa: S311 - any estate, the same in every run
    estate = {}
    for number in range(300):
        times = range(FIRST + random.choice((0, 0, 0, 1, 5)) * 300, FIRST + 12 * 300, 300)
        figures: Figures = {time: random.randrange(60) for time in times}
        if random.random() < 0.02:
            figures[random.choice(times)] = None
        estate[f"s{number:03}"] = figures, random.random() < 0.1
    return estate


@pytest.mark.parametrize("estate", [opposite_phase(), random_estate()], ids=["phase", "random"])
def test_month_of_many_servers_is_exact(
    fixture: ReportFixture, estate: dict[str, tuple[Figures, bool]]
) -> None:
    for name, (figures, removed) in estate.items():
        record(fixture, name, figures, removed=removed)
    concurrent, _ = sorted(fixture.report().products, key=lambda product: product.model)
    total = sums(estate)
    assert_equal_to_twin(concurrent.estate, total)
    own_peaks = sum(max(f or 0 for f in figures.values()) for figures, _ in estate.values())
    assert concurrent.estate.sum_of_server_peaks == own_peaks
    assert max(value for value, _ in total.values()) < own_peaks
