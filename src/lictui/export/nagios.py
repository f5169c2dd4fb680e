"""Verdicts on license servers, and the interface of monitoring plugins (Nagios, Icinga, Naemon).

States, ranges and performance data are those of the Monitoring Plugins guidelines
(https://www.monitoring-plugins.org/doc/guidelines.html).
"""

from __future__ import annotations

import math
import re
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from lictui.engine.alerts import product_usage, reporting_pools, server_alerts
from lictui.engine.entitlements import ExpiryKind, expiries
from lictui.errors import UsageError
from lictui.model import SEVERE_LEVELS, AlertKind, FailureKind, Level, State, count_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date

    from lictui.engine.alerts import ProductUsage
    from lictui.engine.board import MergedBoard, ServerStatus
    from lictui.model import AlertState


class PluginState(IntEnum):
    """The result of a plugin; the value is its exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


# From the least to the most severe, as `max_state_alt` of the Monitoring Plugins.
_SEVERITY: Final = (
    PluginState.OK,
    PluginState.UNKNOWN,
    PluginState.WARNING,
    PluginState.CRITICAL,
)
_NUMBER: Final = r"-?(?:\d+(?:\.\d*)?|\.\d+)"
_RANGE: Final = re.compile(rf"(@?)(?:(~|{_NUMBER})?:)?({_NUMBER})?", re.ASCII)
_MAX_TEXT: Final = 200  # characters of one finding
_MAX_LABEL: Final = 60
_SHOWN: Final = 3  # findings in the line, without -v


class ThresholdRange(Struct, frozen=True):
    """A range of the plugin guidelines: `10`, `10:`, `~:10`, `10:20`, `@10:20`."""

    start: float = 0.0
    end: float = math.inf
    inside: bool = False  # alert inside of the range, not outside

    @classmethod
    def parse(cls, text: str) -> ThresholdRange:
        """Read a range. Raises UsageError."""
        match = _RANGE.fullmatch(text.strip())
        if match is None or not match[0].strip("@"):
            raise UsageError(
                f"invalid range {text!r}", "examples: 80 (alert above 80), 10:, @10:20, ~:90"
            )
        inside, start, end = match.groups()
        lower = -math.inf if start == "~" else float(start or 0)
        upper = float(end) if end else math.inf
        if lower > upper:
            raise UsageError(f"invalid range {text!r}: its start is above its end")
        return cls(lower, upper, inside == "@")

    def alerts(self, value: float) -> bool:
        """Whether a value raises an alert."""
        return (self.start <= value <= self.end) is self.inside

    def scaled(self, factor: float) -> ThresholdRange:
        """Return the range of values that are `factor` times as large."""
        return ThresholdRange(self.start * factor, self.end * factor, self.inside)

    def __str__(self) -> str:
        start = "~:" if self.start == -math.inf else f"{self.start:.12g}:" if self.start else ""
        end = "" if self.end == math.inf else f"{self.end:.12g}"
        return "@" * self.inside + (start or ":" * (not end)) + end


class CheckOptions(Struct, frozen=True):
    """What a check judges; ranges are in percent of installed, None means those of `[alerts]`."""

    warning: ThresholdRange | None = None
    critical: ThresholdRange | None = None
    products: Collection[str] = ()  # empty: all
    max_age: float | None = None  # seconds


class Finding(Struct, frozen=True):
    """One thing that was judged, with its state."""

    state: PluginState
    server: str
    text: str

    def __str__(self) -> str:
        return plain_text(f"{self.server}: {self.text}")


def plain_text(text: str, limit: int = _MAX_TEXT) -> str:
    """Return one line of bounded length without `|`, which would start performance data."""
    line = " ".join(text.split()).replace("|", "¦")
    return line if len(line) <= limit else line[: limit - 1] + "…"


# Verdicts


def judge(board: MergedBoard, options: CheckOptions, now: float, today: date) -> list[Finding]:
    """Judge every enabled server and its products, the most severe first.

    Usage is judged for each product of each server, as alerts are: the sum over all servers is
    never closer to a threshold than the worst of them. Those that are OK are listed, too.
    """
    if options.products and not set(options.products) & {
        pool.product for status in board.servers for pool in status.pools
    }:
        raise UsageError(f"no selected server has the product {', '.join(options.products)}")
    findings = [
        finding
        for status in board.servers
        if status.state is not State.DISABLED
        for finding in _server_findings(board, status, options, now, today)
    ]
    return sorted(findings, key=lambda finding: -_SEVERITY.index(finding.state))


def _server_findings(
    board: MergedBoard, status: ServerStatus, options: CheckOptions, now: float, today: date
) -> Iterator[Finding]:
    settings, name = board.alert_settings, status.server.name
    for alert in server_alerts(status, settings, today):
        is_other = options.products and alert.key.product not in ("", *options.products)
        if alert.key.kind is not AlertKind.USAGE and not is_other:
            yield Finding(_alert_state(alert, status), alert.key.server, alert.message)
    if status.state is State.WAITING:
        yield Finding(PluginState.UNKNOWN, name, "not polled yet")
    for product, pools in reporting_pools(status).items():
        if options.products and product not in options.products:
            continue
        usage = product_usage(status, pools, settings.thresholds_of(status.server, product))
        if usage:
            yield Finding(_usage_state(usage, options), name, usage.text)
    age = _age(status, now)
    if options.max_age is not None and age is not None and age > options.max_age:
        text = f"data is {age:.0f} s old (maximum: {options.max_age:g} s)"
        yield Finding(PluginState.CRITICAL, name, text)


def _alert_state(alert: AlertState, status: ServerStatus) -> PluginState:
    failure = status.member(alert.key.server).failure
    if alert.key.kind is AlertKind.SERVER and failure and failure.kind is FailureKind.CONFIG:
        return PluginState.UNKNOWN  # the configuration of lictui, not the server
    return PluginState.CRITICAL if alert.level in SEVERE_LEVELS else PluginState.WARNING


def _usage_state(usage: ProductUsage, options: CheckOptions) -> PluginState:
    reading, level = usage.reading, usage.level
    ratio = reading.ratio if reading.installed else math.inf if reading.in_use else 0.0
    percent = 100 * (ratio or 0.0)
    critical, warning = options.critical, options.warning
    if critical.alerts(percent) if critical else level in SEVERE_LEVELS:
        return PluginState.CRITICAL
    if warning.alerts(percent) if warning else level is not Level.OK:
        return PluginState.WARNING
    return PluginState.OK


def _age(status: ServerStatus, now: float) -> float | None:
    return None if status.last_success_at is None else max(0.0, now - status.last_success_at)


def worst_state(findings: list[Finding]) -> PluginState:
    """The state of a check; without anything that could be judged it is unknown."""
    return findings[0].state if findings else PluginState.UNKNOWN


# The output of a plugin


def plugin_output(
    board: MergedBoard,
    findings: list[Finding],
    options: CheckOptions,
    now: float,
    today: date,
    verbosity: int = 0,
) -> str:
    """Return the line of a plugin with its performance data; more lines from verbosity 2 on."""
    state = worst_state(findings)
    problems = [str(finding) for finding in findings if finding.state is not PluginState.OK]
    shown = problems if verbosity else problems[:_SHOWN]
    text = "; ".join(shown) or _summary(findings)
    if more := len(problems) - len(shown):
        text += f" (and {more} more)"
    line = f"LICENSES {state.name} - {text} | {' '.join(_performance(board, options, now, today))}"
    details = findings if verbosity > 1 else []
    return "\n".join([line, *(f"{finding.state.name}: {finding}" for finding in details)])


def _summary(findings: list[Finding]) -> str:
    if len(findings) == 1:
        return str(findings[0])
    servers = len({finding.server for finding in findings})
    counts = f"{len(findings)} usage figures of {count_text(servers, 'server')} are OK"
    return counts if findings else "no enabled server, or no usage figures"


def _performance(
    board: MergedBoard, options: CheckOptions, now: float, today: date
) -> Iterator[str]:
    """Yield usage per product over all selected servers, and what else is judged.

    A sum that lacks a server or a figure is `U`, unknown: a lower value would be misleading.
    """
    totals = [t for t in board.totals() if not options.products or t.product in options.products]
    codes, settings = [total.product for total in totals], board.alert_settings
    for total in totals:
        installed = None if total.is_partial("installed") else total.reading.installed
        limits = settings.thresholds_for(product=total.product)
        if len(board.servers) == 1:
            limits = settings.thresholds_of(board.servers[0].server, total.product)
        ranges = (
            options.warning or ThresholdRange(end=100 * limits.warn),
            options.critical or ThresholdRange(end=100 * limits.critical),
        )
        label = total.product
        if codes.count(label) > 1:
            label = f"{label} {total.model}"
        value = None if total.is_partial("in_use") else total.reading.in_use
        scaled = ["" if installed is None else str(r.scaled(installed / 100)) for r in ranges]
        yield _perfdata(label, value, *scaled, "0", "" if installed is None else str(installed))
    enabled = [status for status in board.servers if status.state is not State.DISABLED]
    up = sum(status.is_up for status in enabled)
    yield _perfdata("servers_up", up, "", "", "0", str(len(enabled)))
    ages = [_age(status, now) for status in enabled]
    known = [age for age in ages if age is not None]
    limit = "" if options.max_age is None else f"{options.max_age:g}"
    oldest = round(max(known)) if known and len(known) == len(ages) else None
    yield _perfdata("data_age", oldest, "", limit, "0", "", unit="s")
    days = [
        (expiry.day - today).days
        for expiry in expiries(board)
        if expiry.kind is ExpiryKind.LICENSES
        and (not options.products or expiry.product in options.products)
    ]
    if days:
        default = settings.default
        limits_of = (f"{default.expiry_warn + 1}:", f"{default.expiry_critical + 1}:")
        yield _perfdata("expiry_days", min(days), *limits_of, "", "")


def _perfdata(label: str, value: int | None, *limits: str, unit: str = "") -> str:
    """Return `'label'=value[UOM];warn;crit;min;max`; a label has no `=`, and `''` for a quote."""
    name = plain_text(label, _MAX_LABEL).replace("=", "_").replace("'", "''")
    figure = "U" if value is None else f"{value}{unit}"
    return f"'{name}'={';'.join((figure, *limits))}".rstrip(";")
