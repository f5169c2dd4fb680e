"""The report as CSV: one row a figure, so that a program or a pivot table picks what it wants.

Owns the names of the figures. A month's figures come first, then months, days, ends and the
contract, of every product: the estate, its groups, its servers. Times are UTC, ISO 8601.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from lictui.clock import iso
from lictui.history.csv_export import guarded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.analysis.usage import Holding
    from lictui.report.values import Line, Product, Report

HEADER: Final = (
    *("month", "day", "kind", "scope", "product", "name", "model", "figure", "value", "at"),
)
_Figure = tuple[str, float | None, int | None]


def csv_text(report: Report) -> str:
    """The whole file; a figure that is not known has an empty value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for row in _rows(report):
        writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()


def _rows(report: Report) -> Iterator[tuple[object, ...]]:
    month = f"{report.month.first:%Y-%m}"
    for product in report.products:
        for line in product.lines:
            of = (line.kind.value, line.name, product.code, product.name, product.model.value)
            for name, value, at in _figures(product, line):
                yield (month, "", *of, name, _shown(value), "" if at is None else iso(at))
        for line in product.lines:
            yield from _times(product, line, month)
    for end in report.ends:
        of = ("end", end.server, end.product, end.name, "")
        yield (month, end.day.isoformat(), *of, end.what.value, _shown(end.licenses), "")
    for holding in report.holdings:
        bought = holding.purchase
        day = bought.renewal.isoformat() if bought.renewal else ""
        for name, value in _contract(holding):
            of = ("contract", holding.scope, bought.product, holding.name, "")
            yield (month, day, *of, name, _shown(value), "")


def _times(product: Product, line: Line, month: str) -> Iterator[tuple[object, ...]]:
    of = (line.kind.value, line.name, product.code, product.name, product.model.value)
    what = "assigned" if product.assigned else "peak"
    for each in line.months:
        at = "" if each.at is None else iso(each.at)
        bound = "_at_most" if each.at_most else ""
        name = f"{each.first:%Y-%m}"
        yield (name, "", *of, f"monthly_{what}{bound}", _shown(each.figure), at)
        yield (name, "", *of, "monthly_installed", _shown(each.installed), at)
    for day in line.days:
        at = "" if day.at is None else iso(day.at)
        yield (month, day.day.isoformat(), *of, f"daily_{what}", _shown(day.figure), at)
        yield (month, day.day.isoformat(), *of, "daily_installed", _shown(day.installed), at)


def _figures(product: Product, line: Line) -> Iterator[_Figure]:
    month = line.month
    yield ("installed", line.installed, None)
    yield ("overdraft", line.overdraft, None)
    yield ("assigned" if product.assigned else "peak", month.figure, month.at)
    yield ("installed_then", month.installed, month.at)
    yield ("coverage", round(month.coverage, 4), None)
    yield ("servers", len(line.servers), None)
    yield ("servers_silent", len(line.silent), None)
    yield ("days_recorded", line.days_above.recorded, None)
    yield ("days_at_warn", line.days_above.warn, None)
    yield ("days_at_critical", line.days_above.critical, None)
    yield ("days_at_installed", line.days_above.full, None)
    yield ("month_before", line.before.figure, line.before.at)
    yield ("year_before", line.year_before.figure, line.year_before.at)
    if line.assigned:
        moves = line.assigned
        least = "" if moves.told else "_at_least"
        yield ("assigned_at_start", moves.at_start, None)
        yield (f"newly_assigned{least}", moves.newly, None)
        yield (f"released{least}", moves.released, None)
        return
    average = month.average
    yield ("average", None if average is None else round(average, 3), None)
    if line.upper_bound is not None:
        yield ("upper_bound", line.upper_bound, None)
    usage = line.usage
    if usage is not None:
        yield ("p50", usage.p50, None)
        yield ("p95", usage.p95, None)
        yield ("p99", usage.p99, None)
        for share, seconds in usage.above:
            yield (f"seconds_at_{share * 100:.0f}_percent", seconds, None)
        saturated = usage.saturated
        yield (
            "longest_saturation_seconds",
            saturated.seconds if saturated else 0,
            saturated.start if saturated else None,
        )
        yield ("most_beyond_installed", usage.beyond, None)
        yield ("seconds_beyond_installed", usage.beyond_seconds, None)


def _contract(holding: Holding) -> Iterator[tuple[str, float | None]]:
    yield ("bought", holding.purchase.purchased)
    yield ("contract_installed", holding.installed)
    yield ("contract_needed", holding.needed)
    yield ("missing", holding.beyond)
    yield ("idle", holding.idle)
    yield ("cost", holding.cost)
    yield ("idle_cost", holding.idle_cost)


def _shown(value: float | None) -> object:
    return "" if value is None else value
