from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app
from textual.widgets import Input

from lictui.engine.board import Board, with_servers
from lictui.engine.merge import merge_board
from lictui.errors import LictuiError
from lictui.model import Server, SourceName, Step, StepResult
from lictui.tui.screens.dashboard import DashboardScreen
from lictui.tui.screens.server_form import FormScreen
from lictui.tui.widgets.form_fields import FieldRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


PIN = "4f" * 32
UNTRUSTED = (
    StepResult(Step.RESOLVE, ok=True, detail="10.1.0.7", seconds=0.002),
    StepResult(Step.CONNECT, ok=True, detail="10.1.0.7:5986", seconds=0.011),
    StepResult(Step.TLS, False, "CN=LIC01 is self-signed", 0.03, "pin it", PIN),  # noqa: FBT003
)
FINE = tuple(StepResult(step, ok=True, detail="fine", seconds=0.01) for step in Step)


class PinningEngine(FakeEngine):
    """Trusts a server whose certificate is pinned."""

    async def test(self, server: Server) -> AsyncIterator[StepResult]:
        self.tested.append(server)
        for finding in UNTRUSTED if server.verify is True else FINE:
            yield finding


def said(run: RunningApp, key: str) -> str:
    """What stands in a field's line beside it."""
    beside = run.app.screen.query_one(f"#field-{key}", FieldRow).query(".beside").last()
    return str(beside.render())


def value(run: RunningApp, key: str) -> str:
    return run.app.screen.query_one(f"#field-{key} Input", Input).value


def is_form(run: RunningApp) -> bool:
    return isinstance(run.app.screen, FormScreen)


async def fill(run: RunningApp) -> None:
    """Address, user and secret, by keys alone."""
    await run.type("https://lic01.example")
    await run.press("tab", "tab", "tab")  # the name follows the host, negotiate is right
    await run.type(r"CORP\svc")
    await run.press("tab")
    await run.type("env:SECRET")


async def test_a_server_is_added_tested_pinned_and_saved_with_keys_alone() -> None:
    engine = PinningEngine()
    async with running_app("form", engine=engine) as run:
        await fill(run)
        await run.press("ctrl+t")
        text = screen_text(run.app)
        assert "✖ tls" in text
        assert "Pin this certificate" in text
        await run.press("enter")  # the button to pin has the focus
        assert value(run, "verify") == f"sha256:{PIN}"
        assert "✔ parse" in screen_text(run.app)
        await run.press("enter")  # the button to save has it now
        assert not is_form(run)
    assert engine.saved == [
        (
            Server(
                "lic01",
                SourceName.WINRM,
                "https://lic01.example:5986/wsman",
                r"CORP\svc",
                "env:SECRET",
                "negotiate",
                f"sha256:{PIN}",
            ),
            None,
        )
    ]
    assert engine.polled == ["lic01"]
    assert [server.verify for server in engine.tested] == [True, f"sha256:{PIN}"]


async def test_a_step_that_fails_is_shown_with_what_to_do() -> None:
    denied = StepResult(Step.AUTH, False, "401, Negotiate only", 0.01, "set auth")  # noqa: FBT003
    async with running_app("form", engine=FakeEngine(test_steps=(*FINE[:3], denied))) as run:
        await fill(run)
        await run.press("ctrl+t")
        text = screen_text(run.app)
        assert "✖ auth" in text
        assert "→ set auth" in text
        assert "inventory" not in text
        assert "Pin this" not in text


async def test_a_password_is_refused_with_the_explanation() -> None:
    engine = FakeEngine()
    async with running_app("form", engine=engine) as run:
        await fill(run)
        await run.press("ctrl+u")
        await run.type("hunter2")
        assert "not the secret itself" in said(run, "secret")
        await run.press("ctrl+s")
        assert is_form(run)
    assert engine.saved == []


async def test_a_name_that_is_taken_is_refused_but_its_own_name_is_not() -> None:
    engine = FakeEngine()
    async with running_app("form", engine=engine) as run:
        await fill(run)
        await run.press("shift+tab", "shift+tab", "shift+tab")
        await run.type("lic-lab")
        assert "already in use" in said(run, "name")
        await run.press("ctrl+s")
        assert is_form(run)
    assert engine.saved == []


async def test_empty_fields_are_not_complained_of_before_someone_wants_to_save() -> None:
    async with running_app("form") as run:
        assert "missing" not in said(run, "url")
        await run.press("ctrl+s")
        assert "missing" in said(run, "url")
        assert run.app.focused is run.app.screen.query_one("#field-url Input")


