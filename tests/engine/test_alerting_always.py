"""What holds of alerts whatever the polls bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.alert_scenario import INTERVAL, USAGE, AlertScenario
from tests.support.values import failure, pool, snapshot

from lictui.config.settings import AlertSettings, Thresholds
from lictui.history.json_codec import from_json, to_json
from lictui.model import (
    AlertEvent,
    AlertKey,
    AlertKind,
    AlertState,
    AlertTransition,
    FailureKind,
    Level,
    Snapshot,
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
    repeat=st.sampled_from((INTERVAL, 3 * INTERVAL, 1000 * INTERVAL)),
)


@given(st.lists(RESULTS, max_size=40), LIMITS, st.data())
def test_a_restart_at_any_point_changes_nothing(
    results: list[Any], limits: Thresholds, data: st.DataObject
) -> None:
    one, other = AlertScenario(AlertSettings(limits)), AlertScenario(AlertSettings(limits))
    for result in results:
        one.poll(result)
        if data.draw(st.booleans()):
            other.restart()
            other.evaluate()
        other.poll(result)
    assert one.events == other.events
    assert one.states == other.states


def _balanced(said: Iterable[AlertEvent]) -> None:
    """Every alert is raised before anything else, and raised again only after it was cleared."""
    up: set[AlertKey] = set()
    for each in said:
        who = each.alert.key
        if each.transition is AlertTransition.RAISED:
            assert who not in up
            up.add(who)
        else:
            assert who in up
        if each.transition is AlertTransition.CLEARED:
            up.discard(who)


@given(st.lists(RESULTS, max_size=60), LIMITS)
def test_raised_and_cleared_take_turns_and_never_come_early(
    results: list[Any], limits: Thresholds
) -> None:
    watch = AlertScenario(AlertSettings(limits))
    for at, result in enumerate(results):
        before = len(watch.events)
        watch.poll(result)
        for each in watch.events[before:]:
            if each.alert.key != USAGE:
                continue
            read = [it for it in results[: at + 1] if isinstance(it, int | Snapshot)]
            if each.transition is AlertTransition.RAISED:
                assert all(isinstance(it, int) and it >= 80 for it in read[-limits.for_polls :])
            if each.transition is AlertTransition.CLEARED:
                assert all(isinstance(it, Snapshot) or it < 75 for it in read[-limits.clear_for :])
    _balanced(watch.events)
    raised = {each.key for each in watch.states if each.raised_at is not None}
    counts = dict.fromkeys(raised, 0)
    for each in watch.events:
        counts[each.alert.key] = counts.get(each.alert.key, 0) + (
            {AlertTransition.RAISED: 1, AlertTransition.CLEARED: -1}.get(each.transition, 0)
        )
    assert {who for who, count in counts.items() if count} == raised


@given(st.lists(st.integers(75, 100), min_size=2, max_size=60))
def test_what_never_leaves_the_margin_is_never_cleared(figures: list[int]) -> None:
    watch = AlertScenario()
    for figure in (85, 85, *figures):
        watch.poll(figure)
    assert [each.transition for each in watch.events].count(AlertTransition.RAISED) == 1
    assert AlertTransition.CLEARED not in [each.transition for each in watch.events]


@pytest.mark.parametrize("kind", list(AlertKind))
def test_every_alert_comes_back_from_the_history_as_it_was(kind: AlertKind) -> None:
    standing = AlertState(AlertKey("a", kind, "P", "x"), Level.WARN, "m", 1.0, 0.5, "g", 2, 2, 3.0)
    assert from_json(AlertState, to_json(standing)) == standing
