"""When alerts are raised, escalated, repeated and cleared."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.alert_scenario import INTERVAL, TODAY, USAGE, AlertScenario
from tests.support.values import failure, pool, server, snapshot

from lictui.config.settings import AlertSettings, Thresholds
from lictui.engine.alert_state import journal_lines
from lictui.history.json_codec import from_json, to_json
from lictui.model import (
    Acknowledgement,
    Activation,
    ActivationStatus,
    AlertEvent,
    AlertKey,
    AlertKind,
    AlertState,
    AlertTransition,
    Certificate,
    Failure,
    FailureKind,
    Level,
    Notice,
    Snapshot,
    SourceName,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def heard(*results: int | Snapshot | Failure | None, **limits: Any) -> list[str]:
    watch = AlertScenario(AlertSettings(Thresholds(**limits)))
    for result in results:
        watch.poll(result)
    return [f"{what} {level}" for what, level in watch.transitions()]


def test_usage_is_raised_after_two_polls_and_cleared_after_two() -> None:
    assert heard(85) == []
    assert heard(85, 85) == ["raised warn"]
    assert heard(85, 85, 85, 86, 87) == ["raised warn"]
    assert heard(85, 85, 70) == ["raised warn"]
    assert heard(85, 85, 70, 70, 70) == ["raised warn", "cleared warn"]


def test_single_poll_above_raises_nothing() -> None:
    assert heard(85, 70, 85, 70, 85, 70) == []


def test_usage_around_the_threshold_is_raised_and_cleared_once() -> None:
    swings = [81, 81, 79, 82, 78, 81, 76, 80, 79, 75, 80, 78]
    assert heard(*swings, 74, 80, 74, 74) == ["raised warn", "cleared warn"]


def test_clear_margin_is_exact() -> None:
    assert heard(80, 80, 75, 75, 75) == ["raised warn"]
    assert heard(80, 80, 74, 74) == ["raised warn", "cleared warn"]
    odd = snapshot(pool(in_use=10, installed=13, overdraft=0))
    full = snapshot(pool(in_use=11, installed=13, overdraft=0))
    assert heard(full, full, odd, odd, odd) == ["raised warn"]


def test_level_change_is_an_event() -> None:
    assert heard(85, 85, 95) == ["raised warn"]
    assert heard(85, 85, 95, 95) == ["raised warn", "worse critical"]
    assert heard(85, 85, 95, 95, 84, 84) == ["raised warn", "worse critical", "better warn"]
    assert heard(85, 85, 95, 95, 86, 86, 89) == ["raised warn", "worse critical"]
    assert heard(95, 110, 110) == ["raised exhausted"]
    assert heard(105, 105, 99, 96, 101, 96) == ["raised overdraft"]


def test_level_rise_needs_consecutive_polls_above() -> None:
    assert heard(85, 85, 95, 85, 95, 85) == ["raised warn"]
    assert heard(85, 85, 95, 70, 95, 85) == ["raised warn"]
    assert heard(85, 85, 95, 85, 95, 95) == ["raised warn", "worse critical"]


def test_failed_poll_neither_raises_nor_clears_usage() -> None:
    def usage(*results: int | Failure) -> list[AlertTransition]:
        watch = AlertScenario()
        for result in results:
            watch.poll(result)
        return [each.transition for each in watch.events if each.alert.key == USAGE]

    lost = failure()
    assert usage(85, lost, lost, lost) == []
    assert usage(85, lost, 85) == [AlertTransition.RAISED]
    assert usage(85, 85, 70, lost, lost, lost) == [AlertTransition.RAISED]
    assert usage(85, 85, 70, lost, 70) == [AlertTransition.RAISED, AlertTransition.CLEARED]


def test_missing_figure_is_an_alert_and_does_not_clear_usage() -> None:
    assert heard(85, 85, None, None, None) == ["raised warn", "raised warn"]
    assert heard(None, None, 50, 50) == ["raised warn", "cleared warn"]
    assert heard(None, 50, None, 50) == []


def test_removed_product_clears_its_alert() -> None:
    other = snapshot(pool("MPS_ENT_CCU", in_use=1, installed=10))
    assert heard(85, 85, other, other) == ["raised warn", "cleared warn"]


def test_poll_is_counted_once_however_often_alerts_are_evaluated() -> None:
    watch = AlertScenario()
    watch.poll(85)
    for _ in range(5):
        watch.evaluate()
    assert watch.events == []
    watch.poll(85)
    watch.poll(70)
    for _ in range(5):
        watch.evaluate()
    assert watch.transitions() == [(AlertTransition.RAISED, Level.WARN)]


def test_lasting_alert_repeats_until_it_is_acknowledged() -> None:
    watch = AlertScenario(AlertSettings(Thresholds(repeat=4 * INTERVAL)))
    for _ in range(11):
        watch.poll(85)
    assert [each.transition for each in watch.events] == [
        AlertTransition.RAISED, AlertTransition.REPEATED, AlertTransition.REPEATED,
    ]  # fmt: skip
    watch.acknowledgements[USAGE] = Acknowledgement("alice", watch.now)
    for _ in range(20):
        watch.poll(85)
    assert len(watch.events) == 3
    watch.poll(95)
    watch.poll(95)
    assert watch.events[-1].transition is AlertTransition.WORSE
    assert (watch.events[-1].previous_level, watch.acknowledgements) == (Level.WARN, {})


def test_ended_snooze_repeats_the_alert() -> None:
    watch = AlertScenario(AlertSettings(Thresholds(repeat=100 * INTERVAL)))
    watch.poll(85)
    watch.poll(85)
    watch.acknowledgements[USAGE] = Acknowledgement(
        "alice", watch.now, until=watch.now + 3 * INTERVAL
    )
    watch.poll(85)
    watch.poll(85)
    assert len(watch.events) == 1
    for _ in range(10):
        watch.poll(85)
    assert [each.transition for each in watch.events] == [
        AlertTransition.RAISED,
        AlertTransition.REPEATED,
    ]


def test_lost_server_is_raised_after_two_polls_and_denied_one_immediately() -> None:
    lost, refused = failure(), failure(FailureKind.AUTH, "401")
    assert heard(50, lost) == []
    assert heard(50, lost, 50, lost, 50, lost) == []
    assert heard(50, lost, lost, lost) == ["raised critical"]
    assert heard(lost, lost, 50, lost, 50, lost) == ["raised critical"]
    assert heard(lost, lost, 50, 50) == ["raised critical", "cleared critical"]
    assert heard(50, refused) == ["raised critical"]
    assert heard(failure(FailureKind.NO_DATA)) == ["raised warn"]


def test_expiry_is_raised_and_cleared_immediately() -> None:
    soon = pool(in_use=1, installed=100, expires=TODAY + timedelta(days=60), permanent=False)
    later = replace(soon, expires=TODAY + timedelta(days=400))
    assert heard(snapshot(soon)) == ["raised warn"]
    assert heard(snapshot(soon), snapshot(later)) == ["raised warn", "cleared warn"]
    watch = AlertScenario()
    watch.poll(snapshot(soon))
    watch.today = TODAY + timedelta(days=31)
    watch.poll(snapshot(soon))
    assert watch.transitions() == [
        (AlertTransition.RAISED, Level.WARN),
        (AlertTransition.WORSE, Level.CRITICAL),
    ]


def test_permanent_and_startup_licenses_raise_no_expiry() -> None:
    soon = TODAY + timedelta(days=1)
    forever = pool(in_use=1, installed=100, expires=soon, permanent=True)
    start_up = pool("CITRIX", in_use=1, installed=10, expires=soon, counted=False)
    assert heard(snapshot(forever, start_up)) == []


def test_pools_that_expire_on_two_days_are_two_alerts() -> None:
    pools = [
        pool(in_use=1, installed=100, expires=TODAY + timedelta(days=days), permanent=False)
        for days in (20, 60)
    ]
    apart = [replace(pools[0], subscription_date=date(2028, 1, 1)), pools[1]]
    assert heard(snapshot(*apart)) == ["raised critical", "raised warn"]


def test_activation_and_notices_are_raised_immediately() -> None:
    ends = Activation(ActivationStatus.ACTIVATED, TODAY + timedelta(days=5))
    grace = Notice("grace", Level.WARN, "Grace period, 15 days left")
    fine = snapshot(pool(in_use=1, installed=100))
    assert heard(replace(fine, activation=ends), fine) == ["raised warn", "cleared warn"]
    told = replace(fine, notices=(grace,))
    tomorrow = replace(fine, notices=(replace(grace, title="Grace period, 14 days left"),))
    assert heard(told, failure(), tomorrow, fine) == ["raised warn", "cleared warn"]


def test_most_specific_threshold_wins() -> None:
    alerts = AlertSettings(
        server={"lic-01": {"warn": 0.5, "for_polls": 1}},
        product={"XDT_PLT_UD": {"warn": 0.6, "critical": 0.7}},
    )
    watch = AlertScenario(alerts)
    watch.poll(55)
    assert watch.events == []
    watch.poll(65)
    assert watch.transitions() == [(AlertTransition.RAISED, Level.WARN)]


def test_merged_server_counts_each_poll_once_and_raises_once() -> None:
    watch = AlertScenario(None, server(), server("ddc", source=SourceName.CVAD, same_as="lic-01"))
    watch.poll(85)
    watch.poll(85, "ddc")
    assert [each for each in watch.events if each.alert.key.kind is AlertKind.USAGE] == []
    watch.poll(85)
    watch.poll(85, "ddc")
    watch.poll(85)
    watch.poll(85, "ddc")
    usage = [each for each in watch.events if each.alert.key.kind is AlertKind.USAGE]
    assert [(each.transition, each.alert.key.server) for each in usage] == [
        (AlertTransition.RAISED, "lic-01")
    ]


def test_anomaly_is_raised_and_cleared() -> None:
    watch = AlertScenario()
    watch.anomalies = {"XDT_PLT_UD": "40 more than on other Tuesdays"}
    watch.poll(50)
    watch.poll(50)
    assert watch.events[0].alert.key.kind is AlertKind.UNUSUAL
    assert watch.events[0].alert.message == "40 more than on other Tuesdays"
    watch.anomalies = {}
    watch.poll(50)
    watch.poll(50)
    assert watch.transitions()[-1] == (AlertTransition.CLEARED, Level.WARN)


def test_expiring_certificate_is_logged_when_raised_and_when_renewed() -> None:
    watch = AlertScenario()
    for ends in (date(2026, 12, 10), date(2026, 12, 10), date(2028, 1, 1)):
        shown = Certificate("4f1b", date(2025, 1, 1), ends)
        watch.poll(snapshot(pool(in_use=1, installed=100), certificate=shown))
    words = [each.message for each in journal_lines(watch.events)]
    assert words[0] == "raised: the TLS certificate expires in 16 days"
    assert words[1].startswith("resolved after 30 min")
    assert len(words) == 2


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
def test_alert_states_survive_a_restart_at_any_poll(
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
def test_raised_and_cleared_alternate_and_are_never_early(
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
def test_usage_within_the_margin_is_never_cleared(figures: list[int]) -> None:
    watch = AlertScenario()
    for figure in (85, 85, *figures):
        watch.poll(figure)
    assert [each.transition for each in watch.events].count(AlertTransition.RAISED) == 1
    assert AlertTransition.CLEARED not in [each.transition for each in watch.events]


@pytest.mark.parametrize("kind", list(AlertKind))
def test_alert_state_is_stored_and_loaded_unchanged(kind: AlertKind) -> None:
    standing = AlertState(AlertKey("a", kind, "P", "x"), Level.WARN, "m", 1.0, 0.5, "g", 2, 2, 3.0)
    assert from_json(AlertState, to_json(standing)) == standing
