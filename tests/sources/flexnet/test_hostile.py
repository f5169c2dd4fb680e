from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.lmstat import CITRIX, NOW, VENDORS, feature, parse_output

from lictui.sources.flexnet.source import lmstat_license_users
from lictui.sources.source import SourceError


def test_hostile_text_is_harmless() -> None:
    evil = "\x1b]0;x\x07\u202e[/b]"
    text = feature(
        f"Users of a{evil}:  (Total of 5 licenses issued;  Total of 1 license in use)",
        f'"a" v1{evil}, vendor: v, expiry: {evil}',
        f"vendor_string: {evil}",
        f"u{evil} h{evil} d (v1) (h/1 1), start Tue 11/24 8:09, 99999999999999999999 licenses",
    )
    for said in (repr(parse_output(text)), repr(lmstat_license_users(text, NOW))):
        assert r"\x1b" not in said
        assert "u202e" not in said


def test_ten_megabytes_are_read_quickly() -> None:
    use = "    user{0} pc{0} pc{0} (v1.0) (h1/27000 {0}), start Tue 11/24 8:09\n"
    uses = "".join(use.format(n) for n in range(150_000))
    head = feature("Users of x:  (Total of 5 licenses issued;  Total of 1 license in use)\n")
    features = "".join(
        f"Users of f{n}:  (Total of 5 licenses issued;  Total of 1 license in use)\n"
        for n in range(130_000)
    )
    for text in (head + uses, head + features, head + "\n" * 10**7, head + "(v" * 5 * 10**6):
        before = time.process_time()
        parse_output(text)
        assert time.process_time() - before < 8


@pytest.mark.parametrize(
    "line",
    [
        "x: " + "(-1" * 3000,
        "Users of x:  (" + "Total of 1" * 3000,
        "Users of x:  (Total of 5 licenses issued" + "; " * 3000,
        "a " * 3000 + "(v1) (h/1 1), start " + "1/" * 3000,
        '"' * 6000,
        " (v" * 6000,
        "floating" + " license" * 3000,
        "Error getting status: " + "name " * 3000,
    ],
)
def test_no_line_takes_long(line: str) -> None:
    before = time.process_time()
    text = feature("Users of y:  (Total of 5 licenses issued;  Total of 1 license in use)", line)
    for each in (text, line):
        try:
            parse_output(each)
        except SourceError:
            continue
    assert time.process_time() - before < 1


LINES = sorted({line for text in (CITRIX, VENDORS) for line in text.splitlines()})


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(LINES) | st.text(max_size=80), max_size=40))
def test_any_order_of_lines(lines: list[str]) -> None:
    total(("\n").join(lines))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_spoiled_outputs(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([CITRIX, VENDORS]))
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 30)))
        text = text[:start] + data.draw(st.text(max_size=10)) + text[end:]
    total(text)


def total(text: str) -> None:
    """Whatever it is, it is a Snapshot with figures that can be, or a SourceError."""
    try:
        found = parse_output(text)
    except SourceError:
        return
    for each in found.pools:
        assert each.product.isprintable()
        for figure in (each.reading.in_use, each.reading.installed, each.queued):
            assert figure is None or figure >= 0
    for holder in lmstat_license_users(text, NOW):
        assert holder.since is None or holder.since <= NOW
