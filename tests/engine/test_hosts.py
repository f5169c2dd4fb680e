"""Names of one host, and what Citrix Cloud lists under them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.clock import START
from tests.support.parts import merge_statuses, only_pool, status_up
from tests.support.values import pool

from lictui.engine.board import Board, ServerStatus
from lictui.engine.merge import merge_board, servers_on_hosts
from lictui.model import LicenseServer, ReportingStatus, SourceName


def listing(*listed: LicenseServer, **of: Any) -> ServerStatus:
    status = status_up("account", source=SourceName.PARTNER, url="https://partner.example", **of)
    assert status.snapshot is not None
    return replace(status, snapshot=replace(status.snapshot, license_servers=listed))


def test_what_citrix_cloud_says_of_a_license_server_stands_on_its_pane() -> None:
    entries = (
        LicenseServer("LIC-01", "lic-01.corp.test", ReportingStatus.REPORTING, START),
        LicenseServer("X", "LIC-02.EXAMPLE", ReportingStatus.NOT_REPORTING, START),
        LicenseServer("Y", "lic-03.one.test"),
        LicenseServer("Z", "lic-03.two.test"),
    )
    statuses = (
        status_up("a", pool(), url="https://lic-01/wsman"),
        status_up("b", pool(), url="https://lic-02.example:5986/wsman"),
        status_up("c", pool(), url="https://lic-03/wsman"),  # may be either of two
        listing(*entries),
    )
    board = merge_board(Board(statuses))
    assert [status.cloud_status for status in board.servers] == [entries[0], entries[1], None, None]


def test_a_partner_account_of_the_same_server_needs_no_pane() -> None:
    entry = LicenseServer("X", "known.elsewhere.as", ReportingStatus.REPORTING, START)
    account = listing(entry, same_as="lic")
    told = account.snapshot
    assert told is not None
    account = replace(account, snapshot=replace(told, pools=(pool("Q"),), reported_name="me"))
    status = merge_statuses(status_up("lic", pool()), account)
    assert status.cloud_status == entry
    assert only_pool(status).product == "XDT_PLT_UD"
    assert status.snapshot is not None
    assert status.snapshot.reported_name == ""


def test_the_servers_that_answer_to_a_name() -> None:
    board = Board(
        (
            status_up("a", pool(), url="https://lic01.corp.example/wsman"),
            status_up(
                "b", pool(), url="", source=SourceName.LMSTAT, address="27000@LIC01,27000@lic02"
            ),
            status_up("c", pool(), url="https://10.1.0.7/wsman"),
            status_up("d", pool(), url="https://lic01.other.example/wsman"),
        )
    )
    assert servers_on_hosts(merge_board(board), ("lic01.corp.example.",)) == ("a", "b")
    assert servers_on_hosts(merge_board(board), ("Lic01",)) == ("a", "b", "d")
    assert servers_on_hosts(merge_board(board), ("10",)) == ()
    assert servers_on_hosts(merge_board(board), ("", "nobody")) == ()
