"""What ends, what happened, what was bought: only what belongs into the month."""

from __future__ import annotations

from datetime import date

from tests.report.report_fixture import CCS, END, HOURS, UD, ReportFixture, timestamp
from tests.report.sample import FORMULA, HOSTILE, sample_report
from tests.support.values import poll, pool, server, snapshot

from lictui.model import Activation, ActivationStatus, Event, EventKind, Level
from lictui.report.model import End, What
from lictui.report.text import summary


def test_what_ends_within_a_year_by_day(desk: ReportFixture) -> None:
    found = sample_report(desk).expiries
    assert found[0] == End(date(2026, 12, 14), What.LICENSES, "a", CCS, found[0].name, 100)
    assert [(end.day, end.what, end.server) for end in found[1:]] == [
        (date(2027, 1, 31), What.RENEWAL, "estate"),
        (date(2027, 4, 1), What.SUBSCRIPTION, FORMULA),
    ]


def test_permanent_licenses_and_those_beyond_a_year_do_not_end(desk: ReportFixture) -> None:
    desk.hourly("a", [1] * 24)
    pools = (
        pool(CCS, 1, 10, expires=date(2026, 12, 1), permanent=True),
        pool("CITRIX", 1, 10, expires=date(2026, 12, 1)),
        pool(UD, 1, 10, subscription=date(2026, 12, 1)),
        pool(UD, 1, 20, subscription=date(2027, 12, 1)),
    )
    activation = Activation(ActivationStatus.ACTIVATED, date(2026, 11, 20))
    told = snapshot(*pools, activation=activation)
    desk.history.append(server("a"), poll(told, "a", END + 3600))
    found = desk.report().expiries
    assert [(end.day, end.what, end.covered) for end in found] == [
        (date(2026, 11, 20), What.ACTIVATION, False),
        (date(2026, 12, 1), What.SUBSCRIPTION, True),
    ]


def test_the_journal_of_the_month_without_its_noise(desk: ReportFixture) -> None:
    report = sample_report(desk)
    assert [event.message for event in report.events] == ["30 licenses gone", HOSTILE]
    assert report.omitted_events == 0


def test_alerts_are_told_by_their_turns_and_certificates_and_activation_too(
    desk: ReportFixture,
) -> None:
    start = timestamp("2026-10-05T00:00")
    lines = (
        (EventKind.ALERT, Level.WARN, "raised: 85 of 100 in use"),
        (EventKind.ALERT, Level.CRITICAL, "escalated (warn -> critical): 95 of 100 in use"),
        (EventKind.ALERT, Level.CRITICAL, "ongoing for 4 h: 95 of 100 in use"),
        (EventKind.ALERT, Level.CRITICAL, "acknowledged by alice: 95 of 100 in use"),
        (EventKind.ALERT, Level.WARN, "downgraded (critical -> warn): 85 of 100 in use"),
        (EventKind.ALERT, Level.OK, "resolved after 6 h: 85 of 100 in use"),
        (EventKind.CERTIFICATE, Level.OK, "certificate changed: sha256:4f1b22c0…"),
        (EventKind.ACTIVATION, Level.OK, "LAS activation: activated, to 2026-12-03"),
    )
    some = [Event(start + i, kind, "a", said, "", lv) for i, (kind, lv, said) in enumerate(lines)]
    desk.hourly("a", [1] * HOURS, events=tuple(some))
    told = [event.message.split()[0] for event in desk.report().events]
    assert told == ["raised:", "escalated", "resolved", "certificate", "LAS"]


def test_of_very_many_events_the_grave_ones_are_kept(desk: ReportFixture) -> None:
    start = timestamp("2026-10-05T00:00")
    some = [Event(start + turn, EventKind.SERVER, "a", f"no {turn}") for turn in range(2500)]
    some[3] = Event(start + 3, EventKind.SERVER, "a", "grave", "", Level.CRITICAL)
    desk.hourly("a", [1] * HOURS, events=tuple(some))
    report = desk.report()
    assert (len(report.events), report.omitted_events) == (60, 2440)
    assert [report.events[0].message, report.events[-1].message] == ["grave", "no 2499"]


def test_the_contract_is_held_against_its_own_scope(desk: ReportFixture) -> None:
    assigned, emea, unknown = sample_report(desk).contract_lines
    assert (assigned.highest_peak, assigned.shortfall, assigned.unused_cost) == (105, 15, 0.0)
    assert (emea.installed, emea.highest_peak, emea.unused, emea.months_known) == (200, 162, 338, 1)
    assert (unknown.installed, unknown.highest_peak, unknown.shortfall) == (None, None, None)


def test_in_short_says_what_is_tight_what_comes_and_what_is_missing(desk: ReportFixture) -> None:
    said = [
        (point.label, point.text.replace("\N{NO-BREAK SPACE}", " "))
        for point in summary(sample_report(desk))
    ]
    assert said[0][0] == "into overdraft"
    assert "105 of 100 user/device licenses assigned" in said[0][1]
    texts = dict(reversed(said))
    assert "short by 50 on 14 December 2026" in texts["ahead"]
    assert texts["ends soon"].startswith("100 licenses of")
    assert "15 more were needed than the 90 that were bought" in texts["contract"]
    assert texts["not known"] == "gone reported nothing in this month and is in no figure."
    assert (
        "contract",
        "Licenses that were bought and never needed cost 14,365 EUR a year.",
    ) in said


def test_a_quiet_month_is_said_in_one_sentence(desk: ReportFixture) -> None:
    desk.hourly("a", [10] * HOURS)
    (only,) = summary(desk.report())
    assert only.text == "No product came near its limit over all servers."
