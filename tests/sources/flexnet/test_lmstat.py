from __future__ import annotations

from datetime import date

import pytest
from tests.support.lmstat import (
    CITRIX,
    HEAD,
    NOW,
    VENDORS,
    feature,
    notice,
    parse_error,
    parse_output,
    pool,
)

from lictui.model import FailureKind, Level, Model, Reading
from lictui.sources.flexnet.source import lmstat_license_users


def test_citrix() -> None:
    found = parse_output(CITRIX)
    assert (found.reported_name, found.license_server_host, found.version) == (
        "lic01",
        "lic01",
        "11.19.4",
    )
    assert found.mode is None
    assert [each.product for each in found.pools] == [
        "CITRIX",
        "XDT_ENT_UD",
        "MPS_ENT_CCU",
        "PVS_STD_CCS",
    ]
    xdt = pool(CITRIX, "XDT_ENT_UD")
    assert xdt.name == "Citrix Virtual Apps and Desktops Advanced"
    assert (xdt.model, xdt.vendor, xdt.counted) == (Model.USER_DEVICE, "CITRIX", True)
    assert (xdt.reading.installed, xdt.reading.in_use) == (250, 184)
    assert xdt.reading.overdraft is None
    assert (xdt.subscription_date, xdt.expires) == (date(2026, 12, 1), date(2027, 3, 31))
    assert (xdt.permanent, xdt.license_type, xdt.queued) == (False, "Retail", 2)
    raw = dict(xdt.raw_fields)
    assert raw["reserved for GROUP"] == "5"
    assert raw["borrowed or lingering"] == "1"
    assert raw["version"] == "2026.1201"
    assert {"installed", "in_use", "queued"} <= set(dict(xdt.formulas))


def test_start_up_licenses_are_never_counted() -> None:
    found = pool(CITRIX, "CITRIX")
    assert (found.counted, found.permanent, found.reading.installed) == (False, True, 10000)


def test_a_feature_that_nobody_uses_tells_neither_version_nor_end() -> None:
    found = pool(CITRIX, "MPS_ENT_CCU")
    assert (found.reading.installed, found.reading.in_use, found.queued) == (20, 0, 0)
    assert (found.subscription_date, found.expires, found.permanent) == (None, None, None)


def test_versions_that_differ_tell_no_subscription_date_and_the_first_end() -> None:
    found = pool(CITRIX, "PVS_STD_CCS")
    assert (found.subscription_date, found.expires) == (None, date(2027, 3, 31))


def test_reservations_are_told_but_not_for_whom() -> None:
    found = notice(CITRIX, "Reserved")
    assert (found.kind, found.level) == ("server", Level.OK)
    assert found.detail == "XDT_ENT_UD 6 (5 for groups, 1 for users)"
    assert "bob" not in repr(parse_output(CITRIX))


@pytest.mark.parametrize("separator", ["\r\n", "\n\n", "\r\n\r\n", "   \n"])
def test_line_ends_and_blank_lines_change_nothing(separator: str) -> None:
    for text in (CITRIX, VENDORS):
        changed = text.replace("\n", separator)
        assert parse_output(changed) == parse_output(text)
        assert lmstat_license_users(changed, NOW) == lmstat_license_users(text, NOW)


def test_indentation_changes_nothing() -> None:
    flat = "\n".join(line.strip() for line in CITRIX.splitlines())
    deep = "\n".join("\t  " + line for line in CITRIX.splitlines())
    assert parse_output(flat) == parse_output(CITRIX) == parse_output(deep)


def test_a_feature_listed_twice_adds_up_and_two_daemons_stay_apart() -> None:
    found = {(each.product, each.vendor): each.reading for each in parse_output(VENDORS).pools}
    alpha, beta = found["solver (alphad)", "alphad"], found["solver (betad)", "betad"]
    assert (alpha.installed, alpha.in_use) == (10, 3)
    assert (beta.installed, beta.in_use) == (7, 3)
    assert len({each.key for each in parse_output(VENDORS).pools}) == len(
        parse_output(VENDORS).pools
    )


def test_other_vendors_features_are_their_own_names() -> None:
    found = pool(VENDORS, "solver (alphad)")
    assert found.name == "solver (alphad)"
    assert (found.model, found.permanent, found.expires) == (Model.CONCURRENT, True, None)
    assert found.subscription_date is None
    text = feature("Users of MPS_ENT_CCU:  (Total of 2 licenses issued;  Total of 0 in use)")
    assert pool(text, "MPS_ENT_CCU").name == "MPS_ENT_CCU"


