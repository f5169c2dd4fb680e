"""CSV files of other programs: any form is read, and what is ambiguous is refused."""

from contextlib import suppress
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
from lictui.history.csv_reader import MONTH, ImportedPool, ImportOptions, ImportResult

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


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


def test_german_utf16_file_of_powershell_is_read() -> None:
    text = (
        "#TYPE System.Management.Automation.PSCustomObject\r\n"
        '"Date";"Total Count";"In Use Count";"Available";"Percent in use";"Product Name"\r\n'
        '"05.10.2026 23:00:01";"1.220";"980";"240";"80,33";"XenApp Standard|Concurrent User"\r\n'
        '"13.10.2026 23:00:02";"1.220";"1.001";"219";"82,05";"XenApp Standard|Concurrent User"\r\n'
    )
    assert [row[:3] for row in points(text.encode("utf-16"))] == [
        ("2026-10-05 23:00:01", 980, 1220),
        ("2026-10-13 23:00:02", 1001, 1220),
    ]


def test_many_servers_are_told_apart() -> None:
    rows = "".join(f"2026-11-13 08:00,lic-{number},{number}\n" for number in range(3000))
    text = "Time,Server,InUse\n" + rows
    assert [row[1] for row in points(text, server="lic-2345")] == [2345]


def test_figures_with_thousands_separators_are_read() -> None:
    text = 'Timestamp,InUse,Total,Overdraft\n2026-11-24T06:15Z,"1,234","12.000",1 200\n'
    assert points(text) == [("2026-11-24 06:15:00", 1234, 12000, 1200)]


def test_installed_may_be_missing_or_unlimited() -> None:
    text = "Timestamp,InUse,Total\n2026-11-24T06:15Z,412,\n2026-11-24T06:20Z,413,unlimited\n"
    assert [row[2] for row in points(text)] == [None, None]
    assert points("Timestamp,InUse\n2026-11-24T06:15Z,412\n") == [(*ONE[:2], None, None)]


@pytest.mark.parametrize("figure", ["", "n/a", "-3", "82 %", "0x10", "many", "99999999999"])
def test_invalid_figure_skips_the_row_and_is_never_zero(figure: str) -> None:
    result, pools = taken(f"Timestamp,InUse\n2026-11-24T06:15Z,412\n2026-11-24T06:20Z,{figure}\n")
    assert pools[0].rows["in_use"].tolist() == [412]
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
    assert points(text, columns={"time": "zeit", "in_use": "Belegt", "installed": "3"}) == [ONE]
    with pytest.raises(UsageError):
        taken(text, columns={"time": "Zeit", "in_use": "Benutzt"})


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


def test_time_that_a_clock_change_leaves_out_is_skipped() -> None:
    text = "Time,InUse\n2026-03-29 01:30,1\n2026-03-29 02:30,2\n2026-03-29 03:30,3\n"
    assert [row[:2] for row in points(text, BERLIN)] == [
        ("2026-03-29 00:30:00", 1),
        ("2026-03-29 01:30:00", 3),
    ]
    result, _ = taken(text, BERLIN)
    assert result.reasons == [(3, "clock change leaves this time out: 2026-03-29")]


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


def test_single_midnight_in_utc_is_a_reading() -> None:
    text = "Time,InUse,Total\n2026-11-24T00:00:00Z,412,500\n"
    assert [row[1] for row in points(text)] == [412]


def test_rows_of_other_products_are_filtered_out() -> None:
    text = (
        "Product,Time,InUse\nXDT_PLT_CCS,2026-11-24T06:15Z,1\nMPS_ENT_CCU,2026-11-24T06:15Z,2\n"
        "xdt_plt_ccs,2026-11-24T06:20Z,3\n"
    )
    assert [row[1] for row in points(text)] == [1, 3]
    with pytest.raises(UsageError, match="the column Product has mps_ent_ccu"):
        taken("Product,Time,InUse\nMPS_ENT_CCU,2026-11-24T06:15Z,2\n")


def test_future_time_is_skipped() -> None:
    until = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    result, pools = taken("Time,InUse\n2026-11-23T10:00Z,1\n2036-11-23T10:00Z,1\n", until=until)
    assert len(pools[0].rows) == 1
    assert "future" in result.reasons[0][1]


@pytest.mark.parametrize(
    "time", ["30/02/2026 10:00", "24/11/2026 25:00", "soon", "13/13/2026 10:00"]
)
def test_invalid_time_is_skipped(time: str) -> None:
    result, pools = taken(f"Time,InUse\n24/11/2026 10:00,1\n{time},2\n".replace("13/13", "31/11"))
    assert pools[0].rows["in_use"].tolist() == [1]
    assert result.skipped == 1


# Rows of several servers, products, subscription dates and license types


SERVERS = """\
Time,Server,PLD,In Use,Installed
2026-11-13 08:00,lic-01,XDT_PLT_CCS,412,500
2026-11-13 08:00,lic-02,XDT_PLT_CCS,35,100
2026-11-13 08:15,LIC-01.corp.example,xdt_plt_ccs,413,500
2026-11-13 08:15,lic-02,XDT_PLT_CCS,36,100
"""


