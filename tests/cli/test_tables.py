from __future__ import annotations

import csv
import io
import json

from tests.cli.test_status_json import ANSWER, TODAY
from tests.support.clock import START
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.cli import output
from lictui.cli.status import status_json
from lictui.config.settings import AlertSettings
from lictui.engine.board import Board, apply_poll, with_servers
from lictui.model import FailureKind, Mode, SourceName


def test_the_table_is_aligned_and_tells_what_to_do() -> None:
    assert (
        output.as_table(ANSWER)
        == """\
SERVER       STATE    PRODUCT                  MODEL        IN USE  INSTALLED  FREE    %  LEVEL
lic-emea-01  up       XDT_PLT_UD (2026-12-01)  user/device     412        500    88  82%  !
lic-emea-01  up       PVS_STD_CCS              concurrent        ?         80     ?    ?  unknown
lic-emea-01  up       CITRIX                   user/device       0         10    10   0%  ok
ddc-us-01    down
new          waiting

TOTAL        MODEL        SERVERS  IN USE  INSTALLED  FREE    %  LEVEL
XDT_PLT_UD   user/device      1/1     412        500    88  82%  !
PVS_STD_CCS  concurrent       1/1       ?         80     ?    ?  unknown

ddc-us-01: no answer from 10.0.0.9:443 in 10 s
  …
"""
    )


def test_csv_has_a_row_a_pool_and_one_for_a_server_without() -> None:
    rows = list(csv.DictReader(io.StringIO(output.as_csv(ANSWER))))
    assert [row["server"] for row in rows] == ["lic-emea-01"] * 3 + ["ddc-us-01", "new"]
    assert rows[0]["in_use"] == "412"
    assert rows[1]["in_use"] == ""
    assert rows[3]["reason"].startswith("timeout: no answer")


def test_csv_text_that_a_spreadsheet_would_run_is_made_inert() -> None:
    board = apply_poll(
        with_servers(Board(), (server("=cmd()", group="@sum"),)),
        poll(snapshot(pool("-1+1", in_use=5, installed=3)), "=cmd()"),
    )
    answer = status_json(board, AlertSettings(), START, TODAY)
    (row,) = csv.DictReader(io.StringIO(output.as_csv(answer)))
    assert (row["server"], row["group"], row["product"]) == ("'=cmd()", "'@sum", "'-1+1")
    assert row["free"] == "-2"  # a number stays one


def test_json_lines_are_one_server_each() -> None:
    lines = [json.loads(line) for line in output.as_jsonl(ANSWER).splitlines()]
    assert [line["name"] for line in lines] == ["lic-emea-01", "ddc-us-01", "new"]
    assert {line["at"] for line in lines} == {"2026-11-24T06:00:00Z"}


def test_markdown_escapes_its_own_mark() -> None:
    board = apply_poll(with_servers(Board(), (server("a|b"),)), poll(name="a|b"))
    text = output.as_markdown(status_json(board, AlertSettings(), START, TODAY))
    assert "a\\|b" in text
    assert len({line.count("|") - line.count("\\|") for line in text.splitlines()}) == 1


def test_no_server_is_said() -> None:
    assert (
        output.as_table(status_json(Board(), AlertSettings(), START, TODAY))
        == "No server matches.\n"
    )


def test_a_license_server_that_is_read_in_two_ways_is_there_once() -> None:
    registry = (server("lic"), server("ddc", source=SourceName.CVAD, same_as="lic"))
    board = with_servers(Board(), registry)
    board = apply_poll(board, poll(failure(FailureKind.NO_DATA, "no inventory"), "lic"))
    board = apply_poll(board, poll(snapshot(mode=Mode.LAS), "ddc"))
    once = output.as_table(status_json(board, AlertSettings(), START, TODAY, each_once=True))
    assert [line.split()[:2] for line in once.splitlines()[1:3]] == [["lic", "up"], []]
    assert "lic: no inventory" in once
    each = status_json(board, AlertSettings(), START, TODAY)
    assert [(it["name"], it["state"]) for it in each["servers"]] == [
        ("lic", "no_data"),
        ("ddc", "up"),
    ]
    both = apply_poll(board, poll(snapshot(pool(in_use=9)), "lic", START + 1))
    lic, ddc = status_json(both, AlertSettings(), START, TODAY)["servers"]
    assert [(it["counted"], it["same_as"]) for it in lic["pools"] + ddc["pools"]] == [
        (False, "ddc"),
        (True, None),
    ]
    assert ddc["same_as"] == "lic"
