"""Figures and dates as people read them, the same in every format.

Owns how a number, a share, a moment and a level are said. Pure. Must not know sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import groupby
from typing import TYPE_CHECKING, Final

from lictui.model import Level, Model
from lictui.products import describe
from lictui.report.model import (
    AssignmentChanges,
    End,
    MonthFigure,
    MonthlyReport,
    ProductReport,
    What,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.analysis.usage import Period


UNKNOWN: Final = "?"
NONE: Final = "\N{EN DASH}"
LEVELS: Final = {
    Level.OK: "fine",
    Level.WARN: "getting tight",
    Level.CRITICAL: "tight",
    Level.OVERDRAFT: "into overdraft",
    Level.EXHAUSTED: "used up",
    Level.UNKNOWN: "cannot tell",
}
MODELS: Final = {
    Model.CONCURRENT: "concurrent",
    Model.USER_DEVICE: "user/device",
    Model.NAMED_USER: "named user",
    Model.SERVER: "per server",
    Model.ENABLER: "enabler",
    Model.OTHER: "other",
}
_PERCENT: Final = "\N{NO-BREAK SPACE}%"
_WIDTHS: Final = {300: "5 minutes", 3600: "the hour", 86400: "the day"}
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)  # not strftime's, which would follow a locale


def count(value: float | None) -> str:
    """`1,234`, or `?` for what is not known."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def figure(month: MonthFigure) -> str:
    """A month's figure; an upper bound with `≤`."""
    return f"≤ {count(month.figure)}" if month.is_upper_bound else count(month.figure)


def percent(share: float | None, digits: int = 0) -> str:
    """`93 %`; what is not all is never rounded to 100 %, nor what is something to 0 %."""
    if share is None:
        return UNKNOWN
    shown = round(share * 100, digits)
    step = 10.0**-digits
    if share < 1 and shown >= 100:  # noqa: PLR2004 - per cent
        shown = 100 - step
    elif share > 0 and shown == 0:
        return f"< {step:.{digits}f}{_PERCENT}"
    return f"{shown:.{digits}f}{_PERCENT}"


def change(now: MonthFigure, then: MonthFigure) -> str:
    """`+12`, `-3` or `±0`; nothing where a figure is missing or only a bound."""
    if now.figure is None or then.figure is None or now.is_upper_bound or then.is_upper_bound:
        return NONE
    by = now.figure - then.figure
    return f"{by:+,}".replace("-", "\N{MINUS SIGN}") if by else "±0"


def long_day(when: date) -> str:
    """`14 December 2026`."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def short_day(when: date) -> str:
    """`14 Dec 2026`."""
    return f"{when.day} {month_name(when)} {when.year}"


def month_name(when: date) -> str:
    """`Dec`."""
    return _MONTHS[when.month - 1][:3]


def month(when: date) -> str:
    """`December 2026`."""
    return f"{_MONTHS[when.month - 1]} {when.year}"


def local(at: float, zone: tzinfo | None) -> datetime:
    """A moment where the user is."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone)


def moment(at: float | None, zone: tzinfo | None) -> str:
    """`Tue 13 Oct, 10:35`."""
    if at is None:
        return NONE
    when = local(at, zone)
    return f"{_DAYS[when.weekday()]} {when.day} {month_name(when)}, {when:%H:%M}"


