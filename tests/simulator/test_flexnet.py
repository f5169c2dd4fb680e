"""Simulated FlexNet server: its output, and that it has exactly the inventory in use."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.clock import START

from lictui.simulator import License
from lictui.simulator.flexnet import FlexServer, seats


def _pool(in_use: int, product: str = "XDT_ENT_UD", year: int = 2026) -> License:
    on, expires = date(year, 12, 1), date(2027, 3, 31) if year == 2026 else None
    return License(product, "", "Retail", on, expires, 500, 50, in_use)


_SERVER = FlexServer("lic2", seed=604)
_POOLS = (_pool(4), _pool(0, year=2027))
_TEXT = """\
lmutil - Copyright (c) 1989-2026 Flexera. All Rights Reserved.
Flexible License Manager status on Tue 11/24/2026 06:00

License server status: 27000@lic2
    License file(s) on lic2: /opt/licenses/license.lic:

 lic2: license server UP (MASTER) v11.19.4

Vendor daemon status (on lic2):

    CITRIX: UP v11.19
Feature usage info:

Users of XDT_ENT_UD:  (Total of 1100 licenses issued;  Total of 4 licenses in use)

  "XDT_ENT_UD" v2026.1201, vendor: CITRIX, expiry: 31-mar-2027
  vendor_string: ;LT=Retail;GP=720;SA=1;ODP=0
  floating license

    ines fischer0 ws-022-0000 10.14.0.1 (v2026.1201) (lic2/27000 101), start Mon 11/23 22:22\
 (linger: 422 / 1800)
    e.ito1 ws-488-0001 10.24.0.2 (v2026.1201) (lic2/27000 102), start Mon 11/23 23:18, 2 licenses
    i.berg2 ws-746-0002 10.34.0.3 (v2026.1201) (lic2/27000 103), start Mon 11/23 21:17

  "XDT_ENT_UD" v2027.1201, vendor: CITRIX, expiry: permanent(no expiration date)
  vendor_string: ;LT=Retail;GP=720;SA=1;ODP=0
  floating license


"""


def test_lmstat_text_has_the_layout_of_citrix() -> None:
    assert _SERVER.lmstat_text(_POOLS, START) == _TEXT


def test_lmstat_layout_changes_only_line_ends_blank_lines_and_local_time() -> None:
    other = replace(_SERVER, newline="\r\n", airy=True, hours=1)
    lines = other.lmstat_text(_POOLS, START).split("\r\n")
    assert all(bool(line) != bool(at % 2) for at, line in enumerate(lines[:-1]))
    text = "\n".join(filter(None, lines))
    local = {
        "07:00": "06:00",
        "23:22": "22:22",
        "Tue 11/24 0:18": "Mon 11/23 23:18",
        "22:17": "21:17",
    }
    for time, utc in local.items():
        text = text.replace(time, utc)
    assert text.splitlines() == [line for line in _TEXT.splitlines() if line]


@given(in_use=st.integers(0, 400), seed=st.integers(0, 5))
def test_seats_hold_exactly_what_is_in_use(in_use: int, seed: int) -> None:
    taken = tuple(seats("X", in_use, seed, START))
    assert sum(seat.count for seat in taken) == in_use
    assert all(START - 9 * 3600 <= seat.start <= START for seat in taken)


def test_other_vendors_have_versions_and_a_queue() -> None:
    waiting = replace(_pool(500, "docman"), queued=3)
    text = FlexServer("lic1", vendor="legald").lmstat_text([waiting], START)
    assert '"docman" v26.12, vendor: legald, expiry: 31-mar-2027' in text
    assert "    legald: UP" in text
    assert text.count("queued for 1 license\n") == 3
    assert "Total of 500 licenses in use" in text
    assert "queued" not in FlexServer("lic1").lmstat_text([waiting], START)
