"""The output of lmstat: pools, license users, and any other text."""

import re
import time
from collections import Counter
from datetime import date

import pytest
from tests.support.lmstat import (
    CITRIX,
    HEAD,
    NOW,
    VENDORS,
    feature,
    local_timestamp,
    notice,
    parse_error,
    parse_output,
    pool,
)

from lictui.model import FailureKind, Level, LicenseUser, Model, Reading, Reservation
from lictui.sources.flexnet.source import lmstat_license_users
from lictui.sources.source import SourceError

# Most tests are about one feature, x
X = "Users of x:  (Total of 5 licenses issued;  Total of 1 license in use)"


UNUSED_DESK = "Users of desk:  (Total of 4 licenses issued;  Total of 0 licenses in use)"
UNUSED_MPS = "Users of MPS_ENT_CCU:  (Total of 2 licenses issued;  Total of 0 licenses in use)"
COUNTED = {"counted": True, "model": Model.CONCURRENT}
UNCOUNTED = {"counted": False, "model": Model.OTHER}


@pytest.mark.parametrize(
    ("text", "product", "reading", "fields"),
    [
        (
            CITRIX,
            "XDT_ENT_UD",
            Reading(184, 250),
            {
                "name": "Citrix Virtual Apps and Desktops Advanced",
                "model": Model.USER_DEVICE,
                "vendor": "CITRIX",
                "counted": True,
                "subscription_date": date(2026, 12, 1),
                "expires": date(2027, 3, 31),
                "permanent": False,
                "partial_expiry": False,
                "license_type": "Retail",
                "queued": 2,
            },
        ),
        (CITRIX, "CITRIX", Reading(1, 10000), {"counted": False, "permanent": True}),
        (  # of several versions, the first expiry
            CITRIX,
            "PVS_STD_CCS",
            Reading(80, 90),
            {"subscription_date": None, "expires": date(2027, 3, 31), "partial_expiry": True},
        ),
        (  # listed twice by this daemon, once by another one
            VENDORS,
            "solver (alphad)",
            Reading(3, 10),
            {"name": "solver (alphad)", "vendor": "alphad", "permanent": True} | COUNTED,
        ),
        (VENDORS, "SERIAL", Reading(1), UNCOUNTED),
        (VENDORS, "old", Reading(), UNCOUNTED),
        (VENDORS, "desk", Reading(1, 4), COUNTED),  # node-locked
        (feature(UNUSED_DESK), "desk", Reading(0, 4), COUNTED),
        (VENDORS, "many", Reading(3), {"counted": True}),
        # Another vendor's feature is its own name
        (feature(UNUSED_MPS), "MPS_ENT_CCU", Reading(0, 2), {"name": "MPS_ENT_CCU"} | COUNTED),
        (  # Its version names the vendor, whichever daemon lists it
            feature(UNUSED_MPS, '"MPS_ENT_CCU" v2026.1201, vendor: CITRIX'),
            "MPS_ENT_CCU",
            Reading(0, 2),
            {"vendor": "CITRIX", "subscription_date": date(2026, 12, 1)},
        ),
    ],
    ids=range(11),
)
def test_lmstat_feature_is_a_pool(
    text: str, product: str, reading: Reading, fields: dict[str, object]
) -> None:
    result = pool(text, product)
    assert result.reading == reading
    assert {name: getattr(result, name) for name in fields} == fields


def test_lmstat_output_of_citrix_is_a_snapshot() -> None:
    result = parse_output(CITRIX)
    names = (result.reported_name, result.license_server_host, result.version, result.mode)
    assert names == ("lic01", "lic01", "11.19.4", None)
    assert len(result.pools) == 4
    raw = dict(result.pools[1].raw_fields)
    assert (raw["reserved for group"], raw["borrowed or lingering"]) == ("5", "1")
    assert raw["version"] == "2026.1201"
    assert {"installed", "in_use", "queued"} <= set(dict(result.pools[1].formulas))


