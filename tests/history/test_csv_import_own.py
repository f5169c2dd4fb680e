"""lictui's own CSV back: what was exported and taken in exports the same again."""

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.csv_files import read_text
from tests.support.values import poll as polled
from tests.support.values import pool, server, snapshot

from lictui.analysis.series import Resolution
from lictui.clock import iso as stamp
from lictui.config.settings import Retention
from lictui.csvfile import csv_lines
from lictui.errors import UsageError
from lictui.history.csv_export import ExportQuery
from lictui.history.csv_import import read_csv
from lictui.history.csv_reader import CsvFile, ImportOptions
from lictui.model import MonthlyUsage, PoolKey

HEAD = "at,server,product,model,subscription_date,in_use,installed,overdraft\n"


def text(fixture: HistoryFixture, resolution: Resolution = Resolution.RAW) -> str:
    return "".join(csv_lines(fixture.history.export_rows(ExportQuery(resolution))))


def take(fixture: HistoryFixture, csv: str, ask: ImportOptions | None = None) -> tuple[int, int]:
    return fixture.history.import_readings(read_text(csv, ask)[1])


@pytest.fixture
def other(tmp_path: Path) -> Iterator[HistoryFixture]:
    with closing(HistoryFixture(tmp_path / "other" / "history.db")) as fixture:
        yield fixture


def without_averages(text: str) -> list[list[str]]:
    """A figure of a file is valid up to the next at most, one of a poll as often as it polls."""
    rows = list(csv.reader(io.StringIO(text)))
    column = rows[0].index("in_use_avg") if "in_use_avg" in rows[0] else len(rows[0])
    return [row[:column] + row[column + 1 :] for row in rows]


def filled(fixture: HistoryFixture) -> None:
    """A changing license count, a gap, an unread figure, a slow server, odd names."""
    fixture.poll_series(MIDNIGHT - 3 * DAY, [turn * 7 % 31 for turn in range(900)], every=300)
    fixture.record(MIDNIGHT, 5, installed=600)
    fixture.record_failure(MIDNIGHT + 60)
    fixture.record(MIDNIGHT + 120, None, installed=None)
    fixture.record(MIDNIGHT + 180, 9, installed=600)
    fixture.poll_series(MIDNIGHT + 7, [1, 2, 2, 2, 5], '=lic 2, "b"', every=900, late=1)
    fixture.record(MIDNIGHT, {"'=X": 3, " padded": 4}, "'-three")


@pytest.mark.parametrize("resolution", list(Resolution))
def test_export_survives_an_import(
    fixture: HistoryFixture, other: HistoryFixture, resolution: Resolution
) -> None:
    filled(fixture)
    fixture.compact_at(MIDNIGHT + 5 * HOUR)
    before = text(fixture, resolution)
    wrote, known = take(other, before)
    assert (wrote, known) == (len(before.splitlines()) - 1, 0)
    assert text(other, resolution) == before
    last = other.history.stats().last_reading
    assert last is not None
    assert MIDNIGHT <= last < MIDNIGHT + 3 * HOUR
    assert take(other, before) == (0, wrote)
    assert text(other, resolution) == before
    for width in Resolution if resolution is Resolution.RAW else ():
        assert text(other, width) == text(fixture, width)


moments = st.integers(MIDNIGHT - 2 * DAY, MIDNIGHT)
figures = st.one_of(st.none(), st.integers(0, 400))
reading = st.tuples(moments, figures, st.sampled_from([100, 500, None]))


@settings(max_examples=40)
@given(st.dictionaries(moments, st.tuples(figures, st.sampled_from([100, 500, None])), min_size=1))
def test_any_polled_history_survives_export_and_import(
    polls: dict[int, tuple[int | None, int | None]],
) -> None:
    with TemporaryDirectory() as folder:
        one, two = HistoryFixture(Path(folder) / "one.db"), HistoryFixture(Path(folder) / "two.db")
        with closing(one), closing(two):
            for at, (in_use, installed) in sorted(polls.items()):
                one.record(at, in_use, installed=installed)
            take(two, text(one))
            assert [without_averages(text(two, width)) for width in Resolution] == [
                without_averages(text(one, width)) for width in Resolution
            ]
            take(one, text(two))
            assert text(one) == text(two)


