"""Conditions that alerts are about: their level and message. `test_alert_state` tests when."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.example_board import (
    NO_DATA_FAILURE,
    TIMEOUT_FAILURE,
    down_status,
    example_board,
    pool,
    up_status,
)

from lictui.engine.alerts import alert_events, alert_views, current_alerts
from lictui.engine.board import Board, ServerStatus
from lictui.engine.merge import merge_board
from lictui.model import (
    Activation,
    ActivationStatus,
    AlertKey,
    AlertKind,
    AlertState,
    Certificate,
    Level,
    Notice,
    Pool,
    SourceName,
    State,
)

TODAY = date(2026, 11, 24)
SOON, SUBSCRIPTION = date(2026, 12, 1), date(2028, 1, 1)
PERMANENT = replace(pool("XDT_PLT_UD", 1, 9, expires=SOON), permanent=True)
OK = None


def alerts(*servers: ServerStatus) -> list[tuple[AlertKind, Level]]:
    return [(a.key.kind, a.level) for a in current_alerts(merge_board(Board(servers)), TODAY)]


@pytest.mark.parametrize(
    ("in_use", "level", "rest"),
    [
        (896, Level.WARN, "104 free"),
        (900, Level.CRITICAL, "100 free"),
        (1010, Level.OVERDRAFT, "using 10 of 100 overdraft"),
        (1100, Level.EXHAUSTED, "0 available"),
    ],
)
def test_usage_has_a_level_and_a_message(in_use: int, level: Level, rest: str) -> None:
    status = up_status("a", pool("XDT_PLT_UD", in_use, 1000, 100))
    (alert,) = current_alerts(merge_board(Board((status,))), TODAY)
    assert (alert.key.kind, alert.level, alert.key.server) == (AlertKind.USAGE, level, "a")
    assert (alert.key.product, alert.since) == ("XDT_PLT_UD", status.last_success_at)
    percent = 89 if in_use == 896 else in_use // 10  # on the same side of the threshold
    assert alert.message.endswith(f"{in_use:,} of 1,000 assigned ({percent} %), {rest}")


def test_usage_of_one_product_is_summed_over_its_pools() -> None:
    full = pool("XDT_PLT_UD", 100, 100, subscription=SUBSCRIPTION)
    assert alerts(up_status("a", full, pool("XDT_PLT_UD", 0, 100))) == []


@pytest.mark.parametrize(
    "pools",
    [
        (pool("XDT_PLT_UD", 79, 100), pool("PVS_STD_CCS", 0, 0)),
        (pool("XDT_PLT_UD", 5, None),),
        (PERMANENT, pool("CITRIX", 10, 10, expires=SOON)),
        (
            pool("XDT_PLT_UD", 1, 9, subscription=date(2020, 1, 1)),
            pool("XDT_PLT_UD", 1, 9, subscription=SUBSCRIPTION),
        ),
    ],
    ids=["below the thresholds", "unlimited", "no end", "renewed subscription"],
)
def test_normal_pools_have_no_alert(pools: tuple[Pool, ...]) -> None:
    assert alerts(up_status("a", *pools)) == []


@pytest.mark.parametrize(
    ("day", "expiry", "subscription"),
    [
        (date(2027, 2, 23), OK, OK),
        (date(2027, 2, 22), Level.WARN, Level.WARN),
        (date(2026, 12, 24), Level.CRITICAL, Level.CRITICAL),
        (TODAY, Level.CRITICAL, Level.CRITICAL),
        (date(2026, 11, 23), Level.CRITICAL, Level.WARN),  # licenses stay valid without it
    ],
)
def test_last_days_have_a_level(
    day: date, expiry: Level | None, subscription: Level | None
) -> None:
    expiring = alerts(up_status("a", pool("XDT_PLT_UD", 1, 9, expires=day)))
    assert expiring == ([(AlertKind.EXPIRY, expiry)] if expiry else [])
    # Pools that end on one day, and with them their subscriptions, are one event.
    both = pool("XDT_PLT_UD", 1, 9, subscription=day, expires=day)
    assert alerts(up_status("a", both, pool("XDT_PLT_UD", 1, 9, expires=day))) == expiring
    ending = alerts(up_status("a", pool("XDT_PLT_UD", 1, 9, subscription=day)))
    assert ending == ([(AlertKind.SUBSCRIPTION, subscription)] if subscription else [])


def activation(status: ActivationStatus, expires: date | None = None) -> dict[str, Any]:
    return {"activation": Activation(status, expires)}


def certificate(begins: date | None, ends: date | None) -> dict[str, Any]:
    return {"certificate": Certificate("4f1b", begins, ends)}


@pytest.mark.parametrize(
    ("reported", "kind", "level"),
    [
        (activation(ActivationStatus.ACTIVATED, date(2026, 12, 4)), "activation", Level.WARN),
        (activation(ActivationStatus.ACTIVATED, date(2026, 11, 27)), "activation", Level.CRITICAL),
        (activation(ActivationStatus.EXPIRED, SOON), "activation", Level.CRITICAL),
        (activation(ActivationStatus.NOT_ACTIVATED), "activation", Level.CRITICAL),
        ({"next_expiry": date(2027, 3, 31)}, "expiry", OK),
        ({"next_expiry": date(2027, 2, 1)}, "expiry", Level.WARN),
        ({"next_expiry": date(2026, 11, 24)}, "expiry", Level.CRITICAL),
        (certificate(date(2026, 1, 1), date(2026, 12, 25)), "server", OK),
        (certificate(date(2026, 1, 1), date(2026, 12, 24)), "server", Level.WARN),
        (certificate(date(2026, 1, 1), date(2026, 12, 1)), "server", Level.CRITICAL),
        # Valid for 84 days: renewed by itself, late.
        (certificate(date(2026, 10, 1), date(2026, 12, 7)), "server", OK),
        (certificate(date(2026, 10, 1), date(2026, 12, 4)), "server", Level.WARN),
        (certificate(None, date(2026, 11, 20)), "server", Level.CRITICAL),
        (certificate(None, None), "server", OK),
    ],
)
def test_what_ends_has_a_level(reported: dict[str, Any], kind: str, level: Level | None) -> None:
    unlimited = replace(pool("X", 1, 100), expires=None, permanent=None)
    status = up_status("a", unlimited, **reported)
    assert alerts(status) == ([(AlertKind(kind), level)] if level else [])


def test_end_that_is_known_otherwise_raises_no_second_alert() -> None:
    status = up_status("a", next_expiry=SOON)
    by_lmstat = up_status("flex", pool("XDT_PLT_UD", 1, 100, expires=date(2027, 12, 1)))
    assert alerts(status, with_source(by_lmstat, "lmstat", "a")) == []
    refused = up_status("a", pool("X", 1, 100), **certificate(None, SOON))
    refused = replace(refused, state=State.UNTRUSTED)
    assert alerts(refused) == [(AlertKind.SERVER, Level.CRITICAL)]


def test_usage_of_a_shared_entitlement_is_that_of_all_its_servers() -> None:
    statuses = [up_status(name, pool("XDT_PLT_UD", 45, 100)) for name in ("a", "b", "c")]
    shared = [
        replace(status, server=replace(status.server, entitlement="acme"))
        for status in statuses[:2]
    ]
    found = current_alerts(merge_board(Board((*shared, statuses[2]))), TODAY)
    assert [(alert.key.server, alert.level) for alert in found] == [
        ("a", Level.CRITICAL),
        ("b", Level.CRITICAL),
    ]
    assert "90 of 100 assigned" in found[0].message
    assert found[0].message.endswith("; 45 of them on other servers of acme")


def test_notices_of_the_server_are_alerts() -> None:
    notices = (
        Notice("grace", Level.WARN, "Grace period", "5 days left"),
        Notice("server", Level.CRITICAL, "Daemon down"),
        Notice("server", Level.OK, "All is well"),
    )
    board = merge_board(Board((up_status("a", notices=notices),)))
    assert [(alert.key.kind, alert.message) for alert in current_alerts(board, TODAY)] == [
        (AlertKind.SERVER, "Daemon down"),
        (AlertKind.GRACE, "Grace period: 5 days left"),
    ]


def test_lost_server_alerts_with_its_failure_only() -> None:
    status = down_status(up_status("a", pool("XDT_PLT_UD", 100, 100)), TIMEOUT_FAILURE)
    (alert,) = current_alerts(merge_board(Board((status,))), TODAY)
    assert (alert.key.kind, alert.level, alert.since, alert.message) == (
        AlertKind.SERVER, Level.CRITICAL, status.since, TIMEOUT_FAILURE.message,
    )  # fmt: skip


def test_server_without_data_warns_and_disabled_one_does_not() -> None:
    without_data = down_status(up_status("a"), NO_DATA_FAILURE)
    assert alerts(without_data) == [(AlertKind.SERVER, Level.WARN)]
    assert alerts(replace(without_data, state=State.DISABLED)) == []


def with_source(status: ServerStatus, form: str, same_as: str = "") -> ServerStatus:
    changes: dict[str, Any] = {"source": SourceName.COMMAND, "format": form, "same_as": same_as}
    return replace(status, server=replace(status.server, **changes))


FILES = with_source(up_status("files", pool("XDT_PLT_UD", None, 100)), "license-file", "a")


def test_unreadable_usage_is_a_data_alert() -> None:
    status = up_status("a", pool("XDT_PLT_UD", None, 100))
    for servers in ((status,), (status, FILES), (with_source(status, "lmstat"), FILES)):
        assert alerts(*servers) == [(AlertKind.DATA, Level.WARN)]


def test_license_files_raise_no_data_alert() -> None:
    assert alerts(FILES) == []
    other = with_source(up_status("a", pool("XDT_PLT_UD", None, 100)), "license-file")
    assert alerts(other, FILES) == []
    assert alerts(up_status("a", pool("MPS_PLT_CCU", 1, 100)), FILES) == []
    failed = down_status(up_status("a"), TIMEOUT_FAILURE, known=False)
    assert alerts(failed, FILES) == [(AlertKind.SERVER, Level.WARN)]


def test_alerts_are_ordered_by_severity() -> None:
    ranks = [Level.EXHAUSTED, Level.OVERDRAFT, Level.CRITICAL, Level.WARN]
    levels = [alert.level for alert in current_alerts(merge_board(example_board()), TODAY)]
    assert levels == sorted(levels, key=ranks.index)


PENDING = AlertState(AlertKey("a", AlertKind.USAGE, "X"), Level.WARN, "", START)
RAISED = replace(PENDING, raised_at=START, notified_at=START)
REPEATED = replace(RAISED, notified_at=START + 3600)
WORSE = replace(REPEATED, level=Level.CRITICAL)


def test_alert_views_have_raised_alerts_first_and_none_of_a_removed_server() -> None:
    pending, removed = (
        replace(PENDING, level=Level.CRITICAL),
        replace(RAISED, key=AlertKey("b", AlertKind.USAGE, "X")),
    )
    board = Board((up_status("a"),), alert_states=(pending, removed, RAISED))
    assert alert_views(merge_board(board), TODAY, START) == (RAISED, pending)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, [RAISED], []),  # nobody evaluated alerts until now
        ([], None, []),
        ([], [PENDING], []),
        ([], [RAISED], ["raised"]),
        ([PENDING], [RAISED], ["raised"]),
        ([RAISED], [RAISED], []),
        ([RAISED], [REPEATED], ["repeated"]),
        ([RAISED], [WORSE], ["worse"]),
        ([WORSE], [replace(WORSE, raised_at=START + 60, notified_at=START + 3660)], []),
        ([RAISED], [], []),
    ],
    ids=[
        "first evaluation", "evaluated by nobody", "pending", "raised", "no longer pending",
        "unchanged", "repeated", "worse", "clock set", "cleared",
    ],
)  # fmt: skip
def test_boards_tell_what_was_raised_or_repeated(
    before: list[AlertState] | None, after: list[AlertState] | None, expected: list[str]
) -> None:
    first, second = (
        merge_board(Board((up_status("a"),), alert_states=None if states is None else (*states,)))
        for states in (before, after)
    )
    found = alert_events(first, second, START)
    assert [event.transition for event in found] == expected
    assert all(event.previous_level is Level.WARN for event in found if event.alert is WORSE)
