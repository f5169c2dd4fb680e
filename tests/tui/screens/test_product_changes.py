"""Lines of the journal as marks on the time axis."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from tests.support.example_board import pool, up_status

from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.engine.merge import merge_board
from lictui.model import Event, EventKind, Level
from lictui.tui.screens.usage_outlook import event_filter, event_marks, expiry_marks, mark_line
from lictui.tui.screens.usage_query import select_product
from lictui.tui.theme import UNICODE_SYMBOLS
from lictui.tui.widgets.chart_view import Mark, MarkKind

BERLIN = ZoneInfo("Europe/Berlin")


def test_each_kind_of_change_has_a_sign_of_its_own() -> None:
    kinds = (
        (EventKind.LICENSES, Level.OK, MarkKind.LICENSES),
        (EventKind.LICENSES, Level.WARN, MarkKind.REMOVED),
        (EventKind.SERVER, Level.CRITICAL, MarkKind.SERVER_DOWN),
        (EventKind.SERVER, Level.OK, MarkKind.SERVER_UP),
        (EventKind.VERSION, Level.OK, MarkKind.VERSION),
        (EventKind.ACTIVATION, Level.OK, MarkKind.ACTIVATION),
        (EventKind.CERTIFICATE, Level.OK, MarkKind.CERTIFICATE),
        (EventKind.NOTICE, Level.WARN, MarkKind.NOTICE),
    )
    events = [Event(1.0, kind, "lic-01", "\x1b[31mso", "", level) for kind, level, _ in kinds]
    found = event_marks(events, alone=False)
    assert [each.kind for each in found] == [sign for *_, sign in kinds]
    assert found[0].text == "lic-01:  [31mso"
    assert event_marks(events[:1], alone=True)[0].text == " [31mso"


def test_levels_are_not_asked_for_since_the_curve_says_them() -> None:
    board = Board((up_status("lic-01", pool("X", 1, 2)),))
    asked = event_filter(select_product(merge_board(board), ("lic-01",), "X", Settings()))
    assert (asked.servers, asked.product) == (("lic-01",), "X")
    assert EventKind.LEVEL not in asked.kinds
    assert EventKind.LICENSES in asked.kinds


def test_licenses_end_on_the_local_day_that_they_expire() -> None:
    board = Board((up_status("lic-01", pool("X", 1, 20, expires=date(2026, 12, 1))),))
    whose = select_product(merge_board(board), ("lic-01",), "X", Settings())
    at = 1796079600  # midnight of 1 December in Berlin
    (found,) = expiry_marks(whose, at, at + 1, BERLIN)
    assert (found.time, found.text) == (at, "20 licenses expire")
    assert list(expiry_marks(whose, at - 9, at, BERLIN)) == []


def test_the_words_fit_and_say_how_many_more_there_are() -> None:
    near = (
        Mark(1796079600, MarkKind.SERVER_DOWN, "lic-01: lost " * 20),
        Mark(0, MarkKind.SERVER_UP, "found"),
    )
    line = "".join(text for text, _ in mark_line(near, BERLIN, 78, UNICODE_SYMBOLS))
    assert len(line) <= 78
    assert line.startswith("· 1 Dec 00:00  lic-01: lost")
    assert line.endswith("and 1 more")
    assert mark_line((), BERLIN, 78, UNICODE_SYMBOLS) == ()
