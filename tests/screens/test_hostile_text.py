"""Whatever a server reports is drawn, printed and exported as text, and nothing of it fails."""

import asyncio
import json
import tempfile
import unicodedata
from contextlib import redirect_stdout
from datetime import UTC, date
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import UnsatisfiedAssumption
from msgspec.structs import replace
from tests.support.clock import START, FakeClock
from tests.support.example_board import down_status, workday_series
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import running_app
from tests.support.values import server

from lictui.analysis.forecast import describe_forecast
from lictui.cli.status import print_status
from lictui.config.entitlements import Entitlement
from lictui.config.settings import Retention, Settings
from lictui.engine.board import Board, ServerStatus
from lictui.engine.license_users import LicenseUsers, VisibleUser
from lictui.engine.outlook import forecast_scopes
from lictui.engine.queries import load_board
from lictui.errors import LictuiError
from lictui.history.csv_export import ExportQuery
from lictui.history.store import History
from lictui.model import (
    AlertKey,
    AlertKind,
    AlertState,
    Event,
    EventKind,
    Failure,
    FailureKind,
    Level,
    LicenseUser,
    Notice,
    Poll,
    Snapshot,
    State,
    Step,
    StepResult,
)
from lictui.report.build import ReportQuery, build_report
from lictui.report.csv import render_csv
from lictui.report.html import render_html
from lictui.report.markdown import render_markdown
from lictui.report.sections import build_tree
from lictui.report.xlsx import render_xlsx
from lictui.sources.command.formats import lictui_snapshot
from lictui.sources.source import SourceError
from lictui.tui.app import WatchOptions

CODE = "ACME_X"
NASTY = (
    "[/x] [bold]", "\x1b[31mred\x07", "a\nb", "\u202eevil\u2066", "ライセンス", "=1+1", "<b>&amp;",
    "\x1b]52;c;QQ==\x07", "a|b`c", "", "\ud800", "\x9b2J", "x" * 500,
)  # fmt: skip
TEXTS = st.sampled_from(NASTY) | st.text(max_size=8)
COUNTS = st.sampled_from((None, 0, 3, 10**9, 10**9 + 1, -1, 10**400, 2.5, "7", "x"))
DATES = st.sampled_from(
    (None, "0001-01-01", "1980-01-01", "2026-11-24", "2026-12-01", "9999-12-31", "x")
)
TIMES = st.sampled_from(
    (None, "0001-01-01T00:00:00+14:00", "1980-01-01T00:00:00+14:00", "2026-11-24T05:00:00Z",
     "9998-12-31T23:59:59-14:00", "9999-12-31T23:59:59-14:00")
)  # fmt: skip
POOLS = st.fixed_dictionaries({
    "product": st.just(CODE) | TEXTS, "name": TEXTS, "license_type": TEXTS, "vendor": TEXTS,
    "model": st.sampled_from(("user_device", "concurrent", "x", None)),
    "in_use": COUNTS, "installed": COUNTS, "overdraft": COUNTS, "queued": COUNTS,
    "expires": DATES, "subscription_date": DATES, "permanent": st.sampled_from((None, True, False)),
})  # fmt: skip
LISTED = st.fixed_dictionaries({
    "host_id": TEXTS, "fqdn": TEXTS, "status": TEXTS, "last_reported": TIMES, "expires": DATES,
    "days_to_expire": COUNTS,
})  # fmt: skip
SERVERS = st.fixed_dictionaries({
    "name": TEXTS, "state": st.just("up"), "reported_name": TEXTS, "version": TEXTS,
    "mode": st.sampled_from(("las", "file", None)),
    "pools": st.lists(POOLS, min_size=1, max_size=3),
    "activation": st.fixed_dictionaries({
        "status": st.sampled_from(("activated", "expired", "x")), "expires": DATES,
    }),
    "license_servers": st.lists(LISTED, max_size=2),
})  # fmt: skip


def assert_harmless(text: str, allowed: str = "\n") -> None:
    bad = {c for c in text if unicodedata.category(c) in ("Cc", "Cs") or c in "\u202e\u2066"}
    assert not bad - set(allowed), bad


def reported(reply: dict[str, Any]) -> Snapshot:
    """What the source makes of a reply; one that it refuses is of no interest here."""
    document = json.dumps({"schema": "lictui.status/1", "servers": [reply]})
    try:
        return lictui_snapshot(document, "ssh far")
    except SourceError as error:
        assert_harmless(error.failure.message)
        raise UnsatisfiedAssumption from error


