from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from lictui.analysis.series import Bucket
from lictui.model import Level
from lictui.tui.widgets.chart_view import ChartView, LevelSegment


def bucket(start: int, high: float = 10, installed: int | None = 20, overdraft: int = 0) -> Bucket:
    return Bucket(start, start + 300, 0, 5, high, start, high - 1, installed, overdraft, 1)


BUCKETS = st.lists(
    st.builds(
        bucket,
        st.integers(0, 500).map(lambda n: n * 300),
        st.floats(0, 1e6),
        st.none() | st.integers(0, 10**6),
    ),
    min_size=1,
    max_size=50,
    unique_by=lambda found: found.start,
).map(lambda found: tuple(sorted(found, key=lambda each: each.start)))


def test_concurrent_use_is_drawn_by_its_peak_and_assignments_by_the_last_figure() -> None:
    one = bucket(0, high=12)
    assert ChartView((one,)).value(one) == 12
    assert ChartView((one,), assigned=True).value(one) == 11


def test_the_level_is_that_of_the_figure_drawn() -> None:
    one = bucket(0, high=20)
    assert ChartView((one,)).level(one) is Level.EXHAUSTED
    assert ChartView((one,), assigned=True).level(one) is Level.CRITICAL
    assert ChartView((bucket(0, installed=None),)).level(bucket(0, installed=None)) is Level.UNKNOWN


@given(BUCKETS)
def test_stretches_are_parted_exactly_where_a_bucket_is_missing(
    buckets: tuple[Bucket, ...],
) -> None:
    stretches = ChartView(buckets).recorded_runs()
    assert tuple(each for stretch in stretches for each in stretch) == buckets
    for stretch in stretches:
        assert all(a.end == b.start for a, b in itertools.pairwise(stretch))
    for before, after in itertools.pairwise(stretches):
        assert before[-1].end < after[0].start


@given(BUCKETS, st.integers(1, 100))
def test_everything_drawn_is_below_the_top_and_the_values_are_few(
    buckets: tuple[Bucket, ...], height: int
) -> None:
    view = ChartView(buckets)
    assert all(each.high <= view.top and (each.installed or 0) <= view.top for each in buckets)
    values = view.value_ticks(height)
    assert values[0] == 0
    assert values[-1] <= view.top
    assert len(values) <= max(1, height // 4) + 1
    assert all(len(f"{value:,}") <= view.label_width for value in values)


def test_the_installed_line_steps_where_licenses_come() -> None:
    view = ChartView((bucket(0), bucket(300), bucket(600, installed=30)))
    assert view.level_segments(1.0) == (LevelSegment(0, 600, 20), LevelSegment(600, 900, 30))
    assert view.level_segments(0.8) == (LevelSegment(0, 600, 16), LevelSegment(600, 900, 24))


def test_there_is_no_line_for_what_is_unlimited_or_without_overdraft() -> None:
    assert ChartView((bucket(0, installed=None),)).level_segments(1.0) == ()
    assert ChartView((bucket(0),)).level_segments(1.0, overdraft=True) == ()
    assert ChartView((bucket(0, overdraft=5),)).level_segments(1.0, overdraft=True) == (
        LevelSegment(0, 300, 25),
    )
