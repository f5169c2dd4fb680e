"""Columns: joined to days, and summed at the same moments."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from lictui.analysis.columns import Series, SumBuilder
from lictui.analysis.series import Bucket, day_bounds

BERLIN = ZoneInfo("Europe/Berlin")
FIVE = 300
T0 = 1_795_478_400  # a midnight of UTC


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def bucket(start: int, high: float, *, length: int = 3600, average: float | None = None) -> Bucket:
    mean = high if average is None else average
    return Bucket(start, start + length, high, mean, high, start + 60, high, 100, 10, 1)


def series(*buckets: Bucket) -> Series:
    return Series.of(buckets, FIVE)


def test_joined_series_counts_the_last_local_hour_for_its_day() -> None:
    bounds = day_bounds(at("2026-10-25T00:00"), at("2026-10-26T12:00"), BERLIN)
    result = series(bucket(at("2026-10-25T22:00"), 90), bucket(at("2026-10-25T23:00"), 70)).joined(
        bounds
    )
    assert [(one.start, one.high, one.high_at) for one in result.buckets] == [
        (at("2026-10-24T22:00"), 90, at("2026-10-25T22:01")),
        (at("2026-10-25T23:00"), 70, at("2026-10-25T23:01")),
    ]


def test_joined_series_weights_averages_by_length() -> None:
    (one,) = (
        series(bucket(0, 10, length=300), bucket(300, 40, length=900)).joined([0, 86400]).buckets
    )
    assert one.average == (10 * 300 + 40 * 900) / 1200
    assert (one.low, one.high, one.last, one.samples) == (10, 40, 40, 2)


def test_joined_series_leaves_out_buckets_outside() -> None:
    assert not len(series(bucket(-3600, 5), bucket(86400, 5)).joined([0, 86400]))


# Aligned sums


Part = tuple[Series, int, int | None]  # with the period in which it is expected


def slot(number: int, high: int, installed: int | None = 100) -> Bucket:
    start = T0 + number * FIVE
    return Bucket(start, start + FIVE, high, high, high, start + 60, high, installed, None, 1)


def part(figures: dict[int, int], since: int | None = None, until: int | None = None) -> Part:
    first = min(figures, default=0) if since is None else since
    end = None if until is None else T0 + until * FIVE
    buckets = [slot(number, figures[number]) for number in sorted(figures)]
    return Series.of(buckets, FIVE), T0 + first * FIVE, end


def total(*parts: Part) -> Series:
    builder = SumBuilder(T0, T0 + 86400)
    for each in parts:
        builder.add(*each)
    return builder.series()


def test_aligned_sum_is_not_a_sum_of_peaks() -> None:
    morning, evening = part({0: 90, 1: 10}), part({0: 20, 1: 80})
    assert [one.high for one in total(morning, evening).buckets] == [110, 90]


def test_aligned_sum_leaves_out_incomplete_buckets() -> None:
    sums = total(part({0: 1, 1: 2, 2: 3}), part({0: 5, 2: 5}))
    assert [(one.start - T0, one.high) for one in sums.buckets] == [(0, 6), (600, 8)]


def test_aligned_sum_expects_parts_only_in_their_period() -> None:
    stays, comes = part({0: 1, 1: 1, 2: 1, 3: 1}), part({2: 10, 3: 10})
    goes = part({0: 100, 1: 100}, until=2)
    sums = total(stays, comes, goes)
    assert [one.high for one in sums.buckets] == [101, 101, 11, 11]


def test_aligned_sum_of_installed_is_unknown_if_one_is() -> None:
    one = part({0: 1})
    other = series(slot(0, 5, installed=None)), T0, None
    assert total(one, other).buckets[0].installed is None
    assert total(one, one).buckets[0].installed == 200


def test_wide_entries_of_a_part_make_the_sum_a_bound() -> None:
    fine = part({number: 10 * (number % 2) for number in range(24)})
    hours = [bucket(T0, 5), bucket(T0 + 3600, 7)]
    hours[0] = hours[0]._replace(low=1)
    sums = total(fine, (series(*hours), T0, None)).buckets
    assert [(one.start - T0, one.end - one.start) for one in sums] == [(0, 3600), (3600, 3600)]
    assert [(one.high, one.low, one.bound) for one in sums] == [(15, 1, True), (17, 7, False)]


def test_joined_series_is_exact_if_an_exact_entry_is_highest() -> None:
    known, bound = bucket(0, 9, length=300), bucket(300, 9, length=300)._replace(bound=True)
    higher = bound._replace(start=600, end=900, high=10)
    assert series(known, bound).joined([0, 86400]).exact
    assert not series(known, bound, higher).joined([0, 86400]).exact
