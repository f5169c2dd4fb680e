"""The page: what is read first, then each product, then the calendar and what stands around it.

Owns the order of the sections and what they are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.report import saying, words
from lictui.report.html import chart, tables
from lictui.report.html.markup import Markup, join, tag
from lictui.report.html.style import STYLE
from lictui.report.short import in_short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.report.html.markup import Node
    from lictui.report.values import Line, Product, Report


def page(report: Report) -> str:
    """The whole file."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = tag(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", saying.title(report)),
        tag("style", Markup(STYLE)),
    )
    body = tag("body", tag("main", *_sections(report)))
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _sections(report: Report) -> Iterator[Node]:
    yield tag(
        "section",
        tag("h1", saying.title(report)),
        tag("p", saying.subtitle(report), class_="sub"),
        tag("h2", "In short"),
        tag("ul", *_points(report), class_="short"),
        *_overview(report),
        class_="front",
    )
    for number, product in enumerate(report.products, 1):
        yield _product(product, f"p{number}", report)
    if report.holdings:
        yield _section("Contract", tables.contract(report), words.CONTRACT)
    yield _section(
        "What ends in the next twelve months",
        tables.calendar(report) if report.ends else tag("p", "Nothing that any server tells of."),
        "Licenses outlive their subscription: what ends is the right to newer versions.",
    )
    if report.events:
        more = f"{report.more_events} more lines are in the journal." if report.more_events else ""
        yield _section("What happened", tables.journal(report), more)
    yield _section("How much is on record", tables.recorded(report), words.RECORD)
    yield tag("section", tag("h2", "How to read this"), *(tag("p", each) for each in words.WORDS))


def _points(report: Report) -> Iterator[Markup]:
    for point in in_short(report):
        word = tag("span", point.about, class_=f"level {point.level.value}")
        yield tag("li", word, tag("span", point.text))


def _overview(report: Report) -> Iterator[Markup]:
    if report.products:
        yield tag("h2", "All products")
        yield tag("div", tables.products(report), class_="overview")
        yield tag("p", words.NEEDED, class_="note")


def _section(title: str, content: Markup, note: str = "") -> Markup:
    return tag(
        "section", tag("h2", title), content, tag("p", note, class_="note") if note else None
    )


def _product(product: Product, name: str, report: Report) -> Markup:
    line = product.estate
    about = f" {product.code}, {saying.kind(product)}"
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
                    chart.days(product, line, f"{name}-days"),
                    tag("figcaption", chart.caption(product)),
                ),
                tag(
                    "figure",
                    chart.months(product, line, f"{name}-months"),
                    tag("figcaption", "The last twelve months."),
                ),
                class_="charts",
            ),
            class_="keep",
        ),
        tables.scopes(product, report) if product.parts else None,
        tag("p", _silent(line), class_="note") if line.silent else None,
        class_="product",
    )


def _silent(line: Line) -> str:
    return f"Not in these figures, because they reported nothing: {', '.join(line.silent)}."


def _figures(product: Product, line: Line, report: Report) -> Iterator[Markup]:
    month = line.month
    yield _figure("Installed at the end", saying.count(line.installed), _overdraft(line))
    if product.assigned:
        yield _figure("Assigned at the end", saying.figure(month), saying.percent(month.ratio))
        yield from _moves(line)
    else:
        when = saying.moment(month.at, report.zone)
        of = f"of {saying.count(month.installed)}, {when}"
        yield _figure("Peak", saying.figure(month), of)
        yield _figure("Average", saying.count(month.average))
        yield from _usage(line, report)
        if line.upper_bound is not None:
            yield _figure(
                "Sum of the servers' own peaks", saying.count(line.upper_bound), words.BOUND
            )
    days = line.days_above
    yield _figure(
        f"Days at {product.warn * 100:g} / {product.critical * 100:g} / 100 %",
        f"{days.warn} / {days.critical} / {days.full}",
        f"of {days.recorded} recorded",
    )
    before = saying.figure(line.before), saying.change(month, line.before)
    yield _figure("Month before", *before)
    yield _figure(
        "A year before", saying.figure(line.year_before), saying.change(month, line.year_before)
    )
    servers = f"{len(line.servers)} of {len(line.servers) + len(line.silent)} servers"
    if month.aligned_by and len(line.servers) > 1 and not product.assigned:
        servers += f", summed by {saying.width(month.aligned_by)}"
    yield _figure("On record", saying.percent(month.coverage, 1), servers)
    if line.outlook:
        yield _figure("Outlook", line.outlook.words)


def _overdraft(line: Line) -> str:
    return f"and {saying.count(line.overdraft)} overdraft" if line.overdraft else ""


def _moves(line: Line) -> Iterator[Markup]:
    moves = line.assigned
    if moves is not None:
        yield _figure("Assigned at the start", saying.count(moves.at_start))
        how = "" if moves.told else "as far as polls saw"
        yield _figure("Newly assigned", saying.at_least(moves.newly, moves), how)
        yield _figure("Released", saying.at_least(moves.released, moves), how)


def _usage(line: Line, report: Report) -> Iterator[Markup]:
    usage = line.usage
    if usage is None:
        return
    yield _figure("Enough for 95 % / 99 % of the time", f"{usage.p95:,} / {usage.p99:,}")
    above = " / ".join(saying.length(seconds) for _, seconds in usage.above)
    yield _figure("Time at 80 / 90 / 100 %", above)
    yield _figure("Longest without a free one", saying.stretch(usage.saturated, report.zone))
    if usage.beyond:
        how = f"for {saying.length(usage.beyond_seconds)}"
        yield _figure("Most beyond installed", saying.count(usage.beyond), how)


def _figure(name: str, value: str, more: str = "") -> Markup:
    small = tag("small", f" {more}") if more else None
    return tag("div", tag("dt", name), tag("dd", join(value, small)))
