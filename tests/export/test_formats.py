"""The formats of `status` for monitoring systems, and the files that `lictui export` writes."""

import json
import re
from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from tests.cli.conftest import Cli
from tests.support.clock import START
from tests.support.values import pool, server, status_down, status_up

from lictui.cli.options import MONITORING_FORMATS
from lictui.config.settings import AlertSettings, Settings, Thresholds
from lictui.engine.board import Board
from lictui.engine.merge import merge_board
from lictui.export.formats import WRITERS
from lictui.export.grafana import grafana_dashboard
from lictui.export.rules import prometheus_rules
from lictui.export.templates import icinga_command, read_template
from lictui.model import Model, SourceName
from lictui.sources.command.formats import checkmk_snapshot

TODAY = date(2026, 11, 24)
HOSTILE = ".a b,c=d\\n\\\n\"'|<<<x>>>"
BOARD = Board(
    (
        status_up("lic 1", pool(expires=TODAY + timedelta(400)), pool("N", None), group="emea"),
        status_up(HOSTILE, pool(HOSTILE, 7, 9, None, model=Model.OTHER)),
        status_down("down"),
    )
)


def text_of(name: str, board: Board = BOARD) -> str:
    return WRITERS[name](merge_board(board), START, TODAY)


def test_every_format_of_status_has_a_writer() -> None:
    assert tuple(WRITERS) == MONITORING_FORMATS


def test_checkmk_has_a_section_for_each_server_and_a_local_check() -> None:
    """Hosts, licenses and services are those that the parsers of Checkmk found in this text."""
    piggyback, _, local = text_of("checkmk").partition("<<<local:sep(0)>>>\n")
    section = r"<<<<(.+)>>>>\n(<<<citrix_licenses>>>\n(?:.+ \d+ \d+\n)+)<<<<>>>>\n"
    hosts = dict(re.findall(section, piggyback))
    assert list(hosts) == ["lic_1", "_a_b_c_d_n________x___"]
    (read,) = checkmk_snapshot(hosts["lic_1"], "x").pools
    assert (read.key.product, read.reading.in_use, read.reading.installed) == (
        "XDT_PLT_UD", 412, 500,
    )  # fmt: skip
    hostile = ".a b,c=d/n/ \"'¦<<<x>>>: 7 of 9 in use (78 %), 2 free"
    assert local.splitlines() == [
        '2 "Citrix licenses down" - no answer',
        '1 "Citrix licenses lic 1" - N: usage value unavailable',
        f'0 "Citrix licenses .a b,c=d/n/ __¦<<<x>>>" - {hostile}',
    ]


