"""`lictui alerts` and `lictui history journal`, over a history that an engine has left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from tests.support.values import poll, pool, server, snapshot

from lictui.cli.main import lictui
from lictui.clock import SystemClock
from lictui.config.settings import Retention
from lictui.history.journal import AlertChanges
from lictui.history.store import History
from lictui.model import AlertKey, AlertKind, AlertState, Event, EventKind, Level

if TYPE_CHECKING:
    from pathlib import Path


NOW = SystemClock().now()
USAGE = AlertKey("lic-01", AlertKind.USAGE, "XDT_PLT_UD")
STANDS = AlertState(
    USAGE,
    Level.WARN,
    "85 of 100",
    NOW - 60,
    0.85,
    polls_seen=2,
    polls_required=2,
    raised_at=NOW - 9,
)
EVENTS = (
    Event(NOW - 90000, EventKind.VERSION, "lic-02", "=version 1 -> 2"),
    Event(NOW - 9, EventKind.ALERT, "lic-01", "raised: 85 of 100", "XDT_PLT_UD", Level.WARN),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with History.open(tmp_path / "history.db", Retention(), SystemClock()) as history:
        told = poll(snapshot(pool(in_use=85, installed=100)), at=NOW - 9)
        history.append_many([(server(), told, EVENTS)], AlertChanges((STANDS,)))
    (tmp_path / "servers.toml").write_text(
        '[[server]]\nname = "lic-01"\nsource = "winrm"\nurl = "https://a.example:5986/wsman"\n'
    )
    return tmp_path


def run(folder: Path, *args: str) -> Result:
    where = ["--config-dir", str(folder), "--data-dir", str(folder)]
    return CliRunner().invoke(lictui, [*args, *where])


def listed(folder: Path) -> list[dict[str, object]]:
    said = json.loads(run(folder, "alerts", "--json").stdout)
    assert said["schema"] == "lictui.alerts/1"
    alerts: list[dict[str, object]] = said["alerts"]
    return alerts


def test_what_stands_is_listed_acknowledged_and_taken_back(folder: Path) -> None:
    assert "85 of 100" in run(folder, "alerts").stdout
    (alert,) = listed(folder)
    assert (alert["kind"], alert["level"], alert["acknowledged"]) == ("usage", "warn", None)
    done = run(folder, "alerts", "ack", "--server", "lic-01")
    assert "85 of 100" in done.stdout
    (alert,) = listed(folder)
    assert alert["acknowledged"]
    assert alert["snoozed_until"] is None
    run(folder, "alerts", "ack", "--server", "lic-01", "--kind", "usage", "--for", "4h")
    (alert,) = listed(folder)
    assert alert["snoozed_until"]
    run(folder, "alerts", "ack", "--server", "lic-01", "--take-back")
    (alert,) = listed(folder)
    assert (alert["acknowledged"], alert["snoozed_until"]) == (None, None)
    words = [it["message"].split(":")[0] for it in journal(folder)]
    assert words[0].endswith("wants to hear of it again")
    assert words[2].startswith("acknowledged by ")


def test_nothing_to_answer_and_a_span_that_is_none(folder: Path) -> None:
    result = run(folder, "alerts", "ack", "--server", "lic-02")
    assert "no matching active alert" in result.stderr
    result = run(folder, "alerts", "ack", "--server", "lic-01", "--for", "soon")
    assert result.exit_code != 0
    assert listed(folder)[0]["snoozed_until"] is None


def journal(folder: Path, *args: str) -> list[dict[str, str]]:
    said = json.loads(run(folder, "history", "journal", "--format", "json", *args).stdout)
    events: list[dict[str, str]] = said["events"]
    return events


def test_the_journal_is_written_newest_first_and_narrowed(folder: Path) -> None:
    assert [it["server"] for it in journal(folder)] == ["lic-01", "lic-02"]
    assert [it["server"] for it in journal(folder, "--since", "1h")] == ["lic-01"]
    assert [it["server"] for it in journal(folder, "--server", "lic-02")] == ["lic-02"]
    assert [it["server"] for it in journal(folder, "--filter", "!raised")] == ["lic-02"]
    assert journal(folder, "--since", "2100-01-01") == []


def test_as_csv_no_cell_is_run(folder: Path) -> None:
    lines = run(folder, "history", "journal").stdout.splitlines()
    assert lines[0] == "at,kind,level,server,product,message"
    assert lines[2].endswith(",version,ok,lic-02,,'=version 1 -> 2")


def test_status_says_what_was_raised_and_answered(folder: Path) -> None:
    run(folder, "alerts", "ack", "--server", "lic-01")
    said = json.loads(run(folder, "status", "--cached", "--json").stdout)
    (alert,) = said["alerts"]
    assert alert["raised"]
    assert alert["acknowledged"]["by"]
    assert {"kind", "level", "server", "product", "since", "message"} <= alert.keys()


def test_a_kind_that_there_is_not_is_refused_with_those_there_are(folder: Path) -> None:
    found = run(folder, "alerts", "ack", "--server", "lic-01", "--kind", "usgae")
    assert found.exit_code == 2
    assert "'usage'" in found.stderr
