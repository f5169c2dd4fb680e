"""Reading: an engine gives the same answers as the history that was pushed to it."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT
from tests.longterm.conftest import SETTINGS, InstantClock, PushFixture
from tests.longterm.fake_prometheus import FakePrometheus
from tests.support.values import server

from lictui.analysis.peaks import ScopedPeak
from lictui.analysis.series import SeriesQuery
from lictui.engine.thread import run
from lictui.history.peaks import PeakQuery, find_peaks
from lictui.history.store import History
from lictui.longterm.read import LongTermHistory
from lictui.model import PoolKey

NAMES = ("lic-01", "lic-02", "fast")
SERVERS = [server("lic-01", interval=900.0), server("lic-02", interval=900.0)]
SERVERS += [server("fast", interval=60.0)]
NOW = MIDNIGHT + 5 * DAY + 12 * HOUR


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[PushFixture]:
    """Another machine, whose own history is empty."""
    fixture = PushFixture(tmp_path / "monitor" / "history.db")
    fixture.clock._now = NOW
    yield fixture
    fixture.close()


def merged(fixture: PushFixture) -> LongTermHistory:
    clock = InstantClock()
    clock._now = fixture.clock._now
    return LongTermHistory(fixture.path, SETTINGS, SERVERS, clock, run)


def fill(push: PushFixture) -> None:
    """Five days, with failures, an unknown figure, other licenses, and expired readings."""
    for number, name in enumerate(NAMES[:2]):
        for day in range(6):
            start, count = MIDNIGHT + day * DAY + number, 96 if day < 5 else 48
            for turn in range(count):
                at, figure = start + turn * 900, (day * 7 + turn * 3 + number) % 101
                if (day, turn) == (1, 40):
                    push.record_failure(at, name, every=900.0)
                elif (day, turn) != (2, 40):  # a poll that did not take place
                    unknown = (day, turn) == (3, 40)
                    installed = 500 + 10 * (day > 2)
                    push.record(at, None if unknown else figure, name, 900.0, installed)
    push.poll_series(MIDNIGHT + DAY, [turn % 13 for turn in range(300)], "fast")
    push.poll_series(MIDNIGHT + 5 * DAY, [turn % 17 for turn in range(720)], "fast")
    push.clock._now = NOW
    push.history.compact_all()
    run(push.push())
    push.clock._now = NOW


def peaks(history: History) -> list[ScopedPeak]:
    return list(find_peaks(history, PeakQuery(NOW, None, set(NAMES))))


def test_engine_gives_the_answers_of_the_history_that_was_pushed(
    push: PushFixture, monitor: PushFixture, fake: FakePrometheus
) -> None:
    fill(push)
    with merged(monitor) as history:
        times = {pool.server: pool.since // 300 for pool in push.history.pools()}
        assert {pool.server: pool.since // 300 for pool in history.pools()} == times
        assert peaks(history) == peaks(push.history)
        for names in (*((name,) for name in NAMES), NAMES[:2], NAMES):
            owners = tuple((name, PoolKey(PRODUCT)) for name in names)
            for width in (300, HOUR, DAY):
                query = SeriesQuery(owners, MIDNIGHT, NOW, width)
                assert history.series(query) == push.history.series(query), (names, width)
        assert history.engine_notices == ()
        assert "engine.example" in history.used_notices[0]
    forms = (parse_qs(r.content.decode()) for r in fake.requests if r.url.path.endswith("/query"))
    of_all = [text for form in forms if "server=" not in (text := form["query"][0])]
    spans = [int(text.partition("[")[2].removesuffix("ms]")) for text in of_all]
    assert 0 < max(spans) < DAY * 1000  # a week of all pools may be too large


def test_engine_fills_what_is_missing_and_local_figures_win(
    push: PushFixture, monitor: PushFixture, fake: FakePrometheus
) -> None:
    push.poll_series(MIDNIGHT, [7] * 96 * 3, every=900.0)
    push.clock._now = monitor.clock._now = MIDNIGHT + 3 * DAY
    run(push.push())
    monitor.poll_series(MIDNIGHT + DAY + 8 * HOUR, [9] * 40, every=900.0)  # 10 hours of a day
    with merged(monitor) as history:
        query = SeriesQuery((("lic-01", PoolKey(PRODUCT)),), MIDNIGHT, MIDNIGHT + 3 * DAY, HOUR)
        figures = history.series(query).high.tolist()
        assert figures == [7] * 32 + [9] * 10 + [7] * 30
        count = len(fake.requests)
        history.series(query)
        assert len(fake.requests) == count  # it is kept


def test_engine_is_asked_for_the_product_of_the_question_alone(
    push: PushFixture, monitor: PushFixture, fake: FakePrometheus
) -> None:
    push.poll_series(MIDNIGHT, [7] * 96, every=900.0)
    push.clock._now = monitor.clock._now = MIDNIGHT + DAY
    run(push.push())
    with merged(monitor) as history:
        query = SeriesQuery((("lic-01", PoolKey(PRODUCT)),), MIDNIGHT, MIDNIGHT + DAY, HOUR)
        assert history.series(query).high.tolist() == [7] * 24
    query_text = parse_qs(fake.requests[-1].content.decode())["query"][0]
    assert f'product=~"|{PRODUCT}"' in query_text


def test_engine_is_not_asked_for_what_the_history_has(
    push: PushFixture, fake: FakePrometheus
) -> None:
    push.poll_series(MIDNIGHT, [7] * 96, every=900.0)
    push.clock._now = MIDNIGHT + DAY
    run(push.push())
    with merged(push) as history:
        history.pools()
        count = len(fake.requests)
        query = SeriesQuery((("lic-01", PoolKey(PRODUCT)),), MIDNIGHT, MIDNIGHT + DAY, 300)
        assert history.series(query) == push.history.series(query)
        assert len(fake.requests) == count
        assert history.used_notices == ()


def test_engine_that_fails_leaves_local_figures_and_is_asked_later(
    push: PushFixture, fake: FakePrometheus
) -> None:
    push.poll_series(MIDNIGHT, [7] * 96, every=900.0)
    push.clock._now = MIDNIGHT + DAY
    run(push.push())
    fake.failures = ["before"]
    query = SeriesQuery((("lic-01", PoolKey(PRODUCT)),), MIDNIGHT - DAY, MIDNIGHT + DAY, 300)
    with merged(push) as history:
        count = len(fake.requests)
        for _ in range(3):
            assert history.series(query) == push.history.series(query)
        assert len(fake.requests) == count + 1
        (notice,) = history.engine_notices
        assert "engine.example" in notice
        assert "only figures of the local history" in notice
        history._clock._now += 60  # type: ignore[attr-defined]
        history.series(query)
        assert len(fake.requests) > count + 1
        assert history.engine_notices == ()


def test_engine_with_hostile_figures_shows_nothing_but_numbers(
    monitor: PushFixture, fake: FakePrometheus
) -> None:
    def add(metric: str, values: list[float], **labels: str) -> None:
        named = {"__name__": metric, "server": "lic-01", **labels}
        samples = [((NOW - DAY + turn * 900) * 1000, value) for turn, value in enumerate(values)]
        fake.samples[tuple(sorted(named.items()))] = samples

    figures = [1e300, float("nan"), float("inf"), -1e18, 7.0, 7.5]
    add("citrix_license_in_use", figures, product=PRODUCT, model="\x1b[31m")
    add("citrix_license_installed", figures, product=PRODUCT)
    add("citrix_license_server_up", figures)
    add("citrix_license_in_use", figures, product="\x1b[31mX", model="concurrent")
    add("citrix_license_in_use", figures, product=PRODUCT, subscription_date="soon")
    add("citrix_license_in_use", figures)
    add("citrix_license_in_use", [float("nan")], product=PRODUCT, model="concurrent")
    for name in ("min", "avg", "max", "max_timestamp_seconds", "last", "samples"):
        add(f"citrix_license_in_use_{name}", figures[::-1], product=PRODUCT, resolution="1h")
    with merged(monitor) as history:
        (pool,) = history.pools()
        assert (pool.product, pool.model) == (PRODUCT, "other")
        query = SeriesQuery((("lic-01", pool.key),), NOW - 2 * DAY, NOW, 300)
        assert 7 in history.series(query).high.tolist()
        assert list(find_peaks(history, PeakQuery(NOW, None, set(NAMES))))