def test_influx_lines_have_escaped_tags_and_no_unknown_figure() -> None:
    tag = r"\w+=(?:[^,= \\\n]|\\[,= ])+"
    line = re.compile(rf"(\w+)((?:,{tag})+) ((?:\w+=\d+(?:i|\.\d{{3}}),?)+) (\d{{19}})", re.ASCII)
    matches = [line.fullmatch(text) for text in text_of("influx").splitlines()]
    assert all(matches)
    figures = {match[3]: int(match[4]) // 10**9 for match in matches if match}
    expiry = int(START) // 86400 * 86400 + 400 * 86400
    assert f"in_use=412i,installed=500i,overdraft=50i,expiry_timestamp_seconds={expiry}i" in figures
    assert {"in_use=7i,installed=9i", "installed=500i,overdraft=50i"} <= figures.keys()
    assert (figures["up=0i"], figures["in_use=7i,installed=9i"]) == (START, START - 10)


def test_prtg_has_the_elements_of_its_manual() -> None:
    answer = json.loads(text_of("prtg"))["prtg"]
    assert answer.keys() == {"result", "text"}
    assert answer["text"].startswith("down: no answer; lic 1: N: usage value unavailable; lic 1: ")
    assert HOSTILE[:5] not in answer["text"]  # which is fine
    channels = {channel.pop("channel"): channel for channel in answer["result"]}
    assert channels["Servers not up"] == {
        "value": 1, "unit": "Count", "limitmode": 1, "limitmaxerror": "0",
    }  # fmt: skip
    limits = channels["XDT_PLT_UD in use"]
    assert (limits["limitmaxwarning"], limits["limitmaxerror"]) == ("399", "449")  # "above"
    assert channels["XDT_PLT_UD free"] == {"value": 88, "unit": "Count"}
    assert not [name for name in channels if name.startswith("N ")]  # unknown
    many = Board((status_up("a", *(pool(f"P{n}") for n in range(30))),))
    for board in (many, Board((status_down("down"),)), Board()):
        error = json.loads(text_of("prtg", board))["prtg"]
        assert (error["error"], bool(error["text"])) == (1, True)


def test_zabbix_template_selects_figures_of_the_document() -> None:
    """A real server gives the items of such a path the values of these fields."""
    text = text_of("zabbix")
    assert '"in_use": 412,' in text  # whole
    document = json.loads(text)
    (template,) = json.loads(read_template("zabbix.json", {}))["zabbix_export"]["templates"]
    for rule in template["discovery_rules"]:
        (rows,) = rule["preprocessing"][0]["parameters"]
        fields = set().union(*document[rows.removeprefix("$.")])
        assert {macro["path"].removeprefix("$.") for macro in rule["lld_macro_paths"]} <= fields
        for item in rule["item_prototypes"]:
            figure = item["key"].split(".", 2)[2].removesuffix("[{#ID}]")
            path = f"{rows}[?(@.id=='{{#ID}}')].{figure}.first()"
            assert (item["preprocessing"][0]["parameters"], figure in fields) == ([path], True)
    down = next(row for row in document["servers"] if row["server"] == "down")
    assert (down["state"], down["problem"], down["up"]) == (2, "no answer", 0)
    rows = {(row["server"], row["product"]): row for row in document["pools"]}
    assert (rows["lic 1", "XDT_PLT_UD"]["in_use"], "in_use" in rows["lic 1", "N"]) == (412, False)
    assert all(re.fullmatch("[0-9a-f]{16}", row["id"]) for row in (down, *rows.values()))
    uuids = re.findall(r'"uuid": "(\w+)"', read_template("zabbix.json", {}))
    assert len(uuids) == len(set(uuids))
    assert all(re.fullmatch("[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", uuid) for uuid in uuids)


def test_rules_have_the_thresholds_of_each_server_and_product() -> None:
    alerts = AlertSettings(
        Thresholds(for_polls=3),
        group={"emea": {"critical": 0.95}},
        product={"X.1": {"warn": 0.5}, "Y": {"warn": 0.6}},
    )
    servers = [
        server("a"),
        server("b"),
        server("eu", group="emea"),
        server("ddc", same_as="a", source=SourceName.CVAD, group="emea"),
        server("l1", entitlement="acme {{"),
        server("off", enabled=False),
    ]
    text = prometheus_rules(Settings(alerts=alerts), servers)
    expressions = re.findall(r'- alert: (\w+)\n    expr: (".*")\n    for: (\d+)s', text)
    usage = [
        json.loads(e)
        for name, e, hold in expressions
        if (name, hold) == ("CitrixLicenseUsage", "1800")
    ]
    by = "sum by (server, group, product)"
    common = 'server!~"eu|ddc|l1", product!~"X\\\\.1|Y"'
    ratio = (
        f"{by} (citrix_license_in_use{{{common}}}) / {by} (citrix_license_installed{{{common}}})"
    )
    assert any(f"({ratio} >= 0.8) < 0.9" in expression for expression in usage)
    for part in ('server=~"eu", product!~"X\\\\.1|Y"}) >= 0.95', '"X\\\\.1"}) >= 0.5) < 0.9',
                 'sum by (product) (citrix_license_in_use{server=~"l1"'):  # fmt: skip
        assert any(part in expression for expression in usage), part
    (shared,) = (part for part in usage if 'server=~"l1", product!~' in part and ") < 0.9" in part)
    assert "count by" not in shared  # of several servers, one has the licenses
    assert "{{ $labels.product }} on {{ $labels.entitlement }}: " in text
    assert 'max(citrix_license_server_up{server=~\\"a|ddc\\"}) == 0' in text
    assert "off" not in text
    assert '"entitlement": "acme { {"' in text  # not a template
    assert prometheus_rules(Settings(), ()).count("- alert:") == 10


def test_dashboard_has_the_thresholds_of_the_configuration() -> None:
    settings = replace(Settings(), alerts=AlertSettings(Thresholds(warn=0.7, critical=0.85)))
    panels = json.loads(grafana_dashboard(settings))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    usage = next(panel for panel in panels if panel["title"] == "Usage by product")
    steps = usage["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["value"] for step in steps] == [None, 0.7, 0.85]


def test_icinga_command_quotes_the_program() -> None:
    assert 'command = [ "/a \\"b\\"/lictui", "check" ]' in icinga_command(['/a "b"/lictui'])


@pytest.mark.parametrize("kind", ["rules", "grafana", "icinga", "zabbix"])
def test_export_writes_a_file(cli: Cli, kind: str) -> None:
    assert "@" not in cli("export", kind).out.replace("(@.id", "")
