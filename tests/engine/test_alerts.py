from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.support.example_board import (
    NO_DATA_FAILURE,
    TIMEOUT_FAILURE,
    down_status,
    example_board,
    pool,
    up_status,
)

from lictui.engine.alerts import Alert, current_alerts
from lictui.engine.board import Board, ServerStatus
from lictui.engine.merge import merge_board
from lictui.model import Activation, ActivationStatus, AlertKind, Certificate, Level, Notice, State

TODAY = date(2026, 11, 24)


def alerts(*servers: ServerStatus) -> list[tuple[AlertKind, Level]]:
    return [(alert.kind, alert.level) for alert in found(*servers)]


def found(*servers: ServerStatus) -> tuple[Alert, ...]:
    return current_alerts(merge_board(Board(servers)), TODAY)


@pytest.mark.parametrize(
    ("in_use", "level"),
    [(80, Level.WARN), (90, Level.CRITICAL), (101, Level.OVERDRAFT), (110, Level.EXHAUSTED)],
)
def test_usage_has_a_level_and_a_message(in_use: int, level: Level) -> None:
    status = up_status("a", pool("XDT_PLT_UD", in_use, 100, 10))
    assert alerts(status) == [(AlertKind.USAGE, level)]
    (alert,) = found(status)
    assert (alert.server, alert.product, alert.since) == ("a", "XDT_PLT_UD", status.last_success_at)
    assert f"{in_use} of 100 assigned" in alert.message


def test_usage_below_the_thresholds_is_no_alert() -> None:
    assert alerts(up_status("a", pool("XDT_PLT_UD", 79, 100), pool("PVS_STD_CCS", 0, 0))) == []


def test_usage_of_one_product_is_summed_over_its_pools() -> None:
    full = pool("XDT_PLT_UD", 100, 100, subscription=date(2028, 1, 1))
    assert alerts(up_status("a", full, pool("XDT_PLT_UD", 0, 100))) == []


@pytest.mark.parametrize(
    ("ends", "level"),
    [
        (date(2027, 2, 22), Level.WARN),
        (date(2026, 12, 24), Level.CRITICAL),
        (date(2026, 11, 1), Level.CRITICAL),
    ],
)
def test_expiring_licenses_have_a_level(ends: date, level: Level) -> None:
    assert alerts(up_status("a", pool("XDT_PLT_UD", 1, 9, expires=ends))) == [
        (AlertKind.EXPIRY, level)
    ]


def test_expiry_before_the_warning_time_is_no_alert() -> None:
    assert alerts(up_status("a", pool("XDT_PLT_UD", 1, 9, expires=date(2027, 2, 23)))) == []


def test_permanent_and_startup_licenses_never_expire() -> None:
    soon = date(2026, 12, 1)
    permanent = replace(pool("XDT_PLT_UD", 1, 9, expires=soon), permanent=True)
    assert alerts(up_status("a", permanent, pool("CITRIX", 10, 10, expires=soon))) == []


@pytest.mark.parametrize(
    ("ends", "level"),
    [
        (date(2027, 2, 22), Level.WARN),
        (date(2026, 12, 24), Level.CRITICAL),
        (date(2026, 11, 1), Level.WARN),
    ],
)
def test_ending_subscription_has_a_level(ends: date, level: Level) -> None:
    status = up_status("a", pool("XDT_PLT_UD", 1, 9, subscription=ends))
    assert alerts(status) == [(AlertKind.SUBSCRIPTION, level)]


def test_renewed_subscription_is_no_alert() -> None:
    old = pool("XDT_PLT_UD", 1, 9, subscription=date(2020, 1, 1))
    assert (
        alerts(up_status("a", old, pool("XDT_PLT_UD", 1, 9, subscription=date(2028, 1, 1)))) == []
    )


@pytest.mark.parametrize(
    ("status", "expires", "level"),
    [
        (ActivationStatus.ACTIVATED, date(2026, 12, 4), Level.WARN),
        (ActivationStatus.ACTIVATED, date(2026, 11, 27), Level.CRITICAL),
        (ActivationStatus.EXPIRED, None, Level.CRITICAL),
        (ActivationStatus.NOT_ACTIVATED, None, Level.CRITICAL),
    ],
)
def test_activation_has_a_level(
    status: ActivationStatus, expires: date | None, level: Level
) -> None:
    server = up_status("a", activation=Activation(status, expires))
    assert alerts(server) == [(AlertKind.ACTIVATION, level)]


def test_notices_of_the_server_are_alerts() -> None:
    notices = (
        Notice("grace", Level.WARN, "Grace period", "5 days left"),
        Notice("server", Level.CRITICAL, "Daemon down"),
        Notice("server", Level.OK, "All is well"),
    )
    told = found(up_status("a", notices=notices))
    assert [(a.kind, a.message) for a in told] == [
        (AlertKind.SERVER, "Daemon down"),
        (AlertKind.GRACE, "Grace period: 5 days left"),
    ]


def test_lost_server_alerts_with_its_failure_only() -> None:
    status = down_status(up_status("a", pool("XDT_PLT_UD", 100, 100)), TIMEOUT_FAILURE)
    (alert,) = found(status)
    assert (alert.kind, alert.level, alert.since) == (
        AlertKind.SERVER, Level.CRITICAL, status.since,
    )  # fmt: skip
    assert alert.message == TIMEOUT_FAILURE.message


def test_server_without_data_warns_and_disabled_one_does_not() -> None:
    assert alerts(down_status(up_status("a"), NO_DATA_FAILURE)) == [(AlertKind.SERVER, Level.WARN)]
    assert alerts(replace(down_status(up_status("a"), NO_DATA_FAILURE), state=State.DISABLED)) == []


def test_unreadable_usage_is_a_data_alert() -> None:
    assert alerts(up_status("a", pool("XDT_PLT_UD", None, 100))) == [(AlertKind.DATA, Level.WARN)]
    assert alerts(up_status("a", pool("XDT_PLT_UD", 5, None))) == []


def test_alerts_are_ordered_by_severity() -> None:
    ranks = [Level.EXHAUSTED, Level.OVERDRAFT, Level.CRITICAL, Level.WARN]
    levels = [alert.level for alert in current_alerts(merge_board(example_board()), TODAY)]
    assert levels == sorted(levels, key=ranks.index)


@pytest.mark.parametrize(
    ("begins", "ends", "level"),
    [
        (date(2026, 1, 1), date(2026, 12, 25), None),
        (date(2026, 1, 1), date(2026, 12, 24), Level.WARN),
        (date(2026, 1, 1), date(2026, 12, 1), Level.CRITICAL),
        (date(2026, 10, 1), date(2026, 12, 24), None),  # for 84 days: renewed by itself, and late
        (date(2026, 10, 1), date(2026, 12, 7), None),
        (date(2026, 10, 1), date(2026, 12, 4), Level.WARN),
        (None, date(2026, 11, 20), Level.CRITICAL),
        (None, None, None),
    ],
)
def test_expiring_certificate_has_a_level(
    begins: date | None, ends: date | None, level: Level | None
) -> None:
    status = up_status("a", pool("X", 1, 100))
    assert status.snapshot is not None
    shown = Certificate("4f1b", begins, ends)
    status = replace(status, snapshot=replace(status.snapshot, certificate=shown))
    assert alerts(status) == ([(AlertKind.SERVER, level)] if level else [])
    refused = replace(status, state=State.UNTRUSTED)
    assert alerts(refused) == [(AlertKind.SERVER, Level.CRITICAL)]  # which says it already
