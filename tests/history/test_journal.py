from __future__ import annotations

from tests.history.history_fixture import DAY, MIDNIGHT, HistoryFixture
from tests.support.values import poll, server

from lictui.model import Event, EventKind, JournalFilter, Level


def event(at: float, message: str = "x") -> Event:
    return Event(at, EventKind.LEVEL, "lic-01", message, "XDT_PLT_UD", Level.WARN)


def test_the_newest_line_comes_first_and_in_one_moment_the_later_one(desk: HistoryFixture) -> None:
    lines = [event(MIDNIGHT, "a"), event(MIDNIGHT + 9, "b"), event(MIDNIGHT + 9, "c")]
    desk.history.append(server(), poll(), lines)
    assert desk.history.events(10) == tuple(reversed(lines))
    assert desk.history.events(2) == (lines[2], lines[1])


def test_older_lines_are_had_by_asking_for_those_before(desk: HistoryFixture) -> None:
    desk.history.append(server(), poll(), [event(MIDNIGHT + turn) for turn in range(5)])
    older = desk.history.events(2, before=MIDNIGHT + 3)
    assert [each.time for each in older] == [MIDNIGHT + 2, MIDNIGHT + 1]


def test_a_line_is_forgotten_after_the_days_agreed(desk: HistoryFixture) -> None:
    desk.history.append(server(), poll(), [event(MIDNIGHT - 401 * DAY), event(MIDNIGHT - DAY)])
    desk.move_to(MIDNIGHT)
    assert [each.time for each in desk.history.events(10)] == [MIDNIGHT - DAY]


def test_a_kind_of_a_newer_version_is_left_out(desk: HistoryFixture) -> None:
    desk.history.append(server(), poll(), [event(MIDNIGHT), event(MIDNIGHT + 1)])
    desk.history._db.execute("UPDATE event SET kind = 'omen' WHERE time = ?", (MIDNIGHT + 1,))
    assert desk.history.events(10) == (event(MIDNIGHT),)


def test_a_stretch_of_some_servers_and_a_product_is_had_by_its_kinds(desk: HistoryFixture) -> None:
    def line(at: float, name: str, product: str, kind: EventKind) -> Event:
        return Event(at, kind, name, "x", product)

    mine = line(MIDNIGHT + 1, "lic-01", "A", EventKind.LICENSES)
    whole = line(MIDNIGHT + 2, "lic-02", "", EventKind.VERSION)
    others = [
        line(MIDNIGHT - 1, "lic-01", "A", EventKind.LICENSES),
        line(MIDNIGHT + 9, "lic-01", "A", EventKind.LICENSES),
        line(MIDNIGHT + 3, "lic-03", "A", EventKind.LICENSES),
        line(MIDNIGHT + 3, "lic-01", "B", EventKind.LICENSES),
        line(MIDNIGHT + 3, "lic-01", "A", EventKind.LEVEL),
    ]
    desk.history.append(server(), poll(), [mine, whole, *others])
    about = JournalFilter(("lic-01", "lic-02"), "A", (EventKind.LICENSES, EventKind.VERSION))
    assert desk.history.events(9, MIDNIGHT + 9, MIDNIGHT, about) == (whole, mine)
    assert desk.history.events(1, MIDNIGHT + 9, MIDNIGHT, about) == (whole,)
    assert len(desk.history.events(9)) == 7
