"""What the report expects is what `lictui forecast` says, for every line of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.report.report_fixture import CCS, ReportFixture, timestamp
from tests.support.values import poll, pool, snapshot

from lictui.model import Model
from lictui.report.model import ScopeKind


def test_estate_groups_and_servers_have_each_their_outlook(desk: ReportFixture) -> None:
    start = timestamp("2026-05-01T00:00")
    for name, group, growth in (("a", "emea", 0.25), ("b", "emea", 0.0), ("c", "us", 0.0)):
        figures = [round(100 + turn // 24 * growth) for turn in range(24 * 186)]
        desk.hourly(name, figures, start, group=group, installed=160)
        ends: dict[str, Any] = (
            {"expires": date(2026, 12, 14), "permanent": False} if name == "b" else {}
        )
        last = pool(CCS, figures[-1], 160, model=Model.CONCURRENT, **ends)
        one = desk.servers[name]
        desk.history.append(one, poll(snapshot(last), name, desk.clock.now() - 60))
    found = desk.product()
    said = {(line.kind, line.name): line.outlook for line in found.scopes}
    assert all(said.values())
    growing, ending, steady = (said[ScopeKind.SERVER, name] for name in "abc")
    assert growing is not None
    assert growing.words.startswith("+1.")
    assert ending is not None
    assert [(each.day, each.expected - each.installed) for each in ending.shortfalls] == [
        (date(2026, 12, 14), 100)
    ]
    assert steady is not None
    assert steady.words == "stable"
    emea = said[ScopeKind.GROUP, "emea"]
    assert emea is not None
    assert emea.shortfalls[0].day == date(2026, 12, 14)
