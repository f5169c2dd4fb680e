"""Verdicts and output of the plugin; ranges and performance data are read by nagiosplugin."""

import re
from datetime import date, timedelta

import nagiosplugin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.clock import START
from tests.support.values import pool, status_down, status_failed, status_up

from lictui.config.settings import AlertSettings, Thresholds
from lictui.engine.board import Board, ServerStatus
from lictui.engine.merge import merge_board
from lictui.errors import UsageError
from lictui.export.nagios import (
    CheckOptions,
    PluginState,
    ThresholdRange,
    judge,
    plugin_output,
    worst_state,
)
from lictui.model import FailureKind, Model, State

TODAY = date(2026, 11, 24)
VALUES = (-21, -20, -0.5, 0, 5, 9.99, 10, 15, 20, 20.01, 80, 100, 1e9)
PERFDATA = re.compile(r"'((?:[^'=]|'')+)'=(U|-?\d+)(s?)((?:;[^;\s]*){0,4})(?: |$)")


def check(
    *statuses: ServerStatus,
    options: CheckOptions | None = None,
    alerts: AlertSettings | None = None,
    verbosity: int = 0,
) -> tuple[PluginState, str]:
    board, options = merge_board(Board(statuses), alerts), options or CheckOptions()
    findings = judge(board, options, START, TODAY)
    output = plugin_output(board, findings, options, START, TODAY, verbosity)
    return worst_state(findings), output


def ranges(warning: str = "", critical: str = "") -> CheckOptions:
    parsed = [ThresholdRange.parse(text) if text else None for text in (warning, critical)]
    return CheckOptions(parsed[0], parsed[1])


def performance(output: str) -> dict[str, tuple[str, ...]]:
    """Parse performance data strictly, and write each value again with nagiosplugin."""
    text = output.splitlines()[0].split(" | ")[1]
    matches = list(PERFDATA.finditer(text))
    assert "".join(match[0] for match in matches) == text
    for match in matches:
        limits = match[4].split(";")[1:]
        for limit in limits[:2]:
            nagiosplugin.Range(limit)
        again = str(nagiosplugin.Performance("x", match[2], match[3], *limits))
        assert again.partition("=")[2] == match[0].strip().rpartition("=")[2]
    return {match[1]: (match[2] + match[3], *match[4].split(";")[1:]) for match in matches}


@pytest.mark.parametrize(
    "text", ["10", "10:", "~:10", "10:20", "@10:20", "@~:0", "-20:10", "0", ":10", "9.99:20.01"]
)
def test_range_alerts_on_the_values_of_the_guidelines(text: str) -> None:
    oracle, parsed = nagiosplugin.Range(text), ThresholdRange.parse(text)
    assert [parsed.alerts(value) for value in VALUES] == [value not in oracle for value in VALUES]
    again = nagiosplugin.Range(str(parsed.scaled(2)))
    assert [2 * value in again for value in VALUES] == [value in oracle for value in VALUES]


@settings(max_examples=80, deadline=None)
@given(st.text("@~:-.015", max_size=8))
def test_range_of_any_text_is_refused_or_read_as_nagiosplugin_reads_it(text: str) -> None:
    try:
        oracle = nagiosplugin.Range(text)
    except ValueError:
        oracle = None
    try:
        parsed = ThresholdRange.parse(text)
    except UsageError:
        assert oracle is None or not text.strip("@")
    else:
        assert oracle is not None
        assert [parsed.alerts(value) for value in VALUES] == [v not in oracle for v in VALUES]


@pytest.mark.parametrize("text", ["x", "20:10", "1:2:3", "@", "80%", "1e3", "10:~", "٣"])
def test_range_that_is_not_valid_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="invalid range"):
        ThresholdRange.parse(text)


