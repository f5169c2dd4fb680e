"""`lictui report` and `lictui contract`."""

import sys
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from tests.cli.conftest import WINRM, Cli, set_time
from tests.history.history_fixture import HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.report.report_fixture import timestamp
from tests.support.clock import FakeClock
from tests.support.values import poll, pool, server, snapshot

from lictui.clock import iso
from lictui.installation import extra_command
from lictui.paths import Paths

NOW = timestamp("2026-11-03T09:00")


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_time(monkeypatch, NOW)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def recorded(paths: Paths) -> Paths:
    with closing(HistoryFixture(paths.history, FakeClock(NOW))) as fixture:
        fixture.poll_series(timestamp("2026-10-01T00:00"), [70] * 744, "lic-01", every=HOUR)
        fixture.poll_series(timestamp("2026-11-01T00:00"), [80] * 50, "lic-01", every=HOUR)
    return paths


@pytest.mark.usefixtures("recorded")
def test_report_defaults_to_html_of_the_last_complete_month(cli: Cli) -> None:
    printed = cli("report", "--tz", "UTC")
    assert printed.out.startswith("<!DOCTYPE html>")
    assert "<h1>Citrix licenses in October 2026</h1>" in printed.out
    assert printed.err == ""


def test_report_month_depends_on_the_time_zone(
    paths: Paths, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(HistoryFixture(paths.history)) as fixture:
        fixture.poll_series(timestamp("2026-09-10T00:00"), [70] * 5, "lic-01", every=HOUR)
    set_time(monkeypatch, timestamp("2026-11-01T02:00"))
    assert cli("report", "--format", "md", "--tz", "America/New_York").out.startswith(
        "# Citrix licenses in September 2026"
    )


@pytest.mark.parametrize(
    ("args", "start"),
    [
        (("--format", "html", "-o", "out"), b"<!DOCTYPE"),
        (("--format", "markdown", "-o", "out"), b"# "),
        (("--format", "md", "-o", "out.csv"), b"# "),
        (("--format", "png", "-o", "out"), b"\x89PNG"),
        (("-o", "out.MD"), b"# "),
        (("-o", "out.csv"), b"month,"),
        (("-o", "out.xlsx"), b"PK"),
        (("-o", "out.txt"), b"<!DOCTYPE"),
    ],
)
@pytest.mark.usefixtures("recorded")
def test_report_has_the_format_of_its_option_or_of_the_name_of_its_file(
    args: tuple[str, ...], start: bytes, cli: Cli
) -> None:
    assert cli("report", "--month", "2026-10", *args).out == ""
    assert Path(args[-1]).read_bytes().startswith(start)


@pytest.mark.usefixtures("recorded")
def test_report_on_a_terminal_writes_html_to_a_file_and_refuses_binary(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert cli("report", "--tz", "UTC").err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    printed = cli("report", "--tz", "UTC").err
    size = Path("lictui-report-2026-10.html").stat().st_size
    assert f"lictui: wrote lictui-report-2026-10.html, {size:,} bytes\n" in printed
    assert cli("report", "--tz", "UTC", "-o", "-").out.startswith("<!DOCTYPE html>")
    assert "-o" in cli.refused("report", "--format", "png")


@pytest.mark.usefixtures("recorded")
def test_report_of_a_month_without_data_is_a_no(cli: Cli) -> None:
    assert (
        "no data was recorded in 2024-10"
        in cli("report", "--month", "2024-10", "-o", "out.html", code=1).err
    )
    assert not Path("out.html").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--month", "October"), "invalid month"),
        (("--month", "2026-13"), "invalid month"),
        (("--month", "0001-01"), "invalid month"),
        (("--month", "9999-12"), "is in the future"),
        (("--group", "emae"), "unknown group 'emae'"),
        (("-o", "no/such/folder.html"), "cannot write no/such/folder.html"),
    ],
)
@pytest.mark.usefixtures("recorded")
def test_report_refuses_invalid_options(args: tuple[str, str], message: str, cli: Cli) -> None:
    assert message in cli.refused("report", *args)


