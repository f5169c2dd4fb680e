"""CSV files of other programs: any form is read, and what is ambiguous is refused."""

from datetime import UTC, datetime
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.csv_files import read_text, rows_of

from lictui.analysis.series import Resolution
from lictui.errors import UsageError
from lictui.history.csv_export import HEADER, MONTH_HEADER, RAW_HEADER
from lictui.history.csv_reader import MONTH, ImportedPool, ImportOptions, ImportResult

BERLIN = ZoneInfo("Europe/Berlin")


def taken(
    text: str | bytes,
    zone: ZoneInfo | None = None,
    product: str = "XDT_PLT_CCS",
    server: str = "lic-01",
    **options: Any,
) -> tuple[ImportResult, list[ImportedPool]]:
    zone = zone or ZoneInfo("UTC")
    return read_text(text, ImportOptions((server,), (product,), zone=zone, **options))


def points(
    text: str | bytes, zone: ZoneInfo | None = None, **more: Any
) -> list[tuple[object, ...]]:
    (pool,) = taken(text, zone, **more)[1]
    return [(utc(row[0]), *row[1:]) for row in rows_of(pool.of_width(0))]


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


def test_bytes_that_are_not_utf_8_are_windows_1252() -> None:
    text = "Zeit;Genutzt € β;Größe\n2026-11-24 06:15;412;500\n"
    names = {"time": "Zeit", "in_use": "2", "installed": "Größe"}
    assert points(text.encode(), columns=names) == [ONE]
    assert points(text.replace("β", "").encode("cp1252"), columns=names) == [ONE]


def test_columns_can_be_chosen_by_name_or_number() -> None:
    text = "Zeit;Belegt;Gekauft\n2026-11-24 06:15;412;500\n"
    with pytest.raises(UsageError, match="Zeit, Belegt, Gekauft") as refused:
        taken(text)
    assert "--columns" in refused.value.hint
    assert points(text, columns={"time": "zeit", "in_use": "Belegt", "installed": "3"}) == [ONE]


@given(
    st.integers(1792857600, 1792886400),  # 25 October 2026, on which Berlin sets its clocks back
    st.lists(st.integers(60, 1800), min_size=1, max_size=60),
    st.booleans(),
)
def test_local_times_survive_a_clock_change(
    first: int,
    steps: list[int],
    newest_first: bool,  # noqa: FBT001 - hypothesis passes it by position
) -> None:
    times = list(accumulate(steps, initial=first - 3600))
    rows = [
        f"{datetime.fromtimestamp(time, BERLIN):%Y-%m-%d,%H:%M:%S},{turn}\n"
        for turn, time in enumerate(times)
    ]
    text = "Date,Time,InUse\n" + "".join(rows[::-1] if newest_first else rows)
    _, (pool,) = taken(text, BERLIN)
    assert pool.rows["time"].tolist() == times


def test_license_types_add_up_in_the_hour_that_comes_twice() -> None:
    rows = [
        f"2026-10-25 {clock},{name},{figure}\n"
        for clock in ("02:00", "02:30", "02:00", "02:30", "03:00")
        for name, figure in (("Retail", 40), ("Eval", 2))
    ]
    found = points("Time,License Type,In Use\n" + "".join(rows), BERLIN)
    hours = ("00:00", "00:30", "01:00", "01:30", "02:00")
    assert [row[:2] for row in found] == [(f"2026-10-25 {hour}:00", 42) for hour in hours]


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
    _, (pool,) = taken(text, ZoneInfo(zone))
    assert len(pool.of_width(0)) == 0
    names = ("time", "in_use", "high_at", "installed", "width")
    (first, *_), (start, in_use, high_at, installed, width) = rows_of(pool.rows, names)
    assert utc(start) == "2026-11-24 00:00:00"
    assert (in_use, installed, width) == (412, 500, Resolution.DAY)
    assert start <= high_at < start + 86400
    assert first == start - 86400


