"""Entitlements against what is used, what ends when, and servers that count twice."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.values import cvad_status, pool, snapshot, status_up

from lictui.analysis.peaks import Peak, ScopedPeak
from lictui.analysis.usage import PastSummary, TotalKey
from lictui.config.entitlements import Entitlement
from lictui.engine.board import Board, GroupBy, MergedBoard
from lictui.engine.entitlements import (
    ContractLine,
    Expiry,
    ExpiryKind,
    ScopeUsage,
    compare,
    compare_entitlements,
    count_hints,
    expiries,
    format_money,
    summary,
    unused_costs,
)
from lictui.engine.merge import merge_board
from lictui.model import (
    Activation,
    ActivationStatus,
    Certificate,
    Mode,
    Model,
    Reading,
    SourceName,
)

FIRST, LAST = date(2026, 12, 1), date(2027, 12, 1)


def board(*installed: int, mode: Mode = Mode.LAS) -> MergedBoard:
    statuses = (
        status_up(f"s{at}", pool("P", 1, each), mode=mode) for at, each in enumerate(installed)
    )
    return merge_board(Board(tuple(statuses)))


def test_divisor_hint_compares_las_servers_with_entitlements() -> None:
    bought = (Entitlement("P", 500),)
    (hint,) = count_hints(board(1000), bought).values()
    assert hint == (
        "P: 1,000 installed, exactly twice the purchased quantity of 500;"
        " consider quantity_divisor = 2 for s0"
    )
    assert [server for server, _ in count_hints(board(600, 400), bought)] == ["s0", "s1"]
    assert count_hints(board(1001), bought) == {}
    assert count_hints(board(1000, mode=Mode.FILE), bought) == {}
    assert count_hints(board(1000), (Entitlement("P", 0), Entitlement("Q", 500))) == {}


def test_same_licenses_on_two_las_servers_may_be_one_entitlement() -> None:
    licenses = pool("P", 40, 500, subscription=LAST)
    # The same without a known end, without a count, and uncounted shows nothing.
    others = (
        pool("Q", 1, 500),
        pool("R", 1, 0, subscription=LAST),
        pool("S", 1, 500, subscription=LAST, counted=False),
    )
    statuses = (
        status_up("a", licenses, *others, mode=Mode.LAS),
        status_up("b", licenses, *others, mode=Mode.LAS),
        status_up("c", pool("P", 40, 501, subscription=LAST), mode=Mode.LAS),
        status_up("d", licenses, mode=Mode.FILE),
    )
    hints = count_hints(merge_board(Board(statuses)), (Entitlement("P", 500, server="a"),))
    assert [server for server, _ in hints] == ["a", "b"]
    assert hints["a", "P"] == (
        "P: 500 licenses until 2027-12-01, the same as on b; if they are one entitlement, set the"
        " same entitlement name for these servers"
    )
    shared = tuple(
        replace(status, server=replace(status.server, entitlement="acme")) for status in statuses
    )
    assert count_hints(merge_board(Board(shared[:2])), (Entitlement("P", 250),)) != {}
    assert count_hints(merge_board(Board(shared[:2])), (Entitlement("P", 500),)) == {}


def test_divisor_hint_compares_within_the_scope_of_the_entitlement() -> None:
    found = count_hints(
        board(1000, 70), (Entitlement("P", 500, server="s0"), Entitlement("P", 35, group="x"))
    )
    assert [server for server, _ in found] == ["s0"]


def test_divisor_hint_compares_data_sources() -> None:
    empty, startup = pool("Q", 0, 0), pool("CITRIX", 0, 500, counted=False)
    twice = replace(startup, reading=Reading(0, 1000))
    statuses = (
        status_up("lic", pool("P", 1, 500), empty, startup),
        cvad_status("ddc", pool("P", 1, 1000), empty, twice, mode=Mode.LAS),
    )
    hints = count_hints(merge_board(Board(statuses)))
    assert hints.keys() == {("ddc", "P")}
    assert "exactly twice the 500 of lic" in hints["ddc", "P"]
    bought = (Entitlement("P", 500),)
    assert count_hints(merge_board(Board(statuses)), bought).keys() == {("ddc", "P")}
    users = replace(pool("P", 1), reading=Reading(1))
    counted = (
        status_up("lic", pool("P", 1, 1000), mode=Mode.LAS),
        status_up("inv", users, source=SourceName.COMMAND, format="get-liclasinventory"),
    )
    merged = (counted[0], replace(counted[1], server=replace(counted[1].server, same_as="lic")))
    assert count_hints(merge_board(Board(merged)), bought).keys() == {("lic", "P")}
    divided = (
        statuses[0],
        cvad_status("ddc", pool("P", 1, 1000), mode=Mode.LAS, quantity_divisor=2),
    )
    assert count_hints(merge_board(Board(divided))) == {}


def contract_line(
    purchased: int,
    installed: int | None,
    highest: int | None,
    cost: float | None = None,
    *,
    proven: int | None = None,
) -> ContractLine:
    entitlement = Entitlement("XDT_PLT_UD", purchased, cost, "EUR")
    usage = "CVAD Premium", installed, highest, highest, proven or highest
    return ContractLine(*usage, entitlement=entitlement)


def test_contract_line_compares_purchased_licenses_with_peak_and_installed() -> None:
    over = contract_line(100, 150, 120)
    assert (over.shortfall, over.unused, over.installed_surplus) == (20, 0, 50)
    unused = contract_line(100, 90, 60, 42.5)
    assert (unused.shortfall, unused.unused, unused.installed_surplus) == (0, 40, -10)
    assert (unused.cost, unused.unused_cost) == (4250.0, 1700.0)
    unknown = contract_line(100, None, None, 10.0)
    assert (unknown.shortfall, unknown.unused, unknown.installed_surplus) == (None, None, None)
    assert (unknown.cost, unknown.unused_cost) == (1000.0, None)
    assert contract_line(100, 90, 60).unused_cost is None


@pytest.mark.parametrize(
    ("installed", "highest", "words"),
    [
        (100, 100, "fully used"),
        (90, None, "no history yet; 10 fewer installed than purchased"),
        (None, 60, "40 unused, 1,700 EUR per year"),
        (1250, 120, "overused: assignments exceed purchased by 20; 1,150 more installed"),
        (None, None, "no usage data"),
    ],
)
def test_comparison_in_words(installed: int | None, highest: int | None, words: str) -> None:
    found = summary(contract_line(100, installed, highest, 42.5))
    assert found.removesuffix(" than purchased") == words.removesuffix(" than purchased")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, ""),
        (0.0, "0 EUR"),
        (42.5, "42.50 EUR"),
        (999.99, "999.99 EUR"),
        (1000.5, "1,000 EUR"),
    ],
)
def test_money_has_cents_where_they_matter(amount: float | None, text: str) -> None:
    assert format_money(amount, "EUR") == text


@pytest.mark.parametrize(
    ("highest", "proven", "shortfall", "unused", "words"),
    [
        (200, 110, None, None, "at most 200 in use at one time; overuse is not proven"),
        (200, 160, 10, 0, "overused: assignments exceed purchased by at least 10"),
        (140, 110, 0, 10, "at least 10 unused"),
        (150, 110, 0, 0, "fully used"),
    ],
)
def test_contract_line_concludes_no_overuse_from_a_bound(
    highest: int, proven: int, shortfall: int | None, unused: int | None, words: str
) -> None:
    line = contract_line(150, 150, highest, proven=proven)
    assert line.is_bound
    assert (line.shortfall, line.unused, summary(line)) == (shortfall, unused, words)


def test_compare_never_adds_up_license_models() -> None:
    usages = [ScopeUsage("CVAD", 100, 5, 5, 5), ScopeUsage("CVAD", 50, 7, 7, 7)]
    known, unknown = compare(
        (Entitlement("P", 1), Entitlement("Q", 1)), lambda e: usages[: e.product == "P"], {}
    )
    assert (known.name, known.installed) == ("CVAD", 100)
    assert (unknown.name, unknown.installed) == ("Q", None)
    (line,) = compare((Entitlement("P", 1),), lambda _: usages, {})
    assert (line.name, line.installed, line.shortfall) == ("CVAD", None, None)


SERVERS = {"a": "emea", "b": "emea", "c": "us", "d": ""}
SCOPES = ({}, {"group": "emea"}, {"group": "us"}, *({"server": name} for name in SERVERS))
ENTITLEMENTS = st.builds(
    lambda product, scope, cost: Entitlement(product, 100, cost, "EUR", **scope),
    st.sampled_from("PQ"),
    st.sampled_from(SCOPES),
    st.sampled_from((None, 2.0, 3.0)),
)


def covered(entitlement: Entitlement) -> set[str]:
    """The servers of an entitlement; servers that may be added count as well."""
    if entitlement.server:
        return {entitlement.server}
    members = {name for name, group in SERVERS.items() if entitlement.group in ("", group)}
    groups = {entitlement.group} if entitlement.group else {"", "emea", "us"}
    return members | {f"more of {group}" for group in groups}


@given(st.lists(ENTITLEMENTS, max_size=7, unique_by=lambda e: (e.product, e.server, e.group)))
def test_unused_costs_count_every_license_once(entitlements: list[Entitlement]) -> None:
    usage = ScopeUsage("P", 100, 40, 40, 40)
    lines = compare(entitlements, lambda _: [usage], SERVERS)
    expected = 0.0
    for inner in entitlements:
        containers = [
            outer
            for outer in entitlements
            if outer.product == inner.product
            and outer.cost is not None
            and covered(inner) < covered(outer)
        ]
        expected += 0.0 if containers else 60 * (inner.cost or 0.0)
    assert unused_costs(lines) == ([f"{expected:,.0f} EUR"] if expected else [])


def test_peak_that_is_a_bound_proves_no_overuse() -> None:
    def summaries(*, bound: bool) -> dict[GroupBy, dict[TotalKey, PastSummary]]:
        peak = ScopedPeak("", "P", "", Peak("all", 600, 1, 500, 1.0, 1.0, 300, bound))
        return {
            GroupBy.PRODUCT: {("", "P", Model.USER_DEVICE): PastSummary(month=peak, all_time=peak)}
        }

    bought, found = (Entitlement("P", 500),), []
    for bound in (False, True):
        overview = compare_entitlements(board(500), bought, summaries(bound=bound), FIRST)
        (line,) = overview.lines
        found.append((line.peak, line.peak_is_bound, line.highest_peak, line.shortfall))
    assert found == [(600, False, 600, 100), (600, True, 600, None)]


def ends(*pools: object) -> list[tuple[ExpiryKind, date, int | None]]:
    board = merge_board(Board((status_up("lic", *pools),)))  # type: ignore[arg-type]
    return [(expiry.kind, expiry.day, expiry.count) for expiry in expiries(board)]


def test_expiries_of_permanent_and_startup_licenses_are_none() -> None:
    permanent = pool(installed=5, expires=FIRST, permanent=True)
    startup = pool("CITRIX", installed=5, expires=FIRST, subscription=FIRST, counted=False)
    assert ends(permanent, startup) == []


def test_expiries_count_the_licenses_that_expire() -> None:
    partly = pool(installed=50, expires=FIRST, partial_expiry=True, reported_expiring=20)
    unknown = pool("Q", installed=50, expires=FIRST, partial_expiry=True)
    assert ends(partly, unknown) == [
        (ExpiryKind.LICENSES, FIRST, 20),
        (ExpiryKind.LICENSES, FIRST, None),
    ]


def test_expiries_mark_renewed_subscriptions_and_those_that_end_with_their_licenses() -> None:
    old = pool(installed=1, subscription=FIRST, expires=FIRST)
    new = pool(installed=2, subscription=LAST)
    board = merge_board(Board((status_up("lic", old, new),)))
    for renewed in (199, 200, None):
        pools = (
            pool(installed=count, subscription=day)
            for count, day in ((200, FIRST), (renewed, LAST))
        )
        (first, _) = expiries(merge_board(Board((status_up("lic", *pools),))))
        assert first.renewed is (renewed != 199)
    subscriptions = [expiry for expiry in expiries(board) if expiry.kind is ExpiryKind.SUBSCRIPTION]
    assert [(expiry.day, expiry.renewed, expiry.licenses_too) for expiry in subscriptions] == [
        (FIRST, True, True),
        (LAST, False, False),
    ]


def test_expiries_include_activation_and_the_certificate_of_expiry_data_source() -> None:
    activation = Activation(ActivationStatus.ACTIVATED, FIRST)
    main = status_up("lic", pool())
    site = cvad_status("ddc", pool())
    certificate = Certificate("ab", None, LAST)
    main = replace(main, snapshot=snapshot(pool(), activation=activation))
    site = replace(site, snapshot=snapshot(pool(), certificate=certificate))
    assert expiries(merge_board(Board((main, site)))) == [
        Expiry(LAST, ExpiryKind.CERTIFICATE, "ddc"),
        Expiry(FIRST, ExpiryKind.ACTIVATION, "lic"),
    ]
