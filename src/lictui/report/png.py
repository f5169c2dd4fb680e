"""The report as a picture of one A4 page, for a mail or a slide.

It shows the summary, the utilization of every product, and 12 months of the first few.
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
from lictui.report import text
from lictui.report.sections import build_tree
from lictui.report.text import COLUMNS, format_cell

if TYPE_CHECKING:
    from lictui.report.model import MonthlyReport, ProductReport
    from lictui.report.sections import BarChart, ReportTree

_INK: Final = "#1a1e24"
_SOFT: Final = "#5a6470"
_BAR: Final = "#4577a8"
_OVER: Final = "#b3261e"
_LEVEL_COLORS: Final = {Level.OK: "#2c6e49", Level.WARN: "#8a5800", Level.UNKNOWN: _SOFT}
_MAX_STATEMENTS: Final = 9
_MAX_PRODUCTS: Final = 18
_CHART_COLUMNS: Final = 3
_CHART_ROWS: Final = 2
_LINE_WIDTH: Final = 92  # characters
_LINE_HEIGHT: Final = 0.0145  # of the page's height
_PRODUCT_HEIGHT: Final = 0.0185


def render_png(report: MonthlyReport) -> bytes:
    """Return a PNG; the same report gives the same bytes."""
    tree = build_tree(report)
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name may have characters that the font lacks
        figure = Figure(figsize=(8.27, 11.69), dpi=150, facecolor="white")
        FigureCanvasAgg(figure)
        page = _Page(figure, report, tree)
        page.draw_summary()
        page.draw_products()
        page.draw_months()
        figure.savefig(out, format="png", metadata={"Software": "lictui"})
    return out.getvalue()


class _Page:
    """Draws from top to bottom; `_y` is the top of the free space, 1 being the page's top."""

    def __init__(self, figure: Figure, report: MonthlyReport, tree: ReportTree) -> None:
        self._figure = figure
        self._report = report
        self._tree = tree
        self._y = 0.965

    def _write(self, x: float, y: float, line: str, **style: Any) -> None:
        # Names from license servers may contain dollar signs: never parsed as formulas.
        style = {"fontsize": 8.5, "color": _INK, **style}
        self._figure.text(x, y, line, parse_math=False, va="top", **style)

    def draw_summary(self) -> None:
        """Write title, subtitle and statements."""
        self._write(0.06, self._y, self._tree.title, fontsize=17, weight="bold")
        self._y -= 0.028
        for line in textwrap.wrap(self._tree.subtitle, 118):
            self._write(0.06, self._y, line, color=_SOFT, fontsize=8)
            self._y -= _LINE_HEIGHT * 0.9
        self._y -= _LINE_HEIGHT
        statements = self._tree.summary.statements
        for statement in statements[:_MAX_STATEMENTS]:
            color = _LEVEL_COLORS.get(statement.level, _OVER)
            self._write(0.06, self._y, statement.label, color=color, weight="bold")
            for line in textwrap.wrap(statement.text, _LINE_WIDTH):
                self._write(0.19, self._y, line)
                self._y -= _LINE_HEIGHT
            self._y -= _LINE_HEIGHT * 0.3
        omitted = len(statements) - _MAX_STATEMENTS
        if omitted > 0:
            self._write(0.19, self._y, f"{omitted} more statements not shown.", color=_SOFT)
            self._y -= _LINE_HEIGHT
        self._y -= _LINE_HEIGHT

    def draw_products(self) -> None:
        """Draw the peak utilization of every product as a bar."""
        products = self._report.products[:_MAX_PRODUCTS]
        height = _PRODUCT_HEIGHT * max(1, len(products))
        axes = self._figure.add_axes((0.37, self._y - height, 0.31, height))
        rows = self._tree.overview.tables[0].rows if self._tree.overview else ()
        for index, (product, row) in enumerate(zip(products, rows, strict=False)):
            level, ratio = product.estate.level, product.estate.month.ratio
            y = self._y - height * (index + 0.22) / len(products)
            self._write(0.06, y, _short_name(product, 44), fontsize=8)
            used, installed, percent = (
                format_cell(COLUMNS[key], row, self._report.zone)
                for key in ("usage", "installed_then", "utilization")
            )
            quantity = f"{used} of {installed}{'' if ratio is None else f' ({percent})'}"
            self._write(0.69, y, quantity, fontsize=8)
            color = _LEVEL_COLORS.get(level, _OVER)
            label = "" if level is Level.OK else text.LEVELS[level]
            self._write(0.95, y, label, fontsize=7.5, color=color, weight="bold", ha="right")
            if ratio is not None:
                axes.barh(index, min(ratio, 1.0), height=0.6, color=_BAR)
                axes.barh(index, max(0.0, ratio - 1.0), left=1.0, height=0.6, color=_OVER)
        axes.axvline(1.0, color=_INK, linewidth=1)
        highest = max((product.estate.month.ratio or 0 for product in products), default=0)
        axes.set_xlim(0, max(1.05, highest * 1.02))
        axes.set_ylim(max(1, len(products)) - 0.5, -0.5)
        axes.axis("off")
        self._y -= height + _LINE_HEIGHT * 0.4
        omitted = len(self._report.products) - len(products)
        more = f" {omitted} more products not shown." if omitted else ""
        legend = f"Bars: utilization; line: 100 % of installed.{more}"
        if any(_short_name(product, 44).startswith("CVAD") for product in products):
            legend += " CVAD: Citrix Virtual Apps and Desktops."
        self._write(0.06, self._y, legend, color=_SOFT, fontsize=7.5)
        self._y -= _LINE_HEIGHT * 2.4

    def draw_months(self) -> None:
        """Draw 12 months of the first products, as many as there is room for."""
        rows = min(_CHART_ROWS, int((self._y - 0.03) / 0.125))
        if rows < 1:
            return
        height = min(0.18, (self._y - 0.03) / rows - 0.05)
        products = zip(self._report.products, self._tree.products, strict=True)
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


def _short_name(product: ProductReport, length: int) -> str:
    model = f" ({product.model.label})"
    published = describe(product.code)
    name = published.short_name if product.name == published.name else product.name
    room = length - len(model)
    return (name if len(name) <= room else f"{name[: room - 1].rstrip()}…") + model