def test_lmstat_reservations_are_a_notice_without_names() -> None:
    result = notice(CITRIX, "Reserved")
    assert (result.kind, result.level) == ("server", Level.OK)
    assert result.detail == "XDT_ENT_UD 6 (5 for groups, 1 for users)"
    assert "bob" not in repr(parse_output(CITRIX))


@pytest.mark.parametrize("separator", ["\r\n\r\n", "   \n", "\n\t  "])
def test_lmstat_line_ends_and_indentation_change_nothing(separator: str) -> None:
    for text in (CITRIX, VENDORS):
        changed = text.replace("\n", separator)
        assert parse_output(changed) == parse_output(text)
        users, changed_users = (
            lmstat_license_users(version, "l", NOW) for version in (text, changed)
        )
        assert changed_users == users


def listings(*daemons: tuple[str, dict[str, tuple[int, int, str]]]) -> str:
    """Output of daemons that list features: issued, in use, and the vendor of the version."""
    lines = [HEAD.partition("  {vendor}")[0]]
    for daemon, features in daemons:
        lines.append(f"  {daemon}: UP v11.13\nFeature usage info:\n")
        for name, (issued, in_use, vendor) in features.items():
            counts = f"(Total of {issued} licenses issued;  Total of {in_use} licenses in use)"
            lines.append(f"Users of {name}:  {counts}\n")
            if vendor:
                lines.append(f'  "{name}" v24.0, vendor: {vendor}\n  floating license\n')
            lines += [
                f"    user{number} pc{number} pc{number} (v24) (h1/27000 {number}),"
                " start Tue 11/24 8:09\n"
                for number in range(in_use)
            ]
    return "\n".join(lines)


GATE_AND_DRAFT = {"gate": (35, 2, "newd"), "draft": (15, 1, "oldd")}
UNUSED = {"gate": (35, 0, ""), "draft": (15, 0, "")}
DARK = (7, 0, "")


@pytest.mark.parametrize(
    ("daemons", "pools"),
    [
        # A combined license file: each daemon lists everything
        (
            [("newd", GATE_AND_DRAFT), ("oldd", dict(reversed(GATE_AND_DRAFT.items())))],
            {"gate": (35, 2), "draft": (15, 1)},
        ),
        ([(daemon, UNUSED) for daemon in "abc"], {"gate": (35, 0), "draft": (15, 0)}),
        # ... while a license is checked out
        (
            [("newd", GATE_AND_DRAFT), ("oldd", GATE_AND_DRAFT | {"gate": (35, 3, "newd")})],
            {"gate": (35, 2), "draft": (15, 1)},
        ),
        # ... or one daemon lists its own features only
        (
            [("newd", GATE_AND_DRAFT | {"door": (5, 0, "")}), ("oldd", GATE_AND_DRAFT)],
            {"gate": (35, 2), "draft": (15, 1), "door": (5, 0)},
        ),
        # ... or has features of its own besides, and the same user, or the other's version
        *(
            (
                [
                    ("newd", {"gate": one, "door": (5, 0, "")}),
                    ("oldd", {"gate": two, "lamp": DARK}),
                ],
                {"gate": one[:2], "door": (5, 0), "lamp": (7, 0)},
            )
            for one, two in (
                ((35, 1, ""), (35, 1, "")),
                ((35, 1, ""), (35, 2, "newd")),
                ((35, 1, "oldd"), (35, 2, "")),
            )
        ),
        # Two vendors with a feature of one name
        (
            [("newd", UNUSED), ("oldd", {"gate": UNUSED["gate"]})],
            {"gate (newd)": (35, 0), "gate (oldd)": (35, 0), "draft": (15, 0)},
        ),
        (
            [("newd", {"gate": (35, 2, "newd")}), ("oldd", {"gate": (35, 1, "oldd")})],
            {"gate (newd)": (35, 2), "gate (oldd)": (35, 1)},
        ),
        (
            [("newd", {"gate": (35, 1, "newd")}), ("oldd", {"gate": (20, 1, "newd")})],
            {"gate (newd)": (35, 1), "gate (oldd)": (20, 1)},
        ),
    ],
    ids=range(10),
)
def test_lmstat_listing_of_a_second_daemon_counts_once(
    daemons: list[tuple[str, dict[str, tuple[int, int, str]]]], pools: dict[str, tuple[int, int]]
) -> None:
    text = listings(*daemons)
    result = parse_output(text).pools
    figures = [(pool.product, (pool.reading.installed, pool.reading.in_use)) for pool in result]
    assert dict(figures) == pools
    assert len(figures) == len(pools)
    users = Counter(user.product for user in lmstat_license_users(text, "lic01", NOW).users)
    assert users == Counter({product: in_use for product, (_, in_use) in pools.items()})