@pytest.mark.parametrize(("product", "in_use"), [("SERIAL", 1), ("old", None)])
def test_what_nobody_counts_is_listed(product: str, in_use: int | None) -> None:
    found = pool(VENDORS, product)
    assert (found.reading.installed, found.counted, found.model) == (None, False, Model.OTHER)
    assert found.reading.in_use == in_use


def test_what_is_locked_to_a_machine_and_counted_is_counted_in_use_or_not() -> None:
    found = pool(VENDORS, "desk")
    assert (found.reading.installed, found.reading.in_use) == (4, 1)
    rest = pool(feature("Users of desk:  (Total of 4 licenses issued;  Total of 0 in use)"), "desk")
    assert (found.counted, found.model) == (rest.counted, rest.model) == (True, Model.CONCURRENT)


def test_a_count_that_cannot_be_is_unknown_and_said() -> None:
    found = pool(VENDORS, "many")
    assert (found.reading.installed, found.reading.in_use, found.counted) == (None, 3, True)
    told = notice(VENDORS, "without counts")
    assert "many" in told.detail
    assert "old: Error: 1 licenses, unsupported" in told.detail


def test_a_system_of_three_with_one_down() -> None:
    found = parse_output(VENDORS)
    assert (found.reported_name, found.license_server_host) == ("h2", "h2")
    told = notice(VENDORS, "License server h3 is down")
    assert told.level is Level.WARN
    assert "Operation now in progress" in told.detail


@pytest.mark.parametrize("vendor", ["gammad", "deltad"])
def test_a_vendor_daemon_that_is_down_is_critical(vendor: str) -> None:
    assert notice(VENDORS, f"Vendor daemon {vendor} is down").level is Level.CRITICAL


GONE = "Users of x: Cannot get users of x: The desired vendor daemon is down. (-97,121)\n"


@pytest.mark.parametrize("said", ["DOWN", "The desired vendor daemon is down. (-97,121)"])
@pytest.mark.parametrize("features", ["", GONE])
def test_no_daemon_up_is_no_answer(said: str, features: str) -> None:
    text = HEAD.format(vendor="CITRIX").replace("UP v11.13\nF", f"{said}\nF") + features
    error = parse_error(text).failure
    assert error.kind is FailureKind.UNAVAILABLE
    assert "vendor daemon CITRIX at 27000@lic01 is down" in error.message


def test_features_of_the_one_daemon_that_is_down_are_unknown_not_gone() -> None:
    text = feature(
        "Users of y:  (Total of 5 licenses issued;  Total of 1 license in use)",
        "  betad: The desired vendor daemon is down. (-97,121)",
        GONE,
    )
    assert [each.product for each in parse_output(text).pools] == ["y", "x"]
    assert pool(text, "x").reading == Reading()
    assert "x: Cannot get users" in notice(text, "without counts").detail


def test_only_start_up_licenses() -> None:
    text = feature(
        "Users of CITRIX:  (Total of 10 licenses issued;  Total of 0 licenses in use)",
        vendor="CITRIX",
    )
    assert notice(text, "Only start-up").level is Level.WARN


@pytest.mark.parametrize(
    "line",
    [
        "Users of x:  (Total of 5 licenses issued;  Total of 1 license in use)",
        "Users of x: (Total of 5 licenses issued; Total of 1 license in use)",
        "  Users of x:      (Total of 5 licenses issued;   Total of 1 licenses in use)",
        "Users of x:  (Total of 5 licenses issued;  1 licenses in use)",
        "Users of x:\t(Total of 5 licenses issued;\tTotal of 1 license in use)",
        "Users of x:  (Total of 5 borrowable licenses issued;  Total of 1 license in use)",
    ],
)
def test_forms_of_a_feature(line: str) -> None:
    found = pool(feature(line), "x").reading
    assert (found.installed, found.in_use) == (5, 1)


@pytest.mark.parametrize(
    ("expiry", "expected"),
    [
        (", expiry: 30-dec-2027", (date(2027, 12, 30), False)),
        (", expiry: permanent(no expiration date)", (None, True)),
        (", expiry: permanent", (None, True)),
        (", expiry: 1-jan-0", (None, True)),
        (", expiry: 01-jan-0000", (None, True)),
        (", expiry: soon", (None, None)),
        ("", (None, None)),
    ],
)
def test_forms_of_an_end(expiry: str, expected: tuple[date | None, bool | None]) -> None:
    text = feature(
        "Users of x:  (Total of 5 licenses issued;  Total of 1 license in use)",
        f'"x" v1.0, vendor: vendord{expiry}',
    )
    found = pool(text, "x")
    assert (found.expires, found.permanent) == expected