@pytest.mark.parametrize(
    ("in_use", "installed", "options", "state"),
    [
        (399, 500, CheckOptions(), "OK"),
        (400, 500, CheckOptions(), "WARNING"),  # as in [alerts]: at the threshold, too
        (450, 500, CheckOptions(), "CRITICAL"),
        (400, 500, ranges("80"), "OK"),
        (401, 500, ranges("80"), "WARNING"),
        (401, 500, ranges("85", "80"), "CRITICAL"),
        (500, 500, ranges(critical="110"), "WARNING"),
        (500, 500, ranges("100", "110"), "OK"),
        (40, 500, ranges("@0:10"), "WARNING"),
        (None, 500, CheckOptions(), "WARNING"),  # a figure that is missing is an alert, never 0
        (5, 0, ranges("100", "110"), "CRITICAL"),  # above any share of nothing
        (0, 0, ranges("100", "110"), "OK"),
    ],
)
def test_usage_is_judged_by_ranges_or_the_thresholds_of_alerts(
    in_use: int | None, installed: int, options: CheckOptions, state: str
) -> None:
    result, output = check(
        status_up("a", pool(in_use=in_use, installed=installed)), options=options
    )
    assert result.name == state
    assert output.startswith(f"LICENSES {state} - a: XDT_PLT_UD: ")
    assert len(output.splitlines()) == 1


def test_one_full_server_is_found_where_the_sum_is_fine() -> None:
    statuses = [status_up(name, pool(in_use=10)) for name in "abc"]
    state, output = check(*statuses, status_up("full", pool("MPS_ADV_CCU", 100, 100, 0)))
    assert state is PluginState.CRITICAL
    assert output.startswith("LICENSES CRITICAL - full: MPS_ADV_CCU: 100 of 100 assigned (100 %)")
    assert performance(output) == {
        "XDT_PLT_UD": ("30", "1200", "1350", "0", "1500"),
        "MPS_ADV_CCU": ("100", "80", "90", "0", "100"),
        "servers_up": ("4", "", "", "0", "4"),
        "data_age": ("10s", "", "", "0"),
    }


def test_servers_expirations_and_age_are_judged() -> None:
    ends = pool(expires=TODAY + timedelta(30), in_use=1)
    for state, text, status in (
        ("CRITICAL", "a: no answer", status_down("a")),
        ("UNKNOWN", "a: no answer", status_down("a", FailureKind.CONFIG)),
        ("UNKNOWN", "a: not polled yet", ServerStatus(status_down("a").server)),
        ("CRITICAL", "a: XDT_PLT_UD: licenses expire in 30 days", status_up("a", ends)),
        ("CRITICAL", "a: data is 901 s old", status_up("a", pool(in_use=1), ago=901)),
    ):
        result, output = check(status, options=CheckOptions(max_age=900))
        assert (result.name, text in output) == (state, True), output
    disabled = ServerStatus(status_down("a").server, State.DISABLED)
    assert check(disabled)[1].startswith("LICENSES UNKNOWN - no enabled server")
    for product, figures in (("B", {"B"}), ("XDT_PLT_UD", {"XDT_PLT_UD", "expiry_days"})):
        options = CheckOptions(products=[product])
        verdict, output = check(status_up("a", ends, pool("B", 1)), options=options)
        assert (verdict is PluginState.OK) is (product == "B")
        assert set(performance(output)) == {*figures, "servers_up", "data_age"}
    with pytest.raises(UsageError, match="C"):
        check(status_up("a"), options=CheckOptions(products=["C"]))


def test_sum_that_lacks_a_server_is_unknown_in_performance_data() -> None:
    failed = status_failed(status_up("b", pool(in_use=20)))
    output = check(status_up("a", pool(in_use=10, expires=TODAY + timedelta(365))), failed)[1]
    figures = performance(output)
    assert figures["XDT_PLT_UD"] == ("U", "", "", "0")
    assert figures["servers_up"] == ("1", "", "", "0", "2")
    assert figures["expiry_days"] == ("365", "91:", "31:")


def test_output_is_one_line_whatever_servers_send_and_more_with_verbosity() -> None:
    names = [f"x|y='{n}' ;\n\N{SNOWMAN}" + "z" * 300 for n in range(9)]
    hostile = [pool(name, 500, 500, 0, name=name, model=Model.OTHER) for name in names]
    output = check(status_up("a|b", *hostile))[1]
    assert len(output.splitlines()) == 1
    assert output.count("|") == 1
    assert output.split(" | ")[0].endswith("(and 6 more)")
    assert len(performance(output)) == len(names) + 2
    thresholds = AlertSettings(Thresholds(warn=0.3), product={names[0]: {"critical": 1.0}})
    for verbosity, lines in ((1, 1), (2, len(names) + 1)):
        more = check(status_up("a", *hostile), alerts=thresholds, verbosity=verbosity)[1]
        assert len(more.splitlines()) == lines
        assert "more)" not in more
