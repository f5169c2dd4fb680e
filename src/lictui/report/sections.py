"""The report as a tree of sections, built once and written by every format.

A table holds values, not text: HTML and Markdown format them, CSV and XLSX keep them as numbers and
dates. A row maps column keys to values and may hold more than the columns that readers see.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from lictui.engine.entitlements import Expiry, of_one_day
from lictui.report import text
from lictui.report.model import (
    AssignmentChanges,
    MonthlyReport,
    PeriodFigure,
    ProductReport,
    ScopeKind,
    ScopeReport,
)
from lictui.report.summary import (
    EXPIRY_EVENTS,
    KeyFigure,
    Statement,
    describe_coverage,
    key_figures,
    scope_title,
    summary,
)
from lictui.report.text import AT_LEAST, AT_MOST, COLUMNS, Bounded, Cell, ReportColumn, Row, cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo


class Table(Struct, frozen=True):
    """Rows of values, and the columns that readers see."""

    key: str  # what the rows are: products, scopes, days, months, entitlements, ...
    columns: Sequence[ReportColumn]
    rows: Sequence[Row]


class BarChart(Struct, frozen=True):
    """Usage as bars against what was installed; thresholds are ratios of installed."""

    title: str
    description: str  # for readers who do not see the picture
    caption: str
    bars: Sequence[PeriodFigure]  # days or months
    labels: Sequence[str]  # of the bars; empty where the axis has none
    thresholds: Sequence[float] = ()
    weekends: Sequence[int] = ()  # indexes of bars


class Section(Struct, frozen=True):
    """A part of the report; `data` are tables only for formats that are processed further."""

    title: str
    detail: str = ""
    statements: Sequence[Statement] = ()
    key_figures: Sequence[KeyFigure] = ()
    charts: Sequence[BarChart] = ()
    tables: Sequence[Table] = ()
    data: Sequence[Table] = ()
    notes: Sequence[str] = ()


class ReportTree(Struct, frozen=True):
    """The whole report: title, subtitle and sections in reading order."""

    title: str
    subtitle: str
    created: date
    zone: tzinfo | None  # of the times in it; None: the system's
    summary: Section
    products: Sequence[Section] = ()
    appendix: Sequence[Section] = ()
    overview: Section | None = None
    month: date | None = None  # the first day

    @property
    def sections(self) -> Iterator[Section]:
        """Every section in reading order."""
        yield self.summary
        if self.overview is not None:
            yield self.overview
        yield from self.products
        yield from self.appendix

    def rows(self, key: str) -> Iterator[Sequence[Row]]:
        """Yield the rows of every table with this key."""
        for section in self.sections:
            yield from (t.rows for t in (*section.tables, *section.data) if t.key == key)


def build_tree(report: MonthlyReport) -> ReportTree:
    """Return the sections of a report."""
    groups = f", {', '.join(report.groups)}" if report.groups else ""
    products = [_product_section(product, report) for product in report.products]
    return ReportTree(
        f"Citrix licenses in {text.month_title(report.month.first_day)}{groups}",
        describe_coverage(report),
        report.today,
        report.zone,
        Section("Summary", statements=summary(report), key_figures=tuple(key_figures(report))),
        products,
        [*_appendix(report)],
        _overview(report) if products else None,
        report.month.first_day,
    )


def columns(keys: str, **titles: str) -> list[ReportColumn]:
    """Return the columns of these keys, some with another title."""
    return [
        ReportColumn(key, titles.get(key, COLUMNS[key].title), COLUMNS[key].kind)
        for key in keys.split()
    ]


_DAYS_AT: Final = ("days_at_warn", "days_at_critical", "days_at_installed")
_SCOPE_CELLS: Final = (
    "installed overdraft level usage_at=month.timestamp installed_then=month.installed"
    " coverage=month.coverage days_recorded=days_above.with_data"
    " month_before_at=previous_month.timestamp year_before_at=previous_year.timestamp"
)


def scope_row(product: ProductReport, scope: ScopeReport) -> Row:
    """Return every figure of one scope."""
    month = scope.month
    bound = AT_MOST * month.is_upper_bound
    free = None
    if month.installed is not None and month.figure is not None:
        free = month.installed - month.figure
    row: dict[str, Cell] = {
        **_subject(product, scope),
        **cells(scope, _SCOPE_CELLS),
        **cells(product, "warn critical"),
        "usage": _month_count(month),
        "meter": None if bound else month.ratio,
        "utilization": Bounded(month.ratio, bound),
        "free": Bounded(free, AT_LEAST * month.is_upper_bound),
        **dict(zip(_DAYS_AT, _days_above(scope), strict=True)),
        "month_before": _month_count(scope.previous_month),
        "change": text.change(month, scope.previous_month),
        "year_before": _month_count(scope.previous_year),
        "year_change": text.change(month, scope.previous_year),
        "servers": len(scope.servers),
        "servers_silent": len(scope.silent_servers),
        "servers_with_data": _servers_with_data(scope),
    }
    changes = scope.assignments
    if changes is None:
        return row | _concurrent_cells(scope)
    return row | {
        "assigned_at_start": changes.at_start,
        "newly_assigned": _changed(changes.new, changes),
        "released": _changed(changes.released, changes),
    }


def _concurrent_cells(scope: ScopeReport) -> dict[str, Cell]:
    cells: dict[str, Cell] = {"average": scope.month.average}
    if scope.sum_of_server_peaks is not None:
        cells["upper_bound"] = scope.sum_of_server_peaks
    usage = scope.usage
    if usage is None:
        return cells
    longest = usage.longest_saturation
    of_installed: dict[str, int | None] = {
        **{f"seconds_at_{share * 100:.0f}_percent": n for share, n in usage.seconds_above},
        "longest_saturation_seconds": longest.seconds if longest else 0,
        "most_beyond_installed": scope.excess[0],
        "seconds_beyond_installed": scope.excess[1],
    }
    bound = AT_MOST * usage.bound
    compared = bound or AT_LEAST * usage.is_partial
    if usage.seconds_above[0][1] is None:
        of_installed, compared = dict.fromkeys(of_installed), ""
    figures = {
        "p50": round(usage.p50),
        "p95": round(usage.p95),
        "p99": round(usage.p99),
    }
    return {
        **cells,
        **{key: Bounded(value, bound) for key, value in figures.items()},
        **{key: Bounded(value, compared) for key, value in of_installed.items()},
        "longest_saturation_start": longest.start if longest else None,
    }


def _subject(product: ProductReport, scope: ScopeReport) -> dict[str, Cell]:
    """Return the cells that say what a row is about."""
    servers = product.server_scopes
    name = scope_title(scope.name)
    if scope.kind is ScopeKind.ESTATE and len(servers) == 1:
        name = servers[0][0]
    return {
        **cells(scope, "kind=kind.value scope_id=name group"),  # in CSV, "estate" is all servers
        **cells(product, "code product=name model=model.label model_id=model.value"),
        "scope_kind": scope_title(scope.kind.value),
        "scope": name,
        "usage_id": "assigned" if product.is_assigned else "peak",
    }


def _servers_with_data(scope: ScopeReport) -> str:
    return f"{len(scope.servers)} of {len(scope.servers) + len(scope.silent_servers)}"


# Sections


def _overview(report: MonthlyReport) -> Section:
    """Return all products over all servers, one row each."""
    keys = "product code model installed usage meter utilization change year_change level runs_out"
    rows = [
        {
            **scope_row(product, product.estate),
            "runs_out": product.runs_out(report.today),
            "forecast": product.forecast_text(report.today),
            "level_remark": "; ".join(f"{s.name} {s.level}" for s in product.critical_servers),
        }
        for product in report.products
    ]
    table = Table("products", columns(keys), rows)
    return Section("All products", tables=(table,), notes=(text.USAGE_NOTE,))


def _product_section(product: ProductReport, report: MonthlyReport) -> Section:
    estate = product.estate
    excluded = ", ".join(estate.silent_servers)
    return Section(
        product.name,
        f"{product.code}, {product.model.label}",
        key_figures=tuple(_key_figures(product, report)),
        charts=(_daily_chart(product), _monthly_chart(product)),
        tables=(_scope_table(product),),
        data=(
            Table("figures", (), [scope_row(product, s) for s in product.scopes]),
            Table("months", (), [*_month_rows(product)]),
            Table("days", (), [*_day_rows(product)]),
        ),
        notes=(f"Excluded (no data): {excluded}.",) if excluded else (),
    )


def _scope_table(product: ProductReport) -> Table:
    """Return all servers together, then every group followed by its servers."""
    has_groups = any(scope.kind is ScopeKind.GROUP for scope in product.breakdown)
    scope = "Group, server" if has_groups else "Server"
    if product.is_assigned:
        keys = "scope installed usage utilization newly_assigned released change coverage level"
        shown = columns(keys, scope=scope, usage="Assigned")
    else:
        keys = (
            "scope installed usage usage_at utilization average p95 p99 days_at_critical change"
            " coverage level"
        )
        days = f"Days at {text.format_threshold(product.critical)}"
        shown = columns(keys, scope=scope, usage_at="Time", days_at_critical=days)
    rows = [scope_row(product, s) for s in (product.estate, *product.breakdown)]
    return Table("scopes", shown, rows)


def _month_rows(product: ProductReport) -> Iterator[Row]:
    for scope in product.scopes:
        for month in scope.months:
            yield {
                **_usage_cells(product, scope, month),
                "month": month.first_day,
                "coverage": month.coverage,
                "is_upper_bound": "yes" if month.is_upper_bound else None,
            }


def _day_rows(product: ProductReport) -> Iterator[Row]:
    for scope in product.scopes:
        for day in scope.days:
            cells = _usage_cells(product, scope, day)
            yield {**cells, "day": day.first_day, "overdraft": day.overdraft}


def _usage_cells(
    product: ProductReport, scope: ScopeReport, figure: PeriodFigure
) -> dict[str, Cell]:
    bound = AT_MOST * figure.is_upper_bound
    return {
        **_subject(product, scope),
        **cells(figure, "usage_at=timestamp average installed"),
        "usage": Bounded(figure.figure, bound),
        "utilization": Bounded(figure.ratio, bound),
    }


def _appendix(report: MonthlyReport) -> Iterator[Section]:
    if report.contract_lines:
        table = _entitlements(report)
        yield Section("Entitlements", tables=(table,), notes=(text.ENTITLEMENTS_NOTE,))
    expiries = [_expiry_row(expiry, report) for expiry in of_one_day(report.expiries)]
    yield Section(
        "Expirations in the next 12 months",
        tables=(Table("expiries", columns(_EXPIRY_COLUMNS), expiries),) if expiries else (),
        data=(Table("server_expiries", (), [_expiry_row(e, report) for e in report.expiries]),),
        notes=(text.SUBSCRIPTION_NOTE,) if expiries else ("None reported.",),
    )
    if report.events:
        more = f"{report.omitted_events} more entries are in the event log."
        yield Section(
            "Events", tables=(_events(report),), notes=(more,) if report.omitted_events else ()
        )
    yield _coverage(report)
    yield Section("Definitions", notes=text.DEFINITIONS)


_EXPIRY_COLUMNS: Final = "day days_left event product code server licenses"


_ENTITLEMENT_CELLS: Final = (
    "scope_id=scope code=entitlement.product product=name purchased=entitlement.purchased"
    " installed surplus=installed_surplus unit_cost=entitlement.cost cost"
    " currency=entitlement.currency renewal=entitlement.renewal"
)


def _entitlements(report: MonthlyReport) -> Table:
    keys = (
        "product code scope purchased installed month_peak highest_peak shortfall unused"
        " unused_cost renewal"
    )
    rows: list[Row] = []
    for line in report.contract_lines:
        unused_sign = AT_LEAST * (line.is_bound and line.unused != 0)
        shortfall_sign = AT_LEAST * (line.is_bound and line.shortfall != 0)
        rows.append(
            {
                **cells(line, _ENTITLEMENT_CELLS),
                "kind": "contract",
                "scope": scope_title(line.scope),
                "month_peak": Bounded(line.peak, AT_MOST * line.peak_is_bound),
                "highest_peak": Bounded(line.highest_peak, AT_MOST * line.is_bound),
                "shortfall": Bounded(line.shortfall, shortfall_sign),
                "unused": Bounded(line.unused, unused_sign),
                "unused_cost": Bounded(line.unused_cost, unused_sign),
                "part_of": scope_title(line.container) if line.container else None,
            }
        )
    return Table("entitlements", columns(keys, scope="For"), rows)


def _expiry_row(expiry: Expiry, report: MonthlyReport) -> Row:
    return {
        **cells(expiry, "scope_id=server day event_id=kind.value product=name code=product"),
        "kind": "end",
        "days_left": (expiry.day - report.today).days,
        "single_event": EXPIRY_EVENTS[expiry.kind],
        "event": EXPIRY_EVENTS[expiry.kind] + ", renewed by a later license" * expiry.renewed,
        "server": scope_title(expiry.server),
        "licenses": expiry.count,
        "renewed": "yes" if expiry.renewed else None,
    }


def _events(report: MonthlyReport) -> Table:
    rows = [cells(event, "time server product event=message") for event in report.events]
    return Table("events", columns("time server product event"), rows)


_COMPLETE: Final = 0.9995  # shown as 100.0 %


def _coverage(report: MonthlyReport) -> Section:
    """Return the servers with missing data, and the names of all others."""
    partial = [s for s in report.servers if s.coverage < _COMPLETE or s.removed]
    complete = [s.server for s in report.servers if s not in partial]
    rows: list[Row] = [
        {
            **cells(server, "server group coverage"),
            "status": "no longer registered" if server.removed else server.reason,
        }
        for server in sorted(partial, key=lambda server: server.coverage)
    ]
    table = Table("coverage", columns("server group coverage status"), rows)
    return Section(
        "Data coverage",
        tables=(table,) if rows else (),
        notes=(*([f"Complete: {', '.join(complete)}."] if complete else []), text.COVERAGE_NOTE),
    )


# Key figures and charts of a product


def _key_figures(product: ProductReport, report: MonthlyReport) -> Iterator[KeyFigure]:
    scope = product.estate
    month, days = scope.month, scope.days_above
    compared = f"of {days.with_data} with data"
    if days.is_partial:
        compared = f"of {days.compared} with known installed quantity"
    overdraft = f"and {scope.overdraft:,} overdraft" if scope.overdraft else ""
    yield KeyFigure("Installed at month end", text.format_count(scope.installed), overdraft)
    yield from _assigned_figures(product) if product.is_assigned else _peak_figures(scope, report)
    yield KeyFigure(
        f"Days at {product.warn * 100:g} / {product.critical * 100:g} / 100 %",
        " / ".join(map(str, _days_above(scope))),
        compared,
    )
    for label, earlier in (
        ("Previous month", scope.previous_month),
        ("Previous year", scope.previous_year),
    ):
        change = text.change(month, earlier)
        remark = "" if change is None else f"change {text.format_change(change)}"
        yield KeyFigure(label, str(_month_count(earlier)), remark)
    servers = f"of {_servers_with_data(scope)} servers"
    if month.alignment and len(scope.servers) > 1 and not product.is_assigned:
        servers += f", totals per {text.format_alignment(month.alignment)}"
    yield KeyFigure("Coverage", text.format_percent(month.coverage, 1), servers)
    if product.forecast:
        forecast, basis = product.forecast_text(report.today), product.forecast.shown_basis
        end = product.runs_out(report.today)
        runs_out = text.short_day(end) if isinstance(end, date) else str(end)
        yield KeyFigure("Runs out", runs_out, "; ".join(filter(None, (forecast, basis))))


def _assigned_figures(product: ProductReport) -> Iterator[KeyFigure]:
    month, changes = product.estate.month, product.estate.assignments
    percent = text.format_percent(month.ratio, 0, (product.warn, product.critical))
    remark = "installed quantity unknown" if month.ratio is None else f"{percent} of installed"
    yield KeyFigure("Assigned at month end", str(_month_count(month)), remark)
    if changes is not None:
        yield KeyFigure("Assigned at month start", text.format_count(changes.at_start))
        remark = "" if changes.exact else "observed between polls"
        yield KeyFigure("New assignments", str(_changed(changes.new, changes)), remark)
        yield KeyFigure("Released", str(_changed(changes.released, changes)), remark)


def _peak_figures(scope: ScopeReport, report: MonthlyReport) -> Iterator[KeyFigure]:
    month, usage = scope.month, scope.usage
    peak_time = text.format_time(month.timestamp, report.zone)
    of_installed = f"of {text.format_count(month.installed)}, {peak_time}"
    yield KeyFigure("Peak usage", str(_month_count(month)), of_installed)
    yield KeyFigure("Average", text.format_count(month.average))
    if usage is not None:
        bound = AT_MOST * usage.bound
        percentiles = f"{Bounded(usage.p95, bound)} / {Bounded(usage.p99, bound)}"
        yield KeyFigure("95th / 99th percentile", percentiles)
        times = [seconds for _, seconds in usage.seconds_above if seconds is not None]
        if not times:
            yield KeyFigure("Time at 80 / 90 / 100 %", "?", "installed quantity unknown")
            return
        bound = bound or AT_LEAST * usage.is_partial
        above = (Bounded(seconds, bound).mark(text.format_duration(seconds)) for seconds in times)
        yield KeyFigure("Time at 80 / 90 / 100 %", " / ".join(above))
        period = usage.longest_saturation
        longest = Bounded(period.seconds if period else None, bound)
        text_of_longest = longest.mark(text.format_period(period, report.zone))
        yield KeyFigure("Longest time without free licenses", text_of_longest)
        most, seconds = scope.excess
        if most:
            duration = text.format_duration(seconds)
            yield KeyFigure("Maximum over installed", str(Bounded(most, bound)), f"for {duration}")
    if scope.sum_of_server_peaks is not None:
        total = text.format_count(scope.sum_of_server_peaks)
        yield KeyFigure("Sum of server peaks", total, "upper bound, not reached at one time")


def _month_count(month: PeriodFigure) -> Bounded:
    return Bounded(month.figure, AT_MOST * month.is_upper_bound)


def _days_above(scope: ScopeReport) -> list[Bounded]:
    """Return on how many days each threshold was reached; at least, if installed is unknown."""
    days = scope.days_above
    bound = AT_MOST * scope.month.is_upper_bound or AT_LEAST * days.is_partial
    return [Bounded(count, bound) for count in (days.warn, days.critical, days.full)]


def _changed(count: int | None, changes: AssignmentChanges) -> Bounded:
    return Bounded(count, "" if changes.exact else AT_LEAST)


_LABELED_DAYS: Final = (1, 8, 15, 22, 29)
_SATURDAY: Final = 5


def _daily_chart(product: ProductReport) -> BarChart:
    scope = product.estate
    per_day = "assigned at the end of each day" if product.is_assigned else "peak of each day"
    days = [day for day in scope.days if day.figure is not None]
    highest = max(days, key=lambda day: day.figure or 0, default=None)
    description = (
        "No data."
        if highest is None
        else (
            f"Highest {text.format_count(highest.figure)} on {text.long_day(highest.first_day)};"
            f" installed {text.format_count(scope.installed)};"
            f" {len(days)} of {len(scope.days)} days have data."
        )
    )
    return BarChart(
        f"{product.name}: {per_day}, {text.month_title(scope.month.first_day)}",
        description,
        f"Bars: {per_day}; line: installed; dashes: {text.format_threshold(product.warn)} and"
        f" {text.format_threshold(product.critical)}; shaded: weekends; outline: no data.",
        scope.days,
        [str(d.first_day.day) if d.first_day.day in _LABELED_DAYS else "" for d in scope.days],
        (product.warn, product.critical),
        [index for index, d in enumerate(scope.days) if d.first_day.weekday() >= _SATURDAY],
    )


def _monthly_chart(product: ProductReport) -> BarChart:
    months = product.estate.months
    per_month = "assigned at the end of each month" if product.is_assigned else "peak of each month"
    return BarChart(
        f"{product.name}: {per_month}",
        "; ".join(f"{text.month_title(m.first_day)} {_month_count(m)}" for m in months),
        "The last 12 months.",
        months,
        [f"{month.first_day:%b}"[0] for month in months],
    )
