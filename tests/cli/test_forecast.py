"""`lictui forecast` and `lictui history peaks`: their JSON, their tables, their errors."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.cli.conftest import WINRM, Cli, set_time
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.csv_files import import_past
from tests.support.values import poll, pool, server, snapshot

from lictui.analysis.forecast import Reach
from lictui.cli.forecast import date_text
from lictui.clock import SystemClock, iso
from lictui.config.registry import save_servers
from lictui.config.settings import Retention
from lictui.history.store import History
from lictui.model import Model
from lictui.paths import Paths

NOW = MIDNIGHT + 6 * HOUR
TODAY = datetime.fromtimestamp(NOW, UTC).date()
CODE = "XDT_ENT_CCS"
RECORDED_DAYS = 200


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    set_time(monkeypatch, NOW)


# lictui forecast


def daily_peaks(level: Callable[[int], float]) -> Iterator[tuple[int, int, int]]:
    """Yield a year of days; weekends have less than a third of the use."""
    for day in range(RECORDED_DAYS):
        start = NOW // DAY * DAY + (day - RECORDED_DAYS) * DAY
        weekend = (start // DAY + 3) % 7 >= 5
        yield start + HOUR, round(level(day) * (0.3 if weekend else 1)), 500


@pytest.fixture
def forecast_history(paths: Paths) -> None:
    """Record a server whose use grows, and a flat one that loses its licenses in 20 days."""
    expiry: dict[str, Any] = {"expires": TODAY + timedelta(days=20), "permanent": False}
    nothing: dict[str, Any] = {}
    with History(paths.history, Retention(), SystemClock()) as history:
        for name, group, level, fields in (
            ("grows", "east", lambda day: 300 + day, nothing),
            ("leaves", "west", lambda _: 400, expiry),
        ):
            recorded = server(name, group=group)
            import_past(history, name, CODE, list(daily_peaks(level)))
            pools = (
                pool(CODE, 400, 520, name="Citrix", model=Model.CONCURRENT, **fields),
                pool("CITRIX", 1, 10, counted=False),
            )
            history.append(recorded, poll(snapshot(*pools), name, NOW))
    save_servers(paths, [server("grows", group="east"), server("leaves", group="west")])


def forecasts(cli: Cli, *args: str) -> dict[str, Any]:
    document = cli.json("forecast", "--tz", "UTC", *args)
    assert document["schema"] == "lictui.forecast/1"
    return {forecast["scope"]: forecast for forecast in document["forecasts"]}


@pytest.mark.usefixtures("forecast_history")
def test_forecast_json_has_the_keys_of_the_contract(cli: Cli) -> None:
    result = forecasts(cli)
    assert list(result) == ["estate", "grows", "leaves"]
    grows = result["grows"]
    assert list(grows) == [
        "scope", "product", "model", "status", "per_week", "reaches", "band", "bands",
        "probability", "method", "rests_on", "shortfalls", "based_on_days",
    ]  # fmt: skip
    assert (grows["product"], grows["model"], grows["status"]) == (CODE, "concurrent", "growing")
    assert grows["per_week"] == pytest.approx(7, abs=0.3)
    assert grows["based_on_days"] == RECORDED_DAYS
    runs_out = date.fromisoformat(grows["reaches"]["installed"])
    assert abs((runs_out - TODAY).days - 20) <= 3  # 500 today, 520 in 20 days
    assert grows["reaches"]["warn"] == grows["reaches"]["critical"] == TODAY.isoformat()
    low, high = map(date.fromisoformat, grows["band"])
    assert low <= runs_out <= high
    assert grows["bands"]["installed"] == grows["band"]
    assert grows["probability"]["installed"] > 0.5
    assert grows["method"].startswith("back-tested mix of level, trend and yearly shape")
    assert grows["shortfalls"] == []


@pytest.mark.usefixtures("forecast_history")
def test_forecast_reports_expiring_licenses_as_a_shortfall(cli: Cli) -> None:
    leaves = forecasts(cli)["leaves"]
    day = (TODAY + timedelta(days=20)).isoformat()
    assert (leaves["status"], leaves["per_week"]) == ("flat", 0)
    assert leaves["shortfalls"] == [{"date": day, "installed": 0, "expected": 400, "short_by": 400}]
    assert leaves["reaches"]["installed"] == day


@pytest.mark.usefixtures("forecast_history")
def test_forecast_estate_is_the_sum_of_the_selected_servers(cli: Cli) -> None:
    both = forecasts(cli)["estate"]
    assert both["per_week"] == pytest.approx(7, abs=0.3)
    assert both["shortfalls"][0]["installed"] == 520
    assert list(forecasts(cli, "--group", "east")) == ["estate", "grows"]
    assert forecasts(cli, "--server", "leaves")["estate"]["status"] == "flat"
    assert forecasts(cli, "--product", CODE) == forecasts(cli)


def test_forecast_of_a_server_that_was_never_polled(paths: Paths, cli: Cli) -> None:
    with History(paths.history, Retention(), SystemClock()) as history:
        import_past(history, "lic-01", CODE, list(daily_peaks(lambda day: 300 + day)))
    save_servers(paths, [server("lic-01")])
    assert forecasts(cli)["lic-01"]["status"] == "growing"
    assert forecasts(cli)["estate"]["reaches"]["warn"] is not None


@pytest.mark.usefixtures("forecast_history")
def test_forecast_table_has_dates_and_a_sentence_per_row(cli: Cli) -> None:
    lines = cli("forecast", "--tz", "UTC").rows
    assert " ".join(lines[0].split()) == (
        "PRODUCT MODEL SCOPE INSTALLED WARN CRITICAL RUNS OUT FORECAST"
    )
    day = TODAY + timedelta(days=20)
    (leaves,) = [line for line in lines if " leaves " in line]
    assert f"520  {day}  {day}  {day}  " in leaves
    assert leaves.rstrip().endswith(f"{day.day} {day:%b}")
    (grows,) = [line for line in lines if " grows  " in line]
    assert f"520  {TODAY}  {TODAY}  2026-" in grows


@pytest.mark.parametrize(
    ("probability", "half", "text"),
    [
        (0.85, 90, "day"),
        (0.6, 20, "day"),
        (0.6, 90, "uncertain"),
        (0.3, 90, "uncertain"),
        (0, 0, "-"),
    ],
)
def test_forecast_table_has_dates_that_are_certain_enough(
    probability: float, half: int, text: str
) -> None:
    """As the screens do; JSON and CSV have every date that is more likely than not."""
    day = TODAY if probability > 0.5 else None
    reach = Reach(1.0, probability, day, (TODAY, TODAY + timedelta(days=half)))
    assert date_text(reach) == text.replace("day", TODAY.isoformat())


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--server", "grow"), "unknown server 'grow'. Did you mean 'grows'?"),
        (
            ("--group", "eas"),
            "unknown group 'eas'. Did you mean 'east'?\n  groups are east, west\n",
        ),
        (("--product", "XDT_ENT_CC"), "the history contains no product 'XDT_ENT_CC'"),
        (("--tz", "Mars/Olympus"), "unknown time zone 'Mars/Olympus'"),
    ],
)
@pytest.mark.usefixtures("forecast_history")
def test_forecast_refuses_unknown_names(cli: Cli, args: tuple[str, ...], message: str) -> None:
    printed = cli("forecast", *args, code=2)
    assert printed.out == ""
    assert message in printed.err


def test_forecast_without_readings(paths: Paths, cli: Cli) -> None:
    save_servers(paths, [server("a")])
    History(paths.history, Retention(), SystemClock()).close()
    assert cli("forecast") == ("", "No readings yet.\n")
    assert forecasts(cli) == {}


# lictui history peaks


def peaks(cli: Cli, *args: str, tz: str = "UTC") -> dict[tuple[str, ...], dict[str, Any]]:
    document = cli.json("history", "peaks", "--tz", tz, *args)
    assert document["schema"] == "lictui.peaks/1"
    return {(peak["scope"], peak["product"], peak["window"]): peak for peak in document["peaks"]}


@pytest.fixture
def two_servers(paths: Paths) -> None:
    """Record two servers whose peaks are at different times, the second with a gap."""
    with closing(HistoryFixture(paths.history)) as fixture:
        fixture.poll_series(MIDNIGHT, [10, 50, 10, 10] * 18, "lic-01", every=300)
        fixture.poll_series(MIDNIGHT, [40, 5, 20, 20] * 9, "lic-02", every=300)
        fixture.record_failure(MIDNIGHT + 36 * 300, "lic-02", every=300)
        fixture.poll_series(MIDNIGHT + 48 * 300, [40, 5, 20, 20] * 6, "lic-02", every=300)


@pytest.mark.usefixtures("two_servers")
def test_estate_peak_is_the_highest_simultaneous_total(cli: Cli) -> None:
    result = peaks(cli)
    assert result["estate", PRODUCT, "24h"] == {
        "scope": "estate",
        "product": PRODUCT,
        "model": "user_device",
        "window": "24h",
        "peak": 55,
        "at": iso(MIDNIGHT + 300),
        "installed_then": 1000,
        "average": pytest.approx(41.25, abs=0.01),
        "coverage": pytest.approx(60 / 73, abs=0.0002),
        "aligned_by": 300,
        "upper_bound": 90,
        "is_upper_bound": False,
    }
    single = result["lic-02", PRODUCT, "all"]
    assert (single["peak"], single["installed_then"], single["upper_bound"]) == (40, 500, None)
    assert result["lic-01", PRODUCT, "month"]["coverage"] == pytest.approx(72 / 73, abs=0.0002)
    assert [window for scope, _, window in result if scope == "estate"] == ["24h", "month", "all"]


@pytest.mark.usefixtures("two_servers")
def test_peaks_are_named_after_the_license_server(paths: Paths, cli: Cli) -> None:
    save_servers(paths, [server("main"), server("lic-02", same_as="main")])
    assert {scope for scope, _, _ in peaks(cli, "--server", "lic-02")} == {"estate", "main"}


@pytest.mark.usefixtures("two_servers")
def test_peaks_of_a_group(cli: Cli) -> None:
    cli("servers", "add", "lic-01", *WINRM, "--group", "emea")
    cli("servers", "add", "lic-02", *WINRM)
    group = peaks(cli, "--group", "emea")
    assert {scope for scope, *_ in group} == {"estate", "lic-01"}
    assert group["estate", PRODUCT, "all"]["peak"] == 50


@pytest.mark.usefixtures("two_servers")
def test_peaks_table_names_assignments_and_limits_to_a_server(cli: Cli) -> None:
    args = ("history", "peaks", "--tz", "UTC")
    lines = cli(*args, "--server", "lic-02", "--product", PRODUCT).rows
    assert " ".join(lines[0].split()) == (
        "PRODUCT MODEL SCOPE WINDOW PEAK INSTALLED AT AVERAGE COVERAGE SUM OF SERVER PEAKS"
    )
    assert len(lines) == 1 + 2 * 3
    assert "  40 assigned  " in lines[1]  # assignments are never called in use
    assert "  2026-11-24 00:00  " in lines[1]
    assert "lic-01" not in "".join(lines)
    assert "Did you mean 'lic-02'?" in cli.refused("history", "peaks", "--server", "lic-2")


@pytest.mark.usefixtures("two_servers")
@pytest.mark.parametrize(
    ("width", "command", "titles", "omitted"),
    [
        (
            80,
            "history peaks --tz UTC",
            "PRODUCT SCOPE WINDOW PEAK INSTALLED AT",
            "MODEL, AVERAGE, COVERAGE, SUM OF SERVER PEAKS",
        ),
        (
            46,
            "forecast --tz UTC",
            "PRODUCT SCOPE WARN CRITICAL RUNS OUT",
            "MODEL, INSTALLED, FORECAST",
        ),
        (64, "servers list", "NAME SOURCE ADDRESS VERIFY ENABLED", "GROUP, INTERVAL"),
        (
            50,
            "status --cached",
            "SERVER PRODUCT IN USE INSTALLED % LEVEL",
            "STATE, MODEL, FREE",
        ),
    ],
)
def test_table_fits_into_a_terminal(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, width: int, command: str, titles: str, omitted: str
) -> None:
    host = f"https://{'branch-office.' * 5}example:5986/wsman"
    cli("servers", "add", "lic-01", *WINRM, "--url", host)
    monkeypatch.setattr("lictui.cli.output._is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    printed = cli(*command.split())
    table = printed.out.split("\n\n")[0].splitlines()
    assert " ".join(table[0].split()) == titles
    assert max(map(len, table)) <= width
    assert printed.err.startswith(f"lictui: no room for {omitted}\n")