@pytest.mark.parametrize("down", ["newd", "oldd"])
def test_lmstat_listing_of_a_daemon_without_counts_is_not_counted_twice(down: str) -> None:
    gone = "Cannot get users of {0}: The desired vendor daemon is down. (-97,121)"
    text = listings(("newd", UNUSED), ("oldd", UNUSED))
    before, daemon, listing = text.partition(f"  {down}: UP")
    listing, following, after = listing.partition("  oldd: UP" if down == "newd" else "\0")
    listing = re.sub(
        r"Users of (\w+):  .*", lambda m: f"Users of {m[1]}: {gone.format(m[1])}", listing
    )
    pools = parse_output(before + daemon + listing + following + after).pools
    figures = [(item.product, item.reading.installed) for item in pools]
    assert figures == [("gate", 35), ("draft", 15)]


@pytest.mark.parametrize("counts", ["", "(3 of 5 tokens)"])
def test_lmstat_unknown_counts_are_a_notice(counts: str) -> None:
    text = feature(f"Users of x: {counts}", X.replace(" x:", " y:"))
    pools = [(item.product, item.reading) for item in parse_output(text).pools]
    assert pools == [("x", Reading()), ("y", Reading(1, 5))]
    assert f"x: {counts.strip('()') or 'no counts'}" in notice(text, "without counts").detail
    assert "old: Error: 1 licenses, unsupported" in notice(VENDORS, "without counts").detail


def test_lmstat_server_or_daemon_that_is_down_is_a_notice() -> None:
    result = parse_output(VENDORS)
    assert (result.reported_name, result.license_server_host) == ("h2", "h2")
    warning = notice(VENDORS, "License server h3 is down")
    assert warning.level is Level.WARN
    assert "Operation now in progress" in warning.detail
    for vendor in ("gammad", "deltad"):
        daemon = notice(VENDORS, f"Vendor daemon {vendor} is down")
        assert daemon.level is Level.CRITICAL


def test_lmstat_server_that_is_up_names_a_group_without_a_master() -> None:
    text = feature(X).replace(
        "h1: license server UP (MASTER)", "a: license server DOWN\nb: license server UP"
    )
    result = parse_output(text)
    assert (result.reported_name, result.license_server_host) == ("b", "h1")
    assert parse_output(text.replace(" (on h1)", "")).license_server_host == "b"


@pytest.mark.parametrize(
    ("line", "vendor", "action"),
    [
        (
            "Users of CITRIX:  (Total of 9 licenses issued;  Total of 0 licenses in use)",
            "CITRIX",
            1,
        ),
        ("Users of x:  (Uncounted, node-locked)", "vendord", 0),
        (X, "CITRIX", 0),
    ],
    ids=["start-up only", "another vendor", "counted"],
)
def test_lmstat_of_a_server_under_las_is_a_notice(line: str, vendor: str, action: int) -> None:
    notices = parse_output(feature(line, vendor=vendor)).notices
    assert [item.action for item in notices] == ["Add its site with source cvad."] * action


GONE = "Users of x: Cannot get users of x: The desired vendor daemon is down. (-97,121)\n"


@pytest.mark.parametrize("state", ["DOWN", "The desired vendor daemon is down. (-97,121)"])
@pytest.mark.parametrize("features", ["", GONE])
def test_lmstat_without_a_daemon_that_is_up_is_unavailable(state: str, features: str) -> None:
    text = HEAD.format(vendor="CITRIX").replace("UP v11.13\nF", f"{state}\nF") + features
    error = parse_error(text)
    assert error.kind is FailureKind.UNAVAILABLE
    assert "vendor daemon CITRIX at 27000@lic01 is down" in error.message


