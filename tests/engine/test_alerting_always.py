"""What holds of alerts whatever the polls bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.alarm import EVERY, USAGE, Watch
from tests.support.values import failure, pool, snapshot

from lictui.config.settings import Alerts, Thresholds
from lictui.history.journal import dump, load
from lictui.model import (
    AlertKind,
    FailureKind,
    Happening,
    Identity,
    Level,
    Said,
    Snapshot,
    Standing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


FIGURES = st.integers(0, 120) | st.sampled_from((74, 75, 79, 80, 84, 85, 89, 90, 100, 101, 110))
RESULTS = st.one_of(
    FIGURES,
    st.none(),
    st.sampled_from((failure(), failure(FailureKind.AUTH), failure(FailureKind.NO_DATA))),
    st.just(snapshot(pool("MPS_ENT_CCU", in_use=1, installed=10))),
)
LIMITS = st.builds(
    Thresholds,
    for_polls=st.integers(1, 4),
    clear_for=st.integers(1, 4),
    repeat=st.sampled_from((EVERY, 3 * EVERY, 1000 * EVERY)),
)


@given(st.lists(RESULTS, max_size=40), LIMITS, st.data())
def test_a_restart_at_any_point_changes_nothing(
    results: list[Any], limits: Thresholds, data: st.DataObject
) -> None:
    one, other = Watch(Alerts(limits)), Watch(Alerts(limits))
    for result in results:
        one.poll(result)
        if data.draw(st.booleans()):
            other.restart()
            other.look()
        other.poll(result)
    assert one.said == other.said
    assert one.stands == other.stands


def _balanced(said: Iterable[Said]) -> None:
    """Every alert is raised before anything else, and raised again only after it was cleared."""
    up: set[Identity] = set()
    for each in said:
        who = each.standing.who
        if each.what is Happening.RAISED:
            assert who not in up
            up.add(who)
        else:
            assert who in up
        if each.what is Happening.CLEARED:
            up.discard(who)


@given(st.lists(RESULTS, max_size=60), LIMITS)
def test_raised_and_cleared_take_turns_and_never_come_early(
    results: list[Any], limits: Thresholds
) -> None:
    watch = Watch(Alerts(limits))
    for at, result in enumerate(results):
        before = len(watch.said)
        watch.poll(result)
        for each in watch.said[before:]:
            if each.standing.who != USAGE:
                continue
            read = [it for it in results[: at + 1] if isinstance(it, int | Snapshot)]
            if each.what is Happening.RAISED:
                assert all(isinstance(it, int) and it >= 80 for it in read[-limits.for_polls :])
            if each.what is Happening.CLEARED:
                assert all(isinstance(it, Snapshot) or it < 75 for it in read[-limits.clear_for :])
    _balanced(watch.said)
    raised = {each.who for each in watch.stands if each.raised is not None}
    counts = dict.fromkeys(raised, 0)
    for each in watch.said:
        counts[each.standing.who] = counts.get(each.standing.who, 0) + (
            {Happening.RAISED: 1, Happening.CLEARED: -1}.get(each.what, 0)
        )
    assert {who for who, count in counts.items() if count} == raised


@given(st.lists(st.integers(75, 100), min_size=2, max_size=60))
def test_what_never_leaves_the_margin_is_never_cleared(figures: list[int]) -> None:
    watch = Watch()
    for figure in (85, 85, *figures):
        watch.poll(figure)
    assert [each.what for each in watch.said].count(Happening.RAISED) == 1
    assert Happening.CLEARED not in [each.what for each in watch.said]


@pytest.mark.parametrize("kind", list(AlertKind))
def test_every_alert_comes_back_from_the_history_as_it_was(kind: AlertKind) -> None:
    standing = Standing(Identity("a", kind, "P", "x"), Level.WARN, "m", 1.0, 0.5, "g", 2, 2, 3.0)
    assert load(Standing, dump(standing)) == standing
