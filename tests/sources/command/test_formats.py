"""Formats that commands print: Checkmk's section, lictui's status, license files, udadmin."""

import json
import time
from datetime import date
from functools import partial
from typing import Any

import pytest
from tests.support.lmstat import local_timestamp
from tests.support.polls import failure_in

from lictui.model import (
    Activation,
    ActivationStatus,
    FailureKind,
    Level,
    LicenseUser,
    Mode,
    Model,
    Reading,
    Snapshot,
    Step,
)
from lictui.sources.command.formats import (
    MAX_INCREMENTS,
    checkmk_snapshot,
    license_file_snapshot,
    lictui_snapshot,
    parse_license_file,
    udadmin_license_users,
    udadmin_snapshot,
)

TODAY = date(2026, 11, 24)


# checkmk

SECTION = (
    "<<<check_mk>>>\r\nVersion: 2.3\t1\t2\r\n<<<citrix_licenses:sep(9)>>>\r\n"
    "PVS_STD_CCS\t80\t90\r\nMPS_ENT_CCU\t2160\t1636\r\nMPS_ENT_CCU\t22\t22\r\n"
    "an extra line\r\nCITRIX\t1\t0\r\n<<<df>>>\r\nXDT_PLT_UD\t1\t1\r\n"
)


def test_checkmk_duplicates_add_up_and_overdraft_is_unknown() -> None:
    pools = checkmk_snapshot(SECTION, "nc lic01").pools
    assert [(pool.product, pool.reading, pool.counted) for pool in pools] == [
        ("PVS_STD_CCS", Reading(90, 80, None), True),
        ("MPS_ENT_CCU", Reading(1658, 2182, None), True),
        ("CITRIX", Reading(0, 1, None), False),
    ]
    assert pools[0].raw_fields == (("line", "PVS_STD_CCS 80 90"),)
    assert pools[0].formulas


@pytest.mark.parametrize(
    ("section", "reading", "problem"),
    [
        ("<<<citrix_licenses>>>\nX_Y_CCU\t2\t1\n" * 2, Reading(2, 4, None), None),
        (  # The agent passes on the sections of another host.
            f"<<<<b>>>>\n{SECTION}<<<<>>>>\n<<<citrix_licenses>>>\nX_Y_CCU\t2\t1\n<<<<b>>>>\n{SECTION}",
            Reading(1, 2, None),
            None,
        ),
        ("<<<citrix_licenses>>>\nX_Y_CCU\t?\t5\n", Reading(5, None, None), "X_Y_CCU ? 5"),
        ("<<<citrix_licenses>>>\nX_Y_CCU\t\t5\n", Reading(5, None, None), "X_Y_CCU 5"),
        ("<<<citrix_licenses>>>\nX_Y_CCU 2 1\n", Reading(1, 2, None), None),  # blanks
    ],
)
def test_checkmk_sections_add_up_and_unreadable_figures_are_a_notice(
    section: str, reading: Reading, problem: str | None
) -> None:
    result = checkmk_snapshot(section, "nc")
    assert [pool.reading for pool in result.pools] == [reading]
    assert [notice.detail for notice in result.notices] == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<<<citrix_licenses>>>\n\n", FailureKind.NO_DATA),
        ("<<<df>>>\nPVS_STD_CCS\t80\t90\n", FailureKind.PARSE),
    ],
)
def test_checkmk_missing_and_empty_sections_differ(text: str, kind: FailureKind) -> None:
    assert failure_in(partial(checkmk_snapshot, text, "nc")).kind is kind


# lictui

