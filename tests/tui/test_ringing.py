from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.support.clock import START
from tests.support.example_board import example_board
from tests.support.running_app import RunningApp, running_app

from lictui.config.settings import Action, Settings
from lictui.model import AlertKey, AlertKind, AlertState, Level

if TYPE_CHECKING:
    import pytest

USAGE = AlertState(
    AlertKey("lic-emea-01", AlertKind.USAGE, "PVS_STD_CCS"),
    Level.WARN,
    "90 of 80\x1b]0;owned\x07",
    polls_seen=2,
    polls_required=2,
    raised_at=START,
    notified_at=START,
)
SETTINGS = Settings(actions=(Action("here", level="critical", bell=True, osc9=True),))


def heard(run: RunningApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    rung: list[str] = []
    monkeypatch.setattr(run.app, "bell", lambda: rung.append("bell"))
    assert run.app._driver is not None
    monkeypatch.setattr(
        run.app._driver, "write", lambda said: rung.append(said) if "\x1b]9;" in said else None
    )
    return rung


async def test_what_is_raised_and_gets_worse_rings_once(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = replace(example_board(), alert_states=())
    async with running_app(board=quiet, settings=SETTINGS) as run:
        rung = heard(run, monkeypatch)
        warned = replace(quiet, alert_states=(USAGE,))
        await run.publish(warned)
        assert rung == []
        worse = replace(USAGE, level=Level.CRITICAL, notified_at=START + 60)
        await run.publish(replace(quiet, alert_states=(worse,)))
        assert rung == ["bell", "\x1b]9;lictui: critical lic-emea-01: 90 of 80 ]0;owned \x07"]
        await run.publish(replace(quiet, alert_states=(replace(worse, polls_clear=1),)))
        await run.publish(quiet)
        assert len(rung) == 2


async def test_what_stood_before_the_start_rings_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    worst = replace(USAGE, level=Level.EXHAUSTED)
    async with running_app(board=example_board(), settings=SETTINGS) as run:
        rung = heard(run, monkeypatch)
        await run.publish(replace(example_board(), alert_states=(worst,)))
        assert rung == []
