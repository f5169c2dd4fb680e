"""The report as one picture of a page, for a mail or a slide.

Owns the page: what is read first, how full each product was, and the months of the fullest.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from typing import TYPE_CHECKING, Any, Final

from lictui.model import Level
from lictui.products import describe
from lictui.report import text as saying
from lictui.report.text import summary

if TYPE_CHECKING:
    from lictui.report.model import MonthlyReport, ProductReport

_INK: Final = "#1a1e24"
_SOFT: Final = "#5a6470"
_BAR: Final = "#4577a8"
_OVER: Final = "#b3261e"
_COLORS: Final = {Level.OK: "#2c6e49", Level.WARN: "#8a5800", Level.UNKNOWN: _SOFT}
_POINTS: Final = 9
_PRODUCTS: Final = 18
_TRENDS: Final = 6
_WIDTH: Final = 96  # characters of a line
_LINE: Final = 0.0145  # of the page's height


def render_png(report: MonthlyReport) -> bytes:
    """A PNG of an A4 page; the same report is the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - an extra
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name may have characters that the font has not
        page = Figure(figsize=(8.27, 11.69), dpi=150, facecolor="white")
        FigureCanvasAgg(page)
        y = _words(page, report)
        y = _products(page, report, y)
        _trends(page, report, y)
        page.savefig(out, format="png", metadata={"Software": "lictui"})
    return out.getvalue()


def _say(page: Any, at: tuple[float, float], text: str, **look: Any) -> None:
    # What a server says is no mathematics, whatever dollars are in it.
    page.text(*at, text, parse_math=False, va="top", **{"fontsize": 8.5, "color": _INK, **look})


def _words(page: Any, report: MonthlyReport) -> float:
    """What is read first; returns how far down it went."""
    _say(page, (0.06, 0.965), saying.title(report), fontsize=17, weight="bold")
    y = 0.937
    for line in textwrap.wrap(saying.subtitle(report), 118):
        _say(page, (0.06, y), line, color=_SOFT, fontsize=8)
        y -= _LINE * 0.9
    y -= _LINE
    points = summary(report)
    for point in points[:_POINTS]:
        color = _COLORS.get(point.level, _OVER)
        _say(page, (0.06, y), point.label, color=color, weight="bold")
        for line in textwrap.wrap(point.text, _WIDTH):
            _say(page, (0.19, y), line)
            y -= _LINE
        y -= _LINE * 0.3
    if len(points) > _POINTS:
        _say(page, (0.19, y), f"and {len(points) - _POINTS} more", color=_SOFT)
        y -= _LINE
    return y - _LINE


def _products(page: Any, report: MonthlyReport, y: float) -> float:
    """How full each was at its fullest."""
    shown = report.products[:_PRODUCTS]
    height = 0.0185 * max(1, len(shown))
    axes = page.add_axes((0.40, y - height, 0.36, height))
    for at, product in enumerate(shown):
        line, ratio = product.estate, product.estate.month.ratio
        place = y - height * (at + 0.22) / len(shown)
        _say(page, (0.06, place), _short(product, 44), fontsize=8)
        of = f"{saying.figure(line.month)} of {saying.count(line.month.installed)}"
        share = "" if ratio is None else f" ({saying.percent(ratio)})"
        _say(page, (0.775, place), of + share, fontsize=8)
        color = _COLORS.get(line.level, _OVER)
        _say(page, (0.945, place), _MARKS[line.level], fontsize=8, color=color, weight="bold")
        if ratio is not None:
            axes.barh(at, min(ratio, 1.0), height=0.6, color=_BAR)
            axes.barh(at, max(0.0, ratio - 1.0), left=1.0, height=0.6, color=_OVER)
    axes.axvline(1.0, color=_INK, linewidth=1)
    most = max((each.estate.month.ratio or 0 for each in shown), default=0)
    axes.set_xlim(0, max(1.05, most * 1.02))
    axes.set_ylim(max(1, len(shown)) - 0.5, -0.5)
    axes.axis("off")
    y -= height + _LINE * 0.4
    more = len(report.products) - len(shown)
    rest = f" {more} more products are left out." if more else ""
    said = f"Bars: share of what was installed then; the line is all of it.{rest}"
    _say(page, (0.06, y), said, color=_SOFT, fontsize=7.5)
    return y - _LINE * 2.4


_MARKS: Final = {
    Level.OK: "",
    Level.WARN: "!",
    Level.CRITICAL: "!!",
    Level.OVERDRAFT: "over",
    Level.EXHAUSTED: "FULL",
    Level.UNKNOWN: "?",
}


def _trends(page: Any, report: MonthlyReport, y: float) -> None:
    """The last twelve months of the fullest, as many as there is room for."""
    rows = min(2, int((y - 0.03) / 0.125))
    if rows < 1:
        return
    height = min(0.18, (y - 0.03) / rows - 0.05)
    for at, product in enumerate(report.products[: rows * _TRENDS // 2]):
        row, column = divmod(at, _TRENDS // 2)
        left, top = 0.09 + column * 0.305, y - row * (height + 0.05)
        _say(page, (left - 0.03, top + 0.016), _short(product, 42), fontsize=7)
        _months(page.add_axes((left, top - height, 0.255, height)), product)


def _months(axes: Any, product: ProductReport) -> None:
    months = product.estate.months
    places = list(range(len(months)))
    axes.bar(places, [m.figure or 0 for m in months], color=_BAR, width=0.7)
    for place, month in enumerate(months):
        if month.installed is not None:
            axes.hlines(month.installed, place - 0.5, place + 0.5, color=_INK, linewidth=1.2)
        if month.figure is None:
            axes.text(place, 0, "?", ha="center", va="bottom", fontsize=6.5, color=_SOFT)
    axes.set_xticks(places, [saying.month_name(m.first_day)[0] for m in months])
    axes.tick_params(labelsize=6.5, colors=_SOFT, length=0)
    axes.yaxis.set_major_locator(_locator())
    axes.yaxis.set_major_formatter(lambda value, _place: f"{value:,.0f}")
    axes.set_ylim(bottom=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#d8dde3")
    axes.grid(axis="y", color="#e6e9ed", linewidth=0.6)
    axes.set_axisbelow(True)


def _locator() -> Any:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as above

    return MaxNLocator(4, integer=True)


def _short(product: ProductReport, most: int) -> str:
    kind = f" ({saying.kind(product)})"
    known = describe(product.code)
    name = known.short_name if product.name == known.name else product.name
    room = most - len(kind)
    return (name if len(name) <= room else f"{name[: room - 1].rstrip()}…") + kind
