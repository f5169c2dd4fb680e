from __future__ import annotations

import json
from datetime import date

from tests.support.clock import START
from tests.support.values import poll, pool, server, snapshot

from lictui.cli.status import status_json
from lictui.config.settings import AlertSettings
from lictui.engine.board import Board, apply_poll, with_servers
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
    lost = Failure(FailureKind.TIMEOUT, "no answer from 10.0.0.9:443 in 10 s", "…", Step.CONNECT)
    return apply_poll(board, poll(lost, "ddc-us-01"))


ANSWER = status_json(board(), AlertSettings(), START, TODAY)
EMEA, DDC, NEW = ANSWER["servers"]


def test_it_is_json_with_every_key_always_there() -> None:
    assert json.loads(json.dumps(ANSWER)) == ANSWER
    assert list(ANSWER) == ["schema", "at", "servers", "totals", "groups", "alerts"]
    assert ANSWER["schema"] == "lictui.status/1"
    assert ANSWER["at"] == "2026-11-24T06:00:00Z"
    assert all(set(each) == SERVER_KEYS for each in ANSWER["servers"])
    assert all(set(each) == POOL_KEYS for each in EMEA["pools"])
    assert all(set(each) == TOTAL_KEYS for each in ANSWER["totals"])


def test_a_server_that_answered() -> None:
    assert EMEA["state"] == "up"
    assert EMEA["reason"] is None
    assert EMEA["polled_at"] == "2026-11-24T06:00:00Z"
    assert EMEA["latency_ms"] == 100
    assert EMEA["mode"] == "file"
    assert EMEA["activation"] == {"status": "activated", "expires": "2026-12-03"}
    first = EMEA["pools"][0]
    assert first["subscription_date"] == "2026-12-01"
    assert first["permanent"] is False
    assert (first["free"], first["ratio"], first["level"]) == (88, 0.824, "warn")


def test_a_figure_that_could_not_be_read_is_null() -> None:
    pvs = EMEA["pools"][1]
    assert (pvs["in_use"], pvs["free"], pvs["ratio"], pvs["level"]) == (None, None, None, "unknown")


def test_a_server_that_failed_shows_no_figures_and_its_reason() -> None:
    assert DDC["state"] == "down"
    assert DDC["pools"] == []
    assert DDC["reason"] == {
        "kind": "timeout",
        "step": "connect",
        "message": "no answer from 10.0.0.9:443 in 10 s",
        "hint": "…",
    }
    assert NEW["state"] == "waiting"
    assert NEW["polled_at"] is None


def test_totals_leave_start_up_licenses_out() -> None:
    assert [(total["product"], total["unknown"]) for total in ANSWER["totals"]] == [
        ("XDT_PLT_UD", 0),
        ("PVS_STD_CCS", 1),
    ]


def test_alerts_carry_the_words_of_the_contract() -> None:
    kinds = {(alert["kind"], alert["server"]) for alert in ANSWER["alerts"]}
    assert ("usage", "lic-emea-01") in kinds
    assert ("server", "ddc-us-01") in kinds


def test_the_license_servers_of_a_partner() -> None:
    listed = (
        LicenseServer(
            "LIC01", "lic01.test", ReportingStatus.REPORTING, START, date(2027, 7, 27), 245
        ),
        LicenseServer("NEW01"),
    )
    account = with_servers(Board(), (server("msp", source=SourceName.PARTNER),))
    answer = snapshot(pool(counted=False), license_servers=listed)
    (told,) = status_json(apply_poll(account, poll(answer, "msp")), AlertSettings(), START, TODAY)[
        "servers"
    ]
    assert told["license_servers"] == [
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
    assert EMEA["license_servers"] == []
