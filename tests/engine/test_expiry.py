"""What ends when, as alerts, entitlements, report, panes and charts get it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from tests.support.parts import cvad_status, status_up
from tests.support.values import pool, snapshot

from lictui.engine.board import Board
from lictui.engine.expiry import Expiry, ExpiryKind, expiries
from lictui.engine.merge import merge_board
from lictui.model import Activation, ActivationStatus, Certificate, State

FIRST, LAST = date(2026, 12, 1), date(2027, 12, 1)


def ends(*pools: object) -> list[tuple[ExpiryKind, date, int | None]]:
    board = merge_board(Board((status_up("lic", *pools),)))  # type: ignore[arg-type]
    return [(expiry.kind, expiry.day, expiry.count) for expiry in expiries(board)]


def test_expiries_of_permanent_and_startup_licenses_are_none() -> None:
    permanent = pool(installed=5, expires=FIRST, permanent=True)
    startup = pool("CITRIX", installed=5, expires=FIRST, subscription=FIRST, counted=False)
    assert ends(permanent, startup) == []


def test_expiries_count_the_licenses_that_expire() -> None:
    partly = pool(installed=50, expires=FIRST, partial_expiry=True, reported_expiring=20)
    unknown = pool("Q", installed=50, expires=FIRST, partial_expiry=True)
    assert ends(partly, unknown) == [
        (ExpiryKind.LICENSES, FIRST, 20),
        (ExpiryKind.LICENSES, FIRST, None),
    ]


def test_expiries_mark_renewed_subscriptions_and_those_that_end_with_their_licenses() -> None:
    old = pool(installed=1, subscription=FIRST, expires=FIRST)
    new = pool(installed=2, subscription=LAST)
    board = merge_board(Board((status_up("lic", old, new),)))
    subscriptions = [each for each in expiries(board) if each.kind is ExpiryKind.SUBSCRIPTION]
    assert [(each.day, each.renewed, each.licenses_too) for each in subscriptions] == [
        (FIRST, True, True),
        (LAST, False, False),
    ]


def test_expiries_include_activation_and_the_certificate_of_each_data_source() -> None:
    activation = Activation(ActivationStatus.ACTIVATED, FIRST)
    main = status_up("lic", pool())
    site = cvad_status("ddc", pool())
    certificate = Certificate("ab", None, LAST)
    main = replace(main, snapshot=snapshot(pool(), activation=activation))
    site = replace(site, snapshot=snapshot(pool(), certificate=certificate))
    assert expiries(merge_board(Board((main, site)))) == [
        Expiry(LAST, ExpiryKind.CERTIFICATE, "ddc"),
        Expiry(FIRST, ExpiryKind.ACTIVATION, "lic"),
    ]


def test_expiries_of_a_disabled_server_are_none() -> None:
    disabled = replace(status_up("lic", pool(expires=FIRST), enabled=False), state=State.DISABLED)
    assert expiries(merge_board(Board((disabled,)))) == []
