"""The report as Markdown: for a wiki, a ticket, or a terminal that shows it as it stands.

Owns tables with aligned columns. What a server says is never markup here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lictui.report import saying, words
from lictui.report.short import grouped, in_short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.report.values import Line, Product, Report

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
        yield from ("", words.NEEDED)
    for product in report.products:
        yield from ("", f"## {_text(product.name)} ({_text(product.code)}, {saying.kind(product)})")
        yield ""
        yield from _table(_SCOPES[product.assigned], [*_scopes(product, report)])
    if report.holdings:
        yield from ("", "## Contract", "")
        yield from _table(_CONTRACT, _contract(report))
        yield from ("", words.CONTRACT)
    if report.ends:
        yield from ("", "## What ends in the next twelve months", "")
        yield from _table(_ENDS, _ends(report))
    if report.events:
        yield from ("", "## What happened", "")
        yield from _table(("When", "Server", "Product", "What"), _events(report))
    yield from ("", "## How to read this", "")
    yield from (f"- {each}" for each in (words.RECORD, *words.WORDS))


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
