"""Native charts, beside the figures they are drawn from.

Owns what they look like and where they stand. Must not know what the figures mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from lictui.report.xlsx.sheet import Sheet

_BAR: Final = "#4577A8"
_LINE: Final = "#1A1E24"
_HEIGHT: Final = 15  # rows of a chart, with the space below it
_MOST: Final = 40  # charts on one sheet


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table that are one chart, from 0, the last one included."""

    title: str
    first: int
    last: int


def beside(
    workbook: Any, sheet: Sheet, rows: list[Rows], keys: tuple[str, str, str], form: str
) -> None:
    """One chart for each of `rows`, to the right of the table: bars against a line.

    `form` is how the categories are written. The three keys are the columns of the
    categories, of the bars and of the line.
    """
    for place, each in enumerate(rows[:_MOST]):
        chart = _chart(workbook, sheet, each, keys)
        chart.set_x_axis({"text_axis": True, "num_format": form, "num_font": {"size": 8}})
        position = (sheet.top + 1 + place * _HEIGHT, len(sheet.columns) + 1)
        # Filtered rows neither squeeze a chart nor leave it.
        sheet.sheet.insert_chart(*position, chart, {"object_position": 3})


def _chart(workbook: Any, sheet: Sheet, rows: Rows, keys: tuple[str, str, str]) -> Any:
    chart = workbook.add_chart({"type": "column"})
    line = workbook.add_chart({"type": "line"})
    categories, bars, installed = (
        [sheet.name, rows.first, sheet.at(key), rows.last, sheet.at(key)] for key in keys
    )
    names = [[sheet.name, sheet.top, sheet.at(key)] for key in keys]
    chart.add_series(
        {
            "name": names[1],
            "categories": categories,
            "values": bars,
            "fill": {"color": _BAR},
            "gap": 40,
        }
    )
    line.add_series(
        {
            "name": names[2],
            "categories": categories,
            "values": installed,
            "line": {"color": _LINE, "width": 1.75},
        }
    )
    chart.combine(line)
    chart.set_title({"name": rows.title, "overlay": False, "name_font": {"size": 11}})
    chart.set_legend({"position": "bottom"})
    chart.set_y_axis(
        {
            "min": 0,
            "num_format": "#,##0",
            "major_gridlines": {"visible": True, "line": {"color": "#D8DDE3"}},
        }
    )
    chart.set_size({"width": 620, "height": 280})
    chart.show_hidden_data()
    chart.show_blanks_as("gap")
    return chart
