"""The report as CSV: one figure per row, for programs and pivot tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.clock import iso
from lictui.csvfile import csv_text
from lictui.engine.entitlements import ExpiryKind
from lictui.report.text import AT_LEAST, AT_MOST, Bounded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.report.sections import ReportTree
    from lictui.report.text import Cell, Row

HEADER: Final = "month day kind scope product name model figure value at".split()

# Keys of values in a row: names of figures that scripts rely on.
_SCOPE_FIGURES: Final = (
    "installed overdraft usage installed_then coverage servers servers_silent days_recorded"
    " days_at_warn days_at_critical days_at_installed month_before year_before assigned_at_start"
    " newly_assigned released average upper_bound p50 p95 p99 seconds_at_80_percent"
    " seconds_at_90_percent seconds_at_100_percent longest_saturation_seconds"
    " most_beyond_installed seconds_beyond_installed"
).split()
_TIMES: Final = {  # key of a figure -> key of its time
    "usage": "usage_at",
    "installed_then": "usage_at",
    "month_before": "month_before_at",
    "year_before": "year_before_at",
    "longest_saturation_seconds": "longest_saturation_start",
}
_SUFFIXES: Final = {AT_MOST: "_at_most", AT_LEAST: "_at_least"}
_EXPIRY_FIGURES: Final = {
    ExpiryKind.LICENSES: "licenses expire",
    ExpiryKind.SUBSCRIPTION: "subscription ends",
    ExpiryKind.ACTIVATION: "activation expires",
    ExpiryKind.RENEWAL: "contract renewal",
}
_ENTITLEMENT_FIGURES: Final = {
    "purchased": "bought",
    "installed": "contract_installed",
    "highest_peak": "contract_needed",
    "shortfall": "missing",
    "unused": "idle",
    "cost": "cost",
    "unused_cost": "idle_cost",
}


def render_csv(tree: ReportTree) -> str:
    """Return the whole file; an unknown figure has an empty value."""
    month = f"{tree.month:%Y-%m}"
    tables = (table for section in tree.sections for table in (*section.tables, *section.data))
    return csv_text(
        [HEADER, *(f for t in tables for row in t.rows for f in _figures(t.key, row, month))]
    )


def _figures(table: str, row: Row, month: str) -> Iterator[tuple[object, ...]]:
    """Yield the figures of one row of the tree."""
    at = row.get("usage_at")
    match table:
        case "figures":
            for key in _SCOPE_FIGURES:
                if key in row:
                    name = str(row["usage_id"]) if key == "usage" else key
                    yield _figure(row, month, None, name, row[key], row.get(_TIMES.get(key, "")))
        case "months":
            month = f"{row['month']:%Y-%m}"
            yield _figure(row, month, None, f"monthly_{row['usage_id']}", row["usage"], at)
            yield _figure(row, month, None, "monthly_installed", row["installed"], at)
        case "days":
            yield _figure(row, month, row["day"], f"daily_{row['usage_id']}", row["usage"], at)
            yield _figure(row, month, row["day"], "daily_installed", row["installed"], at)
        case "server_expiries":
            name = _EXPIRY_FIGURES[ExpiryKind(str(row["event_id"]))]
            yield _figure(row, month, row["day"], name, row["licenses"])
        case "entitlements":
            for key, name in _ENTITLEMENT_FIGURES.items():
                yield _figure(row, month, row["renewal"], name, row[key])


def _figure(
    row: Row, month: str, day: Cell, name: str, value: Cell, timestamp: Cell = None
) -> tuple[object, ...]:
    if isinstance(value, Bounded):
        name += _SUFFIXES.get(value.shown_sign, "")
        value = value.value
    if isinstance(value, float):
        value = round(value, 4 if name == "coverage" else 3)
    return (
        month,
        day,
        row["kind"],
        row["scope_id"],
        row["code"],
        row["product"],
        row.get("model_id"),
        name,
        value,
        iso(timestamp) if isinstance(timestamp, int | float) else "",
    )