# Rows of several servers, products, subscription dates and license types


SERVERS = """\
Time,Server,PLD,In Use,Installed
2026-11-13 08:00,lic-01,XDT_PLT_CCS,412,500
2026-11-13 08:00,lic-02,XDT_PLT_CCS,35,100
2026-11-13 08:15,LIC-01.corp.example,xdt_plt_ccs,413,500
2026-11-13 08:15,lic-02,XDT_PLT_CCS,36,100
"""


FARMS = SERVERS.replace("Server", "Farm")
PRODUCTS = """\
"Date-time","License","Count","Usage","pctUsed"
"11/21/2026 8:00:00 AM","MPS_PLT_CCU","1000","512","51.2"
"11/21/2026 8:00:00 AM","XDT_PLT_UD","500","400","80"
"11/22/2026 8:00:00 AM","MPS_PLT_CCU","1000","530","53"
"11/22/2026 8:00:00 AM","XDT_PLT_UD","500","401","80.2"
"""
SNAP_IN = """\
Time,Computer,License Count,License Pool - Available,Licenses in Use,Overdraft,PLD,Product
11/13/2026 10:00:00,LIC-01,132,61,71,12,XDT_ENT_UD,Citrix XenDesktop Enterprise|User/Device
11/13/2026 11:00:00,LIC-01,132,59,73,12,XDT_ENT_UD,Citrix XenDesktop Enterprise|User/Device
"""
WMI = (
    '"Time","PLD","Count","Overdraft","InUseCount","PooledAvailable"\n'
    '"20261101080000.000000+060","XDT_PLT_CCS","550","50","412","138"\n'
)
HOSTS = (
    "Time,Server,InUse\n2026-11-13 08:00,27000@LIC-01.a.example,1\n"
    "2026-11-13 08:05,lic-02.a.example,2\n"
)
NAMES = (
    "Product,Time,InUse\nCitrix Virtual Apps and Desktops Premium,2026-11-24T06:15Z,1\n"
    "Citrix Virtual Apps Premium,2026-11-24T06:15Z,2\n"
)
CODES = "PLD,Time,InUse\nXDT_PLT_CCS,2026-11-24T06:15Z,1\n,2026-11-24T06:20Z,2\n"
TYPES = (
    "Time,License Type,In Use,Installed\n2026-11-24T06:15Z,Retail,40,100\n"
    "2026-11-24T06:15Z,Eval,2,5\n2026-11-24T06:20Z,Retail,41,100\n2026-11-24T06:20Z,Eval,2,\n"
)
REPEATED = "Time,InUse\n2026-11-24T06:15Z,1\n2026-11-24T06:20Z,2\n2026-11-24T06:15Z,{}\n"


