"""Metrics of a board, read by the parser of prometheus_client."""

from datetime import date
from typing import Any

from msgspec.structs import replace
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as plain_families
from tests.support.clock import START
from tests.support.values import cvad_status, failure, poll, pool, server, snapshot, status_up

from lictui import __version__
from lictui.engine.board import Board, apply_poll, with_servers
from lictui.engine.merge import merge_board
from lictui.export.openmetrics import openmetrics_text
from lictui.model import Activation, ActivationStatus, FailureKind, Mode, Model

PREFIX = "citrix_license_"


def samples(board: Board) -> dict[str, list[tuple[dict[str, str], float]]]:
    """All samples by name; the text is valid for OpenMetrics and for node_exporter's format."""
    text = openmetrics_text(merge_board(board)).decode()
    assert text.endswith("# EOF\n")
    read: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            read.setdefault(sample.name.removeprefix(PREFIX), []).append(
                (sample.labels, sample.value)
            )
    plain = {sample.name for family in plain_families(text) for sample in family.samples}
    assert {name.removeprefix(PREFIX) for name in plain} == set(read)
    return read


def test_server_that_is_up_has_figures_and_one_that_is_not_has_none() -> None:
    board = with_servers(Board(), [server("a", group="emea"), server("b"), server("c")])
    board = with_servers(board, [*(s.server for s in board.servers), server("d", enabled=False)])
    full = pool(subscription=date(2026, 12, 1), expires=date(2027, 3, 31), permanent=False)
    answer = snapshot(
        full,
        pool("PVS", None, 80, None, model=Model.CONCURRENT),
        pool("CITRIX", 0, 10, counted=False),
        activation=Activation(ActivationStatus.ACTIVATED, date(2026, 12, 3)),
    )
    board = apply_poll(apply_poll(board, poll(answer, "a")), poll(snapshot(), "b"))
    for _ in range(2):
        board = apply_poll(board, poll(failure(), "b", START + 60))
    board = apply_poll(board, poll(failure(FailureKind.AUTH), "b", START + 60))
    read = samples(board)
    of_server = {"server": "a", "group": "emea", "source": "winrm"}
    product = {"product": "XDT_PLT_UD", "model": "user_device", "subscription_date": "2026-12-01"}
    pvs = {"product": "PVS", "model": "concurrent", "subscription_date": ""}
    assert {name: read[name] for name in ("in_use", "overdraft")} == {
        "in_use": [(of_server | product, 412)],
        "overdraft": [(of_server | product, 50)],
    }
    assert read["installed"] == [(of_server | product, 500), (of_server | pvs, 80)]
    assert read["expiry_timestamp_seconds"] == [(of_server | product, 1806451200)]
    assert read["subscription_timestamp_seconds"] == [(of_server | product, 1796083200)]
    ups = {labels["server"]: value for labels, value in read["server_up"]}
    assert ups == {"a": 1, "b": 0, "c": 0}
    ages = {labels["server"]: v for labels, v in read["server_last_success_timestamp_seconds"]}
    assert ages == {"a": START, "b": START}
    assert read["server_activation_expiry_timestamp_seconds"] == [(of_server, 1796256000)]
    assert {labels["server"]: value for labels, value in read["polls_total"]} == {
        "a": 1, "b": 4, "c": 0,
    }  # fmt: skip
    failed = {(labels["server"], labels["kind"]): v for labels, v in read["poll_failures_total"]}
    assert failed == {("b", "timeout"): 2, ("b", "auth"): 1}
    assert read["lictui_build_info"] == [({"version": __version__}, 1)]


def test_sum_over_all_series_is_the_total() -> None:
    reads_twice = (
        status_up("lic", pool(in_use=9), mode=Mode.LAS),
        cvad_status("ddc", pool(in_use=10), mode=Mode.LAS),
    )
    shared = (status_up(name, pool("E", 300, 4000), entitlement="acme") for name in "xy")
    board = Board((*reads_twice, *shared))
    read = samples(board)
    for figure in ("in_use", "installed", "overdraft"):
        totals = [getattr(total.reading, figure) for total in merge_board(board).totals()]
        assert sum(value for _, value in read[figure]) == sum(totals), figure
    (in_use,) = ({labels["server"] for labels, _ in read["in_use"]} - {"x", "y"},)
    assert in_use == {"ddc"}  # the source that counts


def test_labels_are_escaped_and_bounded() -> None:
    hostile = 'a"} 1\n\\citrix{x="' + "\N{SNOWMAN}" * 1000
    bad: Any = replace(pool(), product=hostile)
    ((labels, value),) = samples(Board((status_up('q"\n', bad, group="\\"),)))["in_use"]
    assert value == 412
    assert (labels["server"], labels["group"]) == ('q"\n', "\\")
    assert labels["product"] == hostile[:200]
