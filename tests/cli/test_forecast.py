"""`lictui forecast`: the contract's JSON, the table, and how it says no."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import run
from tests.support.values import poll, pool, server, snapshot

from lictui.analysis.series import BackfillRow, Bucket, Resolution
from lictui.clock import SystemClock
from lictui.config.registry import save_servers
from lictui.config.settings import Retention
from lictui.history.store import History
from lictui.model import Model, PoolKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lictui.paths import Paths

_DAY = 86400
_CODE = "XDT_ENT_CCS"
_DAYS = 200


def _today() -> date:
    return datetime.fromtimestamp(SystemClock().now(), UTC).date()


def _past(name: str, level: Callable[[int], float], now: int) -> Iterator[BackfillRow]:
    first = now // _DAY * _DAY - _DAYS * _DAY
    for at in range(_DAYS):
        start = first + at * _DAY
        high = round(level(at) * (0.3 if (start // _DAY + 3) % 7 >= 5 else 1))
        bucket = Bucket(start, start + _DAY, 0, high / 2, high, start + 3600, 1, 500, 50, 96)
        yield BackfillRow(name, PoolKey(_CODE), Model.CONCURRENT, Resolution.DAY, bucket)


@pytest.fixture
def recorded(paths: Paths) -> Paths:
    """One server whose use grows, and one that is flat and loses half its licenses."""
    now = int(SystemClock().now())
    leaves = _today() + timedelta(days=20)
    servers = [server("grows", group="east"), server("leaves", group="west")]
    save_servers(paths, servers)
    levels: dict[str, Callable[[int], float]] = {
        "grows": lambda at: 300 + at,
        "leaves": lambda _: 400,
    }
    ends = {"grows": {}, "leaves": {"expires": leaves, "permanent": False}}
    with History.open(paths.history, Retention(), SystemClock()) as history:
        for each in servers:
            history.backfill(_past(each.name, levels[each.name], now))
            fields: dict[str, Any] = {
                "name": "Citrix",
                "model": Model.CONCURRENT,
                **ends[each.name],
            }
            pools = (pool(_CODE, 400, 520, **fields), pool("CITRIX", 1, 10, counted=False))
            history.append(each, poll(snapshot(*pools), each.name, now))
    return paths


def _forecasts(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, Any]:
    assert run("forecast", "--json", "--tz", "UTC", *args) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == "lictui.forecast/1"
    return {each["scope"]: each for each in said["forecasts"]}


def test_json_is_what_the_contract_promises(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    found = _forecasts(capsys)
    assert list(found) == ["estate", "grows", "leaves"]
    grows = found["grows"]
    assert list(grows) == [
        *("scope", "product", "model", "status", "per_week", "reaches", "band", "shortfalls"),
        "based_on_days",
    ]
    assert (grows["product"], grows["model"], grows["status"]) == (_CODE, "concurrent", "growing")
    assert grows["per_week"] == pytest.approx(7, abs=0.3)
    assert grows["based_on_days"] == _DAYS
    reached = date.fromisoformat(grows["reaches"]["installed"])
    assert abs((reached - _today()).days - 20) <= 3  # 500 today, 520 in 20 days
    assert grows["reaches"]["warn"] == grows["reaches"]["critical"] == _today().isoformat()
    low, high = map(date.fromisoformat, grows["band"])
    assert low <= reached <= high
    assert grows["shortfalls"] == []


def test_licenses_that_leave_are_a_shortfall(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    leaves = _forecasts(capsys)["leaves"]
    day = (_today() + timedelta(days=20)).isoformat()
    assert (leaves["status"], leaves["per_week"]) == ("flat", 0)
    assert leaves["shortfalls"] == [{"date": day, "installed": 0, "expected": 400, "short_by": 400}]
    assert leaves["reaches"]["installed"] == day


def test_the_estate_is_the_sum_of_the_servers_chosen(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    both = _forecasts(capsys)["estate"]
    assert both["per_week"] == pytest.approx(7, abs=0.3)
    assert both["shortfalls"][0]["installed"] == 520
    assert list(_forecasts(capsys, "--group", "east")) == ["estate", "grows"]
    assert _forecasts(capsys, "--server", "leaves")["estate"]["status"] == "flat"
    assert _forecasts(capsys, "--product", _CODE) == _forecasts(capsys)


def test_people_get_a_table_with_a_sentence_a_row(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    assert run("forecast", "--tz", "UTC") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["PRODUCT", "MODEL", "SCOPE"]
    day = _today() + timedelta(days=20)
    (leaves,) = [line for line in lines if " leaves " in line]
    assert leaves.endswith(f"flat: short by 400 on {day.day} {day:%b}")
    assert " 520 " in leaves
    (grows,) = [line for line in lines if " grows " in line and "estate" not in line]
    assert "grows by 7 a week: above 90 % now, full on" in grows


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--server", "grow"), "unknown server 'grow'. Did you mean 'grows'?"),
        (("--group", "eas"), "unknown group 'eas'"),
        (("--product", "XDT_ENT_CC"), "the history contains no product 'XDT_ENT_CC'"),
        (("--tz", "Mars/Olympus"), "unknown time zone 'Mars/Olympus'"),
    ],
)
def test_a_name_that_is_not_there_is_an_error(
    recorded: Paths, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], said: str
) -> None:
    del recorded
    assert run("forecast", *args) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err


def test_without_a_history_it_says_so(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    save_servers(paths, [server("a")])
    assert run("forecast") == 2
    assert "no history database at" in capsys.readouterr().err


def test_without_readings_it_says_so(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    save_servers(paths, [server("a")])
    History.open(paths.history, Retention(), SystemClock()).close()
    assert run("forecast") == 0
    assert capsys.readouterr().err == "No readings yet.\n"
    assert _forecasts(capsys) == {}
