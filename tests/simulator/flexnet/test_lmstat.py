"""The simulated lmstat writes every line class of the grammar, as the protocol notes have it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.clock import START

from lictui.simulator.flexnet import (
    FlexFeature,
    FlexHost,
    FlexServer,
    LmstatLayout,
    Reservation,
    Seat,
    VendorDaemon,
    VersionGroup,
    lmstat_text,
    unreachable_text,
)

_MORNING = datetime(2026, 11, 24, 8, 9, tzinfo=UTC).timestamp()
_SEATS = (
    Seat("a.berg1", "ws-1", "10.0.0.1", _MORNING),
    Seat("Anna Maria Berg", "ws-2", "", _MORNING, count=3, pid=4711),
    Seat("c.dahl", "ws-3", "ws-3:0", _MORNING, linger=(60, 1800), extra="feature=XDT_ENT_UD"),
    Seat("e.kaya", "ws-4", "10.0.0.4", queued=True),
)
_SERVER = FlexServer(
    (
        FlexHost("lic1"),
        FlexHost("lic2", 27001, master=True),
        FlexHost("lic3", error='(-15,570:115 "busy")'),
    ),
    (
        VendorDaemon(
            "CITRIX",
            features=(
                FlexFeature(
                    "XDT_ENT_UD",
                    250,
                    5,
                    (
                        VersionGroup(
                            "2026.1201",
                            "30-dec-2026",
                            _SEATS,
                            (Reservation(1, "GROUP", "ops"), Reservation(2, "HOST", "ws-9")),
                            ";LT=Retail",
                        ),
                        VersionGroup("2027.0301", "permanent(no expiration date)"),
                    ),
                ),
                FlexFeature("MPS_ENT_CCU", 1, 1),
                FlexFeature("CNS_V10_SERVER", instead="Uncounted, node-locked"),
                FlexFeature("OLD", instead="Error: 1 licenses, unsupported by licensed server"),
            ),
        ),
        VendorDaemon("legald", "v11.16", up=False),
    ),
    START,
    ("C:\\Licenses\\a.lic", "C:\\Licenses\\b.lic"),
)


def test_the_classic_layout_letter_by_letter() -> None:
    assert lmstat_text(_SERVER).splitlines() == [
        "lmutil - Copyright (c) 1989-2026 Flexera. All Rights Reserved.",
        "Flexible License Manager status on Tue 11/24/2026 06:00",
        "",
        "License server status: 27000@lic1,27001@lic2,27000@lic3",
        "    License file(s) on lic2: C:\\Licenses\\a.lic:C:\\Licenses\\b.lic:",
        "",
        " lic1: license server UP v11.19.4",
        " lic2: license server UP (MASTER) v11.19.4",
        'lic3: Cannot connect to license server system. (-15,570:115 "busy")',
        "",
        "Vendor daemon status (on lic2):",
        "",
        "    CITRIX: UP v11.19",
        "Feature usage info:",
        "",
        "Users of XDT_ENT_UD:  (Total of 250 licenses issued;  Total of 5 licenses in use)",
        "",
        '  "XDT_ENT_UD" v2026.1201, vendor: CITRIX, expiry: 30-dec-2026',
        "  vendor_string: ;LT=Retail",
        "  floating license",
        "",
        "\t1 RESERVATION for GROUP ops (lic2/27000)",
        "\t2 RESERVATIONs for HOST ws-9 (lic2/27000)",
        "    a.berg1 ws-1 10.0.0.1 (v2026.1201) (lic2/27000 101), start Tue 11/24 8:09",
        (
            "    Anna Maria Berg ws-2 (v2026.1201) (lic2/27000 102), start Tue 11/24 8:09,"
            " 3 licenses, PID: 4711"
        ),
        (
            "    c.dahl ws-3 ws-3:0 feature=XDT_ENT_UD (v2026.1201) (lic2/27000 103),"
            " start Tue 11/24 8:09 (linger: 60 / 1800)"
        ),
        "    e.kaya ws-4 10.0.0.4 (v2026.1201) (lic2/27000 104) queued for 1 license",
        "",
        '  "XDT_ENT_UD" v2027.0301, vendor: CITRIX, expiry: permanent(no expiration date)',
        "  floating license",
        "",
        "",
        "Users of MPS_ENT_CCU:  (Total of 1 license issued;  Total of 1 license in use)",
        "",
        "Users of CNS_V10_SERVER:  (Uncounted, node-locked)",
        "",
        "Users of OLD:  (Error: 1 licenses, unsupported by licensed server)",
        "",
        "    legald: DOWN v11.16",
        "Feature usage info:",
        "",
    ]


def _words(layout: LmstatLayout) -> list[str]:
    return [line.strip() for line in lmstat_text(_SERVER, layout).splitlines() if line.strip()]


@pytest.mark.parametrize(
    "layout",
    [
        LmstatLayout(airy=True),
        LmstatLayout(newline="\r\n"),
        LmstatLayout(flush=True),
        LmstatLayout(tab=False),
    ],
)
def test_layouts_change_blanks_and_nothing_else(layout: LmstatLayout) -> None:
    assert _words(layout) == _words(LmstatLayout())
    assert lmstat_text(_SERVER, layout) != lmstat_text(_SERVER)


def test_an_airy_one_has_a_blank_line_after_each() -> None:
    lines = lmstat_text(_SERVER, LmstatLayout(airy=True)).split("\n")
    assert all(bool(line) != bool(at % 2) for at, line in enumerate(lines[:-1]))


def test_details_may_begin_in_the_first_column() -> None:
    text = lmstat_text(_SERVER, LmstatLayout(flush=True))
    assert '\n"XDT_ENT_UD" v2026.1201' in text
    assert "\na.berg1 ws-1" in text


def test_counts_may_have_one_blank() -> None:
    text = lmstat_text(_SERVER, LmstatLayout(gap=" "))
    assert "UD: (Total of 250 licenses issued; Total of 5 licenses in use)" in text


def test_a_start_may_have_its_year_and_local_time() -> None:
    assert "start Tue 11/24/2026 9:09" in lmstat_text(_SERVER, LmstatLayout(year=True, hours=1))


def test_versions_nobody_uses_may_be_left_out() -> None:
    assert "2027.0301" not in lmstat_text(_SERVER, LmstatLayout(idle_groups=False))


def test_the_banner_and_its_line_about_lmgrd() -> None:
    layout = LmstatLayout(program="lmstat", owner="Flexera Software LLC", detecting=True)
    text = lmstat_text(replace(_SERVER, daemons=()), layout)
    assert text.startswith("lmstat - Copyright (c) 1989-2026 Flexera Software LLC.")
    assert "[Detecting lmgrd processes...]" in text


def test_a_quoted_feature_may_differ() -> None:
    group = VersionGroup("1.0", named="OTHER", kind='nodelocked license, locked to "ID=1"')
    text = lmstat_text(
        FlexServer(
            (FlexHost("a"),), (VendorDaemon(features=(FlexFeature("X", 1, 0, (group,)),)),), 0
        )
    )
    assert '"OTHER" v1.0, vendor: CITRIX\n  nodelocked license, locked to "ID=1"' in text


def test_nobody_answers() -> None:
    text = unreachable_text(START, '(-15,570:111 "Connection refused")')
    assert text.splitlines()[-1] == (
        'Error getting status: Cannot connect to license server (-15,570:111 "Connection refused")'
    )
    assert not re.search("Users of", text)
