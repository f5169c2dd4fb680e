"""A history written by hand, and the report that is made of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.support.clock import FakeClock
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.config.settings import Retention, Settings
from lictui.history.store import History
from lictui.model import Event, Model, Server
from lictui.report.build import ReportQuery, build_report

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lictui.report.model import MonthlyReport, ProductReport

BERLIN = ZoneInfo("Europe/Berlin")
CCS = "XDT_PLT_CCS"
UD = "XDT_PLT_UD"
OCTOBER = date(2026, 10, 1)


def timestamp(text: str, zone: ZoneInfo | None = None) -> int:
    """A moment of UTC, or of `zone`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone or UTC).timestamp())


START, END = timestamp("2026-10-01T00:00", BERLIN), timestamp("2026-11-01T00:00", BERLIN)
HOURS = (END - START) // 3600  # one more than 31 days have: summer time ends


class ReportFixture:
    """Writes polls down and asks for reports, as of 3 November."""

    def __init__(self, path: Path) -> None:
        self.clock = FakeClock(timestamp("2026-11-03T09:00"))
        self.history = History.open(path, Retention(), self.clock)
        self.servers: dict[str, Server] = {}

    def hourly(
        self,
        name: str,
        figures: Iterable[int | None],
        start: int = START,
        /,
        *,
        product: str = CCS,
        installed: int | None = 100,
        group: str = "",
        events: tuple[Event, ...] = (),
        **fields: Any,
    ) -> None:
        """A poll an hour from `start` on; None is one that failed."""
        one = server(name, interval=3600.0, group=group)
        self.servers.setdefault(name, one)
        fields.setdefault("model", Model.USER_DEVICE if product == UD else Model.CONCURRENT)
        fields.setdefault("name", product)
        polls = []
        for turn, figure in enumerate(figures):
            found = (
                failure()
                if figure is None
                else snapshot(pool(product, figure, installed, **fields))
            )
            polls.append((one, poll(found, name, start + turn * 3600), events if not turn else ()))
        self.history.append_many(polls)

    def report(self, first: date = OCTOBER, **wanted: Any) -> MonthlyReport:
        wanted.setdefault("settings", Settings())
        wanted.setdefault("zone", BERLIN)
        wanted.setdefault("servers", tuple(self.servers.values()))
        return build_report(self.history, ReportQuery(first, self.clock.now(), **wanted))

    def product(self, **wanted: Any) -> ProductReport:
        """The only one of the report."""
        (found,) = self.report(**wanted).products
        return found


def hourly_figures(first: int, figure: int, high: int, high_days: Iterable[int]) -> list[int]:
    """`figure` every hour of October, but `high` at noon of some days of the month."""
    found = [figure] * HOURS
    for day in high_days:
        noon = timestamp(f"2026-10-{day:02}T12:00", BERLIN)
        found[(noon - first) // 3600] = high
    return found