@settings(max_examples=40)
@given(st.lists(reading, min_size=1, max_size=40), st.lists(reading, min_size=1, max_size=40))
def test_import_in_parts_equals_import_as_one(
    first: list[tuple[int, int | None, int | None]],
    second: list[tuple[int, int | None, int | None]],
) -> None:
    def lines(rows: list[tuple[int, int | None, int | None]]) -> str:
        return HEAD + "".join(
            f"{stamp(at)},lic-01,{PRODUCT},user_device,,{in_use},{installed or ''},\n"
            for at, in_use, installed in rows
        )

    with TemporaryDirectory() as folder:
        one, two = HistoryFixture(Path(folder) / "one.db"), HistoryFixture(Path(folder) / "two.db")
        with closing(one), closing(two):
            known = list({row[0]: row for row in first if row[1] is not None}.values())
            later = list({row[0]: row for row in second if row[1] is not None}.values())
            at_once = {row[0]: row for row in (*known, *later)}
            take(one, lines(list(at_once.values())))
            take(two, lines(known))
            take(two, lines(later))
            widths = [Resolution.FIVE_MINUTES, Resolution.HOUR, Resolution.DAY]
            figure = [[row[:1] + row[6:10] for row in one.export(each)] for each in widths]
            assert [[row[:1] + row[6:10] for row in two.export(each)] for each in widths] == figure
            assert [row[5] for row in two.export()] == [row[5] for row in one.export()]


def test_imported_readings_fill_gaps_and_replace_the_same_second(
    fixture: HistoryFixture,
) -> None:
    fixture.poll_series(MIDNIGHT, [5, 5, 5, 5])
    fixture.record_failure(MIDNIGHT + 240)
    fixture.poll_series(MIDNIGHT + 600, [7, 7])
    rows = "".join(
        f"{stamp(MIDNIGHT + at)},lic-01,{PRODUCT},user_device,,{figure},500,50\n"
        for at, figure in ((60, 50), (300, 60))
    )
    assert take(fixture, HEAD + rows) == (2, 0)
    assert [figure for _, figure in fixture.readings()] == [5, 50, 5, 5, 60, 7, 7]
    (hour,) = fixture.buckets(MIDNIGHT, MIDNIGHT + HOUR, HOUR)
    assert (hour.high, hour.high_at, hour.samples) == (60, MIDNIGHT + 300, 7)
    first = (5 * 60 + 50 * 60 + 5 * 180) / 300  # over time
    assert hour.average == pytest.approx((first + 60 + 7) / 3)


def test_imported_capacity_is_valid_up_to_the_next_own_reading(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [5, 5, 5, 5])
    row = f"{stamp(MIDNIGHT + 90)},lic-01,{PRODUCT},user_device,,6,400,\n"
    take(fixture, HEAD + row)
    assert [row[6] for row in fixture.export()] == ["500", "500", "400", "500", "500"]


def test_import_loses_and_doubles_nothing_after_readings_expired(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT - 100 * DAY, [5, 90, 5, 5])
    whole = text(fixture)
    for days in range(99, 0, -1):
        fixture.record(MIDNIGHT - days * DAY, 1)
    fixture.compact_at(MIDNIGHT)
    assert fixture.readings()[0][0] >= MIDNIGHT - 63 * DAY  # forgotten after 62 days
    before = [text(fixture, width) for width in Resolution]
    assert take(fixture, whole) == (0, 4)
    assert [text(fixture, width) for width in Resolution] == before
    late = f"{stamp(MIDNIGHT - 100 * DAY + 90)},lic-01,{PRODUCT},user_device,,95,500,50\n"
    assert take(fixture, HEAD + late) == (1, 0)
    (day,) = fixture.buckets(MIDNIGHT - 100 * DAY, MIDNIGHT - 99 * DAY, DAY)
    assert (day.low, day.high, day.samples) == (5, 95, 4)


@pytest.mark.parametrize("width", [HOUR, DAY])
def test_single_imported_bucket_is_read_by_five_minutes(
    fixture: HistoryFixture, width: int
) -> None:
    start = MIDNIGHT - DAY
    head = "from,to,server,product,model,subscription_date,in_use_min,in_use_avg,in_use_max,max_at,"
    head += "installed,overdraft,samples\n"
    times = f"{stamp(start)},{stamp(start + width)}"
    row = f"{times},lic-01,{PRODUCT},user_device,,5,5,5,{stamp(start)},9,,1\n"
    assert take(fixture, head + row) == (1, 0)
    (bucket,) = fixture.buckets(start, start + DAY, 300)
    assert (bucket.high, bucket.end - bucket.start) == (5, width)
    assert fixture.history.pools()[0].ended == start + width


