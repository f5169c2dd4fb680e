"""A history of hourly polls, and the report of October 2026 in Berlin that is built from it."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.clock import FakeClock
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.analysis.series import Resolution
from lictui.config.settings import Retention, Settings
from lictui.history import blocks
from lictui.history.store import History
from lictui.model import Event, Model, Server
from lictui.report.build import ReportQuery, build_report
from lictui.report.csv import render_csv
from lictui.report.html import render_html
from lictui.report.markdown import render_markdown
from lictui.report.model import MonthlyReport, ProductReport
from lictui.report.sections import build_tree

BERLIN = ZoneInfo("Europe/Berlin")
CCS = "XDT_PLT_CCS"
UD = "XDT_PLT_UD"
OCTOBER = date(2026, 10, 1)
DEFAULT_RETENTION = Retention()


def timestamp(text: str, zone: ZoneInfo | None = None) -> int:
    """Return the UTC timestamp of a time in UTC, or in `zone`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone or UTC).timestamp())


START, END = timestamp("2026-10-01T00:00", BERLIN), timestamp("2026-11-01T00:00", BERLIN)
HOURS = (END - START) // 3600  # one more than 31 days have: summer time ends


class ReportFixture:
    """Records polls and builds reports, as of 3 November."""

    def __init__(self, path: Path, retention: Retention = DEFAULT_RETENTION) -> None:
        self.clock = FakeClock(timestamp("2026-11-03T09:00"))
        self.history = History(path, retention, self.clock)
        self.servers: dict[str, Server] = {}

    def keep_days_only(self) -> None:
        """Leave what is left of figures that are some years old: days."""
        self.clock._now = timestamp("2029-12-01T00:00")
        self.history.compact()
        pools = self.history.pools()
        with self.history._writing() as db:
            for pool in pools:
                for width in (Resolution.RAW, Resolution.FIVE_MINUTES, Resolution.HOUR):
                    blocks.drop_before(db, pool.id, width, int(self.clock._now) // 86400 * 86400)

    def record_hourly(
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
        """Record one poll per hour from `start`; None is a failed poll."""
        polled = server(name, interval=3600.0, group=group)
        self.servers.setdefault(name, polled)
        fields.setdefault("model", Model.USER_DEVICE if product == UD else Model.CONCURRENT)
        fields.setdefault("name", product)
        polls = []
        for hour, figure in enumerate(figures):
            result = (
                failure()
                if figure is None
                else snapshot(pool(product, figure, installed, **fields))
            )
            time = start + hour * 3600
            polls.append((polled, poll(result, name, time), () if hour else events))
        self.history.append_many(polls)

    def record_bound(self) -> None:
        """Record two servers of which only daily maxima are left: 90 at different times each."""
        for name, high in (("a", 0), ("b", 12)):
            figures = [90 if hour % 24 == high else 10 for hour in range(48)]
            self.record_hourly(name, figures, installed=50)
        self.keep_days_only()

    def report(self, first_day: date = OCTOBER, **query: Any) -> MonthlyReport:
        query.setdefault("settings", Settings())
        query.setdefault("zone", BERLIN)
        query.setdefault("servers", tuple(self.servers.values()))
        return build_report(self.history, ReportQuery(first_day, self.clock.now(), **query))

    def product(self, **query: Any) -> ProductReport:
        """Return the only product of the report."""
        (product,) = self.report(**query).products
        return product


def texts(report: MonthlyReport) -> list[str]:
    """Return the report in every format that is text."""
    tree = build_tree(report)
    return [render_html(tree), render_markdown(tree), render_csv(tree)]


def hourly_figures(figure: int, noon_figure: int, days: Iterable[int]) -> list[int]:
    """Return `figure` for every hour of October, but `noon_figure` at noon of some days."""
    figures = [figure] * HOURS
    for day in days:
        noon = timestamp(f"2026-10-{day:02}T12:00", BERLIN)
        figures[(noon - START) // 3600] = noon_figure
    return figures
