"""Elements, with every text in them escaped.

Owns the rule that only what was made here is markup: any other text comes out as text. Must not
know reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import ceil, log10
from typing import TYPE_CHECKING, Final

from lictui.report import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.report.model import ProductReport, ScopeReport


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Node = str | float | None


def tag(name: str, *children: Node, **attributes: Node) -> Markup:
    """An element; `class_` is class, `aria_label` is aria-label. None leaves out.

    Whatever is not Markup is escaped.
    """
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{named}>{join(*children)}</{name}>")


def join(*children: Node) -> Markup:
    """Elements and texts one after another."""
    return Markup("".join(map(_shown, children)))


def _shown(child: Node) -> str:
    if child is None:
        return ""
    return child if isinstance(child, Markup) else escape(str(child))


# From figures to places: an axis from zero with round numbers on it. Pure


_STEPS: Final = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Scale:
    """`top` is at `high` (a smaller y), zero is at `low`."""

    top: float
    step: float
    high: float
    low: float

    def y(self, value: float) -> float:
        """Where `value` is."""
        return round(self.low - (self.low - self.high) * value / self.top, 1)

    @property
    def ticks(self) -> tuple[float, ...]:
        """The round numbers, from zero up."""
        return tuple(self.step * at for at in range(round(self.top / self.step) + 1))


def scale(most: float, high: float, low: float, ticks: int = 4) -> Scale:
    """An axis that holds `most`, with about so many steps, none of them below one license."""
    raw = max(most, 1) / ticks
    power = 10.0 ** int(log10(raw) if raw >= 1 else 0)
    step = next(each * power for each in _STEPS if each * power >= raw)
    step = max(1.0, step if power > 1 else ceil(step))
    return Scale(step * ceil(max(most, 1) / step), step, high, low)


# Charts drawn as SVG: the days of a month, the last twelve months, and how full it was


_LEFT: Final = 44  # for the numbers of the axis
_RIGHT: Final = 6
_HIGH: Final = 16
_LOW: Final = 156
_HEIGHT: Final = 178
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class _Bar:
    figure: int | None
    installed: int | None
    label: str  # below it; "" for none
    shaded: bool = False
    marked: bool = False


def days(product: ProductReport, line: ScopeReport, name: str) -> Markup:
    """The month day by day against what was installed, with the thresholds."""
    first = line.month.first_day
    bars = [
        _Bar(
            each.figure,
            each.installed,
            str(each.day.day) if each.day.day in (1, 8, 15, 22, 29) else "",
            each.day.weekday() >= _SATURDAY,
        )
        for each in line.days
    ]
    said = "assigned at the end of each day" if product.is_assigned else "highest use of each day"
    title = f"{product.name}: {said}, {text.month(first)}"
    known = [each for each in line.days if each.figure is not None]
    top = max(known, key=lambda each: each.figure or 0, default=None)
    about = (
        "No figures."
        if top is None
        else (
            f"Highest {text.count(top.figure)} on {text.long_day(top.day)};"
            f" installed {text.count(line.installed)};"
            f" {len(known)} of {len(bars)} days have a figure."
        )
    )
    return _chart(bars, 520, (title, about, name), (product.warn, product.critical))


def months(product: ProductReport, line: ScopeReport, name: str) -> Markup:
    """The last twelve months."""
    bars = [
        _Bar(each.figure, each.installed, text.month_name(each.first_day)[0], marked=True)
        for each in line.months
    ]
    said = "assigned at the end of each month" if product.is_assigned else "peak of each month"
    about = "; ".join(f"{text.month(m.first_day)} {text.figure(m)}" for m in line.months)
    return _chart(bars, 310, (f"{product.name}: {said}", about, name), ())


def _chart(
    bars: Sequence[_Bar], width: int, words: tuple[str, str, str], limits: tuple[float, ...]
) -> Markup:
    title, about, name = words
    highest = max((max(b.figure or 0, b.installed or 0) for b in bars), default=0)
    axis = scale(highest * 1.04, _HIGH, _LOW)
    step = (width - _LEFT - _RIGHT) / max(1, len(bars))
    return tag(
        "svg",
        tag("title", title, id=f"{name}-t"),
        tag("desc", about, id=f"{name}-d"),
        *(_weekend(at, step) for at, bar in enumerate(bars) if bar.shaded),
        *_axis(axis, width),
        *(each for at, bar in enumerate(bars) for each in _bar(bar, at, step, axis)),
        *(_steps(bars, step, axis, share, "limit") for share in limits),
        _steps(bars, step, axis, 1.0, "cap"),
        viewBox=f"0 0 {width} {_HEIGHT}",
        role="img",
        aria_labelledby=f"{name}-t {name}-d",
    )


def _axis(axis: Scale, width: int) -> Iterator[Markup]:
    for tick in axis.ticks:
        y = axis.y(tick)
        yield tag("line", x1=_LEFT, x2=width - _RIGHT, y1=y, y2=y, class_="grid")
        yield tag("text", text.count(tick), x=_LEFT - 6, y=y + 4, text_anchor="end")


def _weekend(at: int, step: float) -> Markup:
    x = round(_LEFT + at * step, 1)
    return tag("rect", x=x, y=_HIGH, width=round(step, 1), height=_LOW - _HIGH, class_="weekend")


def _bar(bar: _Bar, at: int, step: float, axis: Scale) -> Iterator[Markup]:
    x = round(_LEFT + at * step + step * 0.14, 1)
    width = round(step * 0.72, 1)
    if bar.figure is None:
        yield tag("rect", x=x, y=_LOW - 8, width=width, height=8, class_="gap")
    else:
        within = bar.figure if bar.installed is None else min(bar.figure, bar.installed)
        y = axis.y(within)
        yield tag("rect", x=x, y=y, width=width, height=round(_LOW - y, 1), class_="bar")
        if within < bar.figure:
            over = axis.y(bar.figure)
            yield tag("rect", x=x, y=over, width=width, height=round(y - over, 1), class_="over")
    if bar.label:
        middle = round(_LEFT + (at + 0.5) * step, 1)
        yield tag("text", bar.label, x=middle, y=_LOW + 15, text_anchor="middle")


def _steps(bars: Sequence[_Bar], step: float, axis: Scale, share: float, class_: str) -> Markup:
    """A line at a share of what was installed, which steps when that changes; gaps stay gaps."""
    path: list[str] = []
    last: float | None = None
    for at, bar in enumerate(bars):
        if bar.installed is None:
            last = None
            continue
        start, end = round(_LEFT + at * step, 1), round(_LEFT + (at + 1) * step, 1)
        y = axis.y(bar.installed * share)
        if last is None:
            path.append(f"M{start} {y}")
        elif last != y:
            path.append(f"V{y}")
        path.append(f"H{end}")
        last = y
    return tag("path", d=" ".join(path), class_=class_) if path else Markup()


def meter(line: ScopeReport, product: ProductReport) -> Markup:
    """How full it was at its peak: a bar against a mark for all that was installed."""
    month = line.month
    if month.ratio is None:
        return Markup()
    most = max(1.15, month.ratio * 1.03)
    width = 104.0
    full, at = round(width / most, 1), round(width * month.ratio / most, 1)
    over = at > full
    return tag(
        "svg",
        tag("rect", x=0.5, y=2.5, width=full, height=9, class_="rest"),
        tag("rect", x=0, y=3, width=min(at, full), height=8, class_="bar"),
        tag("rect", x=full, y=3, width=round(at - full, 1), height=8, class_="over")
        if over
        else None,
        tag("rect", x=full - 0.75, y=0, width=1.5, height=14, class_="now"),
        viewBox=f"0 0 {width:g} 14",
        role="img",
        aria_label=f"{text.percent(month.ratio)} of {product.name}",
    )


def caption(product: ProductReport) -> Markup:
    """What the lines and bars of the days are."""
    bars = (
        "assigned at the end of each day" if product.is_assigned else "the highest use of each day"
    )
    return join(
        f"Bars: {bars}; line: installed; dashes: {product.warn * 100:g} % and"
        f" {product.critical * 100:g} %; shaded: weekends; an outline: nothing recorded."
    )