@pytest.mark.parametrize(
    ("output_format", "module", "name"),
    [("xlsx", "xlsxwriter", "XlsxWriter"), ("png", "matplotlib", "matplotlib")],
)
@pytest.mark.usefixtures("recorded")
def test_report_names_a_missing_package_and_its_command(
    output_format: str, module: str, name: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "lictui.cli.report.find_spec", lambda name: None if name == module else object()
    )
    error = cli.refused("report", "--format", output_format, "-o", "out")
    assert name in error
    assert extra_command("report") in error


@pytest.mark.usefixtures("recorded")
def test_report_of_a_group(cli: Cli) -> None:
    cli("servers", "add", "lic-01", *WINRM, "--group", "emea")
    assert cli("report", "--group", "emea", "--format", "md", "--tz", "UTC").out.startswith(
        "# Citrix licenses in October 2026, emea"
    )


def test_report_includes_entitlements(recorded: Paths, cli: Cli) -> None:
    recorded.config_dir.mkdir(parents=True, exist_ok=True)
    recorded.entitlements.write_text('[[product]]\nproduct = "XDT_PLT_UD"\npurchased = 60\n')
    out = cli("report", "--format", "csv", "--tz", "UTC").out
    assert ",contract,estate,XDT_PLT_UD," in out
    assert f"assigned,70,{iso(timestamp('2026-10-31T23:59:59'))}" in out
    recorded.entitlements.write_text("[[product]]\nproduct = 3\n")
    cli("report", code=2)


# lictui contract

ENTITLEMENTS = f"""
[[product]]
product = "{PRODUCT}"
purchased = 400
cost = 120.0
currency = "EUR"
renewal = 2027-03-31

[[product]]
product = "{PRODUCT}"
purchased = 5
server = "lic-01"

[[product]]
product = "GONE"
purchased = 3
"""


@pytest.fixture
def entitled(paths: Paths, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """One server with 500 installed licenses, of which up to 180 were assigned."""
    now = MIDNIGHT + 6 * HOUR
    set_time(monkeypatch, now)
    with closing(HistoryFixture(paths.history)) as fixture:
        fixture.poll_series(MIDNIGHT, [100, 180, 120] * 20, every=300)
        ends = pool(PRODUCT, 120, 500, subscription=date(2027, 6, 30))
        fixture.history.append(server(interval=300), poll(snapshot(ends), at=now - 60))
    cli("servers", "add", "lic-01", *WINRM)
    paths.entitlements.write_text(ENTITLEMENTS)
    return paths


@pytest.mark.usefixtures("entitled")
def test_contract_json_has_gaps_unused_licenses_and_deadlines(cli: Cli) -> None:
    document = cli.json("contract", "--tz", "UTC")
    assert document["schema"] == "lictui.contract/1"
    estate, server_line, unknown = document["products"]
    assert (estate["scope"], estate["purchased"], estate["installed"]) == ("estate", 400, 500)
    assert (estate["peak_all"], estate["idle"], estate["idle_cost"]) == (180, 220, 26400.0)
    assert estate["installed_beyond"] == 100
    assert (server_line["scope"], server_line["over_used"], server_line["idle"]) == (
        "lic-01",
        175,
        0,
    )
    assert (unknown["installed"], unknown["idle"]) == (None, None)
    assert unknown["words"] == "no usage data"
    days = [(day["kind"], day["date"], day["licenses"]) for day in document["endings"]]
    assert days == [("renewal", "2027-03-31", 400), ("subscription", "2027-06-30", 500)]


def test_contract_table_and_its_empty_states(entitled: Paths, cli: Cli) -> None:
    printed = cli("contract", "--tz", "UTC").out
    assert "220 unused, 26,400 EUR per year; 100 more installed than purchased" in printed
    assert "overused: assignments exceed purchased by 175" in printed
    assert "2027-03-31" in printed
    entitled.entitlements.write_text("[[product]]\nproduct = 'X'\n")
    assert "purchased" in cli.refused("contract")
    entitled.entitlements.unlink()
    assert "Create contract.toml" in cli("contract").err
