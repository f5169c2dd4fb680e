"""The report as Markdown: for a wiki, a ticket, or a terminal that shows it as it stands.

Owns tables with aligned columns. What a server says is never markup here.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

from lictui.clock import iso
from lictui.csvfile import escape_formula
from lictui.report import text as saying
from lictui.report.text import grouped, summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.analysis.usage import ContractLine
    from lictui.report.model import MonthlyReport, ProductReport, ScopeReport


_MARKUP: Final = re.compile(r"([\\`*\[\]<|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


def render_markdown(report: MonthlyReport) -> str:
    """The whole text."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: MonthlyReport) -> Iterator[str]:
    yield from (f"# {_text(saying.title(report))}", "", _text(saying.subtitle(report)), "")
    yield from ("## In short", "")
    yield from (f"- **{point.label}**: {_text(point.text)}" for point in summary(report))
    if report.products:
        yield from ("", "## All products", "")
        yield from _table(_PRODUCTS, [_overview(each) for each in report.products])
        yield from ("", saying.NEEDED)
    for product in report.products:
        yield from ("", f"## {_text(product.name)} ({_text(product.code)}, {saying.kind(product)})")
        yield ""
        yield from _table(_SCOPES[product.is_assigned], [*_scopes(product, report)])
    if report.contract_lines:
        yield from ("", "## Contract", "")
        yield from _table(_CONTRACT, _contract(report))
        yield from ("", saying.CONTRACT)
    if report.expiries:
        yield from ("", "## What ends in the next twelve months", "")
        yield from _table(_ENDS, _ends(report))
    if report.events:
        yield from ("", "## What happened", "")
        yield from _table(("When", "Server", "Product", "What"), _events(report))
    yield from ("", "## How to read this", "")
    yield from (f"- {each}" for each in (saying.RECORD, *saying.WORDS))


_PRODUCTS: Final = (
    *("Product", "Counted", "Installed>", "Needed>", "Share>", "Month before>", "Year before>"),
    *("State", "Outlook"),
)
_SCOPES: Final = {
    True: (
        *("Whose", "Installed>", "Assigned>", "Share>", "Newly>", "Released>", "Month before>"),
        *("Recorded>", "State"),
    ),
    False: (
        *("Whose", "Installed>", "Peak>", "When", "Share>", "Average>", "95 %>", "99 %>"),
        *("Days tight>", "Month before>", "Recorded>", "State"),
    ),
}
_CONTRACT: Final = (
    *("Product", "For", "Bought>", "Installed>", "Needed>", "Missing>", "Idle>", "Idle, a year>"),
    "Renewal",
)
_ENDS: Final = ("Day", "In>", "What", "Product", "Where", "Licenses>")


def _overview(product: ProductReport) -> Sequence[str]:
    line, month = product.estate, product.estate.month
    return (
        *(product.name, saying.kind(product), saying.count(line.installed), saying.figure(month)),
        *(saying.percent(month.ratio), saying.change(month, line.previous_month)),
        *(saying.change(month, line.previous_year), saying.LEVELS[line.level]),
        line.outlook.words if line.outlook else saying.NONE,
    )


def _scopes(product: ProductReport, report: MonthlyReport) -> Iterator[Sequence[str]]:
    alone = product.server_scopes[0][0] if len(product.server_scopes) == 1 else ""
    for line in (product.estate, *product.breakdown):
        month = line.month
        name = alone or line.name
        start = (name, saying.count(line.installed), saying.figure(month))
        end = (
            *(saying.change(month, line.previous_month), saying.percent(month.coverage, 1)),
            saying.LEVELS[line.level],
        )
        if line.assignments:
            moves = line.assignments
            came, went = saying.at_least(moves.new, moves), saying.at_least(moves.released, moves)
            yield (*start, saying.percent(month.ratio), came, went, *end)
        else:
            yield (
                *(*start, saying.moment(month.timestamp, report.zone), saying.percent(month.ratio)),
                *(saying.count(month.average), *_covering(line)),
                *(f"{line.days_above.critical}", *end),
            )


def _covering(line: ScopeReport) -> tuple[str, str]:
    usage = line.usage
    return (saying.count(usage.p95 if usage else None), saying.count(usage.p99 if usage else None))


def _contract(report: MonthlyReport) -> list[Sequence[str]]:
    return [
        (
            *(f"{each.name} ({each.entitlement.product})", each.scope),
            *map(saying.count, (each.entitlement.purchased, each.installed, each.highest_peak)),
            *map(saying.count, (each.shortfall, each.unused)),
            saying.money(each.unused_cost, each.entitlement.currency)
            if each.entitlement.cost is not None
            else saying.NONE,
            each.entitlement.renewal.isoformat() if each.entitlement.renewal else saying.NONE,
        )
        for each in report.contract_lines
    ]


def _ends(report: MonthlyReport) -> list[Sequence[str]]:
    return [
        (
            *(end.day.isoformat(), f"{(end.day - report.today).days} days"),
            f"{end.what.value}{', a later one goes on' if end.covered else ''}",
            f"{end.name} ({end.product})" if end.product else saying.NONE,
            *(end.server, saying.count(end.licenses) if end.licenses is not None else saying.NONE),
        )
        for end in grouped(report.expiries)
    ]