def case(name: str, text: str, *expected: object, **options: Any) -> object:
    return pytest.param(text, options, expected, id=name)


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        *(
            case(name, SERVERS.replace("Server", name), (412, 500), (413, 500))
            for name in ("Server", "License Server", "PSComputerName", "Host")
        ),
        case(
            "server by another name",
            HOSTS.splitlines()[0] + "\n2026-11-13 08:00,10.0.0.7,4\n",
            (4,),
        ),
        case("host with a domain", HOSTS, (1,)),
        case("address", HOSTS.replace("lic-02.a.example", "10.0.0.8"), (2,), server="10.0.0.8"),
        case("where", FARMS, (35,), (36,), where=(("Farm", "LIC-02"),)),
        case("chosen", FARMS, (412,), (413,), columns={"server": "Farm"}),
        *(
            case(name, PRODUCTS.replace("License", name), (400,), (401,), product="XDT_PLT_UD")
            for name in ("License", "Feature", "Kind of thing")
        ),
        case("code, not name", SNAP_IN, (71, 120, 12), (73, 120, 12), product="XDT_ENT_UD"),
        case(
            "code last",
            SNAP_IN.replace("PLD,Product", "Product,PLD"),
            *((71, 120, 12), (73, 120, 12)),
            product="XDT_ENT_UD",
        ),
        case("display name", NAMES, (1,)),
        case(
            "only name",
            NAMES.replace("Citrix Virtual Apps Premium", "").replace("2\n", "1\n"),
            (1,),
        ),
        case("no product in a row", CODES, (1,), (2,)),
        case("one of two products", CODES + "MPS_ENT_CCU,2026-11-24T06:20Z,3\n", (1,)),
        case("numbers", CODES.replace("PLD", "License").replace("XDT_PLT_CCS", "500"), (1,), (2,)),
        case("license types", TYPES, (42, 105), (43, None)),
        case("repeated", REPEATED.format(1), (1,), (2,)),
        case("count with overdraft", WMI, (412, 500, 50)),
        case(
            "separators",
            "Time;InUse;Total;Overdraft\n2026-11-24;1,234;12.000;1 200\n",
            (1234, 12000, 1200),
        ),
        case("no total", "Time,InUse,Total\n2026-11-24 06:15,412,unlimited\n", (412, None)),
        *(
            case(f"figure {figure}", f'Time;InUse\n2026-11-24T06:15Z;"{figure}"\n', (count,))
            for figure, count in (("412,5", 413), ("1.49", 1), ("4 users", 4), ("1.412 #", 1412))
        ),
    ],
)
def test_rows_of_the_server_and_product_are_read(
    text: str, options: dict[str, Any], expected: tuple[tuple[int | None, ...], ...]
) -> None:
    _, (pool,) = taken(text, **options)
    assert [row[1 : 1 + len(expected[0])] for row in rows_of(pool.rows)] == [*expected]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        case("server", SERVERS, "server 'lic-03'; the column Server has lic-01", server="lic-03"),
        case("domain", HOSTS, "no rows of server 'lic-01.b'", server="lic-01.b"),
        case("domains", HOSTS.replace("lic-02.a", "lic-01.b"), "no rows of server 'lic-01'"),
        case("product", CODES.replace("XDT_PLT_CCS", "A_B"), "the column PLD has a_b"),
        case("no such column", SERVERS, "no column 'Site'", where=(("Site", "x"),)),
        case("farms", FARMS, "lines 2 and 3 .* they differ in Farm, In Use"),
        case("models", TYPES.replace("Eval", "Concurrent"), "they differ in License Type, In Use"),
        case("types", TYPES + "2026-11-24T06:15Z,Retail,44,100\n", "lines 2 and 6 have different"),
        case("readings", REPEATED.format(2), "have different figures for one time"),
        case("days", REPEATED.format(2).replace("T06:15Z", ""), "have different figures"),
        case("months", "Time,InUse\n2026-10,1\n2026-10,2\n", "have different figures"),
        case("ambiguous", "Time,InUse\n03/04/2026 10:00,1\n", "day and month are ambiguous"),
        case("day and month first", "Time,InUse\n13/04/2026,1\n04/13/2026,1\n", "others the month"),
        case("ambiguous end", "Time,SADate,InUse\n2026-11-13,01/12/2026,1\n", "ambiguous date"),
        case("columns", "sep=;\nZeit;Belegt\n2026;412\n", "first row has the columns Zeit, Belegt"),
        case("no such columns", "Time,InUse\n", "no usable header", columns={"in_use": "Benutzt"}),
        case("no end of line", "Time,InUse\n" + "x" * (2 << 20), "a line is longer than 1 MB"),
        *(
            case("no CSV", data, ".")
            for data in ("", "\xff", "\0" * 300, "\x89PNG\r\n\x1a\n\0\1" * 9)
        ),
    ],
)
def test_ambiguous_or_unusable_files_are_refused(
    text: str, options: dict[str, Any], expected: tuple[str]
) -> None:
    with pytest.raises(UsageError, match=expected[0]):
        taken(text, **options)