def test_lmstat_features_of_a_daemon_that_is_down_are_unknown() -> None:
    text = feature(
        X, "  betad: The desired vendor daemon is down. (-97,121)", GONE.replace("x", "z")
    )
    assert [item.reading for item in parse_output(text).pools] == [Reading(1, 5), Reading()]
    assert "z: Cannot get users" in notice(text, "without counts").detail


@pytest.mark.parametrize(
    "line",
    [
        "Users of x: (Total of 5 licenses issued; Total of 1 license in use)",
        "Users of x:  (Total of 5 licenses issued;  1 licenses in use)",
        "Users of x:  (Total of 5 borrowable licenses issued;  1 borrowable license in use)",
    ],
)
def test_lmstat_counts_are_read_in_every_form(line: str) -> None:
    result = pool(feature(line), "x").reading
    assert (result.installed, result.in_use) == (5, 1)


@pytest.mark.parametrize(
    ("expiry", "expected"),
    [
        (", expiry: 30-dec-2027", (date(2027, 12, 30), False)),
        (", expiry: permanent(no expiration date)", (None, True)),
        (", expiry: 1-jan-0", (None, True)),
        (", expiry: soon", (None, None)),
    ],
)
def test_lmstat_expiry_is_read_in_every_form(
    expiry: str, expected: tuple[date | None, bool | None]
) -> None:
    text = feature(X, f'"x" v1.0, vendor: vendord{expiry}')
    result = pool(text, "x")
    assert (result.expires, result.permanent) == expected


# License users


def test_lmstat_details_in_column_0_and_process_ids_at_the_end_are_read() -> None:
    text = feature(  # as lmstat 11.19.6 prints it
        "Users of MAT:  (Total of 10000 licenses issued;  Total of 1 license in use)",
        '\n  \n"MAT" v54, vendor: MLM, expiry: 30-oct-2027',
        "  vendor_string: vi=0:at=200:lo=TH:\n  floating license\n",
        "    user1 n08-02.core.test /dev/pts/0 (v50) (lic1/27000 16636), start Tue 7/14 23:35,"
        " PID: 3278807 ",
    )
    assert pool(text, "MAT").reading == Reading(1, 10000)
    assert pool(text, "MAT").expires == date(2027, 10, 30)
    (user,) = lmstat_license_users(text, "lic01", NOW).users
    assert (user.user, user.device, user.count) == ("user1", "n08-02.core.test", 1)
    assert user.since == local_timestamp(2026, 7, 14, 23, 35)


def test_lmstat_reservations_are_listed_with_the_license_users() -> None:
    line = "    ann pc1 pc1 (v1.0) (h1/27000 101), start Tue 11/24 8:09"
    reserved = (
        "\t10 RESERVATIONs for GROUP Finance Dept (h1/27000)\n"
        "\t1 RESERVATION for USER bob (h1/27000)\n"
        "\t2 RESERVATIONs for GROUP Finance Dept (h1/27000)"
    )
    answer = lmstat_license_users(feature(X, line, reserved), "lic01", NOW)
    assert [user.user for user in answer.users] == ["ann"]
    assert answer.reservations == (
        Reservation("x", 12, "group", "Finance Dept"),
        Reservation("x", 1, "user", "bob"),
    )


def test_lmstat_usage_lines_are_license_users() -> None:
    result = {item.user: item for item in lmstat_license_users(CITRIX, "lic01", NOW).users}
    assert "carl" not in result  # he waits
    assert result["anna"] == LicenseUser(
        "XDT_ENT_UD",
        "anna",
        "pc01",
        local_timestamp(2026, 11, 24, 8, 9),
        3,
        subscription_date=date(2026, 12, 1),
    )
    bernd = result["Bernd von Stein"]
    assert (bernd.device, bernd.since) == ("PC02", local_timestamp(2025, 12, 28, 23, 59))
    assert result["dora"].device == "pc04"
    assert result["dora"].since == local_timestamp(2024, 2, 29, 1, 2)
    assert not bernd.assigned


