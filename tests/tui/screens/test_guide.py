"""The line of the demo: progress, then hints that leave when they were followed."""

from typing import Any

import pytest
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app

from lictui.tui.app import WatchOptions
from lictui.tui.widgets.bars import FooterBar

_DEMO = {"demo": True}


def line(run: RunningApp) -> str:
    return "".join(text for text, _ in run.app.screen.query_one(FooterBar).message).strip()


async def test_guide_shows_progress_then_when_the_clock_started() -> None:
    async with running_app(options=_DEMO) as run:
        for progress, shown in ((0.0, "0%"), (0.5, "50%")):
            run.app.progress = progress
            assert line(run).startswith("Preparing one year")
            assert line(run).endswith(shown)
        run.app.progress = 1.0
        assert line(run).startswith("Demo clock: from Tue 24 Nov")


@pytest.mark.parametrize("keys", [("2", "3", "5", "4", "question_mark"), (".",) * 6])
async def test_hints_leave_when_followed_or_dismissed(keys: tuple[str, ...]) -> None:
    async with running_app(options=_DEMO, size=(60, 15)) as run:
        run.app.progress = 1.0
        shown = [line(run)]
        for key in keys[:-1]:
            await run.press(key)
            shown.append(line(run))
        if keys[0] == "2":
            shown.insert(1, "")
        assert [text[:2] for text in shown[2:]] == ["3 ", "5 ", "4 ", "? "]
        await run.press(keys[-1])
        await run.press("escape", "1")
        assert line(run) == ""


@pytest.mark.parametrize(
    ("view", "asked"),
    [("dashboard", "queries"), ("products", "queries"), ("usage", "product_queries")],
)
async def test_screen_asks_again_when_the_past_is_written(view: str, asked: str) -> None:
    kwargs: dict[str, Any] = {}
    if view == "usage":
        kwargs = {"servers": ("lic-emea-01",), "product": "XDT_PLT_UD"}
    async with running_app(view, options=_DEMO, **kwargs) as run:
        questions = getattr(run.engine, asked)
        before = set(questions)
        questions.clear()
        run.app.progress = 1.0
        await run.settle()
        assert set(questions) == before


async def test_there_is_no_guide_without_a_demo() -> None:
    async with running_app() as run:
        assert line(run) == ""
        await run.press("?")
        assert "next hint" not in screen_text(run.app)


async def test_watch_shows_the_progress_of_the_demo() -> None:
    async with running_app(options=_DEMO | {"watch": WatchOptions()}) as run:
        run.app.progress = 0.5
        await run.settle()
        assert "Preparing one year of history" in screen_text(run.app)
        run.app.progress = 1.0
        await run.settle()
        assert "Preparing" not in screen_text(run.app)