POOL = {
    "product": "XDT_PLT_UD",
    "name": "Citrix Virtual Apps and Desktops Premium",
    "model": "user_device",
    "license_type": "Retail",
    "subscription_date": "2026-12-01",
    "expires": "2027-03-31",
    "permanent": False,
    "installed": 500,
    "overdraft": 50,
    "in_use": 412,
    "counted": True,
}
REPORTED = {"status": "reporting", "last_reported": "2026-11-24T06:00:00Z"}
LICENSE_SERVER = {"host_id": "h", "fqdn": "l", "days_to_expire": -12} | REPORTED
UP: dict[str, Any] = {
    "name": "lic-emea-01",
    "state": "up",
    "reason": None,
    "reported_name": "LIC01",
    "version": "11.17",
    "mode": "las",
    "activation": {"status": "activated", "expires": "2026-12-24"},
    "license_servers": [LICENSE_SERVER],
    "pools": [POOL],
}
REASON = {"kind": "dns", "step": "resolve", "message": "no such name", "hint": "look"}
DOWN = {"name": "lic-us", "state": "down", "reason": REASON, "pools": []}
OFF = {"name": "off", "state": "disabled", "pools": []}


def read_status(*servers: object, schema: object = "lictui.status/1") -> Snapshot:
    return lictui_snapshot(json.dumps({"schema": schema, "servers": servers}), "ssh hub")


def test_lictui_pool_of_a_second_source_counts_once() -> None:
    second = UP | {"name": "by lmstat", "pools": [POOL | {"same_as": "lic-emea-01"}]}
    for servers in ((UP, second), (second,)):
        assert [pool.reading for pool in read_status(*servers).pools] == [Reading(412, 500, 50)]


def test_lictui_single_server_keeps_its_details() -> None:
    result = read_status(UP, OFF)
    (pool,) = result.pools
    assert (pool.model, pool.expires) == (Model.USER_DEVICE, date(2027, 3, 31))
    assert pool.subscription_date == date(2026, 12, 1)
    assert pool.raw_fields[0] == ("server", "lic-emea-01")
    assert (result.reported_name, result.version, result.mode) == ("LIC01", "11.17", Mode.LAS)
    assert result.activation == Activation(ActivationStatus.ACTIVATED, date(2026, 12, 24))
    (server,) = result.license_servers
    assert (server.last_reported, server.days_to_expire) == (1795500000.0, -12)
    assert result.notices == ()


def test_lictui_servers_add_up_and_a_server_that_is_down_is_a_notice() -> None:
    pools = [POOL | {"in_use": None}, POOL | {"product": "A_B_CCU"}]
    unmarked = [
        {"product": "A_C_CCU", "name": "Mine", "model": "named_user"},
        {"product": "CITRIX"},
    ]
    result = read_status(UP, UP | {"name": "b", "pools": pools + unmarked}, DOWN)
    assert [(pool.product, pool.reading, pool.counted) for pool in result.pools] == [
        ("XDT_PLT_UD", Reading(None, 1000, 100), True),
        ("A_B_CCU", Reading(412, 500, 50), True),
        ("A_C_CCU", Reading(), True),
        ("CITRIX", Reading(), False),
    ]
    assert (result.pools[2].name, result.pools[2].model) == ("Mine", Model.NAMED_USER)
    assert (result.reported_name, result.mode, result.activation) == ("", None, None)
    assert [(notice.title, notice.detail, notice.action) for notice in result.notices] == [
        ("lic-us is down", "no such name", "look")
    ]


@pytest.mark.parametrize(
    ("servers", "kind", "step", "message"),
    [
        ([DOWN, OFF], FailureKind.DNS, Step.RESOLVE, "lic-us: no such name"),
        ([DOWN, DOWN], FailureKind.DNS, Step.RESOLVE, "(and 1 more"),
        ([UP | {"state": "stale"}], FailureKind.UNAVAILABLE, None, "lic-emea-01: is stale there"),
        ([OFF], FailureKind.NO_DATA, None, "no enabled server"),
        ([UP | {"pools": []}], FailureKind.NO_DATA, None, "no licenses"),
    ],
)
def test_lictui_without_a_server_that_is_up_is_a_failure(
    servers: list[object], kind: FailureKind, step: Step | None, message: str
) -> None:
    failure = failure_in(partial(read_status, *servers))
    assert (failure.kind, failure.step) == (kind, step or failure.step)
    assert message in failure.message
    assert failure.hint