def _events(report: MonthlyReport) -> list[Sequence[str]]:
    return [
        (saying.moment(e.time, report.zone), e.server, e.product or saying.NONE, e.message)
        for e in report.events
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table, its columns as wide as their widest cell; a head that ends in `>` flushes right."""
    names = [name.removesuffix(">") for name in head]
    right = [name.endswith(">") for name in head]
    cells = [names, *([_text(cell) for cell in row] for row in rows)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]

    def line(row: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    yield line(names)
    rule = (
        "-" * (width - 1) + (":" if flush else "-")
        for width, flush in zip(widths, right, strict=True)
    )
    yield f"| {' | '.join(rule)} |"
    yield from map(line, cells[1:])


def _text(text: str) -> str:
    """Text that a reader of Markdown takes as it stands."""
    return _MARKUP.sub(r"\\\1", text)


# The report as CSV: one row a figure, so that a program or a pivot table picks what it wants


HEADER: Final = (
    *("month", "day", "kind", "scope", "product", "name", "model", "figure", "value", "at"),
)
_Figure = tuple[str, float | None, int | None]


def render_csv(report: MonthlyReport) -> str:
    """The whole file; a figure that is not known has an empty value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for row in _rows(report):
        writer.writerow([escape_formula(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()


def _rows(report: MonthlyReport) -> Iterator[tuple[object, ...]]:
    month = f"{report.month.first_day:%Y-%m}"
    for product in report.products:
        for line in product.scopes:
            of = (line.kind.value, line.name, product.code, product.name, product.model.value)
            for name, value, at in _figures(product, line):
                yield (month, "", *of, name, _shown(value), "" if at is None else iso(at))
        for line in product.scopes:
            yield from _times(product, line, month)
    for end in report.expiries:
        of = ("end", end.server, end.product, end.name, "")
        yield (month, end.day.isoformat(), *of, end.what.value, _shown(end.licenses), "")
    for holding in report.contract_lines:
        bought = holding.entitlement
        day = bought.renewal.isoformat() if bought.renewal else ""
        for name, value in _contract_rows(holding):
            of = ("contract", holding.scope, bought.product, holding.name, "")
            yield (month, day, *of, name, _shown(value), "")


def _times(product: ProductReport, line: ScopeReport, month: str) -> Iterator[tuple[object, ...]]:
    of = (line.kind.value, line.name, product.code, product.name, product.model.value)
    what = "assigned" if product.is_assigned else "peak"
    for each in line.months:
        at = "" if each.timestamp is None else iso(each.timestamp)
        bound = "_at_most" if each.is_upper_bound else ""
        name = f"{each.first_day:%Y-%m}"
        yield (name, "", *of, f"monthly_{what}{bound}", _shown(each.figure), at)
        yield (name, "", *of, "monthly_installed", _shown(each.installed), at)
    for day in line.days:
        at = "" if day.timestamp is None else iso(day.timestamp)
        yield (month, day.day.isoformat(), *of, f"daily_{what}", _shown(day.figure), at)
        yield (month, day.day.isoformat(), *of, "daily_installed", _shown(day.installed), at)


def _figures(product: ProductReport, line: ScopeReport) -> Iterator[_Figure]:
    month = line.month
    yield ("installed", line.installed, None)
    yield ("overdraft", line.overdraft, None)
    yield ("assigned" if product.is_assigned else "peak", month.figure, month.timestamp)
    yield ("installed_then", month.installed, month.timestamp)
    yield ("coverage", round(month.coverage, 4), None)
    yield ("servers", len(line.servers), None)
    yield ("servers_silent", len(line.silent_servers), None)
    yield ("days_recorded", line.days_above.with_data, None)
    yield ("days_at_warn", line.days_above.warn, None)
    yield ("days_at_critical", line.days_above.critical, None)
    yield ("days_at_installed", line.days_above.full, None)
    yield ("month_before", line.previous_month.figure, line.previous_month.timestamp)
    yield ("year_before", line.previous_year.figure, line.previous_year.timestamp)
    if line.assignments:
        moves = line.assignments
        least = "" if moves.exact else "_at_least"
        yield ("assigned_at_start", moves.at_start, None)
        yield (f"newly_assigned{least}", moves.new, None)
        yield (f"released{least}", moves.released, None)
        return
    average = month.average
    yield ("average", None if average is None else round(average, 3), None)
    if line.sum_of_server_peaks is not None:
        yield ("upper_bound", line.sum_of_server_peaks, None)
    usage = line.usage
    if usage is not None:
        yield ("p50", usage.p50, None)
        yield ("p95", usage.p95, None)
        yield ("p99", usage.p99, None)
        for share, seconds in usage.seconds_above:
            yield (f"seconds_at_{share * 100:.0f}_percent", seconds, None)
        saturated = usage.longest_saturation
        yield (
            "longest_saturation_seconds",
            saturated.seconds if saturated else 0,
            saturated.start if saturated else None,
        )
        yield ("most_beyond_installed", usage.max_over_installed, None)
        yield ("seconds_beyond_installed", usage.seconds_over_installed, None)


def _contract_rows(holding: ContractLine) -> Iterator[tuple[str, float | None]]:
    yield ("bought", holding.entitlement.purchased)
    yield ("contract_installed", holding.installed)
    yield ("contract_needed", holding.highest_peak)
    yield ("missing", holding.shortfall)
    yield ("idle", holding.unused)
    yield ("cost", holding.cost)
    yield ("idle_cost", holding.unused_cost)


def _shown(value: float | None) -> object:
    return "" if value is None else value