def test_two_files_of_one_old_hour_are_both_imported(tmp_path: Path) -> None:
    """The readings of the first are still there, so those of the second do not repeat them."""
    retention = Retention(raw=1, five_minutes=1, hour=100)
    with closing(HistoryFixture(tmp_path / "history.db", retention=retention)) as fixture:
        start = MIDNIGHT - 40 * DAY
        first, second = (
            HEAD
            + "".join(f"{stamp(start + at)},lic-01,{PRODUCT},user_device,,5,9,\n" for at in part)
            for part in ((0, 900), (1800, 2700))
        )
        assert take(fixture, first) == (2, 0)
        assert take(fixture, second) == (2, 0)
        assert [take(fixture, each) for each in (first, second)] == [(0, 2), (0, 2)]
        (hour,) = fixture.buckets(start, start + HOUR, HOUR)
    assert hour.samples == 4


def test_imported_maximum_survives_expired_readings(fixture: HistoryFixture) -> None:
    start = MIDNIGHT - 700 * DAY
    rows = "".join(
        f"{stamp(start + turn * HOUR)},lic-01,{PRODUCT},user_device,,{turn % 977},1000,\n"
        for turn in range(700 * 24)
    )
    take(fixture, HEAD + rows)
    fixture.history.compact_all()
    days = fixture.buckets(start, MIDNIGHT, DAY)
    assert len(days) == 700
    assert max(day.high for day in days) == 976
    assert max(days, key=lambda day: day.high).high_at == start + 976 * HOUR


def test_invalid_rows_are_reported_with_their_lines() -> None:
    csv = HEAD + (
        "2026-11-24T00:00:00Z,lic,P,user_device,,1,2,0\n"
        "yesterday,lic,P,user_device,,1,2,0\n"
        "2026-11-24T00:00:00,lic,P,user_device,,1,2,0\n"
        "2026-11-24T00:10:00Z,lic,P,user_device,,many,2,0\n"
        "2026-11-24T00:10:00Z,lic,P,user_device,never,1,2,0\n"
        "2026-11-24T00:10:00Z,lic\n"
        "2026-11-24T00:10:00Z,lic,P,user_device,,-1,2,0\n"
        "2036-11-24T00:10:00Z,lic,P,user_device,,1,2,0\n"
        "2026-11-24T00:10:00Z,,P,user_device,,1,2,0\n"
    )
    result, pools = read_text(csv, ImportOptions(until=MIDNIGHT + DAY))
    assert (result.read, result.skipped) == (9, 8)
    assert [line for line, _ in result.reasons] == [3, 4, 5, 6, 7]
    assert "'yesterday'" in result.reasons[0][1]
    assert len(pools) == 1


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\u202eb", "a\tb", "a\u200bb"])
def test_name_with_control_characters_is_refused(name: str) -> None:
    row = '2026-11-24T00:00:00Z,"{}","{}",user_device,,1,2,0\n'
    result, pools = read_text(HEAD + row.format(name, "P") + row.format("s", name))
    assert (result.skipped, pools) == (2, [])
    assert result.reasons[0] == (2, f"name with control characters: {name!r}")
    with pytest.raises(UsageError, match="control characters"):
        read_text("Time,InUse\n2026-11-24T06:15Z,1\n", ImportOptions((name,), ("P",)))


def test_import_filters_by_server_and_product() -> None:
    csv = HEAD + (
        "2026-11-24T00:00:00Z,a,P,user_device,,1,2,0\n"
        "2026-11-24T00:00:00Z,b,P,user_device,,1,2,0\n"
        "2026-11-24T00:00:00Z,b,Q,user_device,,1,2,0\n"
    )
    result, pools = read_text(csv, ImportOptions(servers=("b",), products=("Q", "R")))
    assert [(one.server, one.key.product) for one in pools] == [("b", "Q")]
    assert result.filtered_out == 2


def test_gap_remains_after_importing_days(fixture: HistoryFixture, other: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [5] * 12, every=300)
    fixture.poll_series(MIDNIGHT + 3 * HOUR, [6] * 12, every=300)
    take(other, text(fixture, Resolution.DAY))
    take(other, text(fixture))
    result = other.buckets(MIDNIGHT, MIDNIGHT + 4 * HOUR, 300)
    assert len(result) == 24
    assert result[12].start == MIDNIGHT + 3 * HOUR


