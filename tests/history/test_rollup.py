from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictui.history.rollup import ReadingRun, Rollup, coarsen, merge_lists, roll_up

WIDTHS = (300, 3600, 86400)


@st.composite
def runs(draw: st.DrawFn) -> list[ReadingRun]:
    """Runs in order of time that do not overlap."""
    result: list[ReadingRun] = []
    at = draw(st.integers(0, 10_000_000))
    for _ in range(draw(st.integers(1, 12))):
        n = draw(st.integers(1, 40))
        span = 0 if n == 1 else draw(st.integers(n - 1, n * 900))
        result.append(ReadingRun(at, span, n, draw(st.none() | st.integers(-5, 400))))
        at += span + draw(st.integers(1, 5000))
    return result


def expanded(some: list[ReadingRun]) -> list[tuple[int, int]]:
    return [
        (run.time_of(index), run.in_use)
        for run in some
        for index in range(run.samples)
        if run.in_use is not None
    ]


def by_hand(readings: list[tuple[int, int]], width: int) -> list[Rollup]:
    starts = sorted({at // width * width for at, _ in readings})
    result = []
    for start in starts:
        inside = [(at, value) for at, value in readings if start <= at < start + width]
        values = [value for _, value in inside]
        high = max(values)
        first = next(at for at, value in inside if value == high)
        result.append(Rollup(start, min(values), sum(values), high, first, values[-1], len(values)))
    return result


@given(runs(), st.sampled_from(WIDTHS))
def test_rollup_equals_its_readings(some: list[ReadingRun], width: int) -> None:
    assert roll_up(some, width) == by_hand(expanded(some), width)


@given(runs(), st.sampled_from([3600, 86400]))
def test_coarsened_rollups_equal_direct_ones(some: list[ReadingRun], width: int) -> None:
    assert coarsen(roll_up(some, 300), width) == roll_up(some, width)


@given(runs(), st.integers(0, 10_100_000), st.sampled_from(WIDTHS))
def test_merged_rollups_equal_direct_ones(some: list[ReadingRun], edge: int, width: int) -> None:
    parts = [run.split(edge) for run in some]
    earlier = roll_up([before for before, _ in parts if before], width)
    later = roll_up([after for _, after in parts if after], width)
    whole = [part for pair in parts for part in pair if part]
    assert merge_lists(earlier, later) == roll_up(whole, width)


@given(runs(), st.integers(0, 10_100_000))
def test_split_run_keeps_every_reading(some: list[ReadingRun], edge: int) -> None:
    for run in some:
        before, after = run.split(edge)
        moments = [run.time_of(index) for index in range(run.samples)]
        assert (before.samples if before else 0) == sum(at < edge for at in moments)
        assert (before.samples if before else 0) + (after.samples if after else 0) == run.samples
        if before:
            assert (before.start, before.end < edge) == (run.start, True)
        if after:
            assert (after.end, after.start >= edge) == (run.end, True)


def test_first_of_equal_maxima_counts() -> None:
    (result,) = roll_up(
        [ReadingRun(0, 0, 1, 7), ReadingRun(60, 60, 2, 9), ReadingRun(180, 0, 1, 9)], 300
    )
    assert (result.high, result.high_at, result.last, result.samples) == (9, 60, 9, 4)
