"""Simulated FlexNet server: its output, and that it has exactly the inventory in use."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START

from lictui.simulator import License
from lictui.simulator.flexnet import (
    FlexFeature,
    FlexServer,
    LmstatLayout,
    Seat,
    VersionGroup,
    flex_server,
    lmstat_text,
    seats,
)

_MORNING = datetime(2026, 11, 24, 8, 9, tzinfo=UTC).timestamp()
_SEATS = (
    Seat("a.berg1", "ws-1", "10.0.0.1", _MORNING),
    Seat("Anna Maria Berg", "ws-2", "10.0.0.2", _MORNING, count=3),
    Seat("c.dahl", "ws-3", "ws-3:0", _MORNING, linger=(60, 1800)),
    Seat("e.kaya", "ws-4", "10.0.0.4", queued=True),
)
_GROUPS = (
    VersionGroup("2026.1201", "30-dec-2026", _SEATS, ";LT=Retail"),
    VersionGroup("2027.0301", "permanent(no expiration date)", (), ""),
)
_FEATURES = (FlexFeature("XDT_ENT_UD", 250, 5, _GROUPS), FlexFeature("MPS_ENT_CCU", 1, 1, ()))
_SERVER = FlexServer("lic2", 27001, "CITRIX", _FEATURES, START)
_TEXT = """\
lmutil - Copyright (c) 1989-2026 Flexera. All Rights Reserved.
Flexible License Manager status on Tue 11/24/2026 06:00

License server status: 27001@lic2
    License file(s) on lic2: /opt/licenses/license.lic:

 lic2: license server UP (MASTER) v11.19.4

Vendor daemon status (on lic2):

    CITRIX: UP v11.19
Feature usage info:

Users of XDT_ENT_UD:  (Total of 250 licenses issued;  Total of 5 licenses in use)

  "XDT_ENT_UD" v2026.1201, vendor: CITRIX, expiry: 30-dec-2026
  vendor_string: ;LT=Retail
  floating license

    a.berg1 ws-1 10.0.0.1 (v2026.1201) (lic2/27001 101), start Tue 11/24 8:09
    Anna Maria Berg ws-2 10.0.0.2 (v2026.1201) (lic2/27001 102), start Tue 11/24 8:09, 3 licenses
    c.dahl ws-3 ws-3:0 (v2026.1201) (lic2/27001 103), start Tue 11/24 8:09 (linger: 60 / 1800)
    e.kaya ws-4 10.0.0.4 (v2026.1201) (lic2/27001 104) queued for 1 license

  "XDT_ENT_UD" v2027.0301, vendor: CITRIX, expiry: permanent(no expiration date)
  floating license


Users of MPS_ENT_CCU:  (Total of 1 license issued;  Total of 1 license in use)

"""


def _pool(in_use: int, product: str = "XDT_ENT_UD", year: int = 2026) -> License:
    on = date(year, 12, 1)
    return License(product, "", "Retail", on, date(2027, 3, 31), 500, 50, in_use)


def test_lmstat_text_has_the_layout_of_citrix() -> None:
    assert lmstat_text(_SERVER) == _TEXT


def test_lmstat_layout_changes_only_line_ends_blank_lines_and_local_time() -> None:
    text = lmstat_text(_SERVER, LmstatLayout(newline="\r\n", airy=True, hours=1))
    lines = text.split("\r\n")
    assert all(bool(line) != bool(at % 2) for at, line in enumerate(lines[:-1]))
    expected = _TEXT.replace("06:00", "07:00").replace("8:09", "9:09").splitlines()
    assert [line for line in lines if line] == [line for line in expected if line]


@given(in_use=st.integers(0, 400), seed=st.integers(0, 5))
def test_seats_hold_exactly_what_is_in_use(in_use: int, seed: int) -> None:
    taken = tuple(seats("X", in_use, seed, START))
    assert sum(seat.count for seat in taken) == in_use
    assert all(START - 9 * 3600 <= seat.start <= START for seat in taken)


def test_other_vendors_have_versions_and_a_queue() -> None:
    waiting = replace(_pool(500, "docman"), queued=3)
    text = lmstat_text(flex_server([waiting], START, name="lic1", vendor="legald"))
    assert '"docman" v26.12, vendor: legald, expiry: 31-mar-2027' in text
    assert "    legald: UP" in text
    assert text.count("queued for 1 license\n") == 3
    assert "Total of 500 licenses in use" in text
    assert "queued" not in lmstat_text(flex_server([waiting], START, name="lic1"))
