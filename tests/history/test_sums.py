"""Maxima of sums stay exact when the figures that they were made of expire."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, HistoryFixture

from lictui.analysis.peaks import Peak
from lictui.analysis.series import Resolution
from lictui.config.settings import Retention
from lictui.history.peaks import PeakQuery, find_peaks
from lictui.model import ESTATE

NAMES = ("a", "b", "c")
END = MIDNIGHT + 60 * DAY


@pytest.fixture
def opposed(tmp_path: Path) -> Iterator[HistoryFixture]:
    """Three servers, of which one uses 90 and the others 10 at any time."""
    retention = Retention(raw=1, five_minutes=10, hour=20, day=400)
    fixture = HistoryFixture(tmp_path / "history.db", retention=retention)
    for turn, name in enumerate(NAMES):
        line = [90 if step % 3 == turn else 10 for step in range(60 * 48)]
        fixture.poll_series(MIDNIGHT, line, name, every=1800)
    fixture.clock._now = END
    yield fixture
    fixture.close()


def peak(fixture: HistoryFixture, *servers: str) -> Peak:
    query = PeakQuery(END, ZoneInfo("UTC"), NAMES, scopes={ESTATE: servers}, per_server=False)
    return next(p.peak for p in find_peaks(fixture.history, query) if p.peak.window == "all")


def test_maximum_of_all_pools_stays_exact(opposed: HistoryFixture) -> None:
    before = peak(opposed, *NAMES)
    opposed.history.compact_all()
    after = peak(opposed, *NAMES)
    assert (before.peak, before.bound) == (after.peak, after.bound) == (110, False)
    assert after.peak_at == before.peak_at
    assert after.installed_at_peak == before.installed_at_peak == 1500
    assert after.average == pytest.approx(before.average)
    for width in (HOUR, DAY):
        series = opposed.series(MIDNIGHT, END, width, NAMES)
        assert set(series.high.tolist()) == {110}
    days = opposed.series(MIDNIGHT, END, DAY, NAMES)
    assert (len(days), days.exact) == (60, True)


def test_maximum_of_a_sum_that_was_asked_for_stays_exact(opposed: HistoryFixture) -> None:
    assert peak(opposed, "a", "b").peak == 100
    opposed.history.compact_all()
    kept = peak(opposed, "a", "b")
    assert (kept.peak, kept.bound) == (100, False)
    never_asked = peak(opposed, "b", "c")
    assert (never_asked.peak, never_asked.bound) == (180, True)


def test_pool_that_came_later_does_not_change_stored_maxima(opposed: HistoryFixture) -> None:
    opposed.history.compact_all()
    opposed.poll_series(END - HOUR, [5] * 3, "d", every=1800)
    days = opposed.series(MIDNIGHT, END, DAY, (*NAMES, "d"))
    assert days.exact
    assert set(days.high.tolist()) == {110, 115}


@pytest.mark.parametrize("polled", [False, True])
def test_clock_that_is_ahead_deletes_nothing(opposed: HistoryFixture, *, polled: bool) -> None:
    opposed.history.compact_all()
    before = [len(opposed.export(resolution)) for resolution in Resolution]
    opposed.clock._now = END + 3000 * DAY
    if polled:
        opposed.poll_series(END + 3000 * DAY, [50] * 48, "a", every=1800)
        opposed.clock._now += DAY
    opposed.history.compact_all()
    after = [len(opposed.export(resolution)) for resolution in Resolution]
    assert all(new >= old for old, new in zip(before, after, strict=True))


def test_maximum_is_exact_where_a_server_starts_after_midnight(tmp_path: Path) -> None:
    """Figures of a whole day expire: what is left starts when the server came back that day."""
    retention = Retention(raw=1, five_minutes=3, hour=30, day=400)
    with closing(HistoryFixture(tmp_path / "history.db", retention=retention)) as fixture:
        for day in range(12):
            midnight = MIDNIGHT + day * DAY
            for turn, name in enumerate("ab"):
                line = [90 if step % 2 == turn else 10 for step in range(48)]
                start = midnight + (4 * HOUR if name == "b" else 0)
                fixture.poll_series(start, line[: 40 if name == "b" else 48], name, every=1800)
                fixture.record_failure(midnight + DAY - 60, name, every=1800)
            fixture.compact_at(midnight + DAY)
        days = fixture.series(MIDNIGHT, MIDNIGHT + 12 * DAY, DAY, ("a", "b"))
    assert (days.exact, set(days.high.tolist())) == (True, {100})


def test_bound_includes_the_figure_before_the_first_reading_of_a_day(tmp_path: Path) -> None:
    retention = Retention(raw=1, five_minutes=1, hour=1, day=400)
    with closing(HistoryFixture(tmp_path / "history.db", retention=retention)) as fixture:
        for name in NAMES:
            line = [50 if step < 24 and name == "a" else 10 for step in range(48)]
            fixture.poll_series(MIDNIGHT + HOUR // 2, line, name, every=HOUR)
        fixture.clock._now = END
        fixture.poll_series(END, [0], "d")
        fixture.history.compact_all()
        days = fixture.series(MIDNIGHT, MIDNIGHT + 2 * DAY, DAY, ("a", "b"))
    assert list(zip(days.high.tolist(), days.bound.tolist(), strict=True)) == [
        (60, False),
        (60, True),
    ]
