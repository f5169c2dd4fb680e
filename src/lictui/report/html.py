"""The page: what is read first, then each product, then the calendar and what stands around it.

Owns the order of the sections and what they are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.report import svg, text
from lictui.report.model import MonthlyReport, ProductReport, ScopeKind, ScopeReport
from lictui.report.style import STYLE
from lictui.report.svg import Markup, Node, join, tag
from lictui.report.text import grouped, summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lictui.model import Level


# Tables of the page: all products, the lines of one, the calendar, the contract, the journal


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
    return tag("span", text.LEVELS[found], class_=f"level {found.value}")


def products(report: MonthlyReport) -> Markup:
    """All products at a glance."""
    forecast = any(each.estate.outlook for each in report.products)
    head = [
        *("Product", "Installed", "Needed", "", "Share", "Month before", "Year before", "State"),
    ]
    rows = []
    for product in report.products:
        line = product.estate
        cells: list[Node] = [
            _product_tables(product),
            text.count(line.installed),
            text.figure(line.month),
            tag("span", svg.meter(line, product), class_="meter"),
            text.percent(line.month.ratio),
            text.change(line.month, line.previous_month),
            text.change(line.month, line.previous_year),
            join(level(line.level), _alone(product)),
        ]
        if forecast:
            cells.append(line.outlook.words if line.outlook else text.NONE)
        rows.append(cells)
    return table([*head, *(["Outlook"] if forecast else [])], rows, ".nn.nnn." + "." * forecast)


def _alone(product: ProductReport) -> Markup | None:
    """Which servers are tight by themselves, where all together are not."""
    names = ", ".join(line.name for line in product.critical_servers)
    return Markup(f"<br>{tag('span', f'tight: {names}', class_='code')}") if names else None


def _product_tables(product: ProductReport) -> Markup:
    about = f"{product.code}, {text.kind(product)}"
    return Markup(f"{tag('span', product.name)}<br>{tag('span', about, class_='code')}")


def scopes(product: ProductReport, report: MonthlyReport) -> Markup:
    """One line a group or server, every group before its servers."""
    first = (
        "Group, server"
        if any(line.kind is ScopeKind.GROUP for line in product.breakdown)
        else "Server"
    )
    row = _assigned if product.is_assigned else _concurrent
    rows = [(_whose(line), *row(line, report)) for line in product.breakdown]
    if product.is_assigned:
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


def _whose(line: ScopeReport) -> Markup:
    return tag("b", line.name) if line.kind is ScopeKind.GROUP else tag("span", line.name)


def _assigned(line: ScopeReport, report: MonthlyReport) -> tuple[Node, ...]:
    del report
    month, moves = line.month, line.assignments
    came, went = (moves.new, moves.released) if moves else (None, None)
    return (
        *(text.count(line.installed), text.figure(month), text.percent(month.ratio)),
        text.at_least(came, moves) if moves else text.UNKNOWN,
        text.at_least(went, moves) if moves else text.UNKNOWN,
        *(text.change(month, line.previous_month), text.percent(month.coverage), level(line.level)),
    )


def _concurrent(line: ScopeReport, report: MonthlyReport) -> tuple[Node, ...]:
    month = line.month
    return (
        *(text.count(line.installed), text.figure(month)),
        *(text.moment(month.timestamp, report.zone), text.percent(month.ratio)),
        *(text.count(month.average), text.count(line.usage.p95 if line.usage else None)),
        *(line.days_above.critical, text.change(month, line.previous_month)),
        *(text.percent(month.coverage), level(line.level)),
    )


def calendar(report: MonthlyReport) -> Markup:
    """What ends in the next twelve months."""
    return table(
        ("Day", "In", "What", "Product", "Where", "Licenses"),
        [
            (
                text.short_day(end.day),
                f"{(end.day - report.today).days} days",
                f"{end.what.value}{', a later one goes on' if end.covered else ''}",
                _named(end.name, end.product),
                end.server,
                text.NONE if end.licenses is None else text.count(end.licenses),
            )
            for end in grouped(report.expiries)
        ],
        "dn...n",
    )


def _named(name: str, code: str) -> Markup:
    about = tag("span", f" {code}", class_="code") if code != name else None
    return join(name or text.NONE, about)


def contract(report: MonthlyReport) -> Markup:
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
                _named(each.name, each.entitlement.product),
                *(each.scope, text.count(each.entitlement.purchased)),
                *(text.count(each.installed), text.count(each.peak)),
                *(
                    text.count(each.highest_peak),
                    text.count(each.shortfall),
                    text.count(each.unused),
                ),
                text.money(each.unused_cost, each.entitlement.currency)
                if each.entitlement.cost is not None
                else text.NONE,
                text.short_day(each.entitlement.renewal) if each.entitlement.renewal else text.NONE,
            )
            for each in report.contract_lines
        ],
        "..nnnnnnnd",
    )


def journal(report: MonthlyReport) -> Markup:
    """What happened."""
    return table(
        ("When", "Server", "Product", "What"),
        [
            (text.moment(e.time, report.zone), e.server, e.product or text.NONE, e.message)
            for e in report.events
        ],
        "d...",
    )


def recorded(report: MonthlyReport) -> Markup:
    """How much is known of each server: a line for each that is not known all the time."""
    partly = [each for each in report.servers if each.coverage < _WHOLE or each.removed]
    wholly = [each.server for each in report.servers if each not in partly]
    rows = [
        (
            each.server,
            each.group or text.NONE,
            text.percent(each.coverage, 1) if each.coverage else "nothing",
            "no longer registered" if each.removed else each.reason or text.NONE,
        )
        for each in sorted(partly, key=lambda each: each.coverage)
    ]
    return join(
        table(("Server", "Group", "Recorded", "Now"), rows, "..n.") if rows else None,
        tag("p", f"All of the time: {', '.join(wholly)}.", class_="note") if wholly else None,
    )


_WHOLE: Final = 0.9995  # what is shown as 100.0 %


def render_html(report: MonthlyReport) -> str:
    """The whole file."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = tag(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", text.title(report)),
        tag("style", Markup(STYLE)),
    )
    body = tag("body", tag("main", *_sections(report)))
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _sections(report: MonthlyReport) -> Iterator[Node]:
    yield tag(
        "section",
        tag("h1", text.title(report)),
        tag("p", text.subtitle(report), class_="sub"),
        tag("h2", "In short"),
        tag("ul", *_points(report), class_="short"),
        *_overview(report),
        class_="front",
    )
    for number, product in enumerate(report.products, 1):
        yield _product(product, f"p{number}", report)
    if report.contract_lines:
        yield _section("Contract", contract(report), text.CONTRACT)
    yield _section(
        "What ends in the next twelve months",
        calendar(report) if report.expiries else tag("p", "Nothing that any server tells of."),
        "Licenses outlive their subscription: what ends is the right to newer versions.",
    )
    if report.events:
        more = (
            f"{report.omitted_events} more lines are in the journal."
            if report.omitted_events
            else ""
        )
        yield _section("What happened", journal(report), more)
    yield _section("How much is on record", recorded(report), text.RECORD)
    yield tag("section", tag("h2", "How to read this"), *(tag("p", each) for each in text.WORDS))


