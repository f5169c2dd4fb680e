"""Names and messages of servers are drawn as text on every screen, whatever they contain."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.support.clock import START
from tests.support.example_board import down_status, pool, up_status, workday_series
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import running_app

from lictui.config.entitlements import Entitlement
from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.engine.license_users import LicenseUsers, VisibleUser
from lictui.errors import LictuiError
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
    Step,
    StepResult,
)
from lictui.tui.app import WatchOptions

MARKUP = "[/x] [bold]"
NAME = f"{MARKUP}\x1b[31mred\x07\n\u202eevil\u2066ライセンス"
FAILURE = Failure(FailureKind.PARSE, NAME, NAME)
PRODUCT = replace(pool("ACME_X", 3, 4, expires=date(2026, 12, 1)), name=NAME, vendor=NAME)
UP = up_status(NAME, PRODUCT, group=NAME, reported_name=NAME, version=NAME)
ALERT = AlertState(
    AlertKey(NAME, AlertKind.USAGE, "ACME_X"), Level.CRITICAL, NAME, START,
    polls_seen=2, polls_required=2, raised_at=START,
)  # fmt: skip
USED: dict[str, Any] = {"servers": (NAME,), "product": "ACME_X"}
WATCH = {"options": {"watch": WatchOptions()}}


def board() -> Board:
    assert UP.snapshot is not None
    reported = replace(UP.snapshot, notices=(Notice(NAME, Level.WARN, NAME, NAME),))
    servers = (replace(UP, snapshot=reported), down_status(up_status("b" + NAME, PRODUCT), FAILURE))
    return Board(servers, notices=(NAME,), alert_states=(ALERT,))


def engine(error: Exception | None = None) -> FakeEngine:
    users = VisibleUser(LicenseUser("ACME_X", NAME, NAME, START), idle=True, release=NAME)
    return FakeEngine(
        workday_series,
        journal=(Event(START - 99, EventKind.NOTICE, NAME, NAME, "ACME_X", Level.WARN),),
        test_steps=(StepResult(Step.RESOLVE, ok=False, detail=NAME, seconds=1, hint=NAME),),
        license_users={
            NAME: LicenseUsers(NAME, "show", START, (NAME,), (users,), failures=((NAME, FAILURE),))
        },
        error=error,
    )


@pytest.mark.parametrize(
    ("screen", "keys", "kwargs"),
    [
        ("dashboard", ("r", "Y", "E"), {}),
        ("dashboard", ("end", "M"), {}),
        ("products", ("g", "Y", "E"), {}),
        ("usage", ("Y", "left", "E"), USED),
        ("usage", ("h",), USED),
        ("servers", ("enter", "Y", "E"), {}),
        ("servers", ("t",), {}),
        ("servers", ("x",), {}),
        ("servers", ("x", "y"), {}),
        ("servers", ("c",), {}),
        ("servers", ("e", "ctrl+t"), {}),
        ("servers", ("e", *["tab"] * 9, "ctrl+s"), {}),
        ("alerts", ("Y", "E"), {}),
        ("alerts", ("z",), {}),
        ("entitlements", ("E",), {}),
        ("license_users", ("Y",), {**USED, "title": NAME}),
        ("data_sources", ("Y",), USED),
        ("dashboard", (), WATCH),
        ("dashboard", ("slash", *MARKUP[:-1], "enter"), {}),
    ],
)
async def test_text_of_servers_is_never_markup_or_control(
    screen: str,
    keys: tuple[str, ...],
    kwargs: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)  # where the export goes
    settings = Settings(entitlements=(Entitlement(NAME, 9),))
    fake = engine(LictuiError(NAME, NAME))
    async with running_app(
        screen, (120, 40), board=board(), engine=fake, settings=settings, **kwargs
    ) as run:
        await run.press(*keys)
        text = screen_text(run.app)
        assert not set(text) & set("\x1b\x07\u202e\u2066")
        assert "[/x]" in text or screen == "dashboard"
        assert not set(run.app.clipboard) & set("\x1b\x07\u202e\u2066")
