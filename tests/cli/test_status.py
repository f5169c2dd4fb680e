"""`lictui status`: its document, and the same as table, CSV, Markdown and JSON Lines."""

import csv
import io
import json
import sqlite3
from contextlib import closing
from datetime import date
from typing import Any

import pytest
from tests.cli.conftest import Cli, set_time
from tests.support.clock import START, FakeClock
from tests.support.csv_files import forget_last_poll
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.cli.output import json_text
from lictui.cli.status import print_status, status_json
from lictui.config.registry import save_servers
from lictui.config.settings import Retention
from lictui.engine.board import Board, apply_poll, with_servers
from lictui.engine.merge import merge_board
from lictui.history.store import History
from lictui.model import (
    Activation,
    ActivationStatus,
    Failure,
    FailureKind,
    LicenseServer,
    Mode,
    Model,
    ReportingStatus,
    SourceName,
    Step,
)
from lictui.paths import Paths

TODAY = date(2026, 11, 24)
SERVER_KEYS = {
    "name", "source", "group", "url", "state", "reason", "polled_at", "latency_ms", "reported_name",
    "version", "mode", "activation", "license_servers", "pools", "same_as",
}  # fmt: skip
POOL_KEYS = {
    "product", "name", "model", "license_type", "subscription_date", "expires", "permanent",
    "installed", "overdraft", "in_use", "free", "ratio", "level", "counted",
    "same_as", "queued", "vendor",
}  # fmt: skip
TOTAL_KEYS = {
    "product", "name", "model", "installed", "overdraft", "in_use", "free", "ratio", "level",
    "unknown", "servers_reporting", "servers_expected",
}  # fmt: skip


def board() -> Board:
    """One server that answered, one that timed out, one never asked."""
    board = with_servers(
        Board(),
        (
            server("lic-emea-01", group="emea"),
            server("ddc-us-01", source=SourceName.CVAD, url="https://ddc.example"),
            server("new"),
        ),
    )
    answer = snapshot(
        pool(subscription=date(2026, 12, 1), expires=date(2027, 3, 31), permanent=False),
        pool("PVS_STD_CCS", in_use=None, installed=80, overdraft=None, model=Model.CONCURRENT),
        pool("CITRIX", in_use=0, installed=10, counted=False),
        reported_name="LIC01",
        mode=Mode.FILE,
        activation=Activation(ActivationStatus.ACTIVATED, date(2026, 12, 3)),
    )
    board = apply_poll(board, poll(answer, "lic-emea-01"))
    lost = Failure(FailureKind.TIMEOUT, "no connection to 10.0.0.9:443 in 10 s", "…", Step.CONNECT)
    return apply_poll(board, poll(lost, "ddc-us-01"))


def parsed(board: Board) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json_text(status_json(merge_board(board), START, TODAY)))
    return document


DOCUMENT = parsed(board())
EMEA, DDC, NEW = DOCUMENT["servers"]


def test_document_is_json_and_has_every_key() -> None:
    assert list(DOCUMENT) == ["schema", "at", "servers", "totals", "groups", "alerts"]
    assert (DOCUMENT["schema"], DOCUMENT["at"]) == ("lictui.status/1", "2026-11-24T06:00:00Z")
    for keys, records in (
        (SERVER_KEYS, DOCUMENT["servers"]),
        (POOL_KEYS, EMEA["pools"]),
        (TOTAL_KEYS, DOCUMENT["totals"]),
    ):
        assert all(set(record) == keys for record in records)


def test_document_has_figures_reasons_totals_and_alerts() -> None:
    expected: dict[str, Any] = {
        "state": "up",
        "reason": None,
        "polled_at": "2026-11-24T06:00:00Z",
        "latency_ms": 100,
        "mode": "file",
        "activation": {"status": "activated", "expires": "2026-12-03"},
        "license_servers": [],
    }
    assert expected.items() <= EMEA.items()
    first, pvs, _ = EMEA["pools"]
    assert (first["subscription_date"], first["permanent"]) == ("2026-12-01", False)
    assert (first["free"], first["ratio"], first["level"]) == (88, 0.824, "warn")
    assert (pvs["in_use"], pvs["free"], pvs["ratio"], pvs["level"]) == (None, None, None, "unknown")
    assert (DDC["state"], DDC["pools"]) == ("down", [])
    assert DDC["reason"] == {
        "kind": "timeout",
        "step": "connect",
        "message": "no connection to 10.0.0.9:443 in 10 s",
        "hint": "…",
    }
    assert (NEW["state"], NEW["polled_at"]) == ("waiting", None)
    totals = [(total["product"], total["unknown"]) for total in DOCUMENT["totals"]]
    assert totals == [("XDT_PLT_UD", 0), ("PVS_STD_CCS", 1)]  # start-up licenses are left out
    alerts = {(alert["kind"], alert["server"]) for alert in DOCUMENT["alerts"]}
    assert {("usage", "lic-emea-01"), ("server", "ddc-us-01")} <= alerts


