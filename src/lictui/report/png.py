"""The report as a picture of one A4 page, for a mail or a slide.

It shows the key figures, the summary, the utilization of every product, and 12 months of the most
urgent ones.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from typing import TYPE_CHECKING, Any, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lictui.model import Level
from lictui.products import describe
from lictui.report.text import COLUMNS, LEVEL_COLORS, Bounded, format_cell

if TYPE_CHECKING:
    from lictui.report.sections import BarChart, ReportTree
    from lictui.report.text import Row

_INK: Final = "#1a1e24"
_SOFT: Final = "#5a6470"
_BAR: Final = "#4577a8"
_FIGURE_COLUMNS: Final = 4
_MAX_STATEMENTS: Final = 8
_MAX_PRODUCTS: Final = 18
_CHART_COLUMNS: Final = 3
_CHART_ROWS: Final = 2
_LINE_WIDTH: Final = 100  # characters
_LINE_HEIGHT: Final = 0.0145  # of the page's height
_PRODUCT_HEIGHT: Final = 0.0185


def render_png(tree: ReportTree) -> bytes:
    """Return a PNG; the same report gives the same bytes."""
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name may have characters that the font lacks
        figure = Figure(figsize=(8.27, 11.69), dpi=150, facecolor="white")
        FigureCanvasAgg(figure)
        page = _Page(figure, tree)
        page.draw_summary()
        page.draw_products()
        page.draw_months()
        figure.savefig(out, format="png", metadata={"Software": "lictui"})
    return out.getvalue()


class _Page:
    """Draws from top to bottom; `_y` is the top of the free space, 1 being the page's top."""

    def __init__(self, figure: Figure, tree: ReportTree) -> None:
        self._figure = figure
        self._tree = tree
        self._rows = tuple(tree.overview.tables[0].rows) if tree.overview else ()
        self._y = 0.965

    def _write(self, x: float, y: float, line: str, **style: Any) -> None:
        # Names from license servers may contain dollar signs: never parsed as formulas.
        style = {"fontsize": 8.5, "color": _INK, **style}
        self._figure.text(x, y, line, parse_math=False, va="top", **style)

    def draw_summary(self) -> None:
        """Write title, subtitle, key figures and statements."""
        self._write(0.06, self._y, self._tree.title, fontsize=17, weight="bold")
        self._y -= 0.028
        for line in textwrap.wrap(self._tree.subtitle, 118):
            self._write(0.06, self._y, line, color=_SOFT, fontsize=8)
            self._y -= _LINE_HEIGHT * 0.9
        self._y -= _LINE_HEIGHT * 0.6
        for index, figure in enumerate(self._tree.summary.key_figures):
            row, column = divmod(index, _FIGURE_COLUMNS)
            x, y = 0.06 + column * 0.225, self._y - row * _LINE_HEIGHT * 4.6
            self._write(x, y, figure.label, fontsize=7, color=_SOFT)
            self._write(x, y - 0.010, figure.value, fontsize=13, weight="bold")
            remark = textwrap.wrap(figure.remark, 32, max_lines=2, placeholder=" …")
            self._write(x, y - 0.029, "\n".join(remark), fontsize=6.5, color=_SOFT)
        rows = -(-len(self._tree.summary.key_figures) // _FIGURE_COLUMNS)
        self._y -= (rows * 4.6 + 0.4) * _LINE_HEIGHT
        statements = self._tree.summary.statements
        for statement in statements[:_MAX_STATEMENTS]:
            color = LEVEL_COLORS[statement.level]
            self._write(0.06, self._y, statement.label, color=color, weight="bold")
            for line in textwrap.wrap(statement.text, _LINE_WIDTH):
                self._write(0.16, self._y, line)
                self._y -= _LINE_HEIGHT
            self._y -= _LINE_HEIGHT * 0.3
        omitted = len(statements) - _MAX_STATEMENTS
        if omitted > 0:
            self._write(0.16, self._y, f"{omitted} more statements not shown.", color=_SOFT)
            self._y -= _LINE_HEIGHT
        self._y -= _LINE_HEIGHT

    def draw_products(self) -> None:
        """Draw the peak utilization of every product as a bar in the color of its level."""
        rows = self._rows[:_MAX_PRODUCTS]
        height = _PRODUCT_HEIGHT * max(1, len(rows))
        axes = self._figure.add_axes((0.37, self._y - height, 0.31, height))
        highest = 0.0
        for index, row in enumerate(rows):
            level, share = row["level"], row["utilization"]
            ratio = share.value if isinstance(share, Bounded) else None
            y = self._y - height * (index + 0.22) / len(rows)
            self._write(0.06, y, _short_name(row, 44), fontsize=8)
            used, installed, percent = (
                format_cell(COLUMNS[key], row, self._tree.zone)
                for key in ("usage", "installed_then", "utilization")
            )
            quantity = f"{used} of {installed}{'' if ratio is None else f' ({percent})'}"
            self._write(0.69, y, quantity, fontsize=8)
            color = LEVEL_COLORS.get(level, _SOFT) if isinstance(level, Level) else _SOFT
            label = textwrap.shorten(str(row["level_remark"] or level), 24, placeholder=" …")
            shade = LEVEL_COLORS[Level.CRITICAL] if row["level_remark"] else color
            self._write(0.95, y, label, fontsize=7, color=shade, weight="bold", ha="right")
            if ratio is not None:
                axes.barh(index, ratio, height=0.6, color=color)
                highest = max(highest, ratio)
        axes.axvline(1.0, color=_INK, linewidth=1)
        axes.set_xlim(0, max(1.05, highest * 1.02))
        axes.set_ylim(max(1, len(rows)) - 0.5, -0.5)
        axes.axis("off")
        self._y -= height + _LINE_HEIGHT * 0.4
        omitted = len(self._rows) - len(rows)
        more = f" {omitted} more products not shown." if omitted else ""
        legend = f"Bars: utilization; line: 100 % of installed.{more}"
        if any(_short_name(row, 44).startswith("CVAD") for row in rows):
            legend += " CVAD: Citrix Virtual Apps and Desktops."
        self._write(0.06, self._y, legend, color=_SOFT, fontsize=7.5)
        self._y -= _LINE_HEIGHT * 2.4

    def draw_months(self) -> None:
        """Draw 12 months of the first products, as many as there is room for."""
        rows = min(_CHART_ROWS, int((self._y - 0.03) / 0.1))
        if rows < 1:
            return
        height = min(0.18, (self._y - 0.03) / rows - 0.05)
        products = zip(self._rows, self._tree.products, strict=True)
        for index, (product, section) in enumerate(products):
            if index >= rows * _CHART_COLUMNS:
                return
            row, column = divmod(index, _CHART_COLUMNS)
            left, top = 0.09 + column * 0.305, self._y - row * (height + 0.05)
            self._write(left - 0.03, top + 0.016, _short_name(product, 42), fontsize=7)
            axes = self._figure.add_axes((left, top - height, 0.255, height))
            _draw_chart(axes, section.charts[-1])


def _draw_chart(axes: Any, chart: BarChart) -> None:
    places = list(range(len(chart.bars)))
    axes.bar(places, [bar.figure or 0 for bar in chart.bars], color=_BAR, width=0.7)
    for place, bar in enumerate(chart.bars):
        if bar.installed is not None:
            axes.hlines(bar.installed, place - 0.5, place + 0.5, color=_INK, linewidth=1.2)
        if bar.figure is None:
            axes.text(place, 0, "?", ha="center", va="bottom", fontsize=6.5, color=_SOFT)
    axes.set_xticks(places, chart.labels)
    axes.tick_params(labelsize=6.5, colors=_SOFT, length=0)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(lambda value, _position: f"{value:,.0f}")
    axes.set_ylim(bottom=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#d8dde3")
    axes.grid(axis="y", color="#e6e9ed", linewidth=0.6)
    axes.set_axisbelow(True)


def _short_name(row: Row, length: int) -> str:
    name, model = str(row["product"]), f" ({row['model']})"
    published = describe(str(row["code"]))
    name = published.short_name if name == published.name else name
    room = length - len(model)
    return (name if len(name) <= room else f"{name[: room - 1].rstrip()}…") + model
