"""Merging of several data sources of one license server."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.values import (
    cvad_status,
    merge_statuses,
    only_pool,
    pool,
    server,
    source_of,
    status_down,
    status_failed,
    status_up,
)

from lictui.config.settings import AlertSettings, Thresholds
from lictui.engine.alerts import current_alerts
from lictui.engine.board import Board, ServerStatus, is_reporting
from lictui.engine.merge import (
    BoardMerger,
    duplicate_pools,
    merge_board,
    resolve_same_as,
    same_as_warnings,
    servers_on_hosts,
)
from lictui.model import (
    AlertKind,
    FailureKind,
    Level,
    LicenseServer,
    Mode,
    Model,
    Reading,
    ReportingStatus,
    SourceName,
    State,
)

SA = date(2026, 12, 1)


def lic(in_use: int | None, mode: Mode | None = Mode.FILE, **figures: Any) -> ServerStatus:
    return status_up("lic", pool(in_use=in_use, **figures), mode=mode)


def ddc(in_use: int | None, mode: Mode | None = None, **figures: Any) -> ServerStatus:
    return cvad_status("ddc", pool(in_use=in_use, **figures), mode=mode)


CHECKMK = status_up(
    "mk", pool(installed=550, overdraft=None), source=SourceName.COMMAND, format="checkmk",
    same_as="lic",
)  # fmt: skip
OFF = status_up("lic", pool(in_use=10), mode=Mode.FILE, enabled=False)
OFF = replace(OFF, state=State.DISABLED)
NO_INVENTORY: dict[str, Any] = {"installed": None, "overdraft": None}


@pytest.mark.parametrize(
    ("statuses", "reading"),
    [
        ((lic(10), ddc(11)), Reading(10, 500, 50)),
        ((lic(10), ddc(11, Mode.LAS)), Reading(11, 500, 50)),
        ((status_failed(lic(10), FailureKind.NO_DATA), ddc(11)), Reading(11, 500, 50)),
        ((lic(10, Mode.LAS), ddc(3, Mode.LAS, **NO_INVENTORY)), Reading(10, 500, 50)),
        ((lic(None), ddc(7, installed=9)), Reading(7, 500, 50)),
        ((status_failed(lic(10)), ddc(11)), Reading(11, 500, 50)),
        ((OFF, ddc(11)), Reading(11, 500, 50)),
        ((lic(None), CHECKMK), Reading(412, 500, 50)),
        ((lic(None, installed=None), CHECKMK), Reading(412, 550, None)),
    ],
    ids=[
        "license server", "site with LAS", "site, without inventory of the license server",
        "site without inventory last", "missing figure of the next", "site that responds",
        "enabled site", "count with overdraft last", "only count, with overdraft",
    ],
)  # fmt: skip
def test_merged_figures_are_those_of_the_most_trusted_source(
    statuses: tuple[ServerStatus, ...], reading: Reading
) -> None:
    status = merge_statuses(*statuses)
    found = only_pool(status)
    assert (status.server.name, status.state, status.failure) == ("lic", State.UP, None)
    (total,) = merge_board(Board((status,))).totals()
    assert found.reading == total.reading == reading
    assert source_of(status, "in_use") == status.history_key(found.key)[0]


@pytest.mark.parametrize(
    ("name", "unknown", "value"),
    [
        ("name", "XDT_PLT_UD", "CVAD Premium"),
        ("expires", None, SA),
        ("permanent", None, False),
        ("license_type", "", "Retail"),
        ("vendor", "", "CITRIX"),
        ("model", Model.OTHER, Model.CONCURRENT),
        ("subscription_date", None, SA),
        ("queued", None, 0),
    ],
)
@pytest.mark.parametrize("is_main", [False, True])
def test_property_comes_from_a_source_that_has_it(
    name: str, unknown: object, value: object, *, is_main: bool
) -> None:
    values = (value, unknown) if is_main else (unknown, value)
    first, second = (replace(pool(), **{name: each}) for each in values)
    status = merge_statuses(status_up("lic", first), cvad_status("ddc", second))
    assert getattr(only_pool(status), name) == value


def test_failed_source_keeps_its_properties() -> None:
    wmi = status_failed(lic(10, subscription=SA, license_type="Retail"))
    found = only_pool(merge_statuses(wmi, ddc(11)))
    assert (found.license_type, found.subscription_date) == ("Retail", SA)


@pytest.mark.parametrize(
    ("modes", "mode"),
    [
        ((None, None), None),
        ((Mode.FILE, None), Mode.FILE),
        ((None, Mode.FILE), Mode.FILE),
        ((Mode.FILE, Mode.LAS), Mode.LAS),
    ],
)
def test_merged_mode_is_las_if_one_source_says_so(
    modes: tuple[Mode | None, Mode | None], mode: Mode | None
) -> None:
    snapshot = merge_statuses(lic(10, modes[0]), ddc(11, modes[1])).snapshot
    assert snapshot is not None
    assert snapshot.mode is mode


def test_merged_figures_are_as_old_as_the_oldest_source_of_one() -> None:
    def age(*statuses: ServerStatus) -> float | None:
        at = merge_statuses(*statuses).last_success_at
        return None if at is None else START - at

    main, site = status_up("lic", pool(), ago=10), cvad_status("ddc", pool(), ago=90)
    assert age(main, site) == 10  # no figure is the site's
    assert age(main, cvad_status("ddc", pool("MPS_ENT_CCU"), ago=90)) == 90
    assert age(main, status_failed(cvad_status("ddc", pool("MPS_ENT_CCU"), ago=90))) == 10


def test_single_undated_pool_matches_the_dated_one() -> None:
    status = merge_statuses(
        status_up("lic", pool(subscription=SA), mode=Mode.LAS), cvad_status("ddc", pool(in_use=9))
    )
    assert only_pool(status).subscription_date == SA
    assert only_pool(status).reading.in_use == 9
    assert status.history_key(only_pool(status).key) == ("ddc", pool().key)


def test_undated_sum_of_several_pools_counts_once() -> None:
    two = (pool(in_use=1, subscription=SA), pool(in_use=2, subscription=date(2027, 1, 1)))
    board = merge_board(
        Board(
            (
                status_up("lic", *two, mode=Mode.LAS),
                cvad_status("ddc", pool(in_use=3, installed=1000)),
            )
        )
    )
    (total,) = board.totals()
    assert total.reading == Reading(3, 1000, 50)
    assert duplicate_pools(board) == {("lic", each.key): "ddc" for each in two}


def test_stale_pool_is_shown_but_not_summed() -> None:
    wmi = status_failed(status_up("lic", pool("MPS_ENT_CCU"), mode=Mode.FILE))
    board = merge_board(Board((wmi, cvad_status("ddc", pool(in_use=11)))))
    (status,) = board.servers
    assert status.snapshot is not None
    assert [is_reporting(status, each) for each in status.snapshot.pools] == [False, True]
    mps, xdt = board.totals()
    assert (mps.servers_reporting, mps.servers_expected, mps.reading.in_use) == ((), ("lic",), None)
    assert (xdt.servers_reporting, xdt.reading.in_use) == (("lic",), 11)


def test_source_without_inventory_withdraws_its_pools() -> None:
    wmi = status_failed(status_up("lic", pool("MPS_ENT_CCU"), mode=Mode.FILE), FailureKind.NO_DATA)
    assert only_pool(merge_statuses(wmi, cvad_status("ddc", pool()))).product == "XDT_PLT_UD"


def test_merged_server_that_is_down_keeps_its_last_figures() -> None:
    status = merge_statuses(
        status_failed(status_up("lic", pool(in_use=10), mode=Mode.FILE), FailureKind.AUTH),
        status_failed(cvad_status("ddc", pool(in_use=11))),
    )
    assert (status.state, only_pool(status).reading.in_use) == (State.DENIED, 10)
    assert not is_reporting(status)
    assert not status.stale_pools


def test_source_that_was_never_read_is_expected_with_its_recorded_pools() -> None:
    recorded = (pool("MPS_ENT_CCU", None, 10), pool(in_use=None))
    lic = replace(status_down("lic"), recorded_pools=recorded)
    board = merge_board(Board((lic, cvad_status("ddc", pool(in_use=11)))))
    xdt, mps = board.totals()
    assert (xdt.reading.in_use, xdt.servers_reporting, xdt.servers_expected) == (
        11, ("lic",), ("lic",),
    )  # fmt: skip
    assert (mps.reading, mps.servers_reporting, mps.servers_expected) == (Reading(), (), ("lic",))
    assert board.servers[0].history_key(recorded[0].key) == ("lic", recorded[0].key)
    unread = merge_board(Board((lic, status_down("ddc", same_as="lic"))))
    assert [total.servers_expected for total in unread.totals()] == [("lic",), ("lic",)]
    without_inventory = replace(lic, state=State.NO_DATA)
    board = merge_board(Board((without_inventory, cvad_status("ddc", pool(in_use=11)))))
    assert [total.product for total in board.totals()] == ["XDT_PLT_UD"]


def test_same_as_follows_chains_and_warns_about_mistakes() -> None:
    servers = (
        server("a"),
        server("b", same_as="a"),
        server("c", same_as="b"),
        server("d", same_as="e"),
        server("e", same_as="d"),
        server("f", same_as="aa"),
        server("g", same_as="d"),
    )
    assert resolve_same_as(servers) == {"b": "a", "c": "a", "g": "d"}
    assert same_as_warnings(servers) == (
        "d: circular same_as reference (e)",
        "e: circular same_as reference (d)",
        "f: same_as: unknown server aa (did you mean a?)",
    )


def test_merged_server_alerts_once_and_a_lost_source_warns() -> None:
    full = pool(in_use=500, subscription=None)
    board = Board(
        (
            status_failed(status_up("lic", full, mode=Mode.FILE)),
            cvad_status("ddc", full),
            cvad_status("dd2", full),
        )
    )
    found = current_alerts(merge_board(board), date(2026, 1, 1))
    assert [(it.key.kind, it.level, it.key.server) for it in found] == [
        (AlertKind.USAGE, Level.CRITICAL, "lic"),
        (AlertKind.SERVER, Level.WARN, "lic"),
    ]


def test_changed_thresholds_apply_to_totals_that_were_asked_for() -> None:
    merger, board = BoardMerger(), Board((status_up("lic", pool(in_use=70, installed=100)),))
    levels = [
        merger.merge(board, AlertSettings(Thresholds(warn=warn))).totals()[0].level
        for warn in (0.8, 0.5)
    ]
    assert levels == [Level.OK, Level.WARN]


def test_unchanged_server_is_the_same_object() -> None:
    together = BoardMerger()
    statuses = (status_up("lic", pool()), cvad_status("ddc", pool()), status_up("other", pool()))
    before = together.merge(Board(statuses), AlertSettings())
    after = together.merge(
        Board((*statuses[:2], status_up("other", pool(in_use=1)))), AlertSettings()
    )
    assert after.servers[0] is before.servers[0]
    assert after.servers[1] is not before.servers[1]


SOURCES = (
    {"source": SourceName.WINRM},
    {"source": SourceName.CVAD},
    {"source": SourceName.LMSTAT, "url": ""},
    {"source": SourceName.COMMAND, "url": "", "format": "checkmk"},
    {"source": SourceName.COMMAND, "url": "", "format": "get-liclasinventory"},
)

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
        status = status_up(f"s{at}", *pools, mode=mode, same_as="s0" if at else "", **of)
        if draw(st.booleans()):
            status = status_failed(
                status, draw(st.sampled_from([FailureKind.TIMEOUT, FailureKind.NO_DATA]))
            )
        found.append(status)
    return tuple(found)


@given(parts())
def test_merged_figures_come_from_their_sources(
    statuses: tuple[ServerStatus, ...],
) -> None:
    status = merge_statuses(*statuses)
    told = {(it.server.name, each.key): each for it in statuses if it.snapshot
            for each in it.snapshot.pools}  # fmt: skip
    for each in status.snapshot.pools if status.snapshot else ():
        whose = {o.figure: told[o.server, o.key] for o in status.figure_sources[each.key]}
        for name in ("in_use", "installed", "overdraft"):
            value = getattr(each.reading, name)
            assert value is None or getattr(whose[name].reading, name) == value
        assert each.queued is None or whose["queued"].queued == each.queued
        assert each.expires is None or whose["ends"].expires == each.expires
        assert status.history_key(each.key) in told


@given(parts())
def test_merged_totals_count_once(statuses: tuple[ServerStatus, ...]) -> None:
    """No total is above what the one way that says most of the product says, date by date."""
    board = merge_board(Board(statuses))
    known = [(it.server.name, each) for it in statuses if it.snapshot for each in it.snapshot.pools]
    for total in board.totals():
        days = {each.subscription_date for _, each in known if each.product == total.product}
        most = sum(
            max((e.reading.installed or 0 for _, e in known
                 if e.product == total.product and e.subscription_date == day), default=0)
            for day in days
        )  # fmt: skip
        assert (total.reading.installed or 0) <= most
    others = duplicate_pools(board)
    (status,) = board.servers
    counted = {(name, each.key) for name, each in known} - others.keys()
    pools = status.snapshot.pools if status.snapshot else ()
    assert counted == {status.history_key(each.key) for each in pools}


@given(parts(), st.randoms(use_true_random=False))
def test_merging_ignores_the_order_of_registration(
    statuses: tuple[ServerStatus, ...], random: Any
) -> None:
    rest = list(statuses[1:])
    random.shuffle(rest)
    before, after = merge_statuses(*statuses), merge_statuses(statuses[0], *rest)
    assert before.state is after.state
    pools = [
        {each.key: each for each in status.snapshot.pools} if status.snapshot else {}
        for status in (before, after)
    ]
    assert pools[0] == pools[1]
    assert before.figure_sources == after.figure_sources


def listing(
    *listed: LicenseServer, in_use: int = 412, installed: int | None = 500, **of: Any
) -> ServerStatus:
    pools = (pool(in_use=in_use, installed=installed),)
    status = status_up("account", *pools, source=SourceName.PARTNER, url="https://p.example", **of)
    assert status.snapshot is not None
    return replace(status, snapshot=replace(status.snapshot, license_servers=listed))


def test_cloud_status_belongs_to_the_listed_license_server() -> None:
    entries = (
        LicenseServer("LIC-01", "lic-01.corp.test", ReportingStatus.REPORTING, START),
        LicenseServer("X", "LIC-02.EXAMPLE", ReportingStatus.NOT_REPORTING, START),
        LicenseServer("Y", "lic-03.one.test"),
        LicenseServer("Z", "lic-03.two.test"),
    )
    statuses = (
        status_up("a", pool(), url="https://lic-01/wsman"),
        status_up("b", pool(), url="https://lic-02.example:5986/wsman"),
        status_up("c", pool(), url="https://lic-03/wsman"),  # may be either of two
        status_up("d", pool(), url="https://lic-02.elsewhere/wsman"),  # another domain
        listing(*entries),
    )
    board = merge_board(Board(statuses))
    assert [s.cloud_status for s in board.servers] == [entries[0], entries[1], None, None, None]


@pytest.mark.parametrize(
    ("product", "host", "enabled", "repeated"),
    [
        ("XDT_PLT_UD", "lic-01", True, True),
        ("XDT_PLT_UD", "lic-02", True, False),
        ("XDT_PLT_UD", "lic-01", False, False),
        ("MPS_PLT_CCU", "lic-01", True, False),
    ],
)
def test_partner_pools_count_unless_their_license_server_is_registered(
    product: str, host: str, *, enabled: bool, repeated: bool
) -> None:
    account = listing(LicenseServer("LIC-01", "lic-01.corp.test"), in_use=20, installed=None)
    statuses = (status_up("lic", pool(product), url=f"https://{host}", enabled=enabled), account)
    merger = BoardMerger()
    board = merger.merge(Board(statuses), AlertSettings())
    assert only_pool(board.servers[1]).counted is not repeated
    duplicates = {("account", pool().key): "lic"} if repeated else {}
    assert duplicate_pools(board) == duplicates
    total = next(total for total in board.totals() if total.product == "XDT_PLT_UD")
    is_sum = product == "XDT_PLT_UD" and enabled and not repeated
    assert total.reading.in_use == (412 + 20 if is_sum else 412 if repeated else 20)
    again = merger.merge(Board(statuses, notices=("changed",)), AlertSettings())
    assert again.servers[1] is board.servers[1]


def test_partner_account_merges_into_its_license_server() -> None:
    entry = LicenseServer("X", "known.elsewhere.as", ReportingStatus.REPORTING, START)
    account = listing(entry, same_as="lic")
    told = account.snapshot
    assert told is not None
    account = replace(account, snapshot=replace(told, pools=(pool("Q"),), reported_name="me"))
    status = merge_statuses(status_up("lic", pool()), account)
    assert status.cloud_status == entry
    assert only_pool(status).product == "XDT_PLT_UD"
    assert status.snapshot is not None
    assert status.snapshot.reported_name == ""


def test_servers_are_found_by_host_name() -> None:
    board = Board(
        (
            status_up("a", pool(), url="https://lic01.corp.example/wsman"),
            status_up(
                "b", pool(), url="", source=SourceName.LMSTAT, address="27000@LIC01,27000@lic02"
            ),
            status_up("c", pool(), url="https://10.1.0.7/wsman"),
            status_up("d", pool(), url="https://lic01.other.example/wsman"),
        )
    )
    assert servers_on_hosts(merge_board(board), ("lic01.corp.example.",)) == ("a", "b")
    assert servers_on_hosts(merge_board(board), ("Lic01",)) == ("a", "b", "d")
    assert servers_on_hosts(merge_board(board), ("10",)) == ()
    assert servers_on_hosts(merge_board(board), ("", "nobody")) == ()
