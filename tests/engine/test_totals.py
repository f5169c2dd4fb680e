from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.example_board import TIMEOUT_FAILURE, down_status, pool, up_status

from lictui.config.settings import AlertSettings
from lictui.engine.board import Board, ServerStatus, Total
from lictui.engine.merge import merge_board
from lictui.model import Level, Model, Reading, State


def total(*servers: ServerStatus) -> Total:
    (found,) = merge_board(Board(servers)).totals()
    return found


def test_the_same_product_is_summed_over_servers() -> None:
    found = total(
        up_status("a", pool("XDT_PLT_UD", 412, 500, 50)),
        up_status("b", pool("XDT_PLT_UD", 288, 400, 40)),
    )
    assert (found.product, found.model) == ("XDT_PLT_UD", Model.USER_DEVICE)
    assert found.reading == Reading(700, 900, 90)
    assert found.free == 200
    assert found.ratio == pytest.approx(0.7778, abs=1e-4)
    assert (found.level, found.unknown_pools) == (Level.OK, 0)
    assert found.servers_reporting == found.servers_expected == ("a", "b")


def test_a_server_whose_last_poll_failed_is_expected_and_not_summed() -> None:
    away = down_status(up_status("b", pool("XDT_PLT_UD", 288, 400)), TIMEOUT_FAILURE)
    found = total(up_status("a", pool("XDT_PLT_UD", 412, 500)), away)
    assert found.reading == Reading(412, 500)
    assert (found.servers_reporting, found.servers_expected) == (("a",), ("a", "b"))


def test_all_servers_away_leaves_a_row_of_unknowns() -> None:
    found = total(down_status(up_status("a", pool("XDT_PLT_UD", 1, 2)), TIMEOUT_FAILURE))
    assert found.reading == Reading()
    assert (found.level, found.ratio, found.servers_reporting) == (Level.UNKNOWN, None, ())


def test_a_disabled_server_is_not_expected() -> None:
    status = up_status("b", pool("XDT_PLT_UD", 1, 2))
    off = replace(status, server=replace(status.server, enabled=False), state=State.DISABLED)
    assert total(up_status("a", pool("XDT_PLT_UD", 1, 2)), off).servers_expected == ("a",)


def test_a_missing_figure_is_counted_and_the_known_are_summed() -> None:
    found = total(up_status("a", pool("XDT_PLT_UD", None, 5), pool("XDT_PLT_UD", 3, 7)))
    assert found.reading == Reading(3, 12)
    assert (found.unknown_pools, found.ratio, found.free) == (1, None, None)
    assert found.level is Level.UNKNOWN


def test_start_up_licenses_are_not_counted() -> None:
    assert merge_board(Board((up_status("a", pool("CITRIX", 0, 10)),))).totals() == ()


def test_a_total_has_the_level_of_its_product() -> None:
    strict = AlertSettings(product={"XDT_PLT_UD": {"warn": 0.1, "critical": 0.2}})
    (found,) = merge_board(Board((up_status("a", pool("XDT_PLT_UD", 15, 100)),)), strict).totals()
    assert found.level is Level.WARN
