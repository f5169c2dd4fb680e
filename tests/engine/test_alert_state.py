"""When alerts are raised, escalated, repeated and cleared."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.alert_scenario import INTERVAL, TODAY, USAGE, AlertScenario
from tests.support.clock import START
from tests.support.values import failure, pool, server, snapshot

from lictui.config.settings import AlertSettings, Thresholds
from lictui.engine.alert_state import is_transition, journal_lines
from lictui.engine.board import mark_stale
from lictui.model import (
    Acknowledgement,
    Activation,
    ActivationStatus,
    AlertKey,
    AlertKind,
    AlertTransition,
    Certificate,
    EventKind,
    Failure,
    FailureKind,
    Level,
    Notice,
    Snapshot,
    SourceName,
)

LOST, DENIED = failure(), failure(FailureKind.AUTH, "401")
USED = pool(in_use=1, installed=100)
OTHER_PRODUCT = snapshot(pool("MPS_ENT_CCU", in_use=1, installed=10))
THIRTEEN = snapshot(pool(in_use=10, installed=13, overdraft=0))
ELEVEN_OF_13 = snapshot(pool(in_use=11, installed=13, overdraft=0))
SOON = replace(USED, expires=TODAY + timedelta(days=60), permanent=False)
SOONER = replace(SOON, expires=TODAY + timedelta(days=20), subscription_date=date(2028, 1, 1))
LATER = replace(SOON, expires=TODAY + timedelta(days=400))
ACTIVATION = Activation(ActivationStatus.ACTIVATED, TODAY + timedelta(days=5))


def notice(title: str, kind: str = "grace") -> Snapshot:
    return snapshot(USED, notices=(Notice(kind, Level.WARN, title),))


def transitions(*results: int | Snapshot | Failure | None) -> list[str]:
    scenario = AlertScenario()
    scenario.poll(*results)
    return scenario.transitions()


@pytest.mark.parametrize(
    ("results", "events"),
    [
        # Usage is raised after two polls, and cleared after two.
        ([85], ""),
        ([85, 85], "raised warn"),
        ([85, 85, 85, 86, 87], "raised warn"),
        ([85, 85, 70], "raised warn"),
        ([85, 85, 70, 70, 70], "raised warn, cleared warn"),
        ([85, 70, 85, 70, 85, 70], ""),
        # Around the threshold it is raised once, and the clear margin is exact.
        ([81, 81, 79, 82, 78, 81, 76, 80, 79, 75, 80, 78, 74, 80], "raised warn"),
        ([80, 80, 75, 75, 75], "raised warn"),
        ([80, 80, 74, 74], "raised warn, cleared warn"),
        ([ELEVEN_OF_13, ELEVEN_OF_13, THIRTEEN, THIRTEEN, THIRTEEN], "raised warn"),
        # A change of level takes as many consecutive polls.
        ([85, 85, 95], "raised warn"),
        ([85, 85, 95, 95, 84, 84], "raised warn, worse critical, better warn"),
        ([85, 85, 95, 95, 86, 86, 89], "raised warn, worse critical"),
        ([95, 110, 110], "raised exhausted"),
        ([105, 105, 99, 96, 101, 96], "raised overdraft"),
        ([85, 85, 95, 85, 95, 85], "raised warn"),
        ([85, 85, 95, 70, 95, 85], "raised warn"),
        ([85, 85, 95, 85, 95, 95], "raised warn, worse critical"),
        # A missing figure is an alert of its own, and clears no other.
        ([85, 85, None, None, None], "raised warn, raised warn"),
        ([None, None, 50, 50], "raised warn, cleared warn"),
        ([None, 50, None, 50], ""),
        ([85, 85, OTHER_PRODUCT, OTHER_PRODUCT], "raised warn, cleared warn"),
        # A failed poll neither raises nor clears usage.
        ([85, LOST, LOST, LOST], "raised critical"),
        ([85, LOST, 85], "raised warn"),
        ([85, 85, 70, LOST, 50, LOST], "raised warn, cleared warn"),
        # A lost server is raised after two polls, a denied one immediately.
        ([50, LOST], ""),
        ([50, LOST, 50, LOST, 50, LOST], ""),
        ([50, LOST, LOST, LOST], "raised critical"),
        ([LOST, LOST, 50, LOST, 50, LOST], "raised critical"),
        ([LOST, LOST, 50, 50], "raised critical, cleared critical"),
        ([50, DENIED], "raised critical"),
        ([failure(FailureKind.NO_DATA)], "raised warn"),
        # Dates and what a server reports itself count immediately.
        ([snapshot(SOON)], "raised warn"),
        ([snapshot(SOON), snapshot(LATER)], "raised warn, cleared warn"),
        ([snapshot(SOONER, SOON)], "raised critical, raised warn"),
        ([snapshot(USED, activation=ACTIVATION), snapshot(USED)], "raised warn, cleared warn"),
        # A title that counts days is one alert.
        ([notice("15 days"), LOST, notice("14 days"), snapshot(USED)], "raised warn, cleared warn"),
    ],
)
def test_alerts_follow_the_polls(results: list[Any], events: str) -> None:
    assert ", ".join(transitions(*results)) == events


def test_poll_is_counted_once_however_often_alerts_are_evaluated() -> None:
    scenario = AlertScenario()
    for in_use, events in ((85, []), (85, ["raised warn"]), (70, ["raised warn"])):
        scenario.poll(in_use)
        for _ in range(5):
            scenario.evaluate()
        assert scenario.transitions() == events


def test_alert_counts_from_its_first_poll_and_shows_the_last_figures() -> None:
    scenario = AlertScenario()
    scenario.poll(85, 85, 78)  # within the clear margin
    (alert,) = scenario.states
    assert (alert.since, alert.raised_at) == (START + INTERVAL, START + 2 * INTERVAL)
    assert (alert.ratio, alert.level) == (0.78, Level.WARN)
    assert "78 of 100" in alert.message


def test_lasting_alert_repeats_until_it_is_acknowledged() -> None:
    scenario = AlertScenario(AlertSettings(Thresholds(repeat=4 * INTERVAL)))
    scenario.poll(*[85] * 11)
    assert scenario.transitions() == ["raised warn", "repeated warn", "repeated warn"]
    scenario.acknowledgements[USAGE] = Acknowledgement("alice", scenario.now)
    scenario.poll(*[85] * 20)
    assert len(scenario.events) == 3
    scenario.poll(95, 95)
    assert scenario.transitions()[3:] == ["worse critical"]
    assert (scenario.events[-1].previous_level, scenario.acknowledgements) == (Level.WARN, {})


def test_ended_snooze_repeats_the_alert() -> None:
    scenario = AlertScenario(AlertSettings(Thresholds(repeat=100 * INTERVAL)))
    scenario.poll(85, 85)
    until = scenario.now + 3 * INTERVAL
    scenario.acknowledgements[USAGE] = Acknowledgement("alice", scenario.now, until)
    scenario.poll(85, 85)
    assert scenario.transitions() == ["raised warn"]
    scenario.poll(*[85] * 10)
    assert scenario.transitions() == ["raised warn", "repeated warn"]


def test_date_that_comes_nearer_is_escalated() -> None:
    scenario = AlertScenario()
    scenario.poll(snapshot(SOON))
    scenario.today = TODAY + timedelta(days=31)
    scenario.poll(snapshot(SOON))
    assert scenario.transitions() == ["raised warn", "worse critical"]


@pytest.fixture
def merged() -> AlertScenario:
    """A license server that is read from two sources."""
    return AlertScenario(None, server(), server("ddc", source=SourceName.CVAD, same_as="lic-01"))


def test_merged_server_counts_each_poll_once_and_raises_once(merged: AlertScenario) -> None:
    def poll_both() -> list[tuple[AlertTransition, str]]:
        merged.poll(85)
        merged.poll(85, name="ddc")
        usage = [e for e in merged.events if e.alert.key.kind is AlertKind.USAGE]
        return [(event.transition, event.alert.key.server) for event in usage]

    assert poll_both() == []
    poll_both()
    assert poll_both() == [(AlertTransition.RAISED, "lic-01")]


def test_usage_is_raised_by_polls_of_the_source_that_reports_it(merged: AlertScenario) -> None:
    merged.poll(snapshot(pool(in_use=90, installed=100)), name="ddc")
    merged.poll(*[OTHER_PRODUCT] * 3)
    assert merged.events == []
    merged.poll(snapshot(pool(in_use=90, installed=100)), name="ddc")
    assert merged.transitions() == ["raised critical"]


def test_lost_source_is_logged_and_stays_lost_while_its_server_is_stale(
    merged: AlertScenario,
) -> None:
    merged.poll(50)
    merged.poll(LOST, LOST, name="ddc")
    (line,) = journal_lines(merged.events)
    assert (line.server, line.level) == ("ddc", Level.WARN)
    merged.board = mark_stale(merged.board, merged.now + 4 * INTERVAL)
    merged.poll(LOST, LOST, name="ddc")
    assert [event.alert.key.detail for event in merged.events] == ["part", "state"]
    assert merged.transitions() == ["raised warn", "raised warn"]


@pytest.mark.parametrize(
    ("results", "lines"),
    [
        (
            [85, 85, 95, 95, 84, 84, 84, 84, 84, 70, 70],
            [
                "warn raised: X: 85 of 100 assigned (85 %), 15 free",
                "critical escalated (warn -> critical): X: 95 of 100 assigned (95 %), 5 free",
                "warn downgraded (critical -> warn): X: 84 of 100 assigned (84 %), 16 free",
                "warn ongoing for 1 h: X: 84 of 100 assigned (84 %), 16 free",
                "ok resolved after 2 h: X: 84 of 100 assigned (84 %), 16 free",
            ],
        ),
        # Lines of their own say that a server is down, that it is up, and what it reports.
        ([LOST, LOST, 50, 50], []),
        (
            [notice("Daemon down", "server"), snapshot(USED)],
            ["ok resolved after 15 min: Daemon down"],
        ),
        ([notice("Daemon down"), snapshot(USED)], ["ok resolved after 15 min: Daemon down"]),
    ],
    ids=["usage", "server", "notice", "grace period"],
)
def test_alerts_are_logged(results: list[Any], lines: list[str]) -> None:
    scenario = AlertScenario(AlertSettings(Thresholds(repeat=4 * INTERVAL)))
    scenario.poll(*results)
    logged = list(journal_lines(scenario.events))
    assert [f"{line.level} {line.message.replace('XDT_PLT_UD', 'X')}" for line in logged] == lines
    transitions = [line for line in logged if is_transition(line)]
    assert [line.message.split()[0] for line in transitions] == [
        words[1] for line in lines if (words := line.split())[1] not in ("downgraded", "ongoing")
    ]
    assert not any(is_transition(replace(line, kind=EventKind.SERVER)) for line in logged)


def test_expiring_certificate_is_logged_when_raised_and_when_renewed() -> None:
    scenario = AlertScenario()
    for ends in (date(2026, 12, 10), date(2026, 12, 10), date(2028, 1, 1)):
        scenario.poll(snapshot(USED, certificate=Certificate("4f1b", date(2025, 1, 1), ends)))
    first, second = [event.message for event in journal_lines(scenario.events)]
    assert first == "raised: the TLS certificate expires in 16 days"
    assert second.startswith("resolved after 30 min")


FIGURES = st.integers(0, 120) | st.sampled_from((74, 75, 79, 80, 84, 85, 89, 90, 100, 101, 110))
RESULTS = st.one_of(
    FIGURES,
    st.none(),
    st.sampled_from((LOST, DENIED, failure(FailureKind.NO_DATA))),
    st.just(OTHER_PRODUCT),
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
    running, restarted = AlertScenario(AlertSettings(limits)), AlertScenario(AlertSettings(limits))
    for result in results:
        running.poll(result)
        if data.draw(st.booleans()):
            restarted.restart()
            restarted.evaluate()
        restarted.poll(result)
    assert running.events == restarted.events
    assert running.states == restarted.states


@given(st.lists(RESULTS, max_size=60), LIMITS)
def test_raised_and_cleared_alternate_and_are_never_early(
    results: list[Any], limits: Thresholds
) -> None:
    scenario = AlertScenario(AlertSettings(limits))
    raised: set[AlertKey] = set()
    for index, result in enumerate(results):
        before = len(scenario.events)
        scenario.poll(result)
        read = [r for r in results[: index + 1] if isinstance(r, int | Snapshot)]
        for event in scenario.events[before:]:
            key, transition = event.alert.key, event.transition
            assert (key not in raised) == (transition is AlertTransition.RAISED)
            if transition is AlertTransition.RAISED:
                raised.add(key)
                if key == USAGE:
                    last = read[-limits.for_polls :]
                    assert all(isinstance(r, int) and r >= 80 for r in last)
            if transition is AlertTransition.CLEARED:
                raised.remove(key)
                if key == USAGE:
                    last = read[-limits.clear_for :]
                    assert all(isinstance(r, Snapshot) or r < 75 for r in last)
    assert {state.key for state in scenario.states if state.raised_at is not None} == raised
