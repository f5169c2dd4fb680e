"""A stocked FlexNet server hands out exactly what its inventory says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START

from lictui.simulator.flexnet import flex_server, lmstat_text, seats, udadmin_text
from lictui.simulator.inventory import License


def _held(in_use: int, product: str = "XDT_ENT_UD", year: int = 2026) -> License:
    on = date(year, 12, 1)
    return License(product, "", "Retail", on, date(2027, 3, 31), 500, 50, in_use)


@given(in_use=st.integers(0, 400), seed=st.integers(0, 5))
def test_exactly_so_many_are_held(in_use: int, seed: int) -> None:
    held = seats("X", in_use, seed, START)
    assert sum(seat.count for seat in held) == in_use
    assert all(START - 9 * 3600 <= seat.start <= START for seat in held)


def test_people_stay_while_others_come() -> None:
    before, after = seats("X", 50, 1, START), seats("X", 60, 1, START + 60)
    names = [seat.user for seat in after]
    assert [seat.user for seat in before] == names[: len(before)]
    assert len(set(names)) == len(names)
    same = [a.start == b.start for a, b in zip(before, after, strict=False)]
    assert sum(same) > 0.9 * len(same)
    assert any(" " in name for name in names)


def test_another_seed_is_other_people() -> None:
    assert seats("X", 50, 1, START) != seats("X", 50, 2, START)


def test_pools_of_one_product_are_version_groups_of_one_feature() -> None:
    server = flex_server([_held(7), _held(5, year=2027)], START, name="lic1")
    (feature,) = server.daemons[0].features
    assert (feature.issued, feature.in_use) == (1100, 12)
    assert [group.version for group in feature.groups] == ["2026.1201", "2027.1201"]
    assert [sum(seat.count for seat in group.seats) for group in feature.groups] == [7, 5]
    assert feature.groups[0].expiry == "31-mar-2027"


def test_other_vendors_have_versions_and_no_dates() -> None:
    text = lmstat_text(flex_server([_held(1, "docman")], START, name="lic1", vendor="legald"))
    assert '"docman" v26.12, vendor: legald, expiry: 31-mar-2027' in text
    assert "    legald: UP" in text


def test_who_waits_is_in_the_queue_of_other_vendors_alone() -> None:
    waiting = replace(_held(500, "docman"), queued=3)
    text = lmstat_text(flex_server([waiting], START, name="lic1", vendor="legald"))
    assert text.count("queued for 1 license\n") == 3
    assert "Total of 500 licenses in use" in text
    assert "queued" not in lmstat_text(flex_server([waiting], START, name="lic1"))


@pytest.mark.parametrize("times", [True, False])
def test_udadmin_has_a_line_for_each_assignment(times: bool) -> None:  # noqa: FBT001
    text = udadmin_text([_held(40), _held(9, "XDT_PLT_UD")], START, times=times)
    assert text.startswith("Usage data is 0 minutes old. Next update in 15 minutes.\r\nUsers:\r\n")
    when = r" \(\w{3} \w{3} \d\d \d\d:\d\d:\d\d 2026\)" if times else ""
    lines = re.findall(rf"^ \S.* (XDT_\w+) 2026\.1201{when}\r$", text, re.MULTILINE)
    assert (lines.count("XDT_ENT_UD"), lines.count("XDT_PLT_UD")) == (40, 9)
    users, devices = text.split("Devices:\r\n")
    assert devices.count("XDT_") > 2 < users.count("XDT_")
    assert not set(re.findall(r"ws-\S+", users))
