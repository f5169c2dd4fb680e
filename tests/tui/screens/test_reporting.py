from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from tests.support.clock import START

from lictui.model import LicenseServer, ReportingStatus
from lictui.tui.screens.servers import license_server_lines
from lictui.tui.text import Tone
from lictui.tui.theme import ASCII_SYMBOLS, UNICODE_SYMBOLS

UTC = ZoneInfo("UTC")


def lines(*listed: LicenseServer) -> list[str]:
    found = license_server_lines(listed, UNICODE_SYMBOLS, UTC)
    return ["".join(text for text, _ in line) for line in found]


def test_no_license_servers_are_no_lines() -> None:
    assert not lines()


def test_the_worst_come_first() -> None:
    fine = LicenseServer(
        "A", "a.test", ReportingStatus.REPORTING, START - 3600, date(2027, 7, 27), 245
    )
    soon = LicenseServer(
        "B", "b.test", ReportingStatus.REPORTING, START - 3600, date(2026, 12, 1), 7
    )
    silent = LicenseServer("C", "c.test", ReportingStatus.NOT_REPORTING, START - 5 * 86400)
    never = LicenseServer("NEW[/x]")
    over = LicenseServer("E", "e.test", ReportingStatus.EXPIRED, START, date(2026, 11, 1), -23)
    head, *named = lines(fine, soon, silent, never, over)
    assert head == (
        "5 license servers: 1 expired · 1 not reporting · 1 never reported · 2 reporting"
    )
    order = ("e.test", "c.test", "NEW[/x]", "b.test", "a.test")
    assert all(name in line for name, line in zip(order, named, strict=True))
    assert "expired 1 Nov 2026" in named[0]
    assert "expires 27 Jul 2027" in named[4]


def test_three_hundred_are_counted_and_a_few_named() -> None:
    many = [LicenseServer(f"L{n:03}", status=ReportingStatus.NOT_REPORTING) for n in range(300)]
    found = lines(*many)
    assert len(found) == 10
    assert found[-1] == "and 292 more"
    assert found[0] == "300 license servers: 300 not reporting"


def test_a_bad_one_is_told_by_a_glyph_too() -> None:
    bad = LicenseServer("A", status=ReportingStatus.EXPIRED)
    for symbols in (UNICODE_SYMBOLS, ASCII_SYMBOLS):
        _, line = license_server_lines([bad], symbols, None)
        assert line[0][1] is Tone.CRITICAL
        assert not line[0][0].startswith(" A")
