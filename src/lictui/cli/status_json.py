"""`status` as the contract's JSON: every key always there, times UTC, numbers numbers.

Owns the schema `lictui.status/1`. Pure. Must not know how the board came about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lictui.clock import iso
from lictui.monitor.alerts import current
from lictui.monitor.totals import answered, totals
from lictui.words import Mode

if TYPE_CHECKING:
    from datetime import date

    from lictui.config.settings import Alerts, Thresholds
    from lictui.model import Activation, Failure, Pool
    from lictui.monitor.alerts import Alert
    from lictui.monitor.board import Board, ServerStatus
    from lictui.monitor.totals import Total

SCHEMA: Final = "lictui.status/1"


def status_json(board: Board, alerts: Alerts, now: float, today: date) -> dict[str, Any]:
    """The whole answer; `now` in UTC epoch seconds, `today` where the user is."""
    return {
        "schema": SCHEMA,
        "at": iso(now),
        "servers": [server_json(status, alerts) for status in board.servers],
        "totals": [_total(total) for total in totals(board, alerts)],
        "alerts": [_alert(alert) for alert in current(board, alerts, today)],
    }


def server_json(status: ServerStatus, alerts: Alerts) -> dict[str, Any]:
    """One server; figures only if its last poll succeeded, the rest as last known."""
    server, snapshot = status.server, status.snapshot
    pools = snapshot.pools if snapshot and answered(status) else ()
    return {
        "name": server.name,
        "source": server.source.value,
        "group": server.group,
        "url": server.url,
        "state": status.state.value,
        "reason": _reason(status.failure),
        "polled_at": _when(status.polled_at),
        "latency_ms": None if status.latency is None else round(status.latency * 1000),
        "reported_name": (snapshot and snapshot.reported_name) or None,
        "version": (snapshot and snapshot.version) or None,
        "mode": snapshot.mode.value if snapshot and isinstance(snapshot.mode, Mode) else None,
        "activation": _activation(snapshot.activation if snapshot else None),
        "license_servers": [],
        "pools": [
            _pool(
                pool,
                alerts.of(group=server.group, server=server.name, product=pool.product),
            )
            for pool in pools
        ],
    }


def _pool(pool: Pool, limits: Thresholds) -> dict[str, Any]:
    reading = pool.reading
    return {
        "product": pool.product,
        "name": pool.name,
        "model": pool.model.value,
        "license_type": pool.license_type or None,
        "subscription_date": _day(pool.subscription_date),
        "expires": _day(pool.expires),
        "permanent": pool.permanent,
        "installed": reading.installed,
        "overdraft": reading.overdraft,
        "in_use": reading.in_use,
        "free": reading.free,
        "ratio": _ratio(reading.ratio),
        "level": reading.level(limits.warn, limits.critical).value,
        "counted": pool.counted,
    }


def _total(total: Total) -> dict[str, Any]:
    return {
        "product": total.product,
        "name": total.name,
        "model": total.model.value,
        "installed": total.reading.installed,
        "overdraft": total.reading.overdraft,
        "in_use": total.reading.in_use,
        "free": total.free,
        "ratio": _ratio(total.ratio),
        "level": total.level.value,
        "unknown": total.unknown,
        "servers_reporting": len(total.reporting),
        "servers_expected": len(total.expected),
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "kind": alert.kind.value,
        "level": alert.level.value,
        "server": alert.server,
        "product": alert.product or None,
        "since": _when(alert.since),
        "message": alert.message,
    }


def _reason(failure: Failure | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    return {
        "kind": failure.kind.value,
        "step": failure.step.value if failure.step else None,
        "message": failure.message,
        "hint": failure.hint,
    }


def _activation(activation: Activation | None) -> dict[str, Any] | None:
    if activation is None:
        return None
    return {"status": activation.status.value, "expires": _day(activation.expires)}


def _ratio(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio, 4)


def _when(at: float | None) -> str | None:
    return None if at is None else iso(at)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