@pytest.mark.parametrize(
    "name",
    ["Server", "License Server", "ComputerName", "PSComputerName", "Host"],
)
def test_column_of_a_server_selects_rows(name: str) -> None:
    text = SERVERS.replace("Server", name)
    assert [row[1:3] for row in points(text)] == [(412, 500), (413, 500)]
    assert taken(text)[0].filtered_out == 2


def test_server_that_is_not_in_its_column_is_refused() -> None:
    with pytest.raises(
        UsageError, match="no rows of server 'lic-03'; the column Server has lic-01"
    ):
        taken(SERVERS, server="lic-03")
    # A file of one server may call it by another name.
    one = "Time,Server,InUse\n2026-11-13 08:00,10.0.0.7,412\n2026-11-13 08:05,10.0.0.7,413\n"
    assert [row[1] for row in points(one)] == [412, 413]


def test_condition_selects_rows() -> None:
    text = SERVERS.replace("Server", "Farm")
    with pytest.raises(UsageError) as refused:
        taken(text)
    assert str(refused.value) == (
        "lines 2 and 3 have different figures for one time; they differ in Farm, In Use, Installed"
    )
    assert "--where" in refused.value.hint
    assert [row[1] for row in points(text, where=(("Farm", "lic-02"),))] == [35, 36]
    assert [row[1] for row in points(text, columns={"server": "Farm"})] == [412, 413]
    with pytest.raises(UsageError, match="no column 'Site'"):
        taken(text, where=(("Site", "x"),))


@pytest.mark.parametrize(
    "rows",
    [
        "2026-11-24T06:20Z,9\n2026-11-24T06:15Z,1\n2026-11-24T06:15Z,2\n",
        "2026-11-23,1\n2026-11-24,2\n2026-11-23,3\n",
        "2026-10,1\n2026-10,2\n",
    ],
)
def test_different_figures_of_one_time_are_refused(rows: str) -> None:
    with pytest.raises(UsageError, match="have different figures for one time"):
        taken("Time,InUse\n" + rows)


def test_repeated_rows_count_once() -> None:
    text = "Time,InUse\n2026-11-24T06:15Z,1\n2026-11-24T06:20Z,2\n2026-11-24T06:15Z,1\n"
    assert [row[1] for row in points(text)] == [1, 2]


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
    with pytest.raises(UsageError, match="ambiguous date"):
        taken("Time,SADate,InUse\n2026-11-13 08:00,01/12/2026,1\n")
    _, (pool,) = taken(text.format("02", "01/12/2026"), date_format="%d/%m/%Y %H:%M")
    assert pool.key.subscription_date == "2026-12-01"
    assert taken(text.format(13, "31/02/2027"))[0].skipped == 1


def test_rows_without_a_subscription_date_go_to_the_known_pool() -> None:
    text = "Time,SADate,InUse\n2026-11-24T06:15Z,,1\n"
    _, (pool,) = taken(text, undated=lambda: "2027-06-12")
    assert pool.key.subscription_date == "2027-06-12"


def test_license_types_add_up() -> None:
    text = (
        "Time,License Type,In Use,Installed\n2026-11-24T06:15Z,Retail,40,100\n"
        "2026-11-24T06:15Z,Eval,2,5\n2026-11-24T06:20Z,Retail,41,100\n2026-11-24T06:20Z,Eval,2,\n"
    )
    assert [row[1:3] for row in points(text)] == [(42, 105), (43, None)]
    with pytest.raises(UsageError, match="lines 2 and 6 have different figures"):
        taken(text + "2026-11-24T06:15Z,Retail,44,100\n")


PRODUCTS = """\
"Date-time","License","Count","Usage","pctUsed"
"11/21/2026 8:00:00 AM","MPS_PLT_CCU","1000","512","51.2"
"11/21/2026 8:00:00 AM","XDT_PLT_UD","500","400","80"
"11/22/2026 8:00:00 AM","MPS_PLT_CCU","1000","530","53"
"11/22/2026 8:00:00 AM","XDT_PLT_UD","500","401","80.2"
"""


@pytest.mark.parametrize("name", ["License", "Feature", "Kind of thing"])
def test_column_that_contains_the_product_code_selects_rows(name: str) -> None:
    text = PRODUCTS.replace("License", name)
    rows = points(text, product="MPS_PLT_CCU")
    assert [row[1:3] for row in rows] == [(512, 1000), (530, 1000)]
    result, _ = taken(text, product="XDT_PLT_UD")
    assert result.used == {
        "time": "Date-time",
        "in_use": "Usage",
        "total": "Count",
        "product": name,
    }
    assert result.unused == ["pctUsed"]


def test_product_code_is_preferred_to_a_display_name() -> None:
    text = """\
Time,Computer,License Count,License Pool - Available,Licenses in Use,Overdraft,PLD,Product
11/13/2026 10:00:00,LIC-01,132,61,71,12,XDT_ENT_UD,Citrix XenDesktop Enterprise|User/Device
11/13/2026 11:00:00,LIC-01,132,59,73,12,XDT_ENT_UD,Citrix XenDesktop Enterprise|User/Device
"""
    rows = [("2026-11-13 10:00:00", 71, 120, 12), ("2026-11-13 11:00:00", 73, 120, 12)]
    assert points(text, product="XDT_ENT_UD") == rows
    swapped = text.replace("PLD,Product", "Product,PLD")
    assert points(swapped, product="XDT_ENT_UD") == rows


