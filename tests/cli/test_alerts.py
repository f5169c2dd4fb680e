"""`lictui alerts` and `alerts ack`, over a history that an engine has left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import run, run_json, set_time
from tests.support.clock import START
from tests.support.values import poll, pool, server, snapshot

from lictui.clock import SystemClock
from lictui.config.registry import save_servers
from lictui.config.settings import Retention
from lictui.history.journal import AlertChanges
from lictui.history.store import History
from lictui.model import AlertKey, AlertKind, AlertState, Level

if TYPE_CHECKING:
    from lictui.paths import Paths

KEY = AlertKey("lic-01", AlertKind.USAGE, "XDT_PLT_UD")
ALERT = AlertState(
    KEY, Level.WARN, "85 of 100", START - 60, 0.85, polls_seen=2, polls_required=2,
    raised_at=START - 9,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _recorded(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    set_time(monkeypatch, START)
    save_servers(paths, [server()])
    with History.open(paths.history, Retention(), SystemClock()) as history:
        result = poll(snapshot(pool(in_use=85, installed=100)), at=START - 9)
        history.append_many([(server(), result, ())], AlertChanges((ALERT,)))


def only_alert(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    document = run_json(capsys, "alerts")
    assert document["schema"] == "lictui.alerts/1"
    (alert,) = document["alerts"]
    assert isinstance(alert, dict)
    return alert


def ack(*args: str) -> int:
    return run("alerts", "ack", "--server", "lic-01", *args)


def test_alert_is_listed_acknowledged_snoozed_and_taken_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    alert = only_alert(capsys)
    assert (alert["kind"], alert["level"], alert["acknowledged"]) == ("usage", "warn", None)
    assert ack() == 0
    assert capsys.readouterr().out == "usage 85 of 100\n"
    alert = only_alert(capsys)
    assert alert["acknowledged"]
    assert alert["snoozed_until"] is None
    ack("--kind", "usage", "--for", "4h")
    assert only_alert(capsys)["snoozed_until"]
    ack("--take-back")
    alert = only_alert(capsys)
    assert (alert["acknowledged"], alert["snoozed_until"]) == (None, None)
    run("history", "journal", "--format", "jsonl")
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(events) == 3
    assert events[2]["message"].startswith("acknowledged by ")


def test_table_shows_level_and_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("alerts") == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == [
        "LEVEL", "KIND", "SERVER", "PRODUCT", "RAISED", "STATUS", "MESSAGE",
    ]  # fmt: skip
    assert row.split()[:4] == ["warn", "usage", "lic-01", "XDT_PLT_UD"]
    assert "2026-11-24 05:59  active  85 of 100" in row
    ack("--for", "1d")
    capsys.readouterr()
    run("alerts")
    assert "snoozed until 2026-11-25T06:00:00Z" in capsys.readouterr().out


def test_ack_without_a_matching_alert_is_a_no(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("alerts", "ack", "--server", "lic-02") == 1
    assert "no matching active alert" in capsys.readouterr().err
    assert ack("--for", "soon") == 2
    assert only_alert(capsys)["snoozed_until"] is None


def test_ack_refuses_an_unknown_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert ack("--kind", "usgae") == 2
    assert "'usage'" in capsys.readouterr().err


def test_status_shows_the_acknowledgement_of_a_raised_alert(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ack()
    (alert,) = run_json(capsys, "status", "--cached")["alerts"]
    assert alert["raised"]
    assert alert["acknowledged"]["by"]
    assert {"kind", "level", "server", "product", "since", "message"} <= alert.keys()
