"""Tables of the page: all products, the lines of one, the calendar, the contract, the journal.

Owns their columns. Must not know charts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.report import saying
from lictui.report.html import chart
from lictui.report.html.markup import Markup, join, tag
from lictui.report.short import grouped
from lictui.report.values import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lictui.model import Level
    from lictui.report.html.markup import Node
    from lictui.report.values import Line, Product, Report


def table(head: Sequence[str], rows: Iterable[Sequence[Node]], classes: str) -> Markup:
    """A table; `classes` has a letter a column: `n` for numbers, `d` for days, `.` for text."""
    names = [{"n": "n", "d": "day"}.get(letter) for letter in classes]

    def row(cells: Sequence[Node], name: str) -> Markup:
        scope = "col" if name == "th" else None
        pairs = zip(cells, names, strict=True)
        return tag("tr", *(tag(name, cell, class_=each, scope=scope) for cell, each in pairs))

    body = tag("tbody", *(row(cells, "td") for cells in rows))
    return tag("div", tag("table", tag("thead", row(head, "th")), body), class_="wide")


def level(found: Level) -> Markup:
    """A level in a word."""
    return tag("span", saying.LEVELS[found], class_=f"level {found.value}")


def products(report: Report) -> Markup:
    """All products at a glance."""
    forecast = any(each.estate.outlook for each in report.products)
    head = [
        *("Product", "Installed", "Needed", "", "Share", "Month before", "Year before", "State"),
    ]
    rows = []
    for product in report.products:
        line = product.estate
        cells: list[Node] = [
            _product(product),
            saying.count(line.installed),
            saying.figure(line.month),
            tag("span", chart.meter(line, product), class_="meter"),
            saying.percent(line.month.ratio),
            saying.change(line.month, line.before),
            saying.change(line.month, line.year_before),
            join(level(line.level), _alone(product)),
        ]
        if forecast:
            cells.append(line.outlook.words if line.outlook else saying.NONE)
        rows.append(cells)
    return table([*head, *(["Outlook"] if forecast else [])], rows, ".nn.nnn." + "." * forecast)


def _alone(product: Product) -> Markup | None:
    """Which servers are tight by themselves, where all together are not."""
    names = ", ".join(line.name for line in product.tight_alone)
    return Markup(f"<br>{tag('span', f'tight: {names}', class_='code')}") if names else None


def _product(product: Product) -> Markup:
    about = f"{product.code}, {saying.kind(product)}"
    return Markup(f"{tag('span', product.name)}<br>{tag('span', about, class_='code')}")


def scopes(product: Product, report: Report) -> Markup:
    """One line a group or server, every group before its servers."""
    first = "Group, server" if any(line.kind is Kind.GROUP for line in product.parts) else "Server"
    row = _assigned if product.assigned else _concurrent
    rows = [(_whose(line), *row(line, report)) for line in product.parts]
    if product.assigned:
        head = [
            *(first, "Installed", "Assigned", "Share", "Newly", "Released", "Month before"),
            *("Recorded", "State"),
        ]
        return table(head, rows, ".nnnnnnn.")
    head = [
        *(first, "Installed", "Peak", "When", "Share", "Average", "95 % of time"),
        *(f"Days at {product.critical * 100:g} %", "Month before", "Recorded", "State"),
    ]
    return table(head, rows, ".nndnnnnnn.")


def _whose(line: Line) -> Markup:
    return tag("b", line.name) if line.kind is Kind.GROUP else tag("span", line.name)


def _assigned(line: Line, report: Report) -> tuple[Node, ...]:
    del report
    month, moves = line.month, line.assigned
    came, went = (moves.newly, moves.released) if moves else (None, None)
    return (
        *(saying.count(line.installed), saying.figure(month), saying.percent(month.ratio)),
        saying.at_least(came, moves) if moves else saying.UNKNOWN,
        saying.at_least(went, moves) if moves else saying.UNKNOWN,
        *(saying.change(month, line.before), saying.percent(month.coverage), level(line.level)),
    )


def _concurrent(line: Line, report: Report) -> tuple[Node, ...]:
    month = line.month
    return (
        *(saying.count(line.installed), saying.figure(month)),
        *(saying.moment(month.at, report.zone), saying.percent(month.ratio)),
        *(saying.count(month.average), saying.count(line.usage.p95 if line.usage else None)),
        *(line.days_above.critical, saying.change(month, line.before)),
        *(saying.percent(month.coverage), level(line.level)),
    )


def calendar(report: Report) -> Markup:
    """What ends in the next twelve months."""
    return table(
        ("Day", "In", "What", "Product", "Where", "Licenses"),
        [
            (
                saying.short_day(end.day),
                f"{(end.day - report.today).days} days",
                f"{end.what.value}{', a later one goes on' if end.covered else ''}",
                _named(end.name, end.product),
                end.server,
                saying.NONE if end.licenses is None else saying.count(end.licenses),
            )
            for end in grouped(report.ends)
        ],
        "dn...n",
    )


def _named(name: str, code: str) -> Markup:
    about = tag("span", f" {code}", class_="code") if code != name else None
    return join(name or saying.NONE, about)


def contract(report: Report) -> Markup:
    """What was bought, against what is installed and was needed."""
    return table(
        (
            *(
                "Product",
                "For",
                "Bought",
                "Installed",
                "This month",
                "Most in 12 months",
                "Missing",
            ),
            *("Idle", "Idle, a year", "Renewal"),
        ),
        [
            (
                _named(each.name, each.purchase.product),
                *(each.scope, saying.count(each.purchase.purchased)),
                *(saying.count(each.installed), saying.count(each.peak)),
                *(saying.count(each.needed), saying.count(each.beyond), saying.count(each.idle)),
                saying.money(each.idle_cost, each.purchase.currency)
                if each.purchase.cost is not None
                else saying.NONE,
                saying.short_day(each.purchase.renewal) if each.purchase.renewal else saying.NONE,
            )
            for each in report.holdings
        ],
        "..nnnnnnnd",
    )


def journal(report: Report) -> Markup:
    """What happened."""
    return table(
        ("When", "Server", "Product", "What"),
        [
            (saying.moment(e.at, report.zone), e.server, e.product or saying.NONE, e.message)
            for e in report.events
        ],
        "d...",
    )


def recorded(report: Report) -> Markup:
    """How much is known of each server: a line for each that is not known all the time."""
    partly = [each for each in report.servers if each.coverage < _WHOLE or each.removed]
    wholly = [each.server for each in report.servers if each not in partly]
    rows = [
        (
            each.server,
            each.group or saying.NONE,
            saying.percent(each.coverage, 1) if each.coverage else "nothing",
            "no longer registered" if each.removed else each.reason or saying.NONE,
        )
        for each in sorted(partly, key=lambda each: each.coverage)
    ]
    return join(
        table(("Server", "Group", "Recorded", "Now"), rows, "..n.") if rows else None,
        tag("p", f"All of the time: {', '.join(wholly)}.", class_="note") if wholly else None,
    )


_WHOLE: Final = 0.9995  # what is shown as 100.0 %