def _points(report: MonthlyReport) -> Iterator[Markup]:
    for point in summary(report):
        word = tag("span", point.label, class_=f"level {point.level.value}")
        yield tag("li", word, tag("span", point.text))


def _overview(report: MonthlyReport) -> Iterator[Markup]:
    if report.products:
        yield tag("h2", "All products")
        yield tag("div", products(report), class_="overview")
        yield tag("p", text.NEEDED, class_="note")


def _section(title: str, content: Markup, note: str = "") -> Markup:
    return tag(
        "section", tag("h2", title), content, tag("p", note, class_="note") if note else None
    )


def _product(product: ProductReport, name: str, report: MonthlyReport) -> Markup:
    line = product.estate
    about = f" {product.code}, {text.kind(product)}"
    return tag(
        "section",
        tag(
            "div",
            tag("h2", product.name, tag("span", about, class_="code")),
            tag("dl", *_figures(product, line, report)),
            tag(
                "div",
                tag(
                    "figure",
                    svg.days(product, line, f"{name}-days"),
                    tag("figcaption", svg.caption(product)),
                ),
                tag(
                    "figure",
                    svg.months(product, line, f"{name}-months"),
                    tag("figcaption", "The last twelve months."),
                ),
                class_="charts",
            ),
            class_="keep",
        ),
        scopes(product, report) if product.breakdown else None,
        tag("p", _silent(line), class_="note") if line.silent_servers else None,
        class_="product",
    )