def test_partner_lists_license_servers() -> None:
    listed = (
        LicenseServer(
            "LIC01", "lic01.test", ReportingStatus.REPORTING, START, date(2027, 7, 27), 245
        ),
        LicenseServer("NEW01"),
    )
    account = with_servers(Board(), (server("msp", source=SourceName.PARTNER),))
    answer = snapshot(pool(counted=False), license_servers=listed)
    (partner,) = parsed(apply_poll(account, poll(answer, "msp")))["servers"]
    assert partner["license_servers"] == [
        {
            "host_id": "LIC01",
            "fqdn": "lic01.test",
            "status": "reporting",
            "last_reported": "2026-11-24T06:00:00Z",
            "expires": "2027-07-27",
            "days_to_expire": 245,
        },
        {
            "host_id": "NEW01",
            "fqdn": None,
            "status": "never_reported",
            "last_reported": None,
            "expires": None,
            "days_to_expire": None,
        },
    ]


# Output formats


def printed(
    capsys: pytest.CaptureFixture[str], output_format: str, shown: Board | None = None
) -> str:
    print_status(merge_board(shown or board()), START, TODAY, output_format)
    return capsys.readouterr().out


def csv_rows(capsys: pytest.CaptureFixture[str], shown: Board) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(printed(capsys, "csv", shown))))


def test_table_lists_pools_totals_and_failures(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        printed(capsys, "table")
        == """\
SERVER       STATE    PRODUCT                  MODEL        IN USE  INSTALLED  FREE     %  LEVEL
lic-emea-01  up       XDT_PLT_UD (2026-12-01)  user/device     412        500    88  82 %  warn
lic-emea-01  up       PVS_STD_CCS              concurrent        ?         80     ?     ?  unknown
lic-emea-01  up       CITRIX                   user/device       0         10    10   0 %  ok
ddc-us-01    down
new          waiting

TOTAL        MODEL        SERVERS  IN USE  INSTALLED  FREE     %  LEVEL
XDT_PLT_UD   user/device      1/1     412        500    88  82 %  warn
PVS_STD_CCS  concurrent       1/1       ?         80     ?     ?  unknown

ddc-us-01: no connection to 10.0.0.9:443 in 10 s
  …
"""
    )


