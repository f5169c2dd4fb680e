"""The report as one HTML file with SVG charts; template and style sheet are package data."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from math import ceil, log10
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

from lictui.report import text
from lictui.report.text import format_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.report.model import PeriodFigure
    from lictui.report.sections import BarChart, ReportTree


def render_html(tree: ReportTree) -> str:
    """Return the whole file; it loads nothing from elsewhere."""
    environment = Environment(
        loader=PackageLoader("lictui.report", ""),
        autoescape=True,  # names come from license servers
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template("report.html.j2")
    return template.render(
        tree=tree,
        style=files("lictui.report").joinpath("style.css").read_text(encoding="utf-8"),
        format_cell=format_cell,
        draw_chart=draw_chart,
        draw_meter=draw_meter,
    )


# Charts: usage by day or month as bars, and utilization as a meter


def _tag(name: str, *children: str, **attributes: str | float) -> str:
    """Return an element around markup; `class_` is class, `aria_label` is aria-label."""
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
    )
    return f"<{name}{named}>{''.join(children)}</{name}>"


_STEPS: Final = (1, 2, 2.5, 5, 10)


_TICKS: Final = 4  # about
_LEFT: Final = 44  # for the numbers of the axis
_RIGHT: Final = 6
_HIGH: Final = 16
_LOW: Final = 156
_HEIGHT: Final = 178


class Axis(Struct, frozen=True):
    """A vertical axis from zero to the highest of its round numbers."""

    ticks: Sequence[float]

    def y(self, value: float) -> float:
        """Return the y coordinate of a value."""
        return round(_LOW - (_LOW - _HIGH) * value / self.ticks[-1], 1)


def axis_for(maximum: float) -> Axis:
    """Return an axis that includes `maximum`, with steps of at least 1."""
    maximum = max(maximum, 1)
    raw_step = maximum / _TICKS
    power = 10.0 ** int(log10(raw_step) if raw_step >= 1 else 0)
    step = next(factor * power for factor in _STEPS if factor * power >= raw_step)
    step = max(1.0, step if power > 1 else ceil(step))
    return Axis([step * index for index in range(ceil(maximum / step) + 1)])


def draw_chart(chart: BarChart, width: int, element_id: str) -> str:
    """Return the SVG of a chart; `element_id` makes the ids of its texts unique."""
    bars = chart.bars
    highest = max((max(bar.figure or 0, bar.installed or 0) for bar in bars), default=0)
    axis = axis_for(highest * (1.04 if any(bar.installed for bar in bars) else 1))  # above the line
    step = (width - _LEFT - _RIGHT) / max(1, len(bars))
    return _tag(
        "svg",
        _tag("title", escape(chart.title), id=f"{element_id}-t"),
        _tag("desc", escape(chart.description), id=f"{element_id}-d"),
        *(_weekend(index, step) for index in chart.weekends),
        *_grid(axis, width),
        *(part for index, bar in enumerate(bars) for part in _bar(bar, index, step, axis)),
        *(_label(label, index, step) for index, label in enumerate(chart.labels) if label),
        *(_installed_line(bars, step, axis, ratio, "limit") for ratio in chart.thresholds),
        _installed_line(bars, step, axis, 1.0, "cap"),
        viewBox=f"0 0 {width} {_HEIGHT}",
        role="img",
        aria_labelledby=f"{element_id}-t {element_id}-d",
    )


def _grid(axis: Axis, width: int) -> Iterator[str]:
    for tick in axis.ticks:
        y = axis.y(tick)
        yield _tag("line", x1=_LEFT, x2=width - _RIGHT, y1=y, y2=y, class_="grid")
        yield _tag("text", text.format_count(tick), x=_LEFT - 6, y=y + 4, text_anchor="end")


def _weekend(index: int, step: float) -> str:
    x = round(_LEFT + index * step, 1)
    return _tag("rect", x=x, y=_HIGH, width=round(step, 1), height=_LOW - _HIGH, class_="weekend")


def _bar(bar: PeriodFigure, index: int, step: float, axis: Axis) -> Iterator[str]:
    x = round(_LEFT + index * step + step * 0.14, 1)
    width = round(step * 0.72, 1)
    if bar.figure is None:
        yield _tag("rect", x=x, y=_LOW - 8, width=width, height=8, class_="gap")
    else:
        within = bar.figure if bar.installed is None else min(bar.figure, bar.installed)
        y = axis.y(within)
        yield _tag("rect", x=x, y=y, width=width, height=round(_LOW - y, 1), class_="bar")
        if within < bar.figure:
            top = axis.y(bar.figure)
            yield _tag("rect", x=x, y=top, width=width, height=round(y - top, 1), class_="over")


def _label(label: str, index: int, step: float) -> str:
    middle = round(_LEFT + (index + 0.5) * step, 1)
    return _tag("text", escape(label), x=middle, y=_LOW + 15, text_anchor="middle")


def _installed_line(
    bars: Sequence[PeriodFigure], step: float, axis: Axis, ratio: float, class_: str
) -> str:
    """Return a line at a ratio of what was installed; it steps with it, and gaps stay gaps."""
    path: list[str] = []
    previous_y: float | None = None
    for index, bar in enumerate(bars):
        if bar.installed is None:
            previous_y = None
            continue
        start, end = round(_LEFT + index * step, 1), round(_LEFT + (index + 1) * step, 1)
        y = axis.y(bar.installed * ratio)
        if previous_y is None:
            path.append(f"M{start} {y}")
        elif previous_y != y:
            path.append(f"V{y}")
        path.append(f"H{end}")
        previous_y = y
    return _tag("path", d=" ".join(path), class_=class_) if path else ""


_METER_WIDTH: Final = 104.0


def draw_meter(ratio: float | None, label: str) -> str:
    """Return a bar of the peak utilization with a mark at all that was installed."""
    if ratio is None:
        return ""
    maximum = max(1.15, ratio * 1.03)
    installed = round(_METER_WIDTH / maximum, 1)
    used = round(_METER_WIDTH * ratio / maximum, 1)
    over = _tag("rect", x=installed, y=3, width=round(used - installed, 1), height=8, class_="over")
    return _tag(
        "svg",
        _tag("rect", x=0.5, y=2.5, width=installed, height=9, class_="rest"),
        _tag("rect", x=0, y=3, width=min(used, installed), height=8, class_="bar"),
        over if used > installed else "",
        _tag("rect", x=installed - 0.75, y=0, width=1.5, height=14, class_="now"),
        viewBox=f"0 0 {_METER_WIDTH:g} 14",
        role="img",
        aria_label=f"{text.format_percent(ratio)} of {label}",
    )