def _silent(line: ScopeReport) -> str:
    return f"Not in these figures, because they reported nothing: {', '.join(line.silent_servers)}."


def _figures(product: ProductReport, line: ScopeReport, report: MonthlyReport) -> Iterator[Markup]:
    month = line.month
    yield _figure("Installed at the end", text.count(line.installed), _overdraft(line))
    if product.is_assigned:
        yield _figure("Assigned at the end", text.figure(month), text.percent(month.ratio))
        yield from _moves(line)
    else:
        when = text.moment(month.timestamp, report.zone)
        of = f"of {text.count(month.installed)}, {when}"
        yield _figure("Peak", text.figure(month), of)
        yield _figure("Average", text.count(month.average))
        yield from _usage(line, report)
        if line.sum_of_server_peaks is not None:
            yield _figure(
                "Sum of the servers' own peaks", text.count(line.sum_of_server_peaks), text.BOUND
            )
    days = line.days_above
    yield _figure(
        f"Days at {product.warn * 100:g} / {product.critical * 100:g} / 100 %",
        f"{days.warn} / {days.critical} / {days.full}",
        f"of {days.with_data} recorded",
    )
    before = text.figure(line.previous_month), text.change(month, line.previous_month)
    yield _figure("Month before", *before)
    yield _figure(
        "A year before", text.figure(line.previous_year), text.change(month, line.previous_year)
    )
    servers = f"{len(line.servers)} of {len(line.servers) + len(line.silent_servers)} servers"
    if month.alignment and len(line.servers) > 1 and not product.is_assigned:
        servers += f", summed by {text.width(month.alignment)}"
    yield _figure("On record", text.percent(month.coverage, 1), servers)
    if line.outlook:
        yield _figure("Outlook", line.outlook.words)


def _overdraft(line: ScopeReport) -> str:
    return f"and {text.count(line.overdraft)} overdraft" if line.overdraft else ""


def _moves(line: ScopeReport) -> Iterator[Markup]:
    moves = line.assignments
    if moves is not None:
        yield _figure("Assigned at the start", text.count(moves.at_start))
        how = "" if moves.exact else "as far as polls saw"
        yield _figure("Newly assigned", text.at_least(moves.new, moves), how)
        yield _figure("Released", text.at_least(moves.released, moves), how)


def _usage(line: ScopeReport, report: MonthlyReport) -> Iterator[Markup]:
    usage = line.usage
    if usage is None:
        return
    yield _figure("Enough for 95 % / 99 % of the time", f"{usage.p95:,} / {usage.p99:,}")
    above = " / ".join(text.length(seconds) for _, seconds in usage.seconds_above)
    yield _figure("Time at 80 / 90 / 100 %", above)
    yield _figure("Longest without a free one", text.stretch(usage.longest_saturation, report.zone))
    if usage.max_over_installed:
        how = f"for {text.length(usage.seconds_over_installed)}"
        yield _figure("Most beyond installed", text.count(usage.max_over_installed), how)


def _figure(name: str, value: str, more: str = "") -> Markup:
    small = tag("small", f" {more}") if more else None
    return tag("div", tag("dt", name), tag("dd", join(value, small)))
