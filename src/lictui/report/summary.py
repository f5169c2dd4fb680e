"""The summary of the report: the key figures, then what needs attention, in sentences."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from lictui.engine.entitlements import Expiry, ExpiryKind, of_one_day, unused_costs
from lictui.model import ESTATE, LEVELS_ABOVE_WARN, Level, count_text
from lictui.report import text
from lictui.report.model import urgency_rank
from lictui.report.text import AT_LEAST, AT_MOST, Bounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.engine.entitlements import ContractLine
    from lictui.report.model import MonthlyReport, ProductReport


class Statement(Struct, frozen=True):
    """One sentence, the label in front of it, and its severity."""

    level: Level
    label: str
    text: str


class KeyFigure(Struct, frozen=True):
    """One figure with its label and a remark."""

    label: str
    value: str
    remark: str = ""


EXPIRY_EVENTS: Final = {
    ExpiryKind.LICENSES: "Licenses expire",
    ExpiryKind.SUBSCRIPTION: "SA expires",
    ExpiryKind.ACTIVATION: "Activation expires",
    ExpiryKind.RENEWAL: "Contract renewal",
}
_MAX_STATEMENTS: Final = 5  # of one kind
_MAX_DAYS: Final = 3
_SOON: Final = timedelta(days=90)
_NO_DATA: Final = "no data"


def summary(report: MonthlyReport) -> tuple[Statement, ...]:
    """Return the statements, the most severe kind first; never empty."""
    return (
        *sorted(
            (
                *_limited([*_usage(report)], "more products above a threshold: see below."),
                *_limited([*_servers(report)], "more servers above a threshold: see below."),
            ),
            key=lambda statement: urgency_rank(statement.level),
        ),
        *_limited([*_unknown(report)], "more products without a known level: see below."),
        *_limited([*_forecasts(report)], "more forecasts: see below."),
        *_limited([*_expirations(report)], "more expirations in the next 90 days: see below."),
        *_entitlements(report),
        *_missing_servers(report),
    )


def key_figures(report: MonthlyReport) -> Iterator[KeyFigure]:
    """Yield the totals of the month: licenses, utilization, unused cost and next expirations."""
    for label, is_assigned in (("Concurrent", False), ("Assigned", True)):
        products = [p for p in report.products if p.is_assigned is is_assigned]
        if products:
            yield from _license_figures(label, products)
    states = Counter(product.estate.level for product in report.products)
    counts = (f"{states[level]} {level.value}" for level in sorted(states, key=urgency_rank))
    yield KeyFigure("Products", f"{len(report.products)}", ", ".join(counts))
    yield _unused_figure(report.contract_lines)
    yield _next_expirations(report)


def _license_figures(label: str, products: Sequence[ProductReport]) -> Iterator[KeyFigure]:
    """Yield what is installed, and the share that is used; unknown quantities are left out."""
    known = [p.estate.installed for p in products if p.estate.installed is not None]
    installed = Bounded(sum(known) if known else None, AT_LEAST * (len(known) < len(products)))
    unknown = len(products) - len(known)
    remark = f"installed; {count_text(len(products), 'product')}"
    remark += f", {unknown} of unknown quantity" if unknown else ""
    yield KeyFigure(f"{label} licenses", str(installed), remark)
    months = [p.estate.month for p in products if p.estate.month.ratio is not None]
    used, total = sum(m.figure or 0 for m in months), sum(m.installed or 0 for m in months)
    bound = AT_MOST * any(month.is_upper_bound for month in months)
    share = Bounded(used / total if total else None, bound)
    when = "at month end" if products[0].is_assigned else "at the peak of each product"
    remark = f"{used:,} of {total:,}, {when}" if total else "no product with both figures"
    yield KeyFigure(f"{label} utilization", share.mark(text.format_percent(share.value)), remark)


def _unused_figure(lines: Sequence[ContractLine]) -> KeyFigure:
    """Return the cost of unused licenses; where it is unknown, what is to be entered."""
    priced = sum(line.unused_cost is not None for line in lines)
    label, entered = "Unused licenses, per year", "purchased and cost of each product"
    if not priced:
        return KeyFigure(label, text.UNKNOWN, f"enter {entered} in contract.toml")
    costs = " + ".join(unused_costs(lines)).replace("at least", AT_LEAST)
    return KeyFigure(label, costs or "none", f"{priced} of {len(lines)} entitlements known")


def _next_expirations(report: MonthlyReport) -> KeyFigure:
    ends = [e for e in of_one_day(report.expiries) if not e.renewed and e.day >= report.today]
    days = [text.short_day(day) for day in dict.fromkeys(expiry.day for expiry in ends)]
    if not ends:
        return KeyFigure("Next expiration", text.NONE, "none reported in the next 12 months")
    remark = f"{EXPIRY_EVENTS[ends[0].kind]}: {scope_title(ends[0].server)}"
    if later := days[1:_MAX_DAYS]:
        remark += f"; then {', '.join(later)}"
    return KeyFigure("Next expiration", days[0], remark)


def _limited(statements: Sequence[Statement], remark: str) -> Iterator[Statement]:
    """Yield the first statements, and how many more there are."""
    yield from statements[:_MAX_STATEMENTS]
    omitted = statements[_MAX_STATEMENTS:]
    if omitted:
        yield Statement(omitted[0].level, omitted[0].label, f"{len(omitted)} {remark}")


def _usage(report: MonthlyReport) -> Iterator[Statement]:
    """Yield the products above a threshold, or that there is none among those with a level.

    A product whose level is unknown is never counted as below its threshold. That of an upper bound
    is unknown, unless it is below.
    """
    above = [p for p in report.products if p.estate.level in LEVELS_ABOVE_WARN]
    for product in above:
        level = product.estate.level
        yield Statement(level, level.value, _describe_usage(product, report))
    below = [p for p in report.products if p.estate.level is Level.OK]
    if below and not above:
        is_complete = len(below) == len(report.products)
        scope = "All products" if is_complete else "All products with a known level"
        yield Statement(Level.OK, Level.OK.value, f"{scope} are below their thresholds.")
    if all(product.estate.month.figure is None for product in report.products):
        yield Statement(Level.UNKNOWN, _NO_DATA, "No usage was recorded in this month.")


def _unknown(report: MonthlyReport) -> Iterator[Statement]:
    """Yield the products whose level is not known, unless nothing at all was recorded."""
    if all(product.estate.month.figure is None for product in report.products):
        return
    for product in report.products:
        if product.estate.level is not Level.UNKNOWN:
            continue
        month = product.estate.month
        if month.figure is None:
            sentence = f"{_title(product)}: no usage was recorded in this month."
            yield Statement(Level.UNKNOWN, _NO_DATA, sentence)
        else:
            usage = f"{text.format_count(month.figure)} {product.model.verb}"
            reason = "the installed quantity is unknown"
            if month.is_upper_bound and month.figure:
                usage = f"at most {usage}"
            if month.installed is not None:
                usage += f", of {text.format_count(month.installed)} installed"
                reason = "only maxima of single servers are stored"
            sentence = f"{_title(product)}: {usage}; {reason}."
            yield Statement(Level.UNKNOWN, Level.UNKNOWN.value, sentence)


def _title(product: ProductReport) -> str:
    return f"{product.name} ({product.model.label})"


def _describe_usage(product: ProductReport, report: MonthlyReport) -> str:
    scope, month = product.estate, product.estate.month
    quantity = f"{text.format_count(month.figure)} of {text.format_count(month.installed)}"
    licenses = f"{quantity} {product.model.label} licenses"
    percent = text.format_percent(month.ratio, 0, (product.warn, product.critical))
    if product.is_assigned:
        available = "; 0 available" if (month.ratio or 0) >= 1 else ""
        return f"{product.name}: {licenses} assigned at month end ({percent}){available}."
    time = text.format_time(month.timestamp, report.zone)
    sentence = f"{product.name}: peak of {licenses} in use ({percent}) on {time}"
    saturated = scope.usage.seconds_above[-1][1] if scope.usage else 0
    if saturated:
        return f"{sentence}; {text.format_duration(saturated)} without free licenses in total."
    days = scope.days_above
    threshold, count = (
        (product.critical, days.critical) if days.critical else (product.warn, days.warn)
    )
    reached = text.format_threshold(threshold)
    return f"{sentence}; {reached} reached on {count} of {days.compared} days."


def _servers(report: MonthlyReport) -> Iterator[Statement]:
    """Yield servers that are critical although all servers together are not.

    Their users cannot use the licenses that are free on another server.
    """
    for product in report.products:
        limits = (product.warn, product.critical)
        for scope in product.critical_servers:
            month = scope.month
            count, installed = map(text.format_count, (month.figure, month.installed))
            yield Statement(
                scope.level,
                scope.level.value,
                f"{_title(product)} on {scope.name}: {count} of {installed}"
                f" {product.model.verb} ({text.format_percent(month.ratio, 0, limits)}).",
            )


def _forecasts(report: MonthlyReport) -> Iterator[Statement]:
    for product in report.products:
        forecast, title = product.forecast, _title(product)
        if forecast is None:
            continue
        for shortfall in forecast.shortfalls:
            day = text.long_day(shortfall.date)
            sentence = f"{title}: shortfall of {shortfall.short_by:,} licenses on {day}."
            yield Statement(Level.CRITICAL, "forecast", sentence)
        full, critical = forecast.installed, forecast.critical
        if full and full.firm_day:
            if full.firm_day in {shortfall.date for shortfall in forecast.shortfalls}:
                continue
            verb = "are likely to" if full.is_likely else "may"
            sentence = f"{title}: all licenses {verb} be in use by {text.long_day(full.firm_day)}."
            yield Statement(Level.CRITICAL, "forecast", sentence)
        elif critical and critical.firm_day and not critical.last_reached:
            threshold = text.format_threshold(product.critical)
            day = text.long_day(critical.firm_day)
            verb = "is likely to" if critical.is_likely else "may"
            sentence = f"{title}: {threshold} utilization {verb} be reached by {day}."
            yield Statement(Level.WARN, "forecast", sentence)


def _expirations(report: MonthlyReport) -> Iterator[Statement]:
    for expiry in of_one_day(report.expiries):
        if expiry.renewed or expiry.day > report.today + _SOON:
            continue
        is_near = expiry.day <= report.today + _SOON / 3
        is_critical = is_near and expiry.kind is not ExpiryKind.RENEWAL
        level = Level.CRITICAL if is_critical else Level.WARN
        yield Statement(level, "expiring", f"{_describe_expiry(expiry, report)}.")


def _describe_expiry(expiry: Expiry, report: MonthlyReport) -> str:
    day = text.long_day(expiry.day)
    expires = "expired" if expiry.day < report.today else "expires"
    count = text.format_count(expiry.count)
    product = expiry.name or "a product that is not reported"
    if expiry.name != expiry.product:
        product += f" ({expiry.product})"
    match expiry.kind:
        case ExpiryKind.ACTIVATION:
            return f"{expiry.server}: license activation {expires} on {day}"
        case ExpiryKind.LICENSES:
            expire = expires.removesuffix("s")
            return f"{count} licenses of {product} on {expiry.server} {expire} on {day}"
        case ExpiryKind.SUBSCRIPTION:
            return f"{product} on {expiry.server}: SA of {count} licenses {expires} on {day}"
        case _:  # a renewal: certificates are not part of the report
            return f"{product}, {scope_title(expiry.server)}: contract renewal due on {day}"


def scope_title(scope: str) -> str:
    """Return the name of a group or server; "estate" is all servers."""
    return "all servers" if scope == ESTATE else scope


def _entitlements(report: MonthlyReport) -> Iterator[Statement]:
    for line in report.contract_lines:
        bought = line.entitlement
        if line.shortfall:
            scope, at_least = scope_title(line.scope), "at least " * line.is_bound
            yield Statement(
                Level.CRITICAL,
                "entitlements",
                f"{line.name} ({bought.product}), {scope}: 12-month peak exceeded the"
                f" {bought.purchased:,} purchased by {at_least}{line.shortfall:,}.",
            )
    for cost in unused_costs(report.contract_lines):
        sentence = f"Unused licenses cost {cost} per year."
        yield Statement(Level.OK, "entitlements", sentence)


def _missing_servers(report: MonthlyReport) -> Iterator[Statement]:
    servers = [server.server for server in report.servers if not server.coverage]
    if servers:
        names = ", ".join(servers[:_MAX_STATEMENTS])
        omitted = len(servers) - _MAX_STATEMENTS
        more = f" and {omitted} more" if omitted > 0 else ""
        sentence = f"{names}{more}: no data this month; excluded."
        yield Statement(Level.UNKNOWN, _NO_DATA, sentence)


def describe_coverage(report: MonthlyReport) -> str:
    """Return the sentences below the title: how much data there is, of what time, made when."""
    total = len(report.servers)
    servers = "server" if total == 1 else "servers"
    coverage = text.format_percent(report.coverage, 1)
    to_date = text.format_time(report.month.end, report.zone)
    return (
        f"{'' if report.month.complete else f'Month to date, until {to_date}. '}"
        f"Data from {report.reporting_servers} of {total} {servers}, coverage {coverage}."
        f" Time zone {report.zone_name}. Created {text.long_day(report.today)}."
    )