NOVEMBER = datetime(2026, 11, 30, tzinfo=UTC).timestamp()
NO_DATES = ("01/01/0001", "0001-01-01", "1601-01-01", "12/30/1899", "01/01/1970", "9999-12-31")
NO_FIGURES = ("", "n/a", "-3", "82 %", "0x10", "many", "99999999999")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        *((f"24/11/2026 06:20,{figure}", "in use ") for figure in NO_FIGURES),
        ("30/02/2026 10:00,1", "invalid date: 2026-02-30"),
        ("24/11/2026 25:00,1", "invalid time: '24/11/2026 25:00'"),
        ("soon,1,more", "invalid time: 'soon'"),
        *((f"{date} 12:00:00 AM,1", "invalid time: ") for date in NO_DATES),
        ("24/11/2026 10:00 +99:99,1", "invalid time: '24/11/2026 10:00 +99:99'"),
        ("24/11/2036 10:00,1", "time is in the future: 2036-11-24"),
        ("29/03/2026 02:30,1", "clock change leaves this time out: 2026-03-29"),
    ],
)
def test_unusable_row_is_skipped_and_never_zero(row: str, reason: str) -> None:
    text = f"Time,InUse\n24/11/2026 10:00,1\n{row}\n"
    result, (pool,) = taken(text, BERLIN, until=NOVEMBER)
    assert (pool.rows["in_use"].tolist(), result.skipped) == ([1], 1)
    ((line, explained),) = result.reasons
    assert (line, explained[: len(reason)]) == (3, reason)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("note", "height"), [("", 1), ('"a"', 1), ('"a{end}b"', 2)])