def test_lictui_banner_before_the_output_is_ignored() -> None:
    text = json.dumps({"schema": "lictui.status/1", "servers": [UP]})
    assert lictui_snapshot(f"Welcome to {{hub}}\n{text}", "ssh hub").pools


@pytest.mark.parametrize("text", ["x", "[]", '{"schema": "lictui.status/2", "servers": []}'])
def test_lictui_other_schema_is_refused(text: str) -> None:
    failure = failure_in(partial(lictui_snapshot, text, "ssh hub"))
    assert failure.kind is FailureKind.PARSE
    assert "lictui status --json" in failure.hint


# license-file

FILE = r"""# This file is in UTF-8 format.
SERVER this_host HOSTNAME=LIC01
VENDOR CITRIX
USE_SERVER
INCREMENT XDT_ENT_UD CITRIX 2026.1201 31-mar-2027 100 \
 VENDOR_STRING=;LT=Retail;GP=720;CL=VDS,VDA,VDE;SA=0;LP=90;ODP=0 \
 DUP_GROUP=V ISSUED=07-Mar-2026 NOTICE="A Company SN=x" SN=LA-0000000000-00000:123 \
 START=6-feb-2026 SIGN="00AB CD"
# INCREMENT NOT_A_CCU CITRIX 2026.1201 permanent 1
increment CITRIX CITRIX 2038.0101 permanent 10 SIGN="1"
FEATURE CTXLSDIAG CITRIX 1.0 1-jan-0000 uncounted
INCREMENT BROKEN CITRIX
"""


def increment_line(
    product: str, version: str, ends: str, count: int | str, serial: str = "", **more: str
) -> str:
    options = "".join(f" {key}={value}" for key, value in more.items())
    return (
        f"INCREMENT {product} CITRIX {version} {ends} {count} \\\r\n VENDOR_STRING=;LT=Retail;ODP=9"
        f" SN={serial}{options}\r\n"
    )


def license_pools(text: str) -> Snapshot:
    return license_file_snapshot(text, "cat", TODAY)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_license_file_every_increment_is_a_license(ends: str) -> None:
    first, startup, diagnostics = parse_license_file(FILE.replace("\n", ends))
    assert (first.product, first.vendor) == ("XDT_ENT_UD", "CITRIX")
    assert first.subscription_date == date(2026, 12, 1)
    assert (first.expires, first.permanent, first.count) == (date(2027, 3, 31), False, 100)
    assert (first.license_type, first.serial) == ("Retail", "LA-0000000000-00000:123")
    assert (first.issued, first.start) == (date(2026, 3, 7), date(2026, 2, 6))
    assert "CL=VDS,VDA,VDE;" in dict(first.raw_fields)["VENDOR_STRING"]
    days = (date(2026, 2, 5), date(2026, 2, 6), date(2027, 3, 31), date(2027, 4, 1))
    assert [first.is_valid_on(day) for day in days] == [False, True, True, False]
    assert (startup.product, startup.permanent, startup.expires) == ("CITRIX", True, None)
    assert (diagnostics.permanent, diagnostics.uncounted, diagnostics.count) == (True, True, None)
    assert diagnostics.subscription_date is None


@pytest.mark.parametrize(
    "notice",
    [
        '"The "Best Of" Company SN=x"',
        '"3" and 5" Pipes"',
        '"19" Racks Ltd" SUPERSEDE',
        '""',
        '"Open end',
        'O"Neil',
    ],
)
def test_license_file_quotes_in_the_notice_end_no_value(notice: str) -> None:
    notice = f"NOTICE={notice}"
    text = FILE.replace('NOTICE="A Company SN=x"', notice) + FILE.replace('"00AB CD"', '"00AB CE"')
    first, *others = parse_license_file(text)
    assert (first.serial, first.signature) == ("LA-0000000000-00000:123", "00AB CD")
    assert first.start == date(2026, 2, 6)
    names = ["CITRIX", "CTXLSDIAG", "XDT_ENT_UD", "CTXLSDIAG"]
    assert [license_.product for license_ in others] == names


