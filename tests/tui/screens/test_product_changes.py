"""Lines of the journal as marks on the time axis."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from tests.support.estate import pool, up

from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.model import Event, EventKind, Level
from lictui.tui.screens.product_model import subject
from lictui.tui.screens.product_outlook import about, endings, marks, words
from lictui.tui.theme import UNICODE
from lictui.tui.widgets.chart_view import Mark, Sign

BERLIN = ZoneInfo("Europe/Berlin")


def test_each_kind_of_change_has_a_sign_of_its_own() -> None:
    kinds = (
        (EventKind.LICENSES, Level.OK, Sign.LICENSES),
        (EventKind.LICENSES, Level.WARN, Sign.GONE),
        (EventKind.SERVER, Level.CRITICAL, Sign.LOST),
        (EventKind.SERVER, Level.OK, Sign.FOUND),
        (EventKind.VERSION, Level.OK, Sign.VERSION),
        (EventKind.ACTIVATION, Level.OK, Sign.ACTIVATION),
        (EventKind.CERTIFICATE, Level.OK, Sign.CERTIFICATE),
        (EventKind.NOTICE, Level.WARN, Sign.NOTICE),
    )
    events = [Event(1.0, kind, "lic-01", "\x1b[31mso", "", level) for kind, level, _ in kinds]
    found = marks(events, alone=False)
    assert [each.sign for each in found] == [sign for *_, sign in kinds]
    assert found[0].words == "lic-01:  [31mso"
    assert marks(events[:1], alone=True)[0].words == " [31mso"


def test_levels_are_not_asked_for_since_the_curve_says_them() -> None:
    board = Board((up("lic-01", pool("X", 1, 2)),))
    asked = about(subject(board, ("lic-01",), "X", Settings()))
    assert (asked.servers, asked.product) == (("lic-01",), "X")
    assert EventKind.LEVEL not in asked.kinds
    assert EventKind.LICENSES in asked.kinds


def test_licenses_end_on_the_local_day_that_they_expire() -> None:
    board = Board((up("lic-01", pool("X", 1, 20, expires=date(2026, 12, 1))),))
    whose = subject(board, ("lic-01",), "X", Settings())
    at = 1796079600  # midnight of 1 December in Berlin
    (found,) = endings(whose, at, at + 1, BERLIN)
    assert (found.at, found.words) == (at, "20 licenses expire")
    assert list(endings(whose, at - 9, at, BERLIN)) == []


def test_the_words_fit_and_say_how_many_more_there_are() -> None:
    near = (Mark(1796079600, Sign.LOST, "lic-01: lost " * 20), Mark(0, Sign.FOUND, "found"))
    line = "".join(text for text, _ in words(near, BERLIN, 78, UNICODE))
    assert len(line) <= 78
    assert line.startswith("· 1 Dec 00:00  lic-01: lost")
    assert line.endswith("and 1 more")
    assert words((), BERLIN, 78, UNICODE) == ()