def length(seconds: int) -> str:
    """`45 min`, `3 h 20 min`, `2 d 4 h`."""
    minutes = round(seconds / 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:  # noqa: PLR2004 - a day
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def width(seconds: int) -> str:
    """By what sums are aligned: `5 minutes`, `the hour`, `the day`."""
    return _WIDTHS.get(seconds, length(seconds))


def stretch(found: Period | None, zone: tzinfo | None) -> str:
    """`3 h 20 min from Tue 13 Oct, 9:10`, or that there was none."""
    if found is None:
        return "never"
    return f"{length(found.seconds)} from {moment(found.start, zone)}"


def at_least(value: int | None, moves: AssignmentChanges) -> str:
    """What came or went: told, or from readings, between which some may be missed."""
    if value is None:
        return UNKNOWN
    return count(value) if moves.exact else f"≥ {count(value)}"


def money(value: float | None, currency: str) -> str:
    """`12,000 EUR`."""
    return UNKNOWN if value is None else f"{value:,.0f} {currency}".rstrip()


def kind(product: ProductReport) -> str:
    """How it is counted."""
    return MODELS[product.model]


def called(code: str, told: str) -> str:
    """A product's published name; what a server calls it where nobody has published one."""
    name = describe(code).name
    return told if name == code else name


def needed(product: ProductReport) -> str:
    """What its figure is called: a peak, or what was assigned."""
    return "Assigned at the end" if product.is_assigned else "Peak"


def title(report: MonthlyReport) -> str:
    """The headline."""
    whose = f", {', '.join(report.groups)}" if report.groups else ""
    return f"Citrix licenses in {month(report.month.first_day)}{whose}"


def covers(report: MonthlyReport) -> str:
    """`20 of 21 servers; 95.2 % of the time recorded`."""
    many = len(report.servers)
    servers = "server" if many == 1 else "servers"
    share = percent(report.coverage, 1)
    return (
        f"{report.reporting_servers} of {many} {servers} reported; {share} of the time is on record"
    )


def subtitle(report: MonthlyReport) -> str:
    """Of when this is, and of how much."""
    so_far = (
        "" if report.month.complete else f"So far, to {moment(report.month.end, report.zone)}. "
    )
    made = f"Days in {report.zone_name}. As of {long_day(report.today)}."
    return f"{so_far}{covers(report)}. {made}"


# The report in a few sentences: what is tight, what will be, what ends, what is not known


_MOST: Final = 5  # sentences of one sort
_UNKNOWN: Final = "not known"
_SOON: Final = timedelta(days=90)
_TIGHT: Final = (Level.WARN, Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED)


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence, what it is about, and how grave that is."""

    level: Level
    label: str
    text: str


def summary(report: MonthlyReport) -> tuple[Statement, ...]:
    """The sentences, the gravest sort first; never none."""
    return (
        *_some([*_usage(report)], "products are tight: see below"),
        *_some([*_alone(report)], "servers are tight by themselves: see below"),
        *_some([*_ahead(report)], "forecasts: see below"),
        *_some([*_soon(report)], "dates in the next 90 days: see the calendar"),
        *_contract(report),
        *_gaps(report),
    )


def _some(points: Sequence[Statement], rest: str) -> Iterator[Statement]:
    yield from points[:_MOST]
    if len(points) > _MOST:
        worst = points[_MOST].level
        yield Statement(worst, points[_MOST].label, f"{len(points) - _MOST} more {rest}.")


def _usage(report: MonthlyReport) -> Iterator[Statement]:
    tight = [each for each in report.products if each.estate.level in _TIGHT]
    for product in tight:
        yield Statement(product.estate.level, _word(product), _tight(product, report))
    if report.products and not tight:
        yield Statement(
            Level.OK, LEVELS[Level.OK], "No product came near its limit over all servers."
        )
    if not report.products:
        yield Statement(Level.UNKNOWN, _UNKNOWN, "Nothing was recorded in this month.")


def _alone(report: MonthlyReport) -> Iterator[Statement]:
    """Servers that are tight by themselves: their users have no use of what is free elsewhere."""
    for product in report.products:
        for line in product.critical_servers:
            of = f"{figure(line.month)} of {count(line.month.installed)}"
            verb = "assigned" if product.is_assigned else "in use"
            yield Statement(
                line.level,
                LEVELS[line.level],
                f"{product.name} ({kind(product)}) on {line.name} alone: {of} {verb}"
                f" ({percent(line.month.ratio)}).",
            )


def _word(product: ProductReport) -> str:
    return LEVELS[product.estate.level]


def _tight(product: ProductReport, report: MonthlyReport) -> str:
    line, month = product.estate, product.estate.month
    of = f"{figure(month)} of {count(month.installed)}"
    share = percent(month.ratio)
    if product.is_assigned:
        over = "; none is free" if (month.ratio or 0) >= 1 else ""
        return (
            f"{product.name}: {of} {kind(product)} licenses assigned at the end of the month"
            f" ({share}){over}."
        )
    when = moment(month.timestamp, report.zone)
    said = f"{product.name}: up to {of} {kind(product)} licenses in use ({share}), on {when}"
    usage = line.usage
    full = usage.seconds_above[-1][1] if usage else 0
    if full and usage:
        return f"{said}; none free for {length(full)} in all."
    days, recorded = line.days_above.critical, line.days_above.with_data
    if days:
        return f"{said}; above {product.critical * 100:g} % on {days} of {recorded} days."
    return f"{said}; above {product.warn * 100:g} % on {line.days_above.warn} of {recorded} days."


def _ahead(report: MonthlyReport) -> Iterator[Statement]:
    for product in report.products:
        outlook = product.estate.outlook
        if outlook is None:
            continue
        who = f"{product.name} ({kind(product)})"
        for short in outlook.shortfalls:
            missing = count(short.expected - short.installed)
            yield Statement(
                Level.CRITICAL,
                "ahead",
                f"{who}: short by {missing} on {long_day(short.day)}.",
            )
        if outlook.full is not None and outlook.full > report.today:
            text = f"{who}: all licenses in use by about {long_day(outlook.full)}."
            yield Statement(Level.CRITICAL, "ahead", text)
        elif outlook.critical is not None and outlook.critical > report.today:
            share = f"{product.critical * 100:g} %"
            text = f"{who}: {share} in use by about {long_day(outlook.critical)}."
            yield Statement(Level.WARN, "ahead", text)


def _soon(report: MonthlyReport) -> Iterator[Statement]:
    for end in grouped(report.expiries):
        if end.covered or end.day > report.today + _SOON:
            continue
        level = Level.WARN if end.what is What.RENEWAL else Level.CRITICAL
        if end.day > report.today + _SOON / 3:
            level = Level.WARN
        yield Statement(level, "ends soon", f"{ended(end, report)}.")


def ended(end: End, report: MonthlyReport) -> str:
    """What ends, as a sentence without its full stop."""
    past = end.day < report.today
    when = f"on {long_day(end.day)}"
    match end.what:
        case What.ACTIVATION:
            verb = "expired" if past else "expires"
            return f"{end.server}: the license activation {verb} {when}"
        case What.LICENSES:
            verb = "expired" if past else "expire"
            many = count(end.licenses)
            return f"{many} licenses of {_named(end)} on {end.server} {verb} {when}"
        case What.SUBSCRIPTION:
            verb = "ended" if past else "ends"
            many = count(end.licenses)
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


def _contract(report: MonthlyReport) -> Iterator[Statement]:
    for each in report.contract_lines:
        if each.shortfall:
            yield Statement(
                Level.CRITICAL,
                "contract",
                f"{each.name} ({each.entitlement.product}), {each.scope}:"
                f" {count(each.shortfall)} more were needed than the"
                f" {count(each.entitlement.purchased)} that were bought.",
            )
    costs: dict[str, float] = {}
    for each in report.contract_lines:
        if each.unused_cost:
            currency = each.entitlement.currency
            costs[currency] = costs.get(currency, 0.0) + each.unused_cost
    for currency, cost in costs.items():
        said = money(cost, currency)
        yield Statement(
            Level.OK, "contract", f"Licenses that were bought and never needed cost {said} a year."
        )


def _gaps(report: MonthlyReport) -> Iterator[Statement]:
    silent = [each.server for each in report.servers if not each.coverage]
    if silent:
        named = ", ".join(silent[:_MOST])
        more = f" and {len(silent) - _MOST} more" if len(silent) > _MOST else ""
        yield Statement(
            Level.UNKNOWN,
            _UNKNOWN,
            f"{named}{more} reported nothing in this month and {_is(silent)} in no figure.",
        )


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


# What the figures of a report mean, in sentences: the same in every format


BOUND: Final = "an upper bound, never reached at one moment"
NEEDED: Final = (
    "Needed: of concurrent licenses the most in use at one moment over all servers together; of"
    " user/device licenses what was assigned at the end of the month. Share: of what was installed"
    " then. The mark in the bar is all that was installed."
)
CONTRACT: Final = (
    "Missing: the most that was needed, less what was bought. Idle: bought, and not needed at any"
    " moment of the months on record."
)
RECORD: Final = (
    "A poll that failed is a gap, never a zero. A sum over servers counts only at moments at which"
    " all of them have a figure; who reported nothing in the month is left out and named."
)
WORDS: Final = (
    (
        "Installed is what was bought and installed, without the overdraft that Citrix allows on"
        " top. At least (\N{GREATER-THAN OR EQUAL TO}) means that some may have been missed"
        " between two polls."
    ),
    (
        "Enough for 95 % of the time: with so many licenses nobody would have been turned away in"
        " 95 of 100 minutes of the month."
    ),
    (
        "\N{LESS-THAN OR EQUAL TO} is an upper bound: of that month only daily figures of each"
        " server are kept, and the servers need not have been at their highest at the same"
        " moment. ? is not known."
    ),
)