async def test_the_name_follows_the_host_until_it_is_typed() -> None:
    async with running_app("form") as run:
        await run.type("https://lic01")
        assert value(run, "name") == "lic01"
        await run.press("tab")
        await run.type("mine")
        await run.press("shift+tab", "end")
        await run.type("x")
        assert value(run, "name") == "mine"


async def test_another_source_has_other_fields() -> None:
    async with running_app("form", size=(80, 30)) as run:
        await run.press("shift+tab", "right")
        text = screen_text(run.app)
        assert "Customer" in text
        assert "Auth" not in text


async def test_editing_keeps_what_is_not_touched_and_replaces_the_old_name() -> None:
    engine = FakeEngine()
    server = Server(
        "lic-lab", SourceName.WINRM, "https://lab:5986/wsman", "u", "env:X", "ntlm", group="g"
    )
    async with running_app("form", engine=engine, server=server) as run:
        await run.press("end")
        await run.type("-2")
        await run.press("ctrl+s")
    saved, replacing = engine.saved[0]
    assert (saved.name, saved.group, saved.auth, replacing) == ("lic-lab-2", "g", "ntlm", "lic-lab")


async def test_what_the_registry_refuses_is_said_in_the_form() -> None:
    engine = FakeEngine(error=LictuiError("servers.toml cannot be written", "make room"))
    async with running_app("form", engine=engine) as run:
        await fill(run)
        await run.press("ctrl+s")
        text = screen_text(run.app)
        assert is_form(run)
        assert "servers.toml cannot be written" in text
        assert "make room" in text


async def test_leaving_asks_only_if_something_would_be_lost() -> None:
    async with running_app("form") as run:
        await run.press("escape")
        assert not is_form(run)
    async with running_app("form") as run:
        await run.type("h")
        await run.press("escape")
        assert "Discard changes?" in screen_text(run.app)
        await run.press("n")
        assert is_form(run)
        await run.press("escape", "y")
        assert not is_form(run)


async def test_what_had_better_not_be_done_is_warned_about() -> None:
    async with running_app("form") as run:
        await fill(run)
        await run.press("tab")
        await run.type("false")
        assert "pin its certificate" in " ".join(screen_text(run.app).split())


async def test_another_test_ends_the_one_under_way() -> None:
    class Hanging(FakeEngine):
        ended = 0

        async def test(self, server: Server) -> AsyncIterator[StepResult]:
            self.tested.append(server)
            yield FINE[0]
            if len(self.tested) == 1:
                try:
                    await asyncio.Event().wait()
                finally:
                    self.ended += 1

    engine = Hanging()
    async with running_app("form", engine=engine) as run:
        await fill(run)
        await run._pilot.press("ctrl+t")
        await run._pilot.pause()
        await run.press("ctrl+t")
    assert (len(engine.tested), engine.ended) == (2, 1)


async def test_what_is_typed_as_fast_as_it_can_be_lands_where_it_belongs() -> None:
    async with running_app("form") as run:
        keys = [
            *"https://lic01",
            "tab",
            "tab",
            "tab",
            *"me",
            "tab",
            *"env:X",
            "shift+tab",
            "end",
            "!",
        ]
        await run.press(*keys)
        assert [value(run, key) for key in ("url", "name", "username", "secret")] == [
            "https://lic01",
            "lic01",
            "me!",
            "env:X",
        ]


async def test_trying_to_save_nothing_is_nothing_to_lose() -> None:
    async with running_app("form") as run:
        await run.press("ctrl+s", "escape")
        assert not is_form(run)


async def test_q_in_a_field_is_a_letter() -> None:
    async with running_app("form") as run:
        await run.type("q?:")
        assert value(run, "url") == "q?:"


@pytest.mark.parametrize("waits", [0, 1, 5, 20])
async def test_the_board_may_come_before_the_word_that_the_server_is_saved(waits: int) -> None:
    class Publishing(FakeEngine):
        async def save(self, server: Server, replacing: str | None = None) -> None:
            await super().save(server, replacing)
            run.app.publish(merge_board(with_servers(Board(), [server])))
            for _ in range(waits):
                await asyncio.sleep(0)

    async with running_app(board=Board(), engine=Publishing()) as run:
        await run.press("a")
        await fill(run)
        await run.press("ctrl+s")
        assert isinstance(run.app.screen, DashboardScreen)
        assert "lic01" in screen_text(run.app)
