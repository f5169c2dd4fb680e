"""The report in a few sentences: what is tight, what will be, what ends, what is not known.

Owns which facts a manager reads first, and their order. Pure. Must not know a format.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

from lictui.model import Level
from lictui.report import saying
from lictui.report.values import What

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.report.values import End, Product, Report

_MOST: Final = 5  # sentences of one sort
_UNKNOWN: Final = "not known"
_SOON: Final = timedelta(days=90)
_TIGHT: Final = (Level.WARN, Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED)


@dataclass(frozen=True, slots=True)
class Point:
    """One sentence, what it is about, and how grave that is."""

    level: Level
    about: str
    text: str


def in_short(report: Report) -> tuple[Point, ...]:
    """The sentences, the gravest sort first; never none."""
    return (
        *_some([*_usage(report)], "products are tight: see below"),
        *_some([*_alone(report)], "servers are tight by themselves: see below"),
        *_some([*_ahead(report)], "forecasts: see below"),
        *_some([*_soon(report)], "dates in the next 90 days: see the calendar"),
        *_contract(report),
        *_gaps(report),
    )


def _some(points: Sequence[Point], rest: str) -> Iterator[Point]:
    yield from points[:_MOST]
    if len(points) > _MOST:
        worst = points[_MOST].level
        yield Point(worst, points[_MOST].about, f"{len(points) - _MOST} more {rest}.")


def _usage(report: Report) -> Iterator[Point]:
    tight = [each for each in report.products if each.estate.level in _TIGHT]
    for product in tight:
        yield Point(product.estate.level, _word(product), _tight(product, report))
    if report.products and not tight:
        yield Point(
            Level.OK, saying.LEVELS[Level.OK], "No product came near its limit over all servers."
        )
    if not report.products:
        yield Point(Level.UNKNOWN, _UNKNOWN, "Nothing was recorded in this month.")


def _alone(report: Report) -> Iterator[Point]:
    """Servers that are tight by themselves: their users have no use of what is free elsewhere."""
    for product in report.products:
        for line in product.tight_alone:
            of = f"{saying.figure(line.month)} of {saying.count(line.month.installed)}"
            verb = "assigned" if product.assigned else "in use"
            yield Point(
                line.level,
                saying.LEVELS[line.level],
                f"{product.name} ({saying.kind(product)}) on {line.name} alone: {of} {verb}"
                f" ({saying.percent(line.month.ratio)}).",
            )


def _word(product: Product) -> str:
    return saying.LEVELS[product.estate.level]


def _tight(product: Product, report: Report) -> str:
    line, month = product.estate, product.estate.month
    of = f"{saying.figure(month)} of {saying.count(month.installed)}"
    share = saying.percent(month.ratio)
    if product.assigned:
        over = "; none is free" if (month.ratio or 0) >= 1 else ""
        return (
            f"{product.name}: {of} {saying.kind(product)} licenses assigned at the end of the month"
            f" ({share}){over}."
        )
    when = saying.moment(month.at, report.zone)
    said = f"{product.name}: up to {of} {saying.kind(product)} licenses in use ({share}), on {when}"
    usage = line.usage
    full = usage.above[-1][1] if usage else 0
    if full and usage:
        return f"{said}; none free for {saying.length(full)} in all."
    days, recorded = line.days_above.critical, line.days_above.recorded
    if days:
        return f"{said}; above {product.critical * 100:g} % on {days} of {recorded} days."
    return f"{said}; above {product.warn * 100:g} % on {line.days_above.warn} of {recorded} days."


def _ahead(report: Report) -> Iterator[Point]:
    for product in report.products:
        outlook = product.estate.outlook
        if outlook is None:
            continue
        who = f"{product.name} ({saying.kind(product)})"
        for short in outlook.shortfalls:
            missing = saying.count(short.expected - short.installed)
            yield Point(
                Level.CRITICAL,
                "ahead",
                f"{who}: short by {missing} on {saying.long_day(short.day)}.",
            )
        if outlook.full is not None and outlook.full > report.today:
            text = f"{who}: all licenses in use by about {saying.long_day(outlook.full)}."
            yield Point(Level.CRITICAL, "ahead", text)
        elif outlook.critical is not None and outlook.critical > report.today:
            share = f"{product.critical * 100:g} %"
            text = f"{who}: {share} in use by about {saying.long_day(outlook.critical)}."
            yield Point(Level.WARN, "ahead", text)


def _soon(report: Report) -> Iterator[Point]:
    for end in grouped(report.ends):
        if end.covered or end.day > report.today + _SOON:
            continue
        level = Level.WARN if end.what is What.RENEWAL else Level.CRITICAL
        if end.day > report.today + _SOON / 3:
            level = Level.WARN
        yield Point(level, "ends soon", f"{ended(end, report)}.")


def ended(end: End, report: Report) -> str:
    """What ends, as a sentence without its full stop."""
    past = end.day < report.today
    when = f"on {saying.long_day(end.day)}"
    match end.what:
        case What.ACTIVATION:
            verb = "expired" if past else "expires"
            return f"{end.server}: the license activation {verb} {when}"
        case What.LICENSES:
            verb = "expired" if past else "expire"
            many = saying.count(end.licenses)
            return f"{many} licenses of {_named(end)} on {end.server} {verb} {when}"
        case What.SUBSCRIPTION:
            verb = "ended" if past else "ends"
            many = saying.count(end.licenses)
            return f"{_named(end)} on {end.server}: the subscription of {many} {verb} {when}"
        case What.RENEWAL:
            verb = "was" if past else "is"
            return f"{_named(end)}, {end.server}: the contract {verb} to be renewed {when}"


def _named(end: End) -> str:
    return end.name if end.name == end.product else f"{end.name} ({end.product})"


def grouped(ends: Sequence[End]) -> Iterator[End]:
    """What ends on the same day for the same product, with all its servers as one."""

    def same(end: End) -> tuple[object, ...]:
        return end.day, end.what, end.product, end.name, end.covered

    for _, found in groupby(sorted(ends, key=same), key=same):
        some = list(found)
        first = some[0]
        many = [each.licenses for each in some]
        known = [each for each in many if each is not None]
        yield type(first)(
            first.day,
            first.what,
            ", ".join(each.server for each in some),
            first.product,
            first.name,
            sum(known) if len(known) == len(many) else None,
            first.covered,
        )


def _contract(report: Report) -> Iterator[Point]:
    for each in report.holdings:
        if each.beyond:
            yield Point(
                Level.CRITICAL,
                "contract",
                f"{each.name} ({each.purchase.product}), {each.scope}:"
                f" {saying.count(each.beyond)} more were needed than the"
                f" {saying.count(each.purchase.purchased)} that were bought.",
            )
    costs: dict[str, float] = {}
    for each in report.holdings:
        if each.idle_cost:
            currency = each.purchase.currency
            costs[currency] = costs.get(currency, 0.0) + each.idle_cost
    for currency, cost in costs.items():
        said = saying.money(cost, currency)
        yield Point(
            Level.OK, "contract", f"Licenses that were bought and never needed cost {said} a year."
        )


def _gaps(report: Report) -> Iterator[Point]:
    silent = [each.server for each in report.servers if not each.coverage]
    if silent:
        named = ", ".join(silent[:_MOST])
        more = f" and {len(silent) - _MOST} more" if len(silent) > _MOST else ""
        yield Point(
            Level.UNKNOWN,
            _UNKNOWN,
            f"{named}{more} reported nothing in this month and {_is(silent)} in no figure.",
        )


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