def test_product_may_have_its_display_name() -> None:
    text = (
        "Product,Time,InUse\nCitrix Virtual Apps and Desktops Premium,2026-11-24T06:15Z,1\n"
        "Citrix Virtual Apps Premium,2026-11-24T06:15Z,2\n"
    )
    assert [row[1] for row in points(text)] == [1]
    one = "Product,Time,InUse\nWhatever the console calls it,2026-11-24T06:15Z,1\n"
    assert [row[1] for row in points(one)] == [1]


def test_count_of_wmi_includes_the_overdraft() -> None:
    text = (
        '"Time","PLD","Count","Overdraft","InUseCount","PooledAvailable"\n'
        '"2026-11-01 08:00:00","XDT_PLT_CCS","550","50","412","138"\n'
        '"2026-11-01 08:15:00","XDT_PLT_CCS","49","50","4","36"\n'
    )
    assert points(text) == [("2026-11-01 08:00:00", 412, 500, 50)]
    assert taken(text)[0].reasons == [(3, "total is less than overdraft")]


def test_host_name_matches_its_domain_unless_it_is_ambiguous() -> None:
    text = (
        "Time,Server,InUse\n2026-11-13 08:00,27000@LIC-01.a.example,1\n"
        "2026-11-13 08:05,lic-02.a.example,2\n"
    )
    assert [row[1] for row in points(text)] == [1]
    with pytest.raises(UsageError, match="no rows of server 'lic-01'"):
        taken(text.replace("lic-02.a", "lic-01.b"))
    addresses = text.replace("27000@LIC-01.a.example", "10.0.0.7").replace(
        "lic-02.a.example", "10.0.0.8"
    )
    assert [row[1] for row in points(addresses, server="10.0.0.8")] == [2]


def test_rows_without_a_product_are_of_the_only_one() -> None:
    text = "PLD,Time,InUse\nXDT_PLT_CCS,2026-11-24T06:15Z,1\n,2026-11-24T06:20Z,2\n"
    assert [row[1] for row in points(text)] == [1, 2]
    assert [row[1] for row in points(text + "MPS_PLT_CCU,2026-11-24T06:20Z,3\n")] == [1]


def test_column_of_numbers_is_no_product() -> None:
    text = "Time,License,InUse\n2026-11-24T06:15Z,500,1\n2026-11-24T06:20Z,550,2\n"
    assert [row[1] for row in points(text)] == [1, 2]


def test_license_types_that_are_models_do_not_add_up() -> None:
    text = (
        "Time,License Type,In Use\n2026-11-24T06:15Z,Concurrent,40\n"
        "2026-11-24T06:15Z,User/Device,2\n"
    )
    with pytest.raises(UsageError, match="they differ in License Type, In Use"):
        taken(text)


def test_dates_of_wmi_are_read() -> None:
    text = (
        "Time,PLD,SubscriptionDate,Count,InUseCount\n"
        "20261124061500.000000+060,XDT_PLT_CCS,20271201000000.000000+000,500,412\n"
    )
    _, (pool,) = taken(text)
    assert pool.key.subscription_date == "2027-12-01"
    assert points(text)[0][:3] == ("2026-11-24 05:15:00", 412, 500)


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


def test_range_that_is_no_stored_width_is_a_reading() -> None:
    text = 'Time,InUse\n"13.11.2026 23:50:00 - 00:00:00",4\n'
    assert points(text) == [("2026-11-13 23:50:00", 4, None, None)]
    text = text.replace("23:50:00 - 00", "23:00:00 - 00")
    _, (pool,) = taken(text)
    assert utc(int(pool.of_width(Resolution.HOUR)["time"][0])) == "2026-11-13 23:00:00"


@pytest.mark.parametrize(
    ("figure", "count"), [("412,5", 413), ("412.49", 412), ("412 licenses", 412), ("1.412 #", 1412)]
)
def test_decimals_are_rounded_and_units_ignored(figure: str, count: int) -> None:
    assert points(f'Time;InUse\n2026-11-24T06:15Z;"{figure}"\n')[0][1] == count


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


def test_directive_is_not_shown_as_the_first_row() -> None:
    with pytest.raises(UsageError, match="the first row has the columns Zeit, Belegt"):
        taken("sep=;\nZeit;Belegt\n2026-11-24 06:15;412\n")


# Damaged and unusual files


def test_line_without_an_end_is_refused() -> None:
    with pytest.raises(UsageError, match="a line is longer than 1 MB"):
        taken("Time,InUse\n" + "x" * (2 << 20))


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
        result, pools = taken(f"Time,InUse,Total\n{body}\n")
    except UsageError:
        return
    given_rows = sum(len(one.rows) for one in pools)
    assert result.read == result.skipped + given_rows
