from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.goldens import screen_text
from textual.app import App, ComposeResult

from lictui.analysis.series import Bucket
from lictui.tui import theme
from lictui.tui.time_range import RangeLength
from lictui.tui.widgets.chart import Chart
from lictui.tui.widgets.chart_view import ChartView, ForecastDay, Mark, MarkKind

DAY = 86400


class ChartApp(App[None]):
    def __init__(self, view: ChartView, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._view = view
        self._ascii = ascii_only

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(theme.DEFAULT_VARIABLES)

    def compose(self) -> ComposeResult:
        chart = Chart(ascii_only=self._ascii)
        chart.view = self._view
        yield chart


def view(cursor: int | None = None) -> ChartView:
    """A day in hours: quiet, a gap from 08:00 to 12:00, then more than is installed."""
    buckets = tuple(
        Bucket(at, at + 3600, 0, 0, 40 if at < DAY // 2 else 110, at, 40, 100, 20, 4)
        for at in range(0, DAY, 3600)
        if not 8 * 3600 <= at < 12 * 3600
    )
    return ChartView(buckets, 0, DAY, RangeLength.DAY, cursor=cursor)


async def drawn(shown: ChartView, size: tuple[int, int] = (53, 14), **kwargs: bool) -> list[str]:
    app = ChartApp(shown, **kwargs)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        return screen_text(app).splitlines()


async def test_the_chart_is_high_where_much_was_in_use_and_empty_where_nothing_was_read() -> None:
    rows = await drawn(view())
    columns = {hour: [row[4 + 2 * hour : 6 + 2 * hour].strip() for row in rows[:-2]] for hour in
               (3, 10, 18)}  # fmt: skip
    filled = {hour: sum("█" in cell for cell in cells) for hour, cells in columns.items()}
    assert filled[3] in (3, 4)  # 40 of an axis to 130, over 12 rows
    assert filled[10] == 0
    assert filled[18] >= 9


async def test_installed_and_overdraft_are_lines_across_the_chart() -> None:
    rows = await drawn(view())
    assert any(row.count("━") > 40 for row in rows)
    assert any(row.count("┅") > 35 for row in rows)


async def test_the_time_axis_has_hours_and_the_value_axis_round_figures() -> None:
    rows = await drawn(view())
    assert "08:00" in rows[-1]
    assert "20:00" in rows[-1]
    assert [row[:3] for row in rows if "┤" in row] == ["100", " 50", "  0"]


async def test_the_cursor_stands_at_its_bucket() -> None:
    rows = await drawn(view(cursor=3))  # the hour of 03:00, at the eighth of 49 columns
    assert sum("│" in row[11:12] for row in rows[:-2]) >= 4  # above the curve
    assert not any("│" in row[4:11] + row[12:] for row in rows[:-2])


async def test_ascii_is_ascii() -> None:
    text = "\n".join(await drawn(view(cursor=3), ascii_only=True))
    assert text.isascii()
    assert "#####" in text


async def test_without_a_reading_the_chart_says_so() -> None:
    assert "no data" in "\n".join(await drawn(ChartView()))
    assert "reading the history" in "\n".join(await drawn(ChartView(note="reading the history")))


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (12, 4), (200, 60)])
async def test_it_can_be_drawn_at_any_size(size: tuple[int, int]) -> None:
    assert len(await drawn(view(cursor=0), size)) <= size[1]


async def test_the_period_before_is_a_second_line() -> None:
    earlier = tuple(each._replace(high=60) for each in view().buckets)
    rows = await drawn(replace(view(), previous=earlier, previous_label="day before"))
    (line,) = [row for row in rows if "◦" in row]
    assert line.count("◦") >= 30
    assert "└" in rows[-2]


async def test_what_is_expected_is_a_dash_in_its_band_and_installed_goes_on() -> None:
    days = tuple(
        ForecastDay(at, at + 3600, 80, 60, 99, 90) for at in range(DAY, DAY + DAY // 4, 3600)
    )
    rows = await drawn(replace(view(), forecast=days, end=DAY + DAY // 4))
    future = [row[44:] for row in rows[:-2]]
    assert any(row.count("╌") >= 8 for row in future)
    assert sum("░" in row for row in future) >= 2
    assert any("━" in row for row in future)
    assert not any("╌" in row[:40] or "░" in row[:40] for row in rows)


async def test_of_changes_in_one_column_the_gravest_is_on_the_axis() -> None:
    marks = (
        Mark(DAY / 2, MarkKind.SERVER_UP, "found"),
        Mark(DAY / 2, MarkKind.SERVER_DOWN, "lost"),
        Mark(DAY * 0.75, MarkKind.VERSION, "version"),
        Mark(-1, MarkKind.REMOVED, "before all"),
        Mark(DAY, MarkKind.REMOVED, "after all"),
    )
    rows = await drawn(replace(view(), marks=marks))
    signs = [char for char in rows[-2] if char in "◆◇✖✔▲"]
    assert signs == ["✖", "▲"]
    assert rows[-2].index("▲") > rows[-2].index("✖") > 20
