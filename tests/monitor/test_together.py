"""One license server that is read in several ways is one, and its figures count once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START
from tests.support.values import failure, pool, server, snapshot

from lictui.config.settings import Alerts
from lictui.model import LicenseServer, Reading, Server
from lictui.monitor.alerts import AlertKind, current
from lictui.monitor.board import Board, ServerStatus
from lictui.monitor.together import Together, doubts, mains, same_hosts, stand_ins
from lictui.monitor.totals import answered, totals
from lictui.words import FailureKind, Level, Mode, Model, Reporting, SourceName, State

if TYPE_CHECKING:
    from lictui.model import Pool

SA = date(2026, 12, 1)
SOURCES = (
    {"source": SourceName.WINRM},
    {"source": SourceName.CVAD},
    {"source": SourceName.LMSTAT, "url": ""},
    {"source": SourceName.COMMAND, "url": "", "format": "checkmk"},
    {"source": SourceName.COMMAND, "url": "", "format": "get-liclasinventory"},
)


def up(
    name: str, *pools: Pool, ago: float = 10, mode: Mode | None = None, **of: Any
) -> ServerStatus:
    told = snapshot(mode=mode) if not pools else snapshot(*pools, mode=mode)
    told = told if pools else replace(told, pools=())
    at = START - ago
    return ServerStatus(server(name, **of), State.UP, at, None, told, at, at, 0.1, at + 60)


def failed(status: ServerStatus, kind: FailureKind = FailureKind.TIMEOUT) -> ServerStatus:
    why = failure(kind)
    return replace(status, state=why.state, failure=why)


def lost(name: str, kind: FailureKind = FailureKind.TIMEOUT, **of: Any) -> ServerStatus:
    why = failure(kind)
    return ServerStatus(server(name, **of), why.state, START, why, polled_at=START)


def one(*statuses: ServerStatus) -> ServerStatus:
    (status,) = Together().of(Board(statuses)).servers
    return status


def only(status: ServerStatus) -> Pool:
    assert status.snapshot is not None
    (found,) = status.snapshot.pools
    return found


def cvad(name: str, *pools: Pool, same_as: str = "lic", **of: Any) -> ServerStatus:
    return up(name, *pools, same_as=same_as, source=SourceName.CVAD, **of)


def origin(status: ServerStatus, figure: str) -> str:
    (origins,) = status.origins.values()
    return next(each.server for each in origins if each.figure == figure)


def test_in_file_mode_the_license_server_itself_comes_first() -> None:
    status = one(
        up("lic", pool(in_use=10, subscription=SA), mode=Mode.FILE),
        cvad("ddc", pool(in_use=11, subscription=SA, expires=SA)),
    )
    assert only(status).reading.in_use == 10
    assert only(status).expires == SA
    assert (origin(status, "in_use"), origin(status, "ends")) == ("lic", "ddc")


@pytest.mark.parametrize("says", ["a mode", "no data"])
def test_under_las_the_site_comes_first(says: str) -> None:
    wmi = up("lic", pool(in_use=10, subscription=SA), mode=Mode.FILE)
    wmi = failed(wmi, FailureKind.NO_DATA) if says == "no data" else wmi
    mode = Mode.LAS if says == "a mode" else None
    status = one(wmi, cvad("ddc", pool(in_use=11, subscription=SA), mode=mode))
    assert only(status).reading.in_use == 11
    assert (status.server.name, status.state) == ("lic", State.UP)


def test_a_site_without_inventory_is_believed_last() -> None:
    site = cvad("ddc", pool(in_use=3, installed=None, overdraft=None), mode=Mode.LAS)
    status = one(up("lic", pool(in_use=10), mode=Mode.LAS), site)
    assert only(status).reading == Reading(10, 500, 50)


def test_what_one_lacks_is_filled_from_the_next() -> None:
    status = one(
        up("lic", pool(in_use=None, queued=None), mode=Mode.FILE),
        cvad("ddc", pool(in_use=7, installed=9, queued=3)),
    )
    assert only(status).reading == Reading(7, 500, 50)
    assert only(status).queued == 3
    assert status.owner(only(status).key)[0] == "ddc"


def test_a_count_that_hides_its_overdraft_is_believed_last() -> None:
    way = {"source": SourceName.COMMAND, "format": "checkmk", "same_as": "lic"}
    checkmk = up("mk", pool(installed=550, overdraft=None), **way)
    winrm = up("lic", pool(in_use=None), mode=Mode.FILE)
    assert only(one(winrm, checkmk)).reading == Reading(412, 500, 50)
    alone = up("lic", pool(in_use=None, installed=None, overdraft=50), mode=Mode.FILE)
    assert only(one(alone, checkmk)).reading == Reading(412, 550, None)


def test_the_only_pool_without_a_date_is_the_one_with_it() -> None:
    status = one(up("lic", pool(subscription=SA), mode=Mode.LAS), cvad("ddc", pool(in_use=9)))
    assert only(status).subscription_date == SA
    assert only(status).reading.in_use == 9
    assert status.owner(only(status).key) == ("ddc", pool().key)


def test_a_sum_of_several_pools_counts_once() -> None:
    two = (pool(in_use=1, subscription=SA), pool(in_use=2, subscription=date(2027, 1, 1)))
    board = Together().of(
        Board((up("lic", *two, mode=Mode.LAS), cvad("ddc", pool(in_use=3, installed=1000))))
    )
    (total,) = totals(board, Alerts())
    assert total.reading == Reading(3, 1000, 50)
    assert stand_ins(board) == {("lic", each.key): "ddc" for each in two}


def test_who_does_not_answer_gives_no_figure_but_who_he_is() -> None:
    wmi = failed(up("lic", pool(in_use=10, subscription=SA, license_type="Retail"), mode=Mode.FILE))
    status = one(wmi, cvad("ddc", pool(in_use=11)))
    assert only(status).reading.in_use == 11
    assert only(status).license_type == "Retail"
    assert only(status).subscription_date == SA
    assert (status.state, status.failure) == (State.UP, None)


def test_a_pool_that_nobody_answers_for_is_shown_and_not_summed() -> None:
    wmi = failed(up("lic", pool("MPS_ENT_CCU"), mode=Mode.FILE))
    board = Together().of(Board((wmi, cvad("ddc", pool(in_use=11)))))
    (status,) = board.servers
    assert status.snapshot is not None
    assert [answered(status, each) for each in status.snapshot.pools] == [False, True]
    mps, xdt = totals(board, Alerts())
    assert (mps.reporting, mps.expected, mps.reading.in_use) == ((), ("lic",), None)
    assert (xdt.reporting, xdt.reading.in_use) == (("lic",), 11)


def test_no_inventory_takes_back_what_was_told_before() -> None:
    wmi = failed(up("lic", pool("MPS_ENT_CCU"), mode=Mode.FILE), FailureKind.NO_DATA)
    assert only(one(wmi, cvad("ddc", pool()))).product == "XDT_PLT_UD"


def test_when_all_are_down_the_last_known_stays_with_the_main_ones_state() -> None:
    status = one(
        failed(up("lic", pool(in_use=10), mode=Mode.FILE), FailureKind.AUTH),
        failed(cvad("ddc", pool(in_use=11))),
    )
    assert (status.state, only(status).reading.in_use) == (State.DENIED, 10)
    assert not answered(status)
    assert not status.lapsed


def test_a_disabled_way_tells_nothing() -> None:
    off = replace(up("lic", pool(in_use=10), mode=Mode.FILE, enabled=False), state=State.DISABLED)
    status = one(off, cvad("ddc", pool(in_use=11)))
    assert (status.state, only(status).reading.in_use) == (State.UP, 11)
    assert totals(Board((status,)), Alerts())[0].reading.in_use == 11


def test_chains_end_and_circles_and_strangers_are_ignored_and_said() -> None:
    servers = (
        server("a"),
        server("b", same_as="a"),
        server("c", same_as="b"),
        server("d", same_as="e"),
        server("e", same_as="d"),
        server("f", same_as="aa"),
        server("g", same_as="d"),
    )
    assert mains(servers) == {"b": "a", "c": "a", "g": "d"}
    assert doubts(servers) == (
        "d: same_as = e leads back to itself",
        "e: same_as = d leads back to itself",
        "f: same_as: no server is named aa (did you mean a?)",
    )


def test_an_alert_is_said_once_and_a_lost_way_is_a_warning() -> None:
    full = pool(in_use=500, subscription=None)
    board = Board((failed(up("lic", full, mode=Mode.FILE)), cvad("ddc", full), cvad("dd2", full)))
    found = current(Together().of(board), Alerts(), date(2026, 1, 1))
    assert [(it.kind, it.level, it.server) for it in found] == [
        (AlertKind.USAGE, Level.CRITICAL, "lic"),
        (AlertKind.SERVER, Level.WARN, "lic"),
    ]


def test_that_wmi_has_no_inventory_under_las_is_no_alert() -> None:
    board = Board((lost("lic", FailureKind.NO_DATA), cvad("ddc", pool(in_use=1))))
    assert current(Together().of(board), Alerts(), date(2026, 1, 1)) == ()


def test_an_unchanged_server_is_the_same_object_again() -> None:
    together = Together()
    statuses = (up("lic", pool()), cvad("ddc", pool()), up("other", pool()))
    before = together.of(Board(statuses))
    after = together.of(Board((*statuses[:2], up("other", pool(in_use=1)))))
    assert after.servers[0] is before.servers[0]
    assert after.servers[1] is not before.servers[1]


def test_a_board_without_parts_is_itself() -> None:
    board = Board((up("lic", pool()),))
    assert Together().of(board) is board


def listing(*listed: LicenseServer, **of: Any) -> ServerStatus:
    status = up("account", source=SourceName.PARTNER, url="https://partner.example", **of)
    assert status.snapshot is not None
    return replace(status, snapshot=replace(status.snapshot, license_servers=listed))


def test_what_citrix_cloud_says_of_a_license_server_stands_on_its_pane() -> None:
    entries = (
        LicenseServer("LIC-01", "lic-01.corp.test", Reporting.REPORTING, START),
        LicenseServer("X", "LIC-02.EXAMPLE", Reporting.NOT_REPORTING, START),
        LicenseServer("Y", "lic-03.one.test"),
        LicenseServer("Z", "lic-03.two.test"),
    )
    statuses = (
        up("a", pool(), url="https://lic-01/wsman"),
        up("b", pool(), url="https://lic-02.example:5986/wsman"),
        up("c", pool(), url="https://lic-03/wsman"),  # may be either of two
        listing(*entries),
    )
    board = Together().of(Board(statuses))
    assert [status.reports for status in board.servers] == [entries[0], entries[1], None, None]


def test_a_partner_account_of_the_same_server_needs_no_pane() -> None:
    entry = LicenseServer("X", "lic.example", Reporting.REPORTING, START)
    status = one(up("lic", pool(), url="https://lic.example"), listing(entry, same_as="lic"))
    assert status.reports == entry
    assert only(status) == pool() or only(status).reading == pool().reading


def test_the_servers_that_answer_to_a_name() -> None:
    board = Board(
        (
            up("a", pool(), url="https://lic01.corp.example/wsman"),
            up("b", pool(), url="", source=SourceName.LMSTAT, address="27000@LIC01,27000@lic02"),
            up("c", pool(), url="https://10.1.0.7/wsman"),
            up("d", pool(), url="https://lic01.other.example/wsman"),
        )
    )
    assert same_hosts(board, ("lic01.corp.example.",)) == ("a", "b")
    assert same_hosts(board, ("Lic01",)) == ("a", "b", "d")
    assert same_hosts(board, ("10",)) == ()
    assert same_hosts(board, ("", "nobody")) == ()


figures = st.none() | st.integers(0, 9)
readings = st.builds(Reading, figures, figures, figures)
dates = st.sampled_from([None, SA, date(2027, 3, 31)])


@st.composite
def parts(draw: st.DrawFn) -> tuple[ServerStatus, ...]:
    """A main server and up to three other ways to read it, each in any state."""
    found = []
    for at in range(draw(st.integers(2, 4))):
        of: dict[str, Any] = dict(draw(st.sampled_from(SOURCES)))
        keys = draw(
            st.lists(st.tuples(st.sampled_from(["P", "Q"]), dates), unique=True, max_size=3)
        )
        pools = [
            replace(
                pool(product, subscription=day, model=Model.CONCURRENT),
                reading=draw(readings),
                queued=draw(figures),
                expires=draw(dates),
            )
            for product, day in keys
        ]
        mode = draw(st.sampled_from([None, Mode.FILE, Mode.LAS]))
        status = up(f"s{at}", *pools, mode=mode, same_as="s0" if at else "", **of)
        if draw(st.booleans()):
            status = failed(
                status, draw(st.sampled_from([FailureKind.TIMEOUT, FailureKind.NO_DATA]))
            )
        found.append(status)
    return tuple(found)


@given(parts())
def test_no_figure_is_invented_and_each_has_an_origin_that_has_it(
    statuses: tuple[ServerStatus, ...],
) -> None:
    status = one(*statuses)
    told = {(it.server.name, each.key): each for it in statuses if it.snapshot
            for each in it.snapshot.pools}  # fmt: skip
    for each in status.snapshot.pools if status.snapshot else ():
        whose = {o.figure: told[o.server, o.key] for o in status.origins[each.key]}
        for name in ("in_use", "installed", "overdraft"):
            value = getattr(each.reading, name)
            assert value is None or getattr(whose[name].reading, name) == value
        assert each.queued is None or whose["queued"].queued == each.queued
        assert each.expires is None or whose["ends"].expires == each.expires
        assert status.owner(each.key) in told


@given(parts())
def test_sums_count_once(statuses: tuple[ServerStatus, ...]) -> None:
    """No total is above what the one way that says most of the product says, date by date."""
    board = Together().of(Board(statuses))
    known = [(it.server.name, each) for it in statuses if it.snapshot for each in it.snapshot.pools]
    for total in totals(board, Alerts()):
        days = {each.subscription_date for _, each in known if each.product == total.product}
        most = sum(
            max((e.reading.installed or 0 for _, e in known
                 if e.product == total.product and e.subscription_date == day), default=0)
            for day in days
        )  # fmt: skip
        assert (total.reading.installed or 0) <= most
    others = stand_ins(board)
    (status,) = board.servers
    counted = {(name, each.key) for name, each in known} - others.keys()
    pools = status.snapshot.pools if status.snapshot else ()
    assert counted == {status.owner(each.key) for each in pools}


@given(parts(), st.randoms(use_true_random=False))
def test_the_order_of_registration_does_not_matter(
    statuses: tuple[ServerStatus, ...], random: Any
) -> None:
    rest = list(statuses[1:])
    random.shuffle(rest)
    before, after = one(*statuses), one(statuses[0], *rest)
    assert before.state is after.state
    pools = [
        {each.key: each for each in status.snapshot.pools} if status.snapshot else {}
        for status in (before, after)
    ]
    assert pools[0] == pools[1]
    assert before.origins == after.origins


def test_a_server_is_found_by_each_of_its_names() -> None:
    board = Together().of(Board((up("lic", pool()), cvad("ddc", pool()))))
    assert board.of("ddc") is board.of("lic")
    assert Server("x", SourceName.WINRM).same_as == ""
    assert board.of("nobody") is None