def test_license_file_long_lines_are_read_quickly() -> None:
    before = time.process_time()
    for option in (' A="', ' A="b', ' "', ' A=" SIGN='):
        parse_license_file(("INCREMENT X Y 1.0 permanent 1" + option * 4000 + "\n") * 50)
    assert time.process_time() - before < 10


def test_license_file_copy_grants_nothing_more() -> None:
    copy = FILE.replace('"1"', '"2"')  # another license, and one without a signature
    assert len(parse_license_file(FILE + copy)) == 5
    text = "INCREMENT A_B_CCU CITRIX 2026.1201 permanent 1\n" * 9000
    assert len(parse_license_file(text)) == MAX_INCREMENTS


def test_license_file_licenses_of_one_product_and_date_are_a_pool() -> None:
    result = license_pools(
        increment_line("XDT_PLT_UD", "2026.1201", "31-mar-2027", 100, "A")
        + increment_line("XDT_PLT_UD", "2026.1201", "31-jan-2027", 50, "B")
        + increment_line("XDT_PLT_UD", "2027.1201", "permanent", 7, "C")
        + increment_line("CITRIX", "2038.0101", "permanent", 10)
    )
    startup, old, new = result.pools
    assert (startup.product, startup.counted) == ("CITRIX", False)
    assert old.reading == Reading(in_use=None, installed=150, overdraft=None)
    assert (old.expires, old.permanent) == (date(2027, 1, 31), False)
    assert (old.partial_expiry, old.expiring_count) == (True, 50)
    assert old.license_type == "Retail"
    assert {("SN", "A"), ("SN", "B")} <= set(old.raw_fields)
    assert ("INCREMENT", "XDT_PLT_UD CITRIX 2026.1201 31-mar-2027 100") in old.raw_fields
    assert old.formulas
    assert (new.reading.installed, new.expires, new.permanent) == (7, None, True)
    assert (result.mode, result.notices) == (Mode.FILE, ())
    (notice,) = license_pools(FILE).notices
    assert (notice.level, notice.detail) == (Level.WARN, "INCREMENT BROKEN CITRIX")
    failure = failure_in(partial(license_pools, "SERVER this_host ANY\n"))
    assert failure.kind is FailureKind.NO_DATA


def test_license_file_expired_license_counts_only_without_a_valid_one() -> None:
    ended = increment_line("XDT_PLT_UD", "2026.1201", "31-jan-2026", 100)
    older = increment_line("XDT_PLT_UD", "2026.1201", "31-jan-2025", 5)
    (pool,) = license_pools(ended + older).pools
    assert (pool.reading.installed, pool.expires) == (105, date(2026, 1, 31))
    renewed = increment_line("XDT_PLT_UD", "2026.1201", "31-jan-2027", 30)
    future = increment_line("XDT_PLT_UD", "2026.1201", "31-jan-2028", 9, START="1-jan-2027")
    result = license_pools(ended + renewed + future)
    assert result.pools[0].reading.installed == 30
    assert result.pools[0].expires == date(2027, 1, 31)
    assert [notice.title for notice in result.notices] == [
        "License files with licenses that are not valid now: 2"
    ]


@pytest.mark.parametrize(
    ("ends", "count", "counted", "permanent"),
    [
        ("permanent", "uncounted", False, True),
        ("permanent", "0", False, True),
        ("soon", "x", True, None),
    ],
)
def test_license_file_uncounted_and_unreadable_counts_are_unknown(
    ends: str, count: str, *, counted: bool, permanent: bool | None
) -> None:
    result = license_pools(increment_line("A_B_CCU", "1.0", ends, count))
    (pool,) = result.pools
    assert (pool.reading.installed, pool.counted, pool.permanent) == (None, counted, permanent)
    assert (pool.subscription_date, pool.expires) == (None, None)
    assert [notice.title for notice in result.notices] == ["Unreadable figures"] * counted


