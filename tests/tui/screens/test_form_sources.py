"""The form for every source, and the question whether a server is known already."""

from __future__ import annotations

from dataclasses import replace

from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app
from textual.widgets import Input

from lictui.model import Server, SourceName, Step, StepResult
from lictui.tui.screens.server_form import FormScreen
from lictui.tui.widgets.form_fields import FieldRow

FINE = tuple(StepResult(step, ok=True, detail="fine", seconds=0.01) for step in Step)


def value(run: RunningApp, key: str) -> str:
    return run.app.screen.query_one(f"#field-{key} Input", Input).value


def is_form(run: RunningApp) -> bool:
    return isinstance(run.app.screen, FormScreen)


async def fill(run: RunningApp) -> None:
    """Address, user and secret of a license server."""
    await run.type("https://lic01.example")
    await run.press("tab", "tab", "tab")
    await run.type("user")
    await run.press("tab")
    await run.type("env:SECRET")


async def test_every_source_is_chosen_from_a_list_with_its_fields_below() -> None:
    async with running_app("form", size=(80, 40)) as run:
        await run.press("shift+tab")
        listed = screen_text(run.app)
        for source in SourceName:
            assert source in listed
        titles = []
        for _ in SourceName:
            titles.append({row.key for row in run.app.screen.query(FieldRow) if row.display})
            await run.press("down")
        assert "auth" in titles[0]
        assert "site" in titles[1]
        assert {"customer_id", "experimental"} <= titles[2]
        assert "trust_url" in titles[3]
        assert {"address", "lmutil"} <= titles[4]
        assert {"command", "format"} <= titles[5]
        assert not {"url", "secret", "verify"} & (titles[4] | titles[5])
        await run.press("up", "enter")
        assert "Usage Insights" not in screen_text(run.app)
        assert run.app.focused is run.app.screen.query_one("#field-command Input")


async def test_a_flexnet_server_is_added_with_keys_alone() -> None:
    engine = FakeEngine(test_steps=FINE)
    async with running_app("form", engine=engine) as run:
        await run.press("shift+tab", "up", "up", "enter")
        await run.type("27000@lic01.example")
        await run.press("ctrl+s")
        assert not is_form(run)
    ((saved, _),) = engine.saved
    assert (saved.name, saved.address) == ("lic01", "27000@lic01.example")


async def test_a_command_is_added_with_keys_alone() -> None:
    engine = FakeEngine(test_steps=FINE)
    async with running_app("form", engine=engine) as run:
        await run.press("shift+tab", "up", "enter")
        await run.type("cat 'a b'")
        await run.press("tab", "down", "enter")
        await run.type("mine")
        await run.press("ctrl+s")
    ((saved, _),) = engine.saved
    assert (saved.name, saved.command) == ("mine", ("cat", "a b"))
    assert saved.format == "get-liclasinventory"


async def test_a_cloud_account_needs_no_address() -> None:
    engine = FakeEngine(test_steps=FINE)
    async with running_app("form", engine=engine) as run:
        await run.press("shift+tab", "down", "down", "enter", "tab", "tab")
        for text in ("acme", "client-id", "env:SECRET"):
            await run.type(text)
            await run.press("tab")
        await run.press("ctrl+s")
    ((saved, _),) = engine.saved
    assert (saved.name, saved.url) == ("acme", "https://api.cloud.com")
    assert (saved.customer_id, saved.username, saved.experimental) == ("acme", "client-id", False)


TOLD = replace(FINE[-1], host_names=("LIC01", "lic-emea-01.corp.example"))


async def test_a_server_that_is_known_already_may_share_its_pane() -> None:
    engine = FakeEngine(test_steps=(*FINE[:-1], TOLD))
    async with running_app("form", engine=engine) as run:
        await fill(run)
        await run.press("ctrl+t")
        assert "LIC01 and lic-emea-01 are the same" in screen_text(run.app)
        await run.press("y")
        assert value(run, "same_as") == "lic-emea-01"
        await run.press("ctrl+s")
    ((saved, _),) = engine.saved
    assert saved.same_as == "lic-emea-01"


async def test_who_says_no_is_not_asked_again() -> None:
    engine = FakeEngine(test_steps=(*FINE[:-1], TOLD))
    async with running_app("form", engine=engine) as run:
        await fill(run)
        await run.press("ctrl+t", "n")
        assert is_form(run)
        await run.press("ctrl+t")
        assert is_form(run)
        assert value(run, "same_as") == ""


async def test_a_server_is_not_asked_whether_it_is_itself() -> None:
    told = replace(TOLD, host_names=("lic-emea-01.corp.example",))
    engine = FakeEngine(test_steps=(*FINE[:-1], told))
    server = Server("lic-emea-01", SourceName.WINRM, "https://lic-emea-01:5986/wsman", "u", "env:X")
    async with running_app("form", engine=engine, server=server) as run:
        await run.press("ctrl+t")
        assert is_form(run)
