"""Whatever the parts say: no figure is invented, none counts twice, no order decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st
from tests.support.parts import merge_statuses, status_failed, status_up
from tests.support.values import pool

from lictui.engine.board import Board, ServerStatus
from lictui.engine.merge import duplicate_pools, merge_board
from lictui.model import FailureKind, Mode, Model, Reading, SourceName

SA: Final = date(2026, 12, 1)
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
def test_no_figure_is_invented_and_each_has_an_origin_that_has_it(
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
def test_sums_count_once(statuses: tuple[ServerStatus, ...]) -> None:
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
def test_the_order_of_registration_does_not_matter(
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
