"""The server form for every source, its connection test, and the steps as text."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app
from textual.events import Key
from textual.keys import _character_to_key
from textual.widgets import Input

from lictui.engine.board import Board, ServerStatus, with_servers
from lictui.engine.merge import merge_board
from lictui.errors import LictuiError
from lictui.model import (
    Failure,
    FailureKind,
    Server,
    SourceName,
    State,
    Step,
    StepResult,
)
from lictui.tui.screens.dashboard import DashboardScreen
from lictui.tui.screens.server_form import FieldRow, FormScreen, step_lines
from lictui.tui.theme import UNICODE_SYMBOLS

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


def problem_of(run: RunningApp, key: str) -> str:
    """The error below a field."""
    label = run.app.screen.query_one(f"#field-{key}", FieldRow).query_one(".problem")
    return str(label.render()) if label.display else ""


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


async def test_form_adds_tests_pins_and_saves_by_keyboard() -> None:
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
    url, pin = "https://lic01.example:5986/wsman", f"sha256:{PIN}"
    account = (r"CORP\svc", "env:SECRET", "negotiate", pin)
    assert engine.saved == [(Server("lic01", SourceName.WINRM, url, *account), None)]
    assert engine.polled == ["lic01"]
    assert [server.verify for server in engine.tested] == [True, f"sha256:{PIN}"]


@pytest.mark.parametrize(
    ("keys", "text", "key", "problem"),
    [
        (("ctrl+u",), "hunter2", "secret", "not the secret itself"),
        (("shift+tab",) * 3, "lic-lab", "name", "already in use"),
        (("tab",) * 5, "nosuch", "same_as", "no server has this name"),
    ],
)
async def test_form_rejects_a_password_and_a_used_name(
    keys: tuple[str, ...], text: str, key: str, problem: str
) -> None:
    async with running_app("form") as run:
        await fill(run)
        await run.press(*keys)
        await run.type(text)
        assert problem in problem_of(run, key)
        await run.press("ctrl+s")
        assert is_form(run)
    assert run.engine.saved == []


async def test_form_reports_empty_fields_when_saving_and_asks_before_discarding() -> None:
    async with running_app("form") as run:
        assert "missing" not in problem_of(run, "url")
        await run.press("ctrl+s")
        assert "missing" in problem_of(run, "url")
        assert " Address " in screen_text(run.app)  # not scrolled to the message below
        assert run.app.focused is run.app.screen.query_one("#field-url Input")
        await run.type("h")
        await run.press("escape")
        assert "Discard changes?" in screen_text(run.app)
        await run.press("n", "backspace", "escape")
        assert not is_form(run)


async def test_form_suggests_the_host_until_a_name_is_typed() -> None:
    async with running_app("form") as run:
        await run.type("https://lic01")
        assert value(run, "name") == ""  # the address may not be complete
        await run.press("tab")
        assert value(run, "name") == "lic01"
        await run.type("mine")
        await run.press("shift+tab", "end")
        await run.type("x")
        assert value(run, "name") == "mine"


async def test_form_edit_keeps_other_values_and_renames() -> None:
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


async def test_form_shows_why_saving_failed() -> None:
    engine = FakeEngine(error=LictuiError("servers.toml cannot be written", "make room"))
    async with running_app("form", engine=engine) as run:
        await fill(run)
        await run.press("ctrl+s")
        text = screen_text(run.app)
        assert is_form(run)
        assert "servers.toml cannot be written" in text
        assert "make room" in text


async def test_form_shows_warnings() -> None:
    async with running_app("form") as run:
        await fill(run)
        await run.press("tab")
        await run.type("false")
        assert "pin its certificate" in " ".join(screen_text(run.app).split())


async def test_form_test_cancels_the_running_one() -> None:
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


async def test_form_keeps_keys_of_one_burst_in_their_fields() -> None:
    async with running_app("form") as run:
        await run.type("https://lic01")
        account = ("tab", *"mee", "backspace", "tab", *"q?:X", "shift+tab", "end", "!")
        burst = ("tab", *"mine", "tab", "down", "down", *account)
        for key in burst:  # as a terminal sends what is pasted: nobody waits between two keys
            name = _character_to_key(key) if len(key) == 1 else key
            run.app.post_message(Key(name, key if len(key) == 1 else None))
        await run.settle()
        values = [value(run, key) for key in ("name", "username", "secret")]
        assert values == ["mine", "me!", "q?:X"]
        assert "ntlm" in screen_text(run.app)


async def test_form_neither_shows_nor_saves_a_password_in_the_wrong_field() -> None:
    async with running_app("form") as run:
        await fill(run)
        await run.press("tab")
        await run.type("hunter2")
        assert "hunter2" not in screen_text(run.app)
        assert "sha256:HEX" in problem_of(run, "verify")
        await run.press("ctrl+s")
        assert is_form(run)
        await run.press("ctrl+u")
        await run.type("./ca.pem")
        assert "./ca.pem" in screen_text(run.app)
        await run.press("ctrl+s")
    ((saved, _),) = run.engine.saved
    assert str(saved.verify).endswith("/ca.pem")


async def test_form_names_a_server_by_the_host_that_the_test_found() -> None:
    class Answering(FakeEngine):
        async def test(self, server: Server) -> AsyncIterator[StepResult]:
            self.tested.append(server)
            for finding in (*FINE[:-1], replace(FINE[-1], host_names=("LIC07.corp.example",))):
                yield finding

    async with running_app("form", engine=Answering()) as run:
        await follow(run, "'https://10.1.0.7", *["tab"] * 3, r"'CORP\svc", "tab", "'env:SECRET")
        assert value(run, "name") == "server"
        await run.press("ctrl+t")
        assert value(run, "name") == "LIC07"


@pytest.mark.parametrize("waits", [0, 1, 5, 20])
async def test_form_closes_when_the_board_is_faster_than_the_save(waits: int) -> None:
    class Publishing(FakeEngine):
        async def save(self, server: Server, replacing: Server | None = None) -> None:
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


async def test_form_adds_a_flexnet_server_and_a_command() -> None:
    for keys, texts, field in (
        (("up", "up", "enter"), ("27000@lic01.example", ""), "address"),
        (("up", "enter"), ("cat 'a b'", "mine"), "command"),
    ):
        async with running_app("form", engine=FakeEngine(test_steps=FINE)) as run:
            await run.press("shift+tab", *keys)
            await run.type(texts[0])
            if texts[1]:
                await run.press("tab", "down", "enter")
                await run.type(texts[1])
            await run.press("ctrl+s")
            assert not is_form(run)
        ((saved, _),) = run.engine.saved
        expected = {"address": "27000@lic01.example", "command": ("cat", "a b")}[field]
        assert (saved.name, getattr(saved, field)) == (texts[1] or "lic01", expected)
        assert saved.format == ("get-liclasinventory" if texts[1] else "")


NAMED = (*FINE[:-1], replace(FINE[-1], host_names=("LIC01", "lic-emea-01.corp.example")))


async def test_form_offers_once_to_merge_with_a_registered_server() -> None:
    async with running_app("form", engine=FakeEngine(test_steps=NAMED)) as run:
        await fill(run)
        await run.press("ctrl+t")
        assert "LIC01 and lic-emea-01 are the same" in screen_text(run.app)
        await run.press("y")
        assert value(run, "same_as") == "lic-emea-01"
        await run.press("ctrl+s")
    ((saved, _),) = run.engine.saved
    assert saved.same_as == "lic-emea-01"
    async with running_app("form", engine=FakeEngine(test_steps=NAMED)) as run:
        await fill(run)
        await run.press("ctrl+t", "n")
        await run.press("ctrl+t")
        assert is_form(run)
        assert value(run, "same_as") == ""


async def test_form_does_not_offer_to_merge_with_itself() -> None:
    itself = replace(FINE[-1], host_names=("lic-emea-01.corp.example",))
    engine = FakeEngine(test_steps=(*FINE[:-1], itself))
    server = Server("lic-emea-01", SourceName.WINRM, "https://lic-emea-01:5986/wsman", "u", "env:X")
    async with running_app("form", engine=engine, server=server) as run:
        await run.press("ctrl+t")
        assert is_form(run)


def texts(results: Sequence[StepResult], columns: int = 80, *, running: bool = False) -> list[str]:
    lines = step_lines(results, columns, UNICODE_SYMBOLS, running=running)
    return ["".join(text for text, _ in line).strip() for line in lines]


def test_step_lines_show_detail_duration_fingerprint_and_hint() -> None:
    assert texts(UNTRUSTED, 120) == [
        "✔ resolve       2 ms  10.1.0.7",
        "✔ connect      11 ms  10.1.0.7:5986",
        "✖ tls          30 ms  CN=LIC01 is self-signed",
        f"sha256:{PIN}",
        "→ pin it",
    ]
    assert texts(UNTRUSTED[:1], running=True)[-1] == "… connect"
    assert texts((), running=True) == ["… resolve"]


def test_step_lines_do_not_repeat_a_fingerprint() -> None:
    spelled = ":".join(PIN[i : i + 2] for i in range(0, 64, 2)).upper()
    result = StepResult(Step.TLS, ok=True, detail=f"CN=X {spelled}", seconds=0, fingerprint=PIN)
    assert "sha256" not in "".join(texts([result], 200))


async def follow(run: RunningApp, *steps: str) -> int:
    """Press keys, and type what starts with a quote; return the number of keys beside text."""
    for step in steps:
        await (run.type(step[1:]) if step[0] == "'" else run.press(step))
    return sum(step[0] != "'" for step in steps)


async def test_server_is_registered_with_password_and_pin_in_nine_keys() -> None:
    engine = PinningEngine()
    async with running_app(engine=engine) as run:
        address, account = "'https://lic01.example", (r"'CORP\svc", "tab", "'hunter2")
        count = await follow(run, "a", address, *["tab"] * 3, *account)
        assert "hunter2" not in screen_text(run.app)
        assert "Store password" in screen_text(run.app)
        count += await follow(run, "ctrl+o")
        assert "Store password" not in screen_text(run.app)
        assert engine.stored == {"lic01": "hunter2"}
        count += await follow(run, "ctrl+t")
        text = " ".join(screen_text(run.app).split())
        assert "Press ^y to pin this certificate after comparing the fingerprint" in text
        assert "^y Pin certificate" in text
        count += await follow(run, "ctrl+y")
        assert "Certificate pinned" in screen_text(run.app)
        count += await follow(run, "enter")
    assert count <= 15
    ((saved, _),) = engine.saved
    assert (saved.name, saved.secret, saved.verify) == (
        "lic01", "file:/secrets/lic01", f"sha256:{PIN}"
    )  # fmt: skip


async def test_password_of_a_red_server_is_corrected_in_three_keys() -> None:
    lab = Server("lic-lab", SourceName.WINRM, "https://lab:5986/wsman", "u", "env:X")
    refused = Failure(FailureKind.AUTH, "password refused", step=Step.AUTH)
    board = Board((ServerStatus(lab, State.DENIED, failure=refused, polled_at=START),))
    async with running_app(board=board) as run:
        assert await follow(run, "e", "'hunter2", "ctrl+o", "ctrl+s") <= 6
        ((saved, replacing),) = run.engine.saved
    assert run.engine.stored == {"lic-lab": "hunter2"}
    assert (saved.secret, replacing) == ("file:/secrets/lic-lab", "lic-lab")


async def test_form_takes_an_interval_with_a_unit() -> None:
    async with running_app("form") as run:
        await fill(run)
        await follow(run, *["tab"] * 4, "'5m", "ctrl+s")
    ((saved, _),) = run.engine.saved
    assert saved.interval == 300


async def test_form_shows_the_help_below_its_field() -> None:
    async with running_app("form") as run:
        await run.press("tab")
        lines = screen_text(run.app).splitlines()
        row = next(index for index, line in enumerate(lines) if line.startswith(" Name"))
        assert "Renaming keeps the history" in lines[row + 1]


@pytest.mark.parametrize("keys", [("ctrl+c",), ("tab", "tab", "q")])
async def test_quit_in_a_form_asks_before_it_discards(keys: tuple[str, ...]) -> None:
    async with running_app("form") as run:
        await follow(run, "'https://lic01", "tab", "tab", *keys[-1:])
        assert "Discard changes?" in screen_text(run.app)
