"""`lictui contract`: from contract.toml, a registry and a history on disk."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import WINRM, run
from tests.history.history_fixture import HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.values import poll, pool, server, snapshot

if TYPE_CHECKING:
    from lictui.paths import Paths

NOW = MIDNIGHT + 6 * HOUR
CONTRACT = f"""
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


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lictui.clock.SystemClock.now", lambda _: NOW)


@pytest.fixture
def bought(paths: Paths) -> Paths:
    """One server with 500 installed, of which 180 were once assigned."""
    with closing(HistoryFixture(paths.history)) as desk:
        desk.line(MIDNIGHT, [100, 180, 120] * 20, every=300)
        ends = pool(PRODUCT, 120, 500, subscription=date(2027, 6, 30))
        desk.history.append(server(interval=300), poll(snapshot(ends), at=NOW - 60))
    run("servers", "add", "lic-01", *WINRM)
    paths.entitlements.write_text(CONTRACT)
    return paths


def test_gaps_idle_licenses_and_the_calendar(
    bought: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del bought
    capsys.readouterr()
    assert run("contract", "--json", "--tz", "UTC") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "lictui.contract/1"
    estate, one, gone = told["products"]
    assert (estate["scope"], estate["purchased"], estate["installed"]) == ("estate", 400, 500)
    assert (estate["peak_all"], estate["idle"], estate["idle_cost"]) == (180, 220, 26400.0)
    assert estate["installed_beyond"] == 100
    assert (one["scope"], one["over_used"], one["idle"]) == ("lic-01", 175, 0)
    assert (gone["installed"], gone["idle"]) == (None, None)
    assert gone["words"] == "no usage data"
    days = [(each["kind"], each["date"], each["licenses"]) for each in told["endings"]]
    assert days == [("renewal", "2027-03-31", 400), ("subscription", "2027-06-30", 500)]


def test_for_people(bought: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run("contract", "--tz", "UTC") == 0
    said = capsys.readouterr().out
    assert "220 unused, 26,400 EUR per year; 100 more installed than purchased" in said
    assert "overused: assignments exceed purchased by 175" in said
    assert "2027-03-31" in said
    bought.entitlements.write_text("[[product]]\nproduct = 'X'\n")
    assert run("contract") == 2
    assert "purchased" in capsys.readouterr().err
    bought.entitlements.unlink()
    assert run("contract") == 0
    assert "Create contract.toml" in capsys.readouterr().err