@pytest.mark.parametrize(
    ("names", "user", "host"),
    [
        ("anna pc01 pc01", "anna", "pc01"),
        ("Anna von Stein pc01 PC01", "Anna von Stein", "pc01"),
        ("anna pc01 /dev/pts/1", "anna", "pc01"),
        ("anna pc01 pc01 1234", "anna", "pc01"),
        ("anna pc01.acme.test pc01:11.0 more", "anna", "pc01.acme.test"),
        ("anna pc01 pc01:0894_1 2029.01", "anna", "pc01"),
        ("anna maria maria-pc maria-pc more", "anna maria", "maria-pc"),
        ('"anna" pc01 /dev/pts/1', "anna", "pc01"),
        ("anna", "anna", ""),
        # A process id or a word of another meaning follows the display
        ("user1 ibnode7.hpc node7.hpc 31007", "user1", "ibnode7.hpc"),
        ("user1 nodea nodeb PATRAN 31007", "user1", "nodea"),
        ("ctx01 pc1 MPS 31007", "ctx01", "pc1"),
        ("Anna von Stein pc01 Console", "Anna von Stein", "pc01"),
        ('"Anna Stein" pc01 display PATRAN 7', "Anna Stein", "pc01"),
        ("1 " * 900 + "1", "1", "1"),
        (
            "a (v1) (x/1 1) queued for 9 licenses pc01 pc01",
            "a (v1) (x/1 1) queued for 9 licenses",
            "pc01",
        ),
    ],
)
def test_lmstat_user_and_host_are_read_whatever_the_display_is(
    names: str, user: str, host: str
) -> None:
    text = feature(X, f"    {names} (v1.0) (h1/27000 101), start Tue 11/24 8:09")
    (result,) = lmstat_license_users(text, "lic01", NOW).users
    assert (result.user, result.device) == (user, host)
    assert pool(text, "x").queued == 0


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("Tue 11/24 9:15", (2026, 11, 24, 9, 15)),
        ("Wed 11/25 0:00", (2026, 11, 24, 9, 15)),  # its clock is a zone ahead: just now
        ("Tue 11/25 0:00", (2025, 11, 25, 0, 0)),
        ("Thu 1/1 0:00", (2026, 1, 1, 0, 0)),
    ],
)
def test_lmstat_start_has_the_most_recent_year(start: str, expected: tuple[int, ...]) -> None:
    text = feature(X, f"    a b c (v1.0) (h1/27000 101), start {start}")
    (result,) = lmstat_license_users(text, "lic01", NOW).users
    assert result.since == local_timestamp(*expected)


# Any text


def test_lmstat_hostile_text_is_sanitized() -> None:
    evil = "\x1b]0;x\x07\u202e[/b]"
    text = feature(
        f"Users of a{evil}:  (Total of 5 licenses issued;  Total of 1 license in use)",
        f'"a" v1{evil}, vendor: v, expiry: {evil}',
        f"vendor_string: {evil}",
        f"u{evil} h{evil} d (v1) (h/1 1), start Tue 11/24 8:09, 99999999999999999999 licenses",
    )
    for shown in (repr(parse_output(text)), repr(lmstat_license_users(text, "lic01", NOW).users)):
        assert r"\x1b" not in shown
        assert "u202e" not in shown


@pytest.mark.parametrize(
    "line",
    [
        "Users of x:  (" + "Total of 1" * 3000,
        "Users of x:  (Total of 5 licenses issued" + "; " * 3000,
        "a " * 3000 + "(v1) (h/1 1), start " + "1/" * 3000,
        "floating" + " license" * 3000,
        "Error getting status: " + "name " * 3000,
    ],
)
def test_lmstat_no_line_takes_long(line: str) -> None:
    before = time.process_time()
    text = feature("Users of y:  (Total of 5 licenses issued;  Total of 1 license in use)", line)
    for item in (text, line):
        try:
            parse_output(item)
        except SourceError:
            continue
    assert time.process_time() - before < 1
