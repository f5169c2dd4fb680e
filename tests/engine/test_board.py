"""States of servers, totals of products, and the filter of a board."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.example_board import (
    TIMEOUT_FAILURE,
    down_status,
    up_status,
)
from tests.support.example_board import (
    pool as example_pool,
)
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.config.settings import AlertSettings
from lictui.engine.board import (
    Board,
    Filter,
    GroupBy,
    ServerStatus,
    Total,
    apply_poll,
    filter_board,
    is_polled,
    mark_stale,
    with_servers,
)
from lictui.engine.merge import merge_board
from lictui.errors import UsageError
from lictui.model import Failure, FailureKind, Level, Model, Reading, Server, Snapshot, State


def status(board: Board, name: str = "lic-01") -> ServerStatus:
    status = board.find(name)
    assert status is not None
    return status


@pytest.fixture
def board() -> Board:
    return with_servers(Board(), (server(), server("lic-02"), server("off", enabled=False)))


def test_poll_changes_only_its_server(board: Board) -> None:
    after = apply_poll(board, poll())
    assert (status(after).state, status(after).snapshot) == (State.UP, snapshot())
    assert status(after, "lic-02") is status(board, "lic-02")
    assert apply_poll(board, poll()) == after
    assert apply_poll(board, poll(name="removed")) == board


def test_state_lasts_since_its_first_poll_and_polls_are_counted(board: Board) -> None:
    found = []
    results: list[Snapshot | Failure] = [snapshot(), snapshot(), failure(), failure(), snapshot()]
    for at, result in enumerate(results):
        board = apply_poll(board, poll(result, at=START + at))
        after = status(board)
        failed = after.failed_polls.get(FailureKind.TIMEOUT, 0)
        found.append(((after.since or 0) - START, after.polls, failed))
    assert found == [(0, 1, 0), (0, 2, 0), (2, 3, 1), (2, 4, 2), (4, 5, 2)]


@pytest.mark.parametrize(
    ("servers", "seconds", "expected"),
    [
        ((server(), server("lic-02")), 2700, True),
        ((server(), server("lic-02")), 2701, False),
        ((server("lic-02"),), 0, False),
        ((server(enabled=False), server("lic-02")), 0, False),
        ((server("off", enabled=False),), 0, True),
        ((), 0, True),
    ],
    ids=["three intervals", "longer", "never", "disabled", "only disabled ones", "none"],
)
def test_board_is_polled_if_a_server_was_lately(
    servers: tuple[Server, ...], seconds: float, *, expected: bool
) -> None:
    board = apply_poll(with_servers(Board(), servers), poll())
    assert is_polled(merge_board(board), START + seconds) is expected


def test_server_that_missed_three_polls_is_stale(board: Board) -> None:
    up = apply_poll(board, poll())
    assert status(mark_stale(up, START + 2700)).state is State.UP
    assert status(mark_stale(up, START + 2701)).state is State.STALE
    assert status(mark_stale(up, START + 2701), "lic-02").state is State.WAITING


def test_stale_follows_the_interval_in_use(board: Board) -> None:
    up = apply_poll(board, poll(), due=START + 10)
    assert status(mark_stale(up, START + 31)).state is State.STALE


def test_edited_server_keeps_its_figures(board: Board) -> None:
    up = apply_poll(board, poll())
    after = with_servers(up, (replace(server(), group="emea"),))
    assert status(after).state is State.UP
    assert status(after).server.group == "emea"
    assert after.find("lic-02") is None


def test_disabled_server_waits_when_enabled_again(board: Board) -> None:
    up = apply_poll(board, poll())
    off = with_servers(up, (server(enabled=False),))
    assert status(off).state is State.DISABLED
    assert status(with_servers(off, (server(),))).state is State.WAITING


USED = example_pool("XDT_PLT_UD", 412, 500, 50)


def total(*servers: ServerStatus) -> Total:
    (total,) = merge_board(Board(servers)).totals()
    return total


def test_total_sums_a_product_over_servers() -> None:
    result = total(up_status("a", USED), up_status("b", example_pool("XDT_PLT_UD", 288, 400, 40)))
    assert (result.product, result.model) == ("XDT_PLT_UD", Model.USER_DEVICE)
    assert (result.reading, result.free) == (Reading(700, 900, 90), 200)
    assert result.ratio == pytest.approx(0.7778, abs=1e-4)
    assert (result.level, result.unknown_pools) == (Level.OK, 0)
    assert result.servers_reporting == result.servers_expected == ("a", "b")


def test_total_leaves_out_a_server_whose_poll_failed() -> None:
    down = down_status(up_status("b", USED), TIMEOUT_FAILURE)
    result = total(up_status("a", USED), down)
    assert result.reading == Reading(412, 500, 50)
    assert (result.servers_reporting, result.servers_expected) == (("a",), ("a", "b"))
    unknown = total(down)
    assert (unknown.reading, unknown.ratio, unknown.level) == (Reading(), None, Level.UNKNOWN)
    assert unknown.servers_reporting == ()


def test_total_does_not_expect_disabled_servers() -> None:
    disabled = replace(up_status("b", USED), server=server("b", enabled=False))
    disabled = replace(disabled, state=State.DISABLED)
    assert total(up_status("a", USED), disabled).servers_expected == ("a",)


def test_total_counts_missing_figures_and_sums_known_ones() -> None:
    pools = (example_pool("XDT_PLT_UD", None, 5), example_pool("XDT_PLT_UD", 3, 7))
    result = total(up_status("a", *pools))
    assert (result.reading, result.level) == (Reading(3, 12), Level.UNKNOWN)
    assert (result.unknown_pools, result.ratio, result.free) == (1, None, None)


def test_total_leaves_out_startup_licenses() -> None:
    assert merge_board(Board((up_status("a", example_pool("CITRIX", 0, 10)),))).totals() == ()


def test_total_counts_the_licenses_of_one_entitlement_once_and_adds_up_their_usage() -> None:
    def status(name: str, in_use: int, installed: int | None, entitlement: str) -> ServerStatus:
        used = example_pool("XDT_PLT_UD", in_use, installed, 10)
        return replace(up_status(name, used), server=server(name, entitlement=entitlement))

    shared = status("a", 30, 500, "acme"), status("b", 40, 500, "acme")
    assert total(*shared).reading == Reading(70, 500, 10)
    assert total(*shared, status("c", 5, 100, "")).reading == Reading(75, 600, 20)
    assert total(*shared, status("c", 5, 600, "other")).reading == Reading(75, 1100, 20)
    unknown = total(shared[0], status("b", 40, None, "acme"))
    assert (unknown.reading.installed, unknown.unknown_pools) == (500, 1)


STRICT = {"warn": 0.1, "critical": 0.9}


@pytest.mark.parametrize(
    ("settings", "groupings"),
    [
        (AlertSettings(product={"XDT_PLT_UD": STRICT}), set(GroupBy)),
        (AlertSettings(group={"emea": STRICT}), {GroupBy.GROUP, GroupBy.SERVER}),
        (AlertSettings(server={"a": STRICT}), {GroupBy.SERVER}),
        (AlertSettings(product={"other": STRICT}, group={"us": STRICT}), set()),
    ],
    ids=["product", "group", "server", "others"],
)
def test_total_has_the_thresholds_of_its_product_and_scope(
    settings: AlertSettings, groupings: set[GroupBy]
) -> None:
    low = up_status("a", example_pool("XDT_PLT_UD", 100, 500))
    low = replace(low, server=server("a", group="emea"))
    board = merge_board(Board((low,)), settings)
    totals = {by: board.totals(by)[0] for by in GroupBy}
    assert {by for by, total in totals.items() if total.level is Level.WARN} == groupings
    assert {by for by, total in totals.items() if total.limits.warn == 0.1} == groupings


SERVERS = (server("lic-emea-01", group="emea"), server("lic-us-01", group="us"), server("silent"))


@pytest.fixture
def mixed_board() -> Board:
    board = with_servers(Board(), SERVERS)
    board = apply_poll(
        board, poll(snapshot(pool("XDT_PLT_UD"), pool("PVS_STD_CCS")), "lic-emea-01")
    )
    return apply_poll(board, poll(snapshot(pool("XDT_PLT_UD")), "lic-us-01"))


def shown(board: Board, text: str) -> dict[str, list[str]]:
    filtered = filter_board(board, Filter.parse(text))
    return {
        status.server.name: [pool.product for pool in status.snapshot.pools]
        if status.snapshot
        else []
        for status in filtered.servers
    }


def test_filter_without_text_matches_all(mixed_board: Board) -> None:
    assert filter_board(mixed_board, Filter.parse("")) is mixed_board
    assert Filter.parse("!") == Filter.parse("")


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("EMEA", {"lic-emea-01": ["XDT_PLT_UD", "PVS_STD_CCS"]}),
        ("^us$", {"lic-us-01": ["XDT_PLT_UD"]}),
        ("pvs", {"lic-emea-01": ["PVS_STD_CCS"]}),
        ("!emea", {"lic-us-01": ["XDT_PLT_UD"], "silent": []}),
        ("!XDT", {"lic-emea-01": ["PVS_STD_CCS"], "silent": []}),
    ],
)
def test_filter_selects_servers_and_products(
    mixed_board: Board, text: str, servers: dict[str, list[str]]
) -> None:
    assert shown(mixed_board, text) == servers


def test_filter_hides_a_server_without_products_by_name_only(mixed_board: Board) -> None:
    mixed_board = apply_poll(mixed_board, poll(Snapshot(()), "silent"))
    assert shown(mixed_board, "!XDT|PVS") == {"silent": []}
    assert shown(mixed_board, "!silent|XDT") == {"lic-emea-01": ["PVS_STD_CCS"]}


@pytest.mark.parametrize("text", ["cvad premium", "Virtual Apps and Desktops Premium", "^xdt_plt"])
def test_filter_matches_code_name_and_short_name(mixed_board: Board, text: str) -> None:
    named = pool("XDT_PLT_UD", name="Citrix Virtual Apps and Desktops Premium")
    mixed_board = apply_poll(mixed_board, poll(snapshot(named, pool("ACME_X")), "silent"))
    assert shown(mixed_board, text)["silent"] == ["XDT_PLT_UD"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("(lic", "unterminated"), ("*", "nothing to repeat"), ("a" * 201, "max 200")],
)
def test_invalid_filter_is_a_usage_error(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Filter.parse(text)


@pytest.mark.parametrize(
    ("text", "is_slow"),
    [
        ("(a+)+$", True),
        ("(a|aa)+b", True),
        ("((?:a{1,9})){1,9}x", True),
        ("(|a)*?b", True),
        ("(x(a?)y)+", True),
        ("a*a*a*a*b", True),
        ("a?" * 30 + "a" * 30, True),
        ("!lic(-emea)?.*-0[1-9]+", False),
        ("^(?:lic|ddc|site)-.*prod", False),
        (r"[*+|?]+\(a\)+", False),
        ("a|b|c|d|e|f|g|h|i|j|k|l", False),
    ],
)
def test_filter_that_could_freeze_the_program_is_refused(text: str, *, is_slow: bool) -> None:
    if is_slow:
        with pytest.raises(UsageError, match="could take very long"):
            Filter.parse(text)
    else:
        Filter.parse(text)(["a" * 200 + "!"])


@given(st.text(max_size=20))
@example("[[a]")  # `re` has a warning about it
def test_filter_accepts_or_refuses_any_text(text: str) -> None:
    try:
        pattern = Filter.parse(text)
    except UsageError:
        return
    assert isinstance(pattern(["lic"]), bool)
