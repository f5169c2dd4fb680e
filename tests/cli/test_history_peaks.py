"""`lictui history peaks`: the contract's JSON to the letter, from a history on disk."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import WINRM, run
from tests.history.history_fixture import HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.clock import iso

if TYPE_CHECKING:
    from lictui.paths import Paths

NOW = MIDNIGHT + 6 * HOUR


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lictui.clock.SystemClock.now", lambda _: NOW)


def asked(capsys: pytest.CaptureFixture[str], *args: str) -> dict[tuple[str, ...], dict[str, Any]]:
    assert run("history", "peaks", "--json", "--tz", "UTC", *args) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["schema"] == "lictui.peaks/1"
    return {(each["scope"], each["product"], each["window"]): each for each in shown["peaks"]}


@pytest.fixture
def recorded(paths: Paths) -> Paths:
    """Two servers whose peaks are at different times, the second with a gap."""
    with closing(HistoryFixture(paths.history)) as desk:
        desk.line(MIDNIGHT, [10, 50, 10, 10] * 18, "lic-01", every=300)
        desk.line(MIDNIGHT, [40, 5, 20, 20] * 9, "lic-02", every=300)
        desk.fail(MIDNIGHT + 36 * 300, "lic-02", every=300)
        desk.line(MIDNIGHT + 48 * 300, [40, 5, 20, 20] * 6, "lic-02", every=300)
    return paths


def test_the_estate_is_the_highest_sum_at_one_moment(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    found = asked(capsys)
    estate = found["estate", PRODUCT, "24h"]
    assert estate == {
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
    }
    own = found["lic-02", PRODUCT, "all"]
    assert (own["peak"], own["installed_then"], own["upper_bound"]) == (40, 500, None)
    assert found["lic-01", PRODUCT, "month"]["coverage"] == pytest.approx(72 / 73, abs=0.0002)
    assert [key[2] for key in found if key[0] == "estate"] == ["24h", "month", "all"]


def test_several_pools_of_a_server_add_up_and_startup_licenses_do_not_count(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(HistoryFixture(paths.history)) as desk:
        pools = (
            pool(PRODUCT, 7, subscription=date(2026, 12, 1)),
            pool(PRODUCT, 8, subscription=date(2027, 12, 1)),
            pool("CITRIX", 900),
            pool("NODE", 5, None, counted=False),
        )
        desk.history.append(server(), poll(snapshot(*pools), at=MIDNIGHT))
    found = asked(capsys)
    assert {key[1] for key in found} == {PRODUCT}
    assert found["lic-01", PRODUCT, "all"]["peak"] == 15


def test_a_server_that_was_removed_is_not_waited_for(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(HistoryFixture(paths.history)) as desk:
        desk.line(MIDNIGHT, [10] * 71 + [90], "lic-01", every=300)
        desk.line(MIDNIGHT, [40] * 12, "lic-02", every=300)
    run("servers", "add", "lic-01", *WINRM)
    capsys.readouterr()
    assert asked(capsys)["estate", PRODUCT, "24h"]["peak"] == 90
    run("servers", "add", "lic-02", *WINRM)  # still there, so that its figures are missing
    capsys.readouterr()
    assert asked(capsys)["estate", PRODUCT, "24h"]["peak"] == 50


def test_the_estate_of_a_group(recorded: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    del recorded
    run("servers", "add", "lic-01", *WINRM, "--group", "emea")
    run("servers", "add", "lic-02", *WINRM)
    capsys.readouterr()
    group = asked(capsys, "--group", "emea")
    assert {key[0] for key in group} == {"estate", "lic-01"}
    assert group["estate", PRODUCT, "all"]["peak"] == 50


def test_what_was_taken_in_has_its_peak_to_the_unit(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(HistoryFixture(paths.history)) as desk:
        desk.line(MIDNIGHT - 30 * 24 * HOUR, [3, 77, 3], every=300)
    run("history", "export")
    csv = capsys.readouterr().out
    paths.history.unlink()
    file = paths.data_dir / "out.csv"
    file.write_text(csv)
    run("history", "import", str(file))
    capsys.readouterr()
    peak = asked(capsys)["lic-01", PRODUCT, "all"]
    assert (peak["peak"], peak["at"]) == (77, iso(MIDNIGHT - 30 * 24 * HOUR + 300))
    assert asked(capsys)["lic-01", PRODUCT, "24h"]["peak"] is None


def test_a_table_for_people_and_narrowing(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    assert run("history", "peaks", "--tz", "UTC", "--server", "lic-02", "--product", PRODUCT) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        *("PRODUCT", "MODEL", "SCOPE", "WINDOW", "PEAK", "INSTALLED", "AT", "AVERAGE", "COVERAGE"),
        *("SUM", "OF", "SERVER", "PEAKS"),
    ]
    assert len(lines) == 1 + 2 * 3
    assert "  40 assigned  " in lines[1]  # never called a peak of use
    assert "lic-01" not in "".join(lines)
    assert run("history", "peaks", "--server", "lic-2") == 2
    assert "Did you mean 'lic-02'?" in capsys.readouterr().err


def test_servers_in_opposite_phase_and_an_hour_of_silence(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    day, five = 24 * HOUR, 300
    begin = NOW // day * day - 3 * day
    with closing(HistoryFixture(paths.history)) as desk:
        for name, figures in (("a", [60] * 144 + [40] * 144), ("b", [40] * 144 + [60] * 144)):
            one = server(name, interval=five)
            line = [(begin + at * five, figure) for at, figure in enumerate(figures * 3)]
            desk.history.append_many(
                (
                    one,
                    poll(
                        failure()
                        if name == "b" and begin + day <= at < begin + day + HOUR
                        else snapshot(pool(PRODUCT, figure)),
                        name,
                        at,
                    ),
                    (),
                )
                for at, figure in line
            )
        desk.clock._now = NOW
        desk.history.compact()
    for name in ("a", "b"):
        run("servers", "add", name, *WINRM)
    capsys.readouterr()
    estate = asked(capsys)["estate", PRODUCT, "all"]
    assert (estate["peak"], estate["upper_bound"]) == (100, 120)
    slots = (NOW - begin) // five + 1
    assert estate["coverage"] == pytest.approx((3 * 288 - 12) / slots, abs=0.002)
    assert estate["average"] == pytest.approx(100, abs=0.2)  # a zero for the silence: 99.3
    assert run("history", "peaks", "--tz", "UTC") == 0
    assert " 120\n" in capsys.readouterr().out


def test_a_month_in_which_clocks_change_where_the_user_is(
    paths: Paths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    october = 1_790_812_800 - 2 * HOUR  # where Berlin's October of 2026 begins, of UTC
    now = october + 31 * 24 * HOUR  # an hour before it ends: clocks went back on the 25th
    monkeypatch.setattr("lictui.clock.SystemClock.now", lambda _: now)
    with closing(HistoryFixture(paths.history)) as desk:
        figures = [5] * (33 * 96)
        figures[191], figures[192] = 90, 70  # the last of September, and the first of October
        desk.line(october - 2 * 24 * HOUR, figures[: 33 * 96], every=900)
        desk.move_to(now)
    run("servers", "add", "lic-01", *WINRM)
    capsys.readouterr()
    assert run("history", "peaks", "--json", "--tz", "Europe/Berlin") == 0
    told = {
        (each["scope"], each["window"]): each
        for each in json.loads(capsys.readouterr().out)["peaks"]
    }
    month = told["estate", "month"]
    assert (month["peak"], month["at"]) == (70, iso(october))
    assert month["coverage"] > 0.99
    assert told["estate", "all"]["peak"] == 90
