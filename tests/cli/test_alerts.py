"""`lictui alerts` and `alerts ack`, over a history that an engine has left."""

import json
from typing import Any

import pytest
from tests.cli.conftest import Cli, set_time
from tests.support.clock import START
from tests.support.values import poll, pool, server, snapshot

from lictui.clock import SystemClock
from lictui.config.registry import save_servers
from lictui.config.settings import Retention
from lictui.history.journal import AlertChanges
from lictui.history.store import History
from lictui.model import AlertKey, AlertKind, AlertState, Level
from lictui.paths import Paths

KEY = AlertKey("lic-01", AlertKind.USAGE, "XDT_PLT_UD")
ALERT = AlertState(
    KEY, Level.WARN, "85 of 100", START - 60, 0.85,
    raised_at=START - 9,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _recorded(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    set_time(monkeypatch, START)
    save_servers(paths, [server()])
    with History(paths.history, Retention(), SystemClock()) as history:
        result = poll(snapshot(pool(in_use=85, installed=100)), at=START - 9)
        history.append_many([(server(), result, ())], AlertChanges((ALERT,)))


def only_alert(cli: Cli) -> dict[str, Any]:
    document = cli.json("alerts")
    assert document["schema"] == "lictui.alerts/1"
    (alert,) = document["alerts"]
    assert isinstance(alert, dict)
    return alert


ACK = ("alerts", "ack", "--server", "lic-01")


def test_alert_is_listed_acknowledged_snoozed_and_taken_back(cli: Cli) -> None:
    alert = only_alert(cli)
    assert (alert["kind"], alert["level"], alert["acknowledged"]) == ("usage", "warn", None)
    assert cli(*ACK).out == "usage 85 of 100\n"
    alert = only_alert(cli)
    assert alert["acknowledged"]
    assert alert["snoozed_until"] is None
    cli(*ACK, "--kind", "usage", "--for", "4h")
    assert only_alert(cli)["snoozed_until"]
    cli(*ACK, "--take-back")
    alert = only_alert(cli)
    assert (alert["acknowledged"], alert["snoozed_until"]) == (None, None)
    events = [json.loads(line) for line in cli("history", "journal", "--format", "jsonl").rows]
    assert len(events) == 3
    assert events[2]["message"].startswith("acknowledged by ")


def test_table_shows_level_and_status(cli: Cli) -> None:
    head, row = cli("alerts").rows
    assert head.split() == [
        "LEVEL", "KIND", "SERVER", "PRODUCT", "SINCE", "STATUS", "MESSAGE",
    ]  # fmt: skip
    assert row.split()[:4] == ["warn", "usage", "lic-01", "XDT_PLT_UD"]
    assert "2026-11-24 05:59  active  85 of 100" in row
    cli(*ACK, "--for", "1d")
    assert "snoozed until 2026-11-25T06:00:00Z" in cli("alerts").out


def test_ack_without_a_matching_alert_is_a_no(cli: Cli) -> None:
    assert "no matching active alert" in cli("alerts", "ack", "--server", "lic-02", code=1).err
    cli.refused(*ACK, "--for", "soon")
    assert "'usage'" in cli.refused(*ACK, "--kind", "usgae")
    assert only_alert(cli)["snoozed_until"] is None


def test_status_shows_the_acknowledgement_of_a_raised_alert(cli: Cli) -> None:
    cli(*ACK)
    (alert,) = cli.json("status", "--cached")["alerts"]
    assert alert["raised"]
    assert alert["acknowledged"]["by"]
    assert {"kind", "level", "server", "product", "since", "message"} <= alert.keys()