@given(reply=SERVERS)
@settings(max_examples=15, deadline=None)
def test_any_reply_is_printed_exported_and_reported(reply: dict[str, Any]) -> None:
    result, far = reported(reply), server("far")
    zone, now = UTC, START + 3600
    with (
        tempfile.TemporaryDirectory() as folder,
        History(Path(folder) / "history.db", Retention(), FakeClock(now)) as history,
    ):
        for ago in range(40 * 24, -1, -24):
            history.append(far, Poll("far", START - ago * 3600, 0.1, result))
        board = load_board((far,), history, Settings().alerts)
        for output_format in ("table", "json", "jsonl", "csv", "markdown"):
            out = StringIO()
            with redirect_stdout(out):
                print_status(board, now, date(2026, 11, 24), output_format)
            assert_harmless(out.getvalue(), "\r\n")
        for scope in forecast_scopes(board, history.pools(), Settings().alerts):
            (series,) = history.series_batch((scope.history_query(now),))
            forecast = scope.forecast(series, now, date(2026, 11, 24))
            assert_harmless(describe_forecast(forecast, date(2026, 11, 24)))
        for row in history.export_rows(ExportQuery()):
            assert_harmless("".join(map(str, row)))
        query = ReportQuery(date(2026, 11, 1), now, zone, (far,), Settings())
        tree = build_tree(build_report(history, query))
    for text in (render_csv(tree), render_html(tree), render_markdown(tree)):
        assert_harmless(text, "\r\n\ufeff")
    with ZipFile(BytesIO(render_xlsx(tree))) as book:
        for name in book.namelist():
            assert_harmless(book.read(name).decode(), "\r\n\t")


# The screens; what did not come from a source, such as an error of the system, is hostile, too

VISITS = (
    ("dashboard", ("r", "Y", "E")),
    ("dashboard", ("end", "M")),
    ("products", ("g", "Y", "E")),
    ("usage", ("Y", "left", "E", "h")),
    ("servers", ("enter", "Y", "E")),
    *(("servers", (key,)) for key in "txc"),
    ("servers", ("e", "ctrl+t")),
    ("alerts", ("Y", "E", "z")),
    ("entitlements", ("E",)),
    ("license_users", ("Y",)),
    ("data_sources", ("Y",)),
)


def status_of(name: str, result: Snapshot, text: str) -> ServerStatus:
    result = replace(result, notices=(Notice(text, Level.WARN, text, text),))
    up = server(name, group=text)
    return ServerStatus(up, State.UP, START, None, result, START, START, 0.1, START + 60)


def engine_of(name: str, text: str) -> FakeEngine:
    failure = Failure(FailureKind.PARSE, text, text)
    users = VisibleUser(LicenseUser(CODE, text, text, START), idle=True, release=text)
    return FakeEngine(
        workday_series,
        journal=(Event(START - 99, EventKind.NOTICE, name, text, CODE, Level.WARN),),
        test_steps=(StepResult(Step.RESOLVE, ok=False, detail=text, seconds=1, hint=text),),
        license_users={
            name: LicenseUsers(name, "show", START, (name,), (users,), failures=((name, failure),))
        },
        error=LictuiError(text, text),
    )


async def visit_all(name: str, result: Snapshot, text: str) -> None:
    status = status_of(name, result, text)
    product = result.pools[0].product
    key = AlertKey(name, AlertKind.USAGE, product)
    alert = AlertState(key, Level.CRITICAL, text, START, raised_at=START)
    failure = Failure(FailureKind.PARSE, text, text)
    board = Board(
        (status, down_status(replace(status, server=server("b" + name)), failure)),
        notices=(text,),
        alert_states=(alert,),
    )
    config = Settings(entitlements=(Entitlement(product, 9),))
    used = {"servers": (name,), "product": product}
    kwargs: dict[str, dict[str, Any]] = {
        "usage": used, "license_users": {**used, "title": text}, "data_sources": used
    }  # fmt: skip
    async with running_app(
        "dashboard", (100, 30), board=board, engine=engine_of(name, text), settings=config
    ) as run:
        for screen, keys in VISITS:
            run.app.show_view(screen, **kwargs.get(screen, {}))
            await run.press(*keys)
            assert_harmless(screen_text(run.app) + run.app.clipboard)
    watch = {"watch": WatchOptions()}
    async with running_app(
        "dashboard", (60, 20), board=board, settings=config, options=watch
    ) as run:
        assert_harmless(screen_text(run.app))


@given(reply=SERVERS, name=st.sampled_from(NASTY[:6]), text=TEXTS)
@settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_reply_is_drawn_on_every_screen(
    reply: dict[str, Any], name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the exports go
    asyncio.run(visit_all(name, reported(reply), text))
