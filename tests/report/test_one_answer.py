"""Peaks, report, usage view and forecast agree, and with a twin that adds up every five minutes."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from random import Random

import pytest
from tests.report.report_fixture import BERLIN, CCS, END, UD, ReportFixture, timestamp
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.analysis.series import day_bounds
from lictui.analysis.usage import USAGE_SHARES, UsageStats
from lictui.config.settings import AlertSettings, Settings
from lictui.engine.outlook import forecast_scopes, peak_query
from lictui.engine.product_history import ProductQuery
from lictui.engine.product_reader import ProductHistoryReader
from lictui.engine.queries import load_board
from lictui.history.peaks import find_peaks
from lictui.model import ESTATE, Model, Server
from lictui.report.model import ScopeReport

FIVE, HOUR, DAY = 300, 3600, 86400
NEVER = 1 << 40
EARLY, LATE = date(2027, 1, 1), date(2028, 1, 1)
FIRST = timestamp("2026-10-24T10:00")  # the day before one of 25 hours in Berlin
MODELS = {CCS: Model.CONCURRENT, UD: Model.USER_DEVICE}
BOUNDS = day_bounds(FIRST, END, BERLIN)


@dataclass
class Part:
    """A pool with what its polls brought: time, in use and installed."""

    server: str
    code: str
    interval: int
    polls: list[tuple[int, int | None, int | None]] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    ended: int = NEVER

    def five_minutes(self) -> dict[int, tuple[int, int, float, int | None, int]]:
        """Return maximum, its time, average, installed and last figure, by start."""
        gaps = sorted([*self.gaps, *(at for at, used, _ in self.polls if used is None), NEVER])
        following = [at for at, *_ in self.polls[1:]] + [NEVER]
        read = [(*each, after) for each, after in zip(self.polls, following, strict=True)]
        known = [(at, used, of, after) for at, used, of, after in read if used is not None]
        spans: dict[int, list[tuple[int, int, int, int | None, bool]]] = defaultdict(list)
        replaced = [at for at, *_ in known[1:]] + [NEVER]
        for (at, used, of, after), until_next in zip(known, replaced, strict=True):
            until = after if after - at <= 1.5 * self.interval else at + self.interval
            until = min(until, gaps[bisect_right(gaps, at)])
            start = at // FIVE * FIVE
            spans[start].append((at, used, min(start + FIVE, until_next) - at, of, True))
            for later in range(start + FIVE, until, FIVE):
                spans[later].append((later, used, min(FIVE, until - later), of, False))
        result = {}
        for start, parts in spans.items():
            seconds = sum(part[2] for part in parts)
            own = [part for part in parts if part[4]] or parts
            if own[0][4] or seconds == FIVE:
                at, high, _, of, _ = max(own, key=lambda part: (part[1], -part[0]))
                average = sum(part[1] * part[2] for part in parts) / seconds
                result[start] = high, at, average, of, parts[-1][1]
        return result


Sums = dict[int, tuple[int, int, float, int | None]]  # maximum, its time, average, installed


def sums_of(parts: Sequence[Part]) -> Sums:
    """Return the sum where every part that is expected has a figure."""
    figures = [part.five_minutes() for part in parts]
    result: Sums = {}
    for start in range(FIRST // FIVE * FIVE, END, FIVE):
        due = [
            own.get(start)
            for part, own in zip(parts, figures, strict=True)
            if part.polls[0][0] // FIVE * FIVE <= start < part.ended // FIVE * FIVE
        ]
        found = [each for each in due if each is not None]
        if found and len(found) == len(due):
            installed = [of for *_, of, _ in found]
            result[start] = (
                sum(each[0] for each in found),
                max(each[1] for each in found),
                sum(each[2] for each in found),
                None if None in installed else sum(of or 0 for of in installed),
            )
    return result


def assigned_at_day_ends(parts: Sequence[Part]) -> list[int | None]:
    """Return the sum of the last figures of each day; None if an expected part has none."""
    days: list[int | None] = []
    figures = [(part, part.five_minutes()) for part in parts]
    for start, end in pairwise(BOUNDS):
        due = [each for each in figures if each[0].polls[0][0] < end <= each[0].ended]
        last = [max((at for at in own if start <= at < end), default=0) for _, own in due]
        known = [own[at][4] for at, (_, own) in zip(last, due, strict=True) if at]
        days.append(sum(known) if due and len(known) == len(due) else None)
    return days


# Recording


def record(fixture: ReportFixture, chance: Random, servers: int, seconds: int) -> list[Part]:
    """Record servers of which some fail, go, or have unknown figures and licenses that change."""
    parts: dict[tuple[str, str, str], Part] = {}
    for number in range(servers):
        one = server(f"s{number:03}", interval=chance.choice((300.0, 900.0, 1800.0)))
        end = FIRST + seconds - chance.choice((0, 0, 0, 0, seconds // 3))
        if end == FIRST + seconds or not number:
            fixture.servers[one.name] = one
        record_server(fixture, chance, one, end, parts, rare=0.015 / servers)
    for part in parts.values():
        last = max(each.polls[-1][0] for each in parts.values() if each.server == part.server)
        if part.server not in fixture.servers:
            part.ended = min(part.ended, last // FIVE * FIVE + FIVE)
    return list(parts.values())


def record_server(
    fixture: ReportFixture,
    chance: Random,
    one: Server,
    end: int,
    parts: dict[tuple[str, str, str], Part],
    rare: float,
) -> None:
    every, polls, was_up = int(one.effective_interval), [], False
    state = {code: chance.randrange(60) for code in MODELS}
    down = hidden = 0
    day = EARLY
    for at in range(FIRST + chance.randrange(1, every), end, every):
        time = at + chance.choice((0, 0, 1, -1))
        if chance.random() < 4 * rare and at > FIRST + HOUR:
            down = at + chance.choice((1, every, 4 * HOUR))
        if chance.random() < 2 * rare and day == EARLY and at > FIRST + HOUR:
            hidden, day = at + chance.choice((1, 2 * HOUR)), LATE
        own = {key: part for key, part in parts.items() if key[0] == one.name}
        if at < down:
            polls.append((one, poll(failure(), one.name, time), ()))
            for part in own.values() if was_up else ():
                part.gaps.append(time)
            was_up = False
            continue
        was_up, listed, pools = True, set(), []
        for code, before in state.items():
            if code == CCS and at < hidden:
                continue
            used = state[code] = max(0, before + chance.randint(-3, 3))
            installed = 60 if chance.random() < 0.01 else 50
            count = None if chance.random() < rare else used
            of = None if chance.random() < rare else installed
            renewed = day if code == CCS else None
            pools.append(pool(code, count, of, subscription=renewed, model=MODELS[code]))
            key = one.name, code, str(renewed)
            part = parts.setdefault(key, Part(one.name, code, every))
            part.polls.append((time, count, of))
            listed.add(key)
        polls.append((one, poll(snapshot(*pools), one.name, time), ()))
        for key in own.keys() - listed:
            if own[key].ended == NEVER:
                own[key].ended = time
                own[key].gaps.append(time)
    fixture.history.append_many(polls)


# Comparing


def peak_of(sums: Sums) -> tuple[int, int, int | None]:
    high, at, _, installed = max(sums.values(), key=lambda each: (each[0], -each[1]))
    return high, at, installed


def average_of(sums: Sums) -> float:
    return sum(each[2] for each in sums.values()) / len(sums)


def percentile(sums: Sums, share: float) -> int:
    ordered = sorted(each[0] for each in sums.values())
    return next(v for i, v in enumerate(ordered, 1) if i >= share * len(ordered))


def assert_stats(stats: UsageStats | None, sums: Sums) -> None:
    assert stats is not None
    assert (stats.peak, stats.peak_at, stats.installed_at_peak) == peak_of(sums)
    assert (stats.bound, stats.peak_is_bound) == (False, False)
    percentiles = tuple(percentile(sums, share) for share in (0.5, 0.95, 0.99))
    assert (stats.p50, stats.p95, stats.p99) == percentiles
    compared = {at: (high, of) for at, (high, *_, of) in sums.items() if of is not None}
    for share, seconds in stats.seconds_above:
        above = FIVE * sum(high >= share * of for high, of in compared.values())
        assert seconds == (above if compared else None)
    assert [share for share, _ in stats.seconds_above] == list(USAGE_SHARES)
    longest = run = 0
    for at, (high, of) in compared.items():
        follows = at - FIVE in compared and compared[at - FIVE][0] >= compared[at - FIVE][1]
        run = (run if follows else 0) + 1 if high >= of else 0
        longest = max(longest, run)
    assert (stats.longest_saturation.seconds if stats.longest_saturation else 0) == FIVE * longest


def assert_report(scope: ScopeReport, sums: Sums, parts: Sequence[Part]) -> None:
    month, model = scope.month, MODELS[parts[0].code]
    assert (month.highest, month.highest_is_bound) == (peak_of(sums)[0], False)
    over = [high - of for high, *_, of in sums.values() if of is not None and high > of]
    assert scope.excess == (max(over, default=0), FIVE * len(over))
    days = {day.first_day: day.figure for day in scope.days}
    recorded = list(days.values())[-len(BOUNDS) + 1 :]
    assert not any(list(days.values())[: -len(BOUNDS) + 1])
    if model.is_assigned:
        assert recorded == assigned_at_day_ends(parts)
        return
    assert (month.figure, month.timestamp, month.installed) == peak_of(sums)
    assert month.average == pytest.approx(average_of(sums), 1e-3)
    assert_stats(scope.usage, sums)
    highest = [
        max((each[0] for at, each in sums.items() if start <= at < end), default=None)
        for start, end in pairwise(BOUNDS)
    ]
    assert recorded == highest


@pytest.mark.parametrize(
    ("seed", "servers", "hours"),
    [(1, 1, 60), (2, 3, 60), (3, 4, 60), (4, 3, 60), (5, 160, 2), (6, 300, 1)],
)
async def test_answers_are_those_of_adding_up_every_five_minutes(
    fixture: ReportFixture, seed: int, servers: int, hours: int
) -> None:
    recorded = record(fixture, Random(seed), servers, hours * HOUR)  # noqa: S311 - reproducible
    history, now = fixture.history, fixture.clock.now()
    history.compact()
    board = load_board(tuple(fixture.servers.values()), history, AlertSettings())
    reports = {product.code: product for product in fixture.report().products}
    until = FIRST + hours * HOUR - FIVE
    peaks = {
        (peak.scope, peak.product, peak.peak.window): peak.peak
        for peak in find_peaks(history, peak_query(history, board, until, BERLIN))
    }
    scopes = {
        (scope.scope, scope.product): scope
        for scope in forecast_scopes(board, history.pools(), AlertSettings())
    }
    for code in MODELS:
        parts = [part for part in recorded if part.code == code]
        sums = sums_of(parts)
        if not sums:
            continue
        for window, start in (("24h", until - DAY), ("month", FIRST), ("all", FIRST)):
            inside = {at: each for at, each in sums.items() if start <= at <= until}
            peak = peaks[ESTATE, code, window]
            if not inside:
                assert (peak.peak, peak.coverage) == (None, 0)
                continue
            found = peak.peak, peak.peak_at, peak.installed_at_peak, peak.bound
            assert found == (*peak_of(inside), False)
            assert peak.average == pytest.approx(average_of(inside), 1e-3)
            first = max(start, min(part.polls[0][0] for part in parts))
            slots = until // FIVE + 1 - first // FIVE
            assert peak.coverage == pytest.approx(len(inside) / slots)
        assert_report(reports[code].estate, sums, parts)
        by_server = defaultdict(list)
        for part in parts:
            by_server[part.server].append(part)
        own = {name: sums for name, of in by_server.items() if (sums := sums_of(of))}
        bound = sum(peak_of(each)[0] for each in own.values())
        assert reports[code].estate.sum_of_server_peaks in (bound, None)
        for scope in reports[code].servers[:3]:
            if scope.name in own and scope.name in fixture.servers:
                assert peaks[scope.name, code, "month"].peak == peak_of(own[scope.name])[0]
                assert_report(scope, own[scope.name], by_server[scope.name])
        # Views and forecasts are about the servers that are registered.
        present = [part for part in parts if part.server in fixture.servers]
        sums = sums_of(present)
        bounds = tuple(range(FIRST // HOUR * HOUR, END + 1, HOUR))
        query = ProductQuery(tuple(fixture.servers), code, bounds, HOUR)
        reader = ProductHistoryReader(history, fixture.clock)
        view = await reader.history(board, query, Settings(timezone="Europe/Berlin"))
        assert_stats(view.stats, sums)
        if len(present) > 1:
            days = history.series(scopes[ESTATE, code].history_query(now))
            highest: dict[int, int] = {}
            for at, (high, *_) in sums.items():
                highest[at // DAY * DAY] = max(high, highest.get(at // DAY * DAY, 0))
            assert dict(zip(days.start.tolist(), days.high.tolist(), strict=True)) == highest
