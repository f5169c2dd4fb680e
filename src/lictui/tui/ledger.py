"""The estate as a table: one row per product and model over all servers.

Owns its rows, their order and their columns. Pure: totals in, lines of runs out. Must not know
Textual.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len

from lictui.monitor.matching import product_words
from lictui.products import Product
from lictui.tui import text
from lictui.tui.ink import OF_LEVEL, Tone
from lictui.tui.widgets.pane import model_word, short_model
from lictui.tui.widgets.trend import trend
from lictui.words import Level, Model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lictui.config.settings import Alerts, Thresholds
    from lictui.monitor.matching import Filter
    from lictui.monitor.totals import Total
    from lictui.tui.ink import Line, Run
    from lictui.tui.symbols import Symbols
    from lictui.tui.widgets.trend import Past

SMALLEST_TREND: Final = 6  # cells
TotalId = tuple[str, Model]
_WORSE: Final = (Level.UNKNOWN, Level.OK, Level.WARN, Level.CRITICAL, Level.OVERDRAFT)


@dataclass(frozen=True, slots=True)
class TotalView:
    """One product and model."""

    total: Total
    name: str
    limits: Thresholds

    @property
    def id(self) -> TotalId:
        """What the cursor remembers."""
        return self.total.product, self.total.model


def views(found: Sequence[Total], alerts: Alerts, wanted: Filter) -> tuple[TotalView, ...]:
    """The rows that the filter lets through."""
    return tuple(
        TotalView(
            total,
            text.clean(Product(total.product, total.name, total.model).short_name),
            alerts.of(group="", server="", product=total.product),
        )
        for total in found
        if wanted(product_words(total.product, total.name, total.model))
    )


def ordered(rows: Sequence[TotalView], sort: str, *, reverse: bool) -> tuple[TotalView, ...]:
    """The rows in the order that is wanted; `registry` leaves them as they were met."""
    key = _SORT_KEYS.get(sort)
    found = sorted(rows, key=key) if key else list(rows)
    return tuple(reversed(found) if reverse else found)


_SORT_KEYS: Final[dict[str, Callable[[TotalView], Any]]] = {
    "name": lambda view: view.name.casefold(),
    "ratio": lambda view: -(view.total.ratio if view.total.ratio is not None else -1.0),
    "free": lambda view: view.total.free if view.total.free is not None else float("inf"),
    "alerts": lambda view: -_WORSE.index(view.total.level) if view.total.level in _WORSE else -9,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Widths of the columns; 0 leaves one out."""

    name: int
    model: int
    digits: int
    overdraft: bool
    peak: bool
    servers: bool
    trend: int


def shape(cells: int, rows: Sequence[TotalView]) -> Shape:
    """Columns for this width: names and figures first, then what there is room for."""
    figures = [
        figure or 0
        for view in rows
        for figure in (view.total.reading.in_use, view.total.reading.installed)
    ]
    digits = max([6, *(len(text.figure(figure)) for figure in figures)])
    longest = max([7, *(cell_len(view.name) for view in rows)])
    left = cells - 2 - 8 - 2 * (digits + 1) - 3  # frame of the row, percent, in use and installed
    name = min(longest, max(12, left // 3))
    left -= name
    servers = left >= 9 + 8
    left -= digits + 1 + 8 if servers else 0
    model = 11 if left >= 12 + 8 else 3 if left >= 4 else 0  # noqa: PLR2004
    left -= model + 1 if model else 0
    overdraft = left >= 10 + 12
    left -= 10 if overdraft else 0
    peak = left >= 10 + 12
    left -= 10 if peak else 0
    more = min(longest - name, max(left - 26, 0))
    trend_cells = left - more - 2
    return Shape(
        name + more,
        model,
        digits,
        overdraft,
        peak,
        servers,
        min(trend_cells, 48) if trend_cells >= SMALLEST_TREND else 0,
    )


def header(columns: Shape) -> Line:
    """The names of the columns."""
    said = [" ", text.pad("product", columns.name)]
    if columns.model:
        said.append(f" {'model'[: columns.model]:<{columns.model}}")
    said.append(f" {'in use':>{columns.digits}} {'installed':>{columns.digits + 3}}")
    if columns.overdraft:
        said.append(f" {'overdraft':>9}")
    if columns.servers:
        said.append(f" {'free':>{columns.digits}}")
    said.append(f" {'%':>6} ")
    if columns.servers:
        said.append(f" {'servers':>7}")
    if columns.peak:
        said.append(f" {'peak 24 h':>9}")
    if columns.trend:
        said.append("  last 24 h"[: columns.trend + 2])
    return (("".join(said), Tone.QUIET),)


def row(view: TotalView, past: Past, columns: Shape, symbols: Symbols) -> Line:
    """One product and model."""
    total, reading = view.total, view.total.reading
    tone = Tone.TEXT if total.level is Level.OK else OF_LEVEL[total.level]
    runs: list[Run] = [
        (f" {text.pad(view.name, columns.name, ellipsis=symbols.ellipsis)}", Tone.TEXT)
    ]
    if columns.model:
        short = columns.model < len("user/device")
        word = short_model(total.model) if short else model_word(total.model)
        runs.append((f" {text.pad(word, columns.model)}", Tone.QUIET))
    width = columns.digits
    runs.append((f" {text.figure(reading.in_use):>{width}}", tone))
    runs.append((f" {text.figure(reading.installed):>{width + 3}}", Tone.TEXT))
    if columns.overdraft:
        runs.append((f" {text.figure(reading.overdraft):>9}", Tone.QUIET))
    if columns.servers:
        runs.append((f" {text.figure(total.free):>{width}}", tone))
    mark = " " if total.ratio is None else symbols.level[total.level]
    runs.append((f" {text.percent(total.ratio):>6}{mark}", tone))
    if columns.servers:
        said = f"{len(total.reporting)}/{len(total.expected)}"
        whole = len(total.reporting) == len(total.expected)
        runs.append((f" {said:>7}", Tone.QUIET if whole else Tone.WARN))
    if columns.peak:
        peak = "" if past.peak is None else text.figure(round(past.peak))
        runs.append((f" {peak:>9}", Tone.QUIET))
    if columns.trend:
        runs.append(("  ", Tone.TEXT))
        runs += trend(past, reading.installed, view.limits, columns.trend, symbols)
    return tuple(runs)
