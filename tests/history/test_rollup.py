"""Roll-ups against a second-by-second twin."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lictui.history.pools import Capacity
from lictui.history.rollup import (
    EMPTY,
    Capacities,
    Readings,
    Rollups,
    coarsen,
    join,
    reconcile,
    roll_up,
)

WIDTHS = (300, 3600, 86400)
_INTERVAL = 600
CAPACITIES = Capacities.of([Capacity(0, 100, None, float(_INTERVAL))])
Pairs = list[tuple[int, int | None]]


@st.composite
def readings(draw: st.DrawFn) -> Pairs:
    """Readings in order of time, some in time, some after a gap, some unknown."""
    time = draw(st.integers(0, 20_000))
    result: Pairs = []
    for _ in range(draw(st.integers(1, 40))):
        result.append((time, draw(st.none() | st.integers(-5, 400))))
        time += draw(st.integers(1, 1000) | st.integers(1, 5000))
    return result


def rows(rollups: Rollups) -> list[tuple[int, ...]]:
    return [tuple(row) for row in np.array(rollups.columns).T.tolist()]


def by_second(pairs: Pairs) -> dict[int, int]:
    """The figure that is valid in every second."""
    valid: dict[int, int] = {}
    for (time, value), (following, _) in pairwise([*pairs, (1 << 40, None)]):
        end = following if following - time <= 1.5 * _INTERVAL else time + _INTERVAL
        if value is not None:
            valid |= dict.fromkeys(range(time, end), value)
    return valid


def by_hand(pairs: Pairs, width: int) -> list[tuple[int, ...]]:
    valid = by_second(pairs)
    result: list[tuple[int, ...]] = []
    for start in range(0, max(time for time, _ in pairs) + 2 * _INTERVAL, width):
        inside = [(t, v) for t, v in pairs if start <= t < start + width and v is not None]
        for (time, value), (end, _) in pairwise([*inside, (start + width, 0)]):
            valid |= dict.fromkeys(range(time, end), value)
        seconds = [valid[time] for time in range(start, start + width) if time in valid]
        if not inside and len(seconds) < width:
            continue
        total = sum(seconds)
        if len(seconds) < width:
            total = round(total * (width / len(seconds)))
        found = inside or [(start, seconds[0])]
        high = max(value for _, value in found)
        at = next(time for time, value in found if value == high)
        low = min(value for _, value in found)
        result.append((start, low, high, at, found[-1][1], total, width, len(inside)))
    return result


@given(readings())
def test_five_minutes_equal_a_twin_by_seconds(pairs: Pairs) -> None:
    assert rows(roll_up(Readings.of(pairs), CAPACITIES, 300)) == by_hand(pairs, 300)


@given(readings(), st.sampled_from([3600, 86400]))
def test_wider_buckets_have_the_extremes_of_readings_and_the_average_of_time(
    pairs: Pairs, width: int
) -> None:
    fine = roll_up(Readings.of(pairs), CAPACITIES, 300)
    for row in rows(coarsen(fine, width)):
        start, low, high, high_at, last, total, seconds, samples = row
        parts = [part for part in rows(fine) if start <= part[0] < start + width]
        read = [part for part in parts if part[7]] or parts
        assert (low, high) == (min(p[1] for p in read), max(p[2] for p in read))
        assert high_at == next(p[3] for p in read if p[2] == high)
        assert last == parts[-1][4]
        assert (total, seconds, samples) == tuple(sum(p[n] for p in parts) for n in (5, 6, 7))


@given(readings(), st.integers(0, 40_000), st.sampled_from([3600, 86400]))
def test_parts_of_a_bucket_join_to_the_whole(pairs: Pairs, edge: int, width: int) -> None:
    fine = roll_up(Readings.of(pairs), CAPACITIES, 300)
    parts = [coarsen(fine.between(*part), width) for part in ((0, edge), (edge, 1 << 40))]
    assert rows(coarsen(join(parts), width)) == rows(coarsen(fine, width))


def test_first_of_equal_maxima_counts() -> None:
    found = Readings.of([(0, 7), (60, 9), (120, 9), (180, 9)])
    first = roll_up(found, CAPACITIES, 300).select(slice(0, 1))
    assert rows(first)[0][2:5] == (9, 60, 9)


def bucket(start: int, figure: int, samples: int) -> tuple[int, ...]:
    return (start, figure, figure, start, figure, figure * 300, 300, samples)


def buckets(rows: list[tuple[int, ...]]) -> Rollups:
    return Rollups(*np.array(rows, np.int64).T)


def test_reconciled_buckets_keep_what_is_not_known_any_more() -> None:
    stored = buckets([bucket(0, 5, 3), bucket(300, 5, 0), bucket(600, 5, 2), bucket(900, 5, 1)])
    before = buckets([bucket(300, 5, 0), bucket(600, 5, 2)])
    after = buckets([bucket(0, 9, 1), bucket(600, 7, 3), bucket(1200, 8, 1)])
    result = rows(reconcile(stored, before, after)[0])
    assert result[0] == (0, 5, 9, 0, 5, 1500, 300, 3)  # more readings than are known now
    assert result[1:] == [bucket(600, 7, 3), bucket(900, 5, 1), bucket(1200, 8, 1)]
    assert rows(reconcile(stored, EMPTY, EMPTY)[0]) == rows(stored)
