"""The usage chart as text on a screen, and its geometry."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.goldens import screen_text
from textual.app import App, ComposeResult

from lictui.analysis.series import Bucket
from lictui.model import Level, MonthlyUsage, PoolKey
from lictui.time_range import RangeLength, TimeRange
from lictui.tui import theme
from lictui.tui.theme import ASCII_SYMBOLS, UNICODE_SYMBOLS, Symbols
from lictui.tui.widgets.chart import Chart, ChartView, LevelSegment, Mark, MarkKind, ticks

DAY = 86400


class ChartApp(App[None]):
    def __init__(self, view: ChartView, symbols: Symbols = UNICODE_SYMBOLS) -> None:
        super().__init__()
        self._view, self._symbols = view, symbols

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(theme.DEFAULT_VARIABLES)

    def compose(self) -> ComposeResult:
        chart = Chart(self._symbols)
        chart.view = self._view
        yield chart


def day_view(cursor: int | None = None) -> ChartView:
    """A day in hours: quiet, a gap from 08:00 to 12:00, then more than is installed."""
    buckets = tuple(
        Bucket(at, at + 3600, 0, 0, 40 if at < DAY // 2 else 110, at, 40, 100, 20, 4)
        for at in range(0, DAY, 3600)
        if not 8 * 3600 <= at < 12 * 3600
    )
    return ChartView(buckets, 0, DAY, RangeLength.DAY, cursor=cursor)


async def draw(view: ChartView, size: tuple[int, int] = (53, 14)) -> list[str]:
    app = ChartApp(view)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        return screen_text(app).splitlines()


async def test_chart_has_the_maximum_as_line_and_the_average_as_area() -> None:
    view = day_view()
    halves = tuple(bucket._replace(average=bucket.high / 2) for bucket in view.buckets)
    rows = await draw(replace(view, buckets=halves))
    cells = {hour: [row.ljust(53)[4 + 2 * hour] for row in rows[:-2]] for hour in (3, 10, 18)}
    dots = {hour: [(ord(cell) - 0x2800).bit_count() if cell > "\u2800" else 0 for cell in column]
            for hour, column in cells.items()}  # fmt: skip
    filled = {hour: sum(count == 8 for count in column) for hour, column in dots.items()}
    assert filled[3] in (1, 2)  # 20 of an axis to 130, over 12 rows
    assert sum(dots[10]) == 0
    assert filled[18] in (4, 5, 6)
    assert dots[18].index(next(filter(None, dots[18]))) == 1  # the line at 110
    assert 0 in dots[18][2:6]  # nothing between line and area


async def test_chart_can_be_drawn_without_braille() -> None:
    view = day_view()
    halves = tuple(bucket._replace(average=bucket.high / 2) for bucket in view.buckets)
    app = ChartApp(replace(view, buckets=halves), ASCII_SYMBOLS)
    async with app.run_test(size=(53, 14)) as pilot:
        await pilot.pause()
        text = screen_text(app)
    assert not any("\u2800" <= character <= "\u28ff" for character in text)
    assert ":::" in text


async def test_value_axis_fits_usage_below_a_quarter_of_installed() -> None:
    view = ChartView((bucket(0, high=10, installed=1000),), 0, 300)
    assert view.top == 11
    assert "▲ installed 1,000" in (await draw(view))[0]
    assert replace(view, other_scale=True).top == 1080
    used = ChartView((bucket(0, high=300, installed=1000),), 0, 300)
    assert used.top == 1080
    rows = await draw(replace(used, other_scale=True))
    assert "▲ installed 1,000" in rows[0]
    assert "━" not in "".join(rows)


async def test_chart_without_readings_shows_a_note() -> None:
    assert "no data" in "\n".join(await draw(ChartView()))
    message = "the history /var/lib/lictui/history.db could not be read or written. check the disk"
    rows = await draw(ChartView(note=message), (40, 9))
    assert " ".join(" ".join(rows).split()) == message  # in full, on as many lines as it needs


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (12, 4), (200, 60)])
async def test_chart_can_be_drawn_at_any_size(size: tuple[int, int]) -> None:
    assert len(await draw(day_view(cursor=0), size)) <= size[1]


async def test_chart_marks_the_worst_event_of_a_column() -> None:
    marks = (
        Mark(DAY / 2, MarkKind.SERVER_UP, "up"),
        Mark(DAY / 2, MarkKind.SERVER_DOWN, "down"),
        Mark(DAY * 0.75, MarkKind.VERSION, "version"),
        Mark(-1, MarkKind.REMOVED, "before the range"),
        Mark(DAY, MarkKind.REMOVED, "after the range"),
    )
    rows = await draw(replace(day_view(), marks=marks))
    signs = [char for char in rows[-2] if char in "◆◇✖✔▲"]
    assert signs == ["✖", "▲"]
    assert rows[-2].index("▲") > rows[-2].index("✖") > 20


# Monthly values of the source


def at(month: int, day: int = 1) -> int:
    return int(datetime(2026, month, day, tzinfo=UTC).timestamp())


NOW = at(11, 24)
MONTHS = tuple(
    MonthlyUsage(PoolKey("X"), at(month), 100 + month, 500, month, 1) for month in range(1, 12)
)
READINGS = tuple(
    Bucket(day, day + DAY, 120, 120, 120, day, 120, 500, None, 96)
    for day in range(at(11, 10), NOW, DAY)
)


def year_view(
    buckets: tuple[Bucket, ...] = READINGS, length: RangeLength = RangeLength.YEAR
) -> ChartView:
    start = NOW - 365 * DAY
    return ChartView(buckets, start, NOW, length, assigned=True, monthly_usage=MONTHS)


def test_monthly_points_are_before_the_first_reading_of_a_year() -> None:
    points = year_view().monthly_points()
    assert [figure for _, figure in points] == [100 + month for month in range(1, 12)]
    assert all(when < READINGS[0].start for when, _ in points)
    assert year_view(length=RangeLength.MONTH).monthly_points() == ()
    early = (READINGS[0]._replace(start=at(3, 5)), *READINGS)
    assert [figure for _, figure in year_view(early).monthly_points()] == [101, 102, 103]


async def test_monthly_points_are_drawn_with_and_without_readings() -> None:
    for view in (year_view(), year_view(())):
        app = ChartApp(view)
        async with app.run_test(size=(80, 16)) as pilot:
            await pilot.pause()
            legend = "".join(text for text, _ in app.query_one(Chart).legend(120))
            assert screen_text(app).count("●") >= 8
            assert "● monthly values of the source" in legend


async def test_legend_ends_before_what_does_not_fit() -> None:
    chart = Chart()
    chart.set_reactive(Chart.view, ChartView((bucket(0, installed=None),)))
    whole = "".join(text for text, _ in chart.legend(200))  # without what is not drawn
    assert whole == "⠉ maximum  ⣿ average  arrow keys: inspect values"
    chart.set_reactive(Chart.view, ChartView((bucket(0),)))
    whole = "".join(text for text, _ in chart.legend(200))
    for width in range(12, 60):
        legend = "".join(text for text, _ in chart.legend(width))
        assert whole.startswith(legend)
        assert len(legend) <= width
    assert whole == ("⠉ maximum  ⣿ average  ━ installed  ┈ 80 and 90 %  arrow keys: inspect values")


# Geometry


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
    unique_by=lambda bucket: bucket.start,
).map(lambda buckets: tuple(sorted(buckets, key=lambda bucket: bucket.start)))


def test_chart_value_and_level_are_the_peak_or_the_last_assignment() -> None:
    full = bucket(0, high=20)
    concurrent, assigned = ChartView((full,)), ChartView((full,), assigned=True)
    assert (concurrent.value(full), concurrent.level(full)) == (20, Level.EXHAUSTED)
    assert (assigned.value(full), assigned.level(full)) == (19, Level.CRITICAL)
    assert concurrent.level(bucket(0, installed=None)) is Level.UNKNOWN


@given(BUCKETS)
def test_recorded_runs_end_exactly_at_gaps(buckets: tuple[Bucket, ...]) -> None:
    runs = ChartView(buckets).recorded_runs()
    assert tuple(bucket for run in runs for bucket in run) == buckets
    assert all(a.end == b.start for run in runs for a, b in pairwise(run))
    assert all(before[-1].end < after[0].start for before, after in pairwise(runs))


@given(BUCKETS, st.integers(1, 100))
def test_value_axis_covers_everything_with_few_labels(
    buckets: tuple[Bucket, ...], height: int
) -> None:
    view = ChartView(buckets)
    assert all(b.high <= view.top for b in buckets)
    assert view.limit <= view.top or max(b.high for b in buckets) * 4 < view.limit
    values = view.value_ticks(height)
    assert values[0] == 0
    assert values[-1] <= view.top
    assert len(values) <= max(1, height // 4) + 1
    assert all(len(f"{value:,}") <= view.label_width for value in values)


def test_installed_line_steps_and_ends_where_it_is_unknown() -> None:
    view = ChartView((bucket(0), bucket(300), bucket(600, installed=30)))
    assert view.level_segments(1.0) == (LevelSegment(0, 600, 20), LevelSegment(600, 900, 30))
    assert view.level_segments(0.8) == (LevelSegment(0, 600, 16), LevelSegment(600, 900, 24))
    assert ChartView((bucket(0, installed=None),)).level_segments(1.0) == ()
    assert ChartView((bucket(0),)).level_segments(1.0, overdraft=True) == ()
    overdraft = ChartView((bucket(0, overdraft=5),)).level_segments(1.0, overdraft=True)
    assert overdraft == (LevelSegment(0, 300, 25),)


# Ticks of the time axis


BERLIN = ZoneInfo("Europe/Berlin")


@given(
    st.integers(1_000_000_000, 4_000_000_000),
    st.sampled_from(RangeLength),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]),
    st.integers(20, 300),
)
def test_ticks_are_in_the_range_and_their_labels_fit(
    now: int, length: RangeLength, zone: str, columns: int
) -> None:
    start, end = TimeRange(length).period(now, ZoneInfo(zone))
    labels = ticks(start, end, length, ZoneInfo(zone), columns)
    moments = [at for at, _ in labels]
    assert moments == sorted(set(moments))
    assert all(start <= at < end for at in moments)
    assert sum(len(label) + 2 for _, label in labels) <= columns


def test_ticks_stay_at_midnight_when_the_clocks_change() -> None:
    end = int(datetime(2026, 10, 28, tzinfo=UTC).timestamp())  # clocks went offset on the 25th
    labels = ticks(end - 7 * 86400, end, RangeLength.WEEK, BERLIN, 100)
    assert [datetime.fromtimestamp(at, BERLIN).hour for at, _ in labels] == [0] * len(labels)
    assert [label for _, label in labels][-2:] == ["Tue 27 Oct", "Wed 28 Oct"]


def test_ticks_of_a_year_are_the_first_days_of_months() -> None:
    labels = ticks(int(NOW) - 365 * 86400, int(NOW), RangeLength.YEAR, ZoneInfo("UTC"), 70)
    assert [label for _, label in labels][:3] == ["Dec", "Jan", "Feb"]
    assert all(datetime.fromtimestamp(at, UTC).day == 1 for at, _ in labels)


def test_ticks_of_a_month_are_at_equal_distances() -> None:
    start, end = TimeRange(RangeLength.MONTH).period(NOW + 9 * 86400, BERLIN)
    labels = ticks(start, end, RangeLength.MONTH, BERLIN, 70)
    assert [label for _, label in labels] == ["7 Dec", "14 Dec", "21 Dec", "28 Dec"]