def test_failed_poll_remains_a_gap_in_an_imported_span(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [5, 5], every=900)
    fixture.record_failure(MIDNIGHT + 1200, every=900)
    fixture.poll_series(MIDNIGHT + 1800, [5], every=900)
    take(fixture, HEAD + _rows(6, first=10) + _rows(6, first=45))
    result = fixture.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300)
    assert [bucket.start - MIDNIGHT for bucket in result] == [
        *range(0, 1200, 300),
        *range(1800, 3600, 300),
    ]


def test_imported_pool_does_not_block_later_sums(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [5] * 120, "lic-02")
    take(fixture, HEAD + _rows(6, first=-24 * 60))
    result = fixture.buckets(MIDNIGHT, MIDNIGHT + 2 * HOUR, HOUR, "lic-01", "lic-02")
    assert [bucket.high for bucket in result] == [5, 5]


def test_polled_pool_continues_after_an_import(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [5] * 10)
    csv = text(fixture)
    take(fixture, csv.replace("2026-11-24", "2026-11-20"))
    fixture.poll_series(MIDNIGHT + 600, [6] * 10)
    fixture.compact_at(MIDNIGHT + 6 * HOUR)
    assert [row[8] for row in fixture.export(Resolution.DAY)] == ["5", "6"]


def test_reported_months_stay_months_after_import(
    fixture: HistoryFixture, other: HistoryFixture
) -> None:
    key = PoolKey("CVAD:Premium")
    months = (
        MonthlyUsage(key, MIDNIGHT - 54 * DAY, 40, 100, 3, 1),
        MonthlyUsage(key, MIDNIGHT - 23 * DAY, 45, 100, 6, 1),
    )
    result = snapshot(pool("CVAD:Premium", 47, 100, None), monthly_usage=months)
    fixture.history.append(server(), polled(result, at=MIDNIGHT))
    take(other, text(fixture))
    assert len(other.readings()) == 3
    assert other.history.monthly_usage("lic-01", key)[0].in_use == 40
    assert other.buckets(MIDNIGHT - 60 * DAY, MIDNIGHT - DAY, DAY, product=key.product) == ()


def _rows(*figures: int, server: str = "lic-01", first: int = 0) -> str:
    return "".join(
        f"{stamp(MIDNIGHT + (first + turn) * 60)},{server},{PRODUCT},user_device,,{figure},500,\n"
        for turn, figure in enumerate(figures)
    )


def test_long_export_is_imported_in_parts(
    fixture: HistoryFixture, other: HistoryFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv = HEAD + "".join(_rows(*range(90), server=f"lic-0{number}") for number in range(3))
    take(fixture, csv)
    monkeypatch.setattr("lictui.history.csv_reader._BLOCK", 500)
    monkeypatch.setattr("lictui.history.csv_import._PART_ROWS", 40)
    assert len(read_text(csv)[1]) > 3
    assert take(other, csv) == (270, 0)
    assert text(other) == text(fixture)
    assert text(other, Resolution.HOUR) == text(fixture, Resolution.HOUR)


def test_history_is_not_locked_while_a_file_is_read(
    fixture: HistoryFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lictui.history.csv_reader._BLOCK", 500)
    path = tmp_path / "usage.csv"
    path.write_text(HEAD + _rows(*range(100), server="lic-02"))
    turns = count()
    file = CsvFile(path, lambda *_: fixture.record(MIDNIGHT + 60 * next(turns), 1))
    fixture.history.import_readings(read_csv(file, ImportOptions()).pools)
    assert len(fixture.readings()) == 100 + next(turns) > 105


def test_different_figures_of_one_time_are_refused(fixture: HistoryFixture) -> None:
    csv = HEAD + _rows(1, 2) + _rows(3, server="lic-02") + _rows(5, first=1)
    with pytest.raises(UsageError, match="lines 3 and 5 have different figures of XDT"):
        take(fixture, csv)
    assert fixture.history.stats().readings == 0
    unknown = f"{stamp(MIDNIGHT + 60)},lic-01,{PRODUCT},user_device,,,500,\n"
    take(fixture, HEAD + _rows(1, 2) + unknown + _rows(2, first=1))
    assert [figure for _, figure in fixture.readings()] == [1, 2]
