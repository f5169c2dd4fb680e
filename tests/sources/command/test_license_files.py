from __future__ import annotations

from datetime import date
from functools import partial

from tests.sources.command.conftest import failure_of

from lictui.model import FailureKind, Mode, Reading
from lictui.sources.command.formats import license_file_snapshot

TODAY = date(2026, 11, 24)


def line(
    product: str, version: str, ends: str, count: int | str, serial: str = "", **more: str
) -> str:
    options = "".join(f" {key}={value}" for key, value in more.items())
    return (
        f"INCREMENT {product} CITRIX {version} {ends} {count} \\\r\n VENDOR_STRING=;LT=Retail;ODP=9"
        f" SN={serial}{options}\r\n"
    )


def test_licenses_of_one_product_and_date_are_a_pool() -> None:
    found = license_file_snapshot(
        line("XDT_PLT_UD", "2026.1201", "31-mar-2027", 100, "A")
        + line("XDT_PLT_UD", "2026.1201", "31-jan-2027", 50, "B")
        + line("XDT_PLT_UD", "2027.1201", "permanent", 7, "C")
        + line("CITRIX", "2038.0101", "permanent", 10),
        "cat",
        TODAY,
    )
    start_up, old, new = found.pools
    assert (start_up.product, start_up.counted) == ("CITRIX", False)
    assert old.reading == Reading(in_use=None, installed=150, overdraft=None)
    assert (old.expires, old.permanent) == (date(2027, 1, 31), False)
    assert old.license_type == "Retail"
    assert ("SN", "A") in old.raw_fields
    assert ("SN", "B") in old.raw_fields
    assert ("INCREMENT", "XDT_PLT_UD CITRIX 2026.1201 2027-03-31 100") in old.raw_fields
    assert old.formulas
    assert (new.reading.installed, new.expires, new.permanent) == (7, None, True)
    assert (found.mode, found.notices) == (Mode.FILE, ())


def test_what_has_ended_counts_only_where_nothing_else_does() -> None:
    ended = line("XDT_PLT_UD", "2026.1201", "31-jan-2026", 100)
    older = line("XDT_PLT_UD", "2026.1201", "31-jan-2025", 5)
    (pool,) = license_file_snapshot(ended + older, "cat", TODAY).pools
    assert (pool.reading.installed, pool.expires) == (105, date(2026, 1, 31))
    renewed = line("XDT_PLT_UD", "2026.1201", "31-jan-2027", 30)
    to_come = line("XDT_PLT_UD", "2026.1201", "31-jan-2028", 9, START="1-jan-2027")
    found = license_file_snapshot(ended + renewed + to_come, "cat", TODAY)
    assert found.pools[0].reading.installed == 30
    assert found.pools[0].expires == date(2027, 1, 31)
    assert [notice.title for notice in found.notices] == [
        "License files with licenses that are not valid now: 2"
    ]


def test_uncounted_and_unreadable_counts_are_unknown() -> None:
    (pool,) = license_file_snapshot(
        line("A_B_CCU", "1.0", "permanent", "uncounted"), "c", TODAY
    ).pools
    assert (pool.reading.installed, pool.counted) == (None, False)
    (pool,) = license_file_snapshot(line("A_B_CCU", "1.0", "soon", "x"), "c", TODAY).pools
    assert (pool.reading.installed, pool.counted, pool.permanent) == (None, True, None)


def test_no_license_is_no_data() -> None:
    failure = failure_of(partial(license_file_snapshot, "SERVER this_host ANY\n", "cat", TODAY))
    assert failure.kind is FailureKind.NO_DATA