def test_csv_has_a_row_per_pool_and_per_server_without_pools(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = csv_rows(capsys, board())
    assert [row["server"] for row in rows] == ["lic-emea-01"] * 3 + ["ddc-us-01", "new"]
    assert list(rows[0]) == [
        "server", "source", "group", "state", "product", "name", "model", "subscription_date",
        "expires", "in_use", "installed", "overdraft", "free", "ratio", "level", "reason",
        "counted", "same_as",
    ]  # fmt: skip
    assert (rows[0]["in_use"], rows[0]["ratio"], rows[0]["counted"]) == ("412", "0.824", "yes")
    assert rows[1]["in_use"] == ""
    assert rows[3]["reason"].startswith("timeout: ")


def test_names_from_servers_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    board = apply_poll(
        with_servers(Board(), (server("=a|b", group="@sum"),)),
        poll(snapshot(pool("-1+1", in_use=5, installed=3)), "=a|b"),
    )
    (row,) = csv_rows(capsys, board)
    assert (row["server"], row["group"], row["product"]) == ("'=a|b", "'@sum", "'-1+1")
    assert row["free"] == "-2"
    text = printed(capsys, "markdown", board)
    assert "a\\|b" in text
    assert len({line.count("|") - line.count("\\|") for line in text.splitlines()}) == 1


def test_json_lines_are_servers_with_the_time_of_the_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = [json.loads(line) for line in printed(capsys, "jsonl").splitlines()]
    assert [line["name"] for line in lines] == ["lic-emea-01", "ddc-us-01", "new"]
    assert {line["at"] for line in lines} == {"2026-11-24T06:00:00Z"}


def test_table_has_percentages_of_their_level(capsys: pytest.CaptureFixture[str]) -> None:
    answer = snapshot(pool(in_use=797, installed=1000), pool("PVS_STD_CCS", 996, 1000))
    board = apply_poll(with_servers(Board(), (server("a"),)), poll(answer, "a"))
    table = printed(capsys, "table", board)
    levels = [line.split()[-3:] for line in table.splitlines() if "1,000" in line]
    assert levels == [["79", "%", "ok"], ["99", "%", "critical"]] * 2


def test_exit_code_tells_no_server_from_no_match(cli: Cli, paths: Paths) -> None:
    assert "No servers configured." in cli("status", code=2).err
    assert cli.json("status", code=2)["servers"] == []
    assert not paths.history.exists()
    save_servers(paths, [server("a", enabled=False)])
    assert "disabled" in cli("status").out
    assert cli("status", "--filter", "nothing", code=1) == ("", "No matching servers.\n")
    cli.refused("status", "--group", "nowhere")
    cli.refused("status", "--server", "b")


def test_cached_status_without_a_readable_history_is_an_error(
    cli: Cli, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_servers(paths, [server("a")])
    paths.data_dir.touch()  # a file where the folder should be
    monkeypatch.setenv("LICTUI_DATA_DIR", str(paths.data_dir / "data"))
    assert "cannot be" in cli.refused("status", "--cached")


def test_license_server_with_two_sources_is_one_row_and_counted_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    registry = (server("lic"), server("ddc", source=SourceName.CVAD, same_as="lic"))
    board = with_servers(Board(), registry)
    board = apply_poll(board, poll(failure(FailureKind.NO_DATA, "no inventory"), "lic"))
    board = apply_poll(board, poll(snapshot(mode=Mode.LAS), "ddc"))
    table = printed(capsys, "table", board)
    assert [line.split()[:2] for line in table.splitlines()[1:3]] == [["lic", "up"], []]
    assert "lic: no inventory" in table
    document = status_json(merge_board(board), START, TODAY)
    assert [(listed["name"], listed["state"]) for listed in document["servers"]] == [
        ("lic", "no_data"),
        ("ddc", "up"),
    ]
    both = apply_poll(board, poll(snapshot(pool(in_use=9)), "lic", START + 1))
    lic, ddc = status_json(merge_board(both), START, TODAY)["servers"]
    pools = lic["pools"] + ddc["pools"]
    assert [(listed["counted"], listed["same_as"]) for listed in pools] == [
        (False, "ddc"),
        (True, None),
    ]
    assert ddc["same_as"] == "lic"


def test_cached_status_and_peaks_expect_a_server_that_was_never_read(
    cli: Cli, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_time(monkeypatch, START)
    start = int(START) - 3600
    save_servers(paths, [server("a"), server("b")])
    with History(paths.history, Retention(), FakeClock(START)) as history:
        for name, in_use in (("a", 30), ("b", 12)):
            read = pool("PVS_STD_CCS", in_use, 50, model=Model.CONCURRENT)
            history.append(server(name), poll(snapshot(read), name, start))
        result = snapshot(pool("PVS_STD_CCS", 20, 50, model=Model.CONCURRENT))
        history.append(server("a"), poll(result, "a", START - 60))
    forget_last_poll(paths, "b")
    (total,) = cli.json("status", "--cached", code=1)["totals"]
    assert (total["in_use"], total["installed"], total["ratio"]) == (20, 50, 0.4)
    assert (total["servers_reporting"], total["servers_expected"]) == (1, 2)
    line = next(line for line in cli("status", "--cached", code=1).rows if "1/2" in line)
    assert line.startswith("PVS_STD_CCS")
    peaks = cli.json("history", "peaks")["peaks"]
    assert {(peak["scope"], peak["peak"]) for peak in peaks} >= {("estate", 42), ("b", 12)}


def test_status_of_a_locked_history_is_not_waited_for(
    cli: Cli, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_servers(paths, [server("a")])
    History(paths.history, Retention(), FakeClock(START)).close()
    timeouts = []

    def connect(*arguments: Any, timeout: float, **options: Any) -> Any:
        timeouts.append(timeout)
        return original(*arguments, timeout=0.01, **options)

    original: Any = sqlite3.connect
    with closing(sqlite3.connect(paths.history)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(sqlite3, "connect", connect)
        printed = cli("status", "--timeout", "0.1", code=1)
    assert "is locked by another program; this result is not recorded. close" in printed.err
    assert timeouts == [0.25]