# udadmin

TIMES = """Usage data is 7 minutes old. Next update in 8 minutes.
Users:
 u01.01 XDT_ENT_UD 2026.1201 (Mon Nov 23 13:41:07 2026)
 Anna von (Stein) 2026.1201 XDT_ENT_UD 2026.1201 (Sun Nov  1 03:41:07 2026)
 old XDT_ENT_UD 2025.1201 (Thu Sep 14 13:41:07 2017)
Devices:
 device 0001 XDT_ENT_UD 2026.1201 (Tue Nov 24 06:00:00 2026)
 kiosk XDT_PLT_UD 2026.1201 (Tue Nov 24 06:00:00 2026)
"""
PLAIN = "\n".join(line.partition(" (M")[0].partition(" (T")[0] for line in TIMES.splitlines())


@pytest.mark.parametrize("text", [TIMES, TIMES.replace("\n", "\r\n\r\n"), PLAIN])
def test_udadmin_feature_and_version_are_a_pool(text: str) -> None:
    pools = udadmin_snapshot(text, "lic01").pools
    assert [(pool.product, pool.subscription_date, pool.reading) for pool in pools] == [
        ("XDT_ENT_UD", date(2026, 12, 1), Reading(3)),
        ("XDT_ENT_UD", date(2025, 12, 1), Reading(1)),
        ("XDT_PLT_UD", date(2026, 12, 1), Reading(1)),
    ]
    first = pools[0]
    assert first.name == "Citrix Virtual Apps and Desktops Advanced"
    assert (first.model, first.queued) == (Model.USER_DEVICE, None)
    assert (first.expires, first.permanent) == (None, None)
    raw = dict(first.raw_fields)
    assert (raw["users"], raw["devices"], raw["minutes old"]) == ("2", "1", "7")
    assert udadmin_snapshot("Users:\nDevices:\n", "lic01") == Snapshot(())


def test_udadmin_lines_are_license_users() -> None:
    users = udadmin_license_users(TIMES, "lic01").users
    assert users[0] == LicenseUser(
        "XDT_ENT_UD",
        "u01.01",
        since=local_timestamp(2026, 11, 23, 13, 41, 7),
        assigned=True,
        subscription_date=date(2026, 12, 1),
    )
    assert users[1].user == "Anna von (Stein) 2026.1201"
    assert users[1].since == local_timestamp(2026, 11, 1, 3, 41, 7)
    assert (users[3].user, users[3].device) == ("", "device 0001")
    assert (
        udadmin_license_users("Users:\n u01 XDT_ENT_UD 2026.1201", "lic01").users[0].since is None
    )


EVENTS = """Usage data is 0 minutes old. Next update in 15 minutes.
Thu Sep 10 13:41:07 2026 u01.01 dev01 XDT_ENT_UD 2027.1201
"""


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (EVENTS + "Users:\n u XDT_ENT_UD 2026.1201\n", "1 line"),
        ("u XDT_ENT_UD 2026.1201\nDevices:\n d XDT_ENT_UD 2026.1201 x\n", "2 line"),
    ],
)
def test_udadmin_lines_outside_the_list_are_a_notice(text: str, lines: str) -> None:
    (notice,) = udadmin_snapshot(text, "lic01").notices
    assert notice.level is Level.WARN
    assert lines in notice.detail


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lic01: no output"),
        ("'udadmin' is not recognized", "lic01: not the output of udadmin -list: 'udadmin' is"),
        (EVENTS, "lic01: not the output of udadmin -list: Thu Sep 10"),
    ],
)
def test_udadmin_other_text_is_refused(text: str, message: str) -> None:
    users = partial(udadmin_license_users, text, "lic01")
    for read in (partial(udadmin_snapshot, text, "lic01"), users):
        failure = failure_in(read)
        assert (failure.kind, failure.step) == (FailureKind.PARSE, Step.PARSE)
        assert failure.message.startswith(message)
        assert "udadmin -list" in failure.hint
