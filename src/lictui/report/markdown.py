"""The report as Markdown: for a wiki, a ticket, or a terminal that shows it as it stands.

Owns tables with aligned columns. What a server says is never markup here.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

from lictui.clock import iso
from lictui.history.csv_export import guarded
from lictui.report import text as saying
from lictui.report.text import grouped, in_short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.analysis.usage import Holding
    from lictui.report.model import Line, Product, Report


_MARKUP: Final = re.compile(r"([\\`*\[\]<|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


def markdown(report: Report) -> str:
    """The whole text."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield from (f"# {_text(saying.title(report))}", "", _text(saying.subtitle(report)), "")
    yield from ("## In short", "")
    yield from (f"- **{point.about}**: {_text(point.text)}" for point in in_short(report))
    if report.products:
        yield from ("", "## All products", "")
        yield from _table(_PRODUCTS, [_overview(each) for each in report.products])
        yield from ("", saying.NEEDED)
    for product in report.products:
        yield from ("", f"## {_text(product.name)} ({_text(product.code)}, {saying.kind(product)})")
        yield ""
        yield from _table(_SCOPES[product.assigned], [*_scopes(product, report)])
    if report.holdings:
        yield from ("", "## Contract", "")
        yield from _table(_CONTRACT, _contract(report))
        yield from ("", saying.CONTRACT)
    if report.ends:
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


def _overview(product: Product) -> Sequence[str]:
    line, month = product.estate, product.estate.month
    return (
        *(product.name, saying.kind(product), saying.count(line.installed), saying.figure(month)),
        *(saying.percent(month.ratio), saying.change(month, line.before)),
        *(saying.change(month, line.year_before), saying.LEVELS[line.level]),
        line.outlook.words if line.outlook else saying.NONE,
    )


def _scopes(product: Product, report: Report) -> Iterator[Sequence[str]]:
    alone = product.by_server[0][0] if len(product.by_server) == 1 else ""
    for line in (product.estate, *product.parts):
        month = line.month
        name = alone or line.name
        start = (name, saying.count(line.installed), saying.figure(month))
        end = (
            *(saying.change(month, line.before), saying.percent(month.coverage, 1)),
            saying.LEVELS[line.level],
        )
        if line.assigned:
            moves = line.assigned
            came, went = saying.at_least(moves.newly, moves), saying.at_least(moves.released, moves)
            yield (*start, saying.percent(month.ratio), came, went, *end)
        else:
            yield (
                *(*start, saying.moment(month.at, report.zone), saying.percent(month.ratio)),
                *(saying.count(month.average), *_covering(line)),
                *(f"{line.days_above.critical}", *end),
            )


def _covering(line: Line) -> tuple[str, str]:
    usage = line.usage
    return (saying.count(usage.p95 if usage else None), saying.count(usage.p99 if usage else None))


def _contract(report: Report) -> list[Sequence[str]]:
    return [
        (
            *(f"{each.name} ({each.purchase.product})", each.scope),
            *map(saying.count, (each.purchase.purchased, each.installed, each.needed)),
            *map(saying.count, (each.beyond, each.idle)),
            saying.money(each.idle_cost, each.purchase.currency)
            if each.purchase.cost is not None
            else saying.NONE,
            each.purchase.renewal.isoformat() if each.purchase.renewal else saying.NONE,
        )
        for each in report.holdings
    ]


def _ends(report: Report) -> list[Sequence[str]]:
    return [
        (
            *(end.day.isoformat(), f"{(end.day - report.today).days} days"),
            f"{end.what.value}{', a later one goes on' if end.covered else ''}",
            f"{end.name} ({end.product})" if end.product else saying.NONE,
            *(end.server, saying.count(end.licenses) if end.licenses is not None else saying.NONE),
        )
        for end in grouped(report.ends)
    ]


def _events(report: Report) -> list[Sequence[str]]:
    return [
        (saying.moment(e.at, report.zone), e.server, e.product or saying.NONE, e.message)
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
        for name, value in _contract_rows(holding):
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


def _contract_rows(holding: Holding) -> Iterator[tuple[str, float | None]]:
    yield ("bought", holding.purchase.purchased)
    yield ("contract_installed", holding.installed)
    yield ("contract_needed", holding.needed)
    yield ("missing", holding.beyond)
    yield ("idle", holding.idle)
    yield ("cost", holding.cost)
    yield ("idle_cost", holding.idle_cost)


def _shown(value: float | None) -> object:
    return "" if value is None else value
