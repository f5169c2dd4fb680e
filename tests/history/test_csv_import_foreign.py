"""Somebody else's CSV: what wrote it does not matter; what is unclear is asked for."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.analysis.series import Resolution
from lictui.errors import UsageError
from lictui.history.csv_import import ImportOptions, parse_column_option, read_csv

if TYPE_CHECKING:
    from lictui.history.csv_reader import ImportResult

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


def taken(text: str | bytes, zone: ZoneInfo | None = None, **said_of_it: object) -> ImportResult:
    data = text.encode() if isinstance(text, str) else text
    zone = zone or ZoneInfo("UTC")
    return read_csv(data, ImportOptions(("lic-01",), ("XDT_PLT_CCS",), zone=zone, **said_of_it))  # type: ignore[arg-type]


def points(
    text: str | bytes, zone: ZoneInfo | None = None, **more: object
) -> list[tuple[object, ...]]:
    (pool,) = taken(text, zone, **more).pools
    return [(utc(one.time), *one[1:]) for one in pool.readings]


def utc(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


ONE = ("2026-11-24 06:15:00", 412, 500, None)


@pytest.mark.parametrize(
    "text",
    [
        "Date,Time,InUse,Total\n11/24/2026,06:15,412,500\n",
        "Date,Time,In Use,Installed\n11/24/2026,6:15:00 AM,412,500\n",
        '"Date";"Time";"Used";"Licenses Owned"\n"24.11.2026";"06:15";"412";"500"\n',
        "TIMESTAMP\tin_use\tINSTALLED\n2026-11-24T06:15:00Z\t412\t500\n",
        "timestamp,in-use,total\n2026-11-24 06:15:00.123,412,500\n",
        "Timestamp,InUse,Total\n2026-11-24T07:15:00+01:00,412,500\n",
        "Timestamp,InUse,Total\n1795500900,412,500\n",
        "Timestamp,InUse,Total\n1795500900000,412,500\n",
        "When,Used,Owned\n24-Nov-2026 06:15,412,500\n",
        'When,Used,Owned\n"Tuesday, November 24, 2026 6:15:00 AM",412,500\n',
        '#TYPE System.Object\n"Time","InUse","Total"\n"11/24/2026 6:15:00 AM","412","500"\n',
        "sep=;\nDate;Time;InUse;Total\n2026-11-24;06:15;412;500\n",
        "Usage of lic-01\n\nTime , In Use , Total \n2026/11/24 06:15 , 412 , 500\n",
        "Total,Date,Time,Nonsense,InUse\n500,13/11/2026,06:15,x,1\n500,24/11/2026,06:15,x,412\n",
        "Timestamp,InUse,Total\r\n2026-11-24 06:15,412.0,500.00\r\n\r\n",
    ],
)
def test_foreign_csv_is_read_in_many_forms(text: str) -> None:
    assert points(text)[-1] == ONE
    assert points("\ufeff" + text)[-1] == ONE
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        assert points(text.encode(encoding))[-1] == ONE


def test_figures_with_thousands_separators_are_read() -> None:
    text = 'Timestamp,InUse,Total,Overdraft\n2026-11-24T06:15Z,"1,234","12.000",1 200\n'
    assert points(text) == [("2026-11-24 06:15:00", 1234, 12000, 1200)]


def test_installed_may_be_missing_or_unlimited() -> None:
    text = "Timestamp,InUse,Total\n2026-11-24T06:15Z,412,\n2026-11-24T06:20Z,413,unlimited\n"
    assert [row[2] for row in points(text)] == [None, None]
    assert points("Timestamp,InUse\n2026-11-24T06:15Z,412\n") == [(*ONE[:2], None, None)]


@pytest.mark.parametrize("figure", ["", "n/a", "-3", "4.5", "82 %", "0x10", "many", "99999999999"])
def test_invalid_figure_skips_the_row_and_is_never_zero(figure: str) -> None:
    result = taken(f"Timestamp,InUse\n2026-11-24T06:15Z,412\n2026-11-24T06:20Z,{figure}\n")
    assert [one.in_use for one in result.pools[0].readings] == [412]
    assert result.skipped == 1
    assert result.reasons[0][0] == 3
    assert "in use" in result.reasons[0][1]


def test_day_order_follows_from_one_unambiguous_row() -> None:
    text = "Time,InUse\n03/04/2026 10:00,1\n13/04/2026 10:00,2\n"
    assert [row[0] for row in points(text)] == ["2026-04-03 10:00:00", "2026-04-13 10:00:00"]
    text = "Time,InUse\n03/04/2026 10:00,1\n03/14/2026 10:00,2\n"
    assert [row[0] for row in points(text)] == ["2026-03-04 10:00:00", "2026-03-14 10:00:00"]


@pytest.mark.parametrize(
    "rows", ["03/04/2026 10:00,1\n", "3.4.2026 10:00,1\n", "13/04/2026 9:00,1\n04/13/2026 9:00,1\n"]
)
def test_ambiguous_dates_are_refused(rows: str) -> None:
    with pytest.raises(UsageError, match="ambiguous date") as refused:
        taken("Time,InUse\n" + rows)
    assert "--date-format" in refused.value.hint


def test_date_format_resolves_ambiguous_dates() -> None:
    text = "Date,Time,InUse\n03.04.2026,10:00,1\n"
    assert points(text, date_format="%d.%m.%Y") == [("2026-04-03 10:00:00", 1, None, None)]
    text = "Time,InUse\n03.04.2026 10h30,1\n"
    form = "%m.%d.%Y %Hh%M"
    assert points(text, date_format=form) == [("2026-03-04 10:30:00", 1, None, None)]


def test_columns_can_be_chosen_by_name_or_number() -> None:
    text = "Zeit;Belegt;Gekauft\n2026-11-24 06:15;412;500\n"
    with pytest.raises(UsageError, match="Zeit, Belegt, Gekauft") as refused:
        taken(text)
    assert "--columns" in refused.value.hint
    assert points(text, columns=parse_column_option("time=zeit, in_use=Belegt, installed=3")) == [
        ONE
    ]
    with pytest.raises(UsageError):
        taken(text, columns=parse_column_option("time=Zeit,in_use=Benutzt"))


def test_invalid_column_option_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match="did you mean 'installed'"):
        parse_column_option("instaled=Total")
    with pytest.raises(UsageError, match="invalid entry 'time'"):
        parse_column_option("time")


def test_times_are_read_in_the_given_zone() -> None:
    text = "Time,InUse\n2026-07-01 12:00,1\n2026-12-01 12:00,2\n"
    assert [row[0] for row in points(text, BERLIN)] == [
        "2026-07-01 10:00:00",
        "2026-12-01 11:00:00",
    ]


def test_column_name_may_specify_utc() -> None:
    for head in ("Time (UTC)", "timestamp_utc", "UTC", "Date/Time UTC"):
        text = f"{head},InUse\n2026-07-01 12:00,1\n"
        assert points(text, BERLIN)[0][0] == "2026-07-01 12:00:00"


HOURS = ("00:30", "01:30", "02:00", "02:30", "02:00", "02:30", "03:00")
AS_UTC = ("22:30", "23:30", "00:00", "00:30", "01:00", "01:30", "02:00")


@pytest.mark.parametrize("newest_first", [False, True])
def test_repeated_hour_follows_the_order_of_rows(*, newest_first: bool) -> None:
    rows = [f"2026-10-25 {hour},{turn}" for turn, hour in enumerate(HOURS)]
    rows = rows[::-1] if newest_first else rows
    result = sorted(points("Time,InUse\n" + "\n".join(rows), BERLIN), key=lambda row: str(row[1]))
    assert [str(row[0])[11:16] for row in result] == list(AS_UTC)


def test_skipped_hour_follows_the_rules_of_the_zone() -> None:
    result = points(
        "Time,InUse\n2026-03-29 01:30,1\n2026-03-29 02:30,2\n2026-03-29 03:30,3\n", BERLIN
    )
    assert [row[0] for row in result][0::2] == ["2026-03-29 00:30:00", "2026-03-29 01:30:00"]
    assert result[1][0] == "2026-03-29 01:30:00"


@pytest.mark.parametrize(
    "text",
    [
        "Date,In Use,Total\n2026-11-23,300,500\n2026-11-24,412,500\n",
        "Date,Time,InUse,Total\n2026-11-23,,300,500\n2026-11-24,,412,500\n",
        "Date,InUse,Total\n11/23/2026 12:00:00 AM,300,500\n11/24/2026 12:00:00 AM,412,500\n",
    ],
)
@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Asia/Tokyo", "Pacific/Kiritimati"])
def test_day_without_time_is_a_daily_bucket(text: str, zone: str) -> None:
    (pool,) = taken(text, ZoneInfo(zone)).pools
    assert pool.readings == []
    one, other = pool.buckets[Resolution.DAY]
    day = other
    assert utc(day.start) == "2026-11-24 00:00:00"
    assert (day.low, day.average, day.high, day.last, day.samples) == (412, 412, 412, 412, 1)
    assert day.start <= day.high_at < day.start + 86400
    assert one.start == day.start - 86400
    assert other.installed == 500


def test_single_midnight_in_utc_is_a_reading() -> None:
    text = "Time,InUse,Total\n2026-11-24T00:00:00Z,412,500\n"
    assert [row[1] for row in points(text)] == [412]


def test_rows_of_one_second_keep_their_order() -> None:
    rows = "2026-11-24T06:20Z,9\n2026-11-24T06:15Z,1\n2026-11-24T06:15Z,2\n"
    assert [row[1] for row in points("Time,InUse\n" + rows)] == [9, 1, 2]


def test_rows_of_other_products_are_filtered_out() -> None:
    text = (
        "Product,Time,InUse\nXDT_PLT_CCS,2026-11-24T06:15Z,1\nMPS_ENT_CCU,2026-11-24T06:15Z,2\n"
        "xdt_plt_ccs,2026-11-24T06:20Z,3\n"
    )
    assert [row[1] for row in points(text)] == [1, 3]
    with pytest.raises(UsageError, match="the file has MPS_ENT_CCU"):
        taken("Product,Time,InUse\nMPS_ENT_CCU,2026-11-24T06:15Z,2\n")


def test_future_time_is_skipped() -> None:
    until = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    result = taken("Time,InUse\n2026-11-23T10:00Z,1\n2036-11-23T10:00Z,1\n", until=until)
    assert len(result.pools[0].readings) == 1
    assert "future" in result.reasons[0][1]


@pytest.mark.parametrize(
    "time", ["30/02/2026 10:00", "24/11/2026 25:00", "soon", "13/13/2026 10:00"]
)
def test_invalid_time_is_skipped(time: str) -> None:
    result = taken(f"Time,InUse\n24/11/2026 10:00,1\n{time},2\n".replace("13/13", "31/11"))
    assert [one.in_use for one in result.pools[0].readings] == [1]
    assert result.skipped == 1


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"\x00" * 300, b"\x89PNG\r\n\x1a\n\x00\x01" * 9]
)
def test_file_that_is_not_csv_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError):
        taken(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(UsageError):
        taken(b"Time,InUse,Total\n" + data, BERLIN)
    with suppress(UsageError):
        taken(data)


@given(
    st.lists(st.lists(st.text("0123456789/.-: ;\"'apmT+Z", max_size=22), max_size=4), max_size=6)
)
def test_any_rows_are_read_or_skipped(rows: list[list[str]]) -> None:
    body = "\n".join(",".join(row) for row in rows)
    try:
        result = taken(f"Time,InUse,Total\n{body}\n")
    except UsageError:
        return
    given_rows = sum(
        len(one.readings) + sum(map(len, one.buckets.values())) for one in result.pools
    )
    assert result.read == result.skipped + given_rows