def test_skipped_line_has_the_number_of_its_last_line(
    end: str, note: str, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lictui.history.csv_reader._BLOCK", 100)
    row = f"2026-11-24T06:15Z,1,{note}".format(end=end)
    result, _ = taken(end.join(["Time,InUse,Note", *[row] * 50, "soon,1", row]))
    assert result.reasons == [(1 + 50 * height + 1, "invalid time: 'soon'")]


def test_total_below_the_overdraft_is_skipped() -> None:
    result, _ = taken(WMI.replace('"550"', '"49"'))
    assert result.reasons == [(2, "total is less than overdraft")]


def test_used_and_unused_columns_are_named() -> None:
    result, _ = taken(PRODUCTS, product="XDT_PLT_UD")
    used = {"time": "Date-time", "in_use": "Usage", "total": "Count", "product": "License"}
    assert (result.used, result.unused, result.filtered_out) == (used, ["pctUsed"], 2)


@pytest.mark.parametrize(
    ("text", "options", "time"),
    [
        ("Time,InUse\n03/04/2026 10:00,1\n13/04/2026 10:00,2\n", {}, "2026-04-03 08:00:00"),
        ("Time,InUse\n03/04/2026 10:00,1\n03/14/2026 10:00,2\n", {}, "2026-03-04 09:00:00"),
        (
            "Date,Time,InUse\n03.04.2026,10:00,1\n",
            {"date_format": "%d.%m.%Y"},
            "2026-04-03 08:00:00",
        ),
        (
            "Time,InUse\n03.04.2026 10h30,1\n",
            {"date_format": "%m.%d.%Y %Hh%M"},
            "2026-03-04 09:30:00",
        ),
        ("Time (UTC),InUse\n2026-07-01 12:00,1\n", {}, "2026-07-01 12:00:00"),
        ("UTC,InUse\n2026-07-01 12:00,1\n", {}, "2026-07-01 12:00:00"),
        ("Date/Time UTC,InUse\n2026-07-01 12:00,1\n", {}, "2026-07-01 12:00:00"),
        *(
            (f"Time;InUse\n2026-07-01 {clock};1\n", {}, f"2026-{time}:00")
            for clock, time in (
                ("00:00Z", "07-01 00:00"),
                ("12:00 +14:00", "06-30 22:00"),
                ("12:30 AM", "06-30 22:30"),
                ("12:30 p.m.", "07-01 10:30"),
                ("下午 8:30:00", "07-01 18:30"),
            )
        ),
        (WMI, {}, "2026-11-01 07:00:00"),
        ('Time,InUse\n"13.11.2026 23:50:00 - 00:00:00",4\n', {}, "2026-11-13 22:50:00"),
    ],
)
def test_local_and_universal_times_are_read(text: str, options: dict[str, Any], time: str) -> None:
    assert points(text, BERLIN, **options)[0][0] == time


def test_column_of_a_subscription_date_separates_pools() -> None:
    text = """\
Product & Edition,Model,Customer Success Services Date,Date,Installed,Overdraft,In Use
Citrix Virtual Apps and Desktops Premium,Concurrent,2026.1201,11/13/2026,100,10,40
Citrix Virtual Apps and Desktops Premium,Concurrent,2027.1201,11/13/2026,200,20,55
Citrix Virtual Apps and Desktops Premium,Concurrent,2026.1201,11/14/2026,100,10,41
Citrix Virtual Apps and Desktops Premium,Concurrent,2027.1201,11/14/2026,200,20,56
"""
    result, pools = taken(text)
    assert [
        (pool.key.subscription_date, *row[1:])
        for pool in pools
        for row in rows_of(pool.of_width(Resolution.DAY))
    ] == [
        ("2026-12-01", 40, 100, 10),
        ("2026-12-01", 41, 100, 10),
        ("2027-12-01", 55, 200, 20),
        ("2027-12-01", 56, 200, 20),
    ]
    assert result.unused == ["Model"]
    _, (later,) = taken(text, subscription_date="2027-12-01")
    assert later.rows["in_use"].tolist() == [55, 56]


def test_subscription_date_is_as_clear_as_other_dates() -> None:
    text = "Time,SADate,InUse\n{}/11/2026 08:00,{},1\n"
    _, (pool,) = taken(text.format(13, "01/12/2026"))
    assert pool.key.subscription_date == "2026-12-01"
    _, (pool,) = taken(text.format("02", "01/12/2026"), date_format="%d/%m/%Y %H:%M")
    assert pool.key.subscription_date == "2026-12-01"
    assert taken(text.format(13, "31/02/2027"))[0].skipped == 1
    for no_date in ("", "01/01/0001 12:00:00 AM", "9999-12-31"):
        _, (pool,) = taken(text.format(13, no_date), undated=lambda: "2027-06-12")
        assert pool.key.subscription_date == "2027-06-12"


# PRTG: units, ranges of time, serial numbers of days, decimals, summary rows


PRTG = """\
"Date Time","Date Time(RAW)","Used","Used(RAW)","Free","Free(RAW)","Coverage","Coverage(RAW)"
"11/28/2026 12:00:00 AM - 1:00:00 AM","46354.0416666667","412 #","412.0000","88 #","88","99 %","1"
"11/28/2026 1:00:00 AM - 2:00:00 AM","46354.0833333333","415 #","414.500","85 #","85.0","100 %","1"
"11/28/2026 2:00:00 AM - 3:00:00 AM","46354.1250000000","","","","","0 %","0"
"Sums (of 3 values)","","","","","","",""
"Averages (of 3 values)","","414 #","413.5000","87 #","86.5000","67 %","6667"
"""


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"in_use": "Used"},
        {"time": "Date Time(RAW)", "in_use": "Used(RAW)"},
    ],
)
def test_hourly_averages_of_prtg_are_buckets(columns: dict[str, str]) -> None:
    result, (pool,) = taken(PRTG, columns=columns)
    rows = [(utc(row[0]), row[1]) for row in rows_of(pool.of_width(Resolution.HOUR))]
    assert rows == [("2026-11-28 00:00:00", 412), ("2026-11-28 01:00:00", 415)]
    assert (len(pool.of_width(0)), result.skipped) == (0, 3)
    assert result.rounded is (columns.get("in_use") != "Used")


# Dates in the formats of the locales of Windows


@pytest.mark.parametrize(
    "time",
    [
        "2026. 11. 13. 8:00:00",  # hu-HU
        "13. 11. 2026 8:00:00",  # cs-CZ
        "13.11.2026. 8:00:00",  # hr-HR
        "13.11.2026 8.00.00",  # fi-FI
        "13.11.2026 \u0433. 8:00:00",  # bg-BG
        "13-11-2026 08:00:00",  # nl-NL, en-IN
        "13.11.26 08:00",
        "2026年11月13日 8:00:00",  # ja-JP
        "2026-11-13 오전 8:00:00",  # ko-KR
        "2026/11/13 上午 08:00:00",  # zh-TW
        "13/11/2026 08:00:00 a.\u00a0m.",  # es-MX
        "13/11/2026 8:00:00 πμ",  # el-GR
        "13/11/2569 8:00:00",  # th-TH
        "\u200f13/\u200f11/\u200f2026 08:00:00 AM",
        "\u0661\u0663/\u0661\u0661/\u0662\u0660\u0662\u0666 08:00:00",  # Arabic digits
        "13-nov-2026 8:00:00",
        "13. November 2026 8:00:00",
        "vendredi 13 novembre 2026 08:00:00",
        "viernes, 13 de noviembre de 2026 8:00:00",
        "mardi 13 nov. 2026, 8:00:00",  # "mar" is not a month here
        "20261113 08:00:00",
        "20261113080000",
        "46339.3333333333",
        "2026-11-13 8 AM",
        "13/11/2026 08h00",
    ],
)
def test_time_of_any_locale_is_read(time: str) -> None:
    assert points(f'Time;InUse\n"{time}";7\n') == [("2026-11-13 08:00:00", 7, None, None)]


@pytest.mark.parametrize("month", ["2026-10", "10/2026", "2026/10", "Oct 2026", "Oktober 2026"])
def test_month_is_a_month_and_not_a_reading(month: str) -> None:
    result, (pool,) = taken(f"Month,In Use,Total\n{month},412,500\n")
    assert result.skipped == 0
    ((start, *figures),) = rows_of(pool.of_width(MONTH))
    assert (utc(start), *figures) == ("2026-10-01 00:00:00", 412, 500, None)


# Damaged and unusual files


NUMERIC = st.text("0123456789/.-: ;'apmT+Z", max_size=22)
HOSTILE = st.text("=\x1b[31m\x07\x9b\u202e\u200d\0\r\n \"'ab", max_size=9)
CELL = st.one_of(NUMERIC, HOSTILE, st.sampled_from(["2026-11-24", "06:15", "412", ""]))
OWN = [",".join(header) for header in (RAW_HEADER, HEADER, MONTH_HEADER)]
OWN_ROW = (
    f"2026-11-24T00:00:00Z,2026-11-25T00:00:00Z,s,P,,,0,{'9' * 30},1,2026-11-24T00:00:00Z,1,1,1"
)


@given(
    st.sampled_from(["Date,Time,InUse,Total,", "Time,InUse,Product,Server,", *OWN, ""]),
    HOSTILE,
    st.lists(st.lists(CELL, max_size=9), max_size=6),
    st.binary(max_size=60),
)
def test_any_file_is_read_or_refused_and_shows_no_control_characters(
    head: str, name: str, rows: list[list[str]], rest: bytes
) -> None:
    lines = [head + name * (head not in OWN), OWN_ROW, *map(",".join, rows)]
    shown: list[str] = []
    try:
        result, pools = taken("\n".join(lines).encode() + rest, BERLIN)
    except UsageError as refused:
        shown += str(refused), refused.hint
    else:
        count = sum(len(pool.rows) for pool in pools)
        assert result.read >= result.skipped + result.filtered_out + count
        shown += [*result.used.values(), *result.unused, *(text for _, text in result.reasons)]
        shown += [text for pool in pools for text in (pool.server, pool.key.product)]
    assert all(text.isprintable() for text in shown)
