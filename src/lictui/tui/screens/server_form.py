"""The registration form: a server's fields, its test, and the way into the registry.

Owns what the keys of the form do and when a field complains. Must not know which fields a source
needs (`fields`), what makes a value valid (the registry), nor how a server is tested (the engine).
"""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on, work
from textual.containers import Horizontal, VerticalScroll
from textual.events import DescendantFocus
from textual.keys import key_to_character
from textual.screen import Screen
from textual.widgets import Button, Footer, Input

from lictui.config import server_schema
from lictui.engine.merge import servers_on_hosts
from lictui.errors import LictuiError
from lictui.model import Level, Server, SourceName, Step, StepResult
from lictui.tui import commands
from lictui.tui.screens import server_fields
from lictui.tui.screens.dialogs import ConfirmScreen
from lictui.tui.text import Line, Tone, strip_controls
from lictui.tui.widgets.form_fields import FieldRow, SelectField
from lictui.tui.widgets.styled_text import StyledLabel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from textual.app import ComposeResult
    from textual.binding import ActiveBinding, BindingType
    from textual.worker import Worker

    from lictui.config.server_schema import FieldError
    from lictui.engine.board import MergedBoard
    from lictui.tui.app import LictuiApp
    from lictui.tui.engine import Engine
    from lictui.tui.theme import Symbols


# The steps of a test as lines: what each found, how long it took, what to do after a failure


_ORDER: Final = tuple(Step)
_NAME: Final = max(len(step) for step in Step)
_TIME: Final = 9
_INDENT: Final = 2 + _NAME + _TIME + 2
_ROOM: Final = 20  # columns of detail below which it goes under its step


def step_lines(
    findings: Sequence[StepResult], width: int, symbols: Symbols, *, running: bool = False
) -> Iterator[Line]:
    """A line a step, more where there is more to say, none wider than `width`."""
    for finding in findings:
        yield from _of(finding, width, symbols)
    done = len(findings)
    if running and done < len(_ORDER):
        yield ((f"{symbols.pending} {_ORDER[done]}", Tone.QUIET),)


def _of(finding: StepResult, width: int, symbols: Symbols) -> Iterator[Line]:
    glyph, tone = (symbols.passed, Tone.OK) if finding.ok else (symbols.failed, Tone.CRITICAL)
    head = (
        (f"{glyph} ", tone),
        (f"{finding.step:<{_NAME}}", Tone.STRONG),
        (f"{_time(finding.seconds):>{_TIME}}  ", Tone.QUIET),
    )
    indent = _INDENT if width - _INDENT >= _ROOM else 2
    detail = wrap(strip_controls(finding.detail), max(1, width - indent)) or [""]
    said = Tone.TEXT if finding.ok else Tone.CRITICAL
    if indent == _INDENT:
        yield (*head, (detail.pop(0), said))
    else:
        yield head
    yield from (((" " * indent + part, said),) for part in detail)
    if finding.fingerprint not in finding.detail.lower().replace(":", ""):
        pin = wrap(f"sha256:{finding.fingerprint}", max(1, width - indent))
        yield from (((" " * indent + part, Tone.ACCENT),) for part in pin)
    hint = wrap(strip_controls(finding.hint), max(1, width - indent - len(symbols.arrow) - 1))
    for arrow, part in zip_longest([symbols.arrow], hint, fillvalue=" " * len(symbols.arrow)):
        if hint:
            yield ((" " * indent + f"{arrow} {part}", Tone.ACCENT),)


def _time(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


# The test in the registration form: its steps as they end, and what they tell about the server


class ConnectionTest(StyledLabel):
    """Below the fields: the steps of the test, or what went wrong."""

    DEFAULT_CSS = "ConnectionTest { padding: 0 0 1 0; }"

    def __init__(self, symbols: Symbols, told: Callable[[], None]) -> None:
        super().__init__(id="steps")
        self._symbols = symbols
        self._told = told  # called whenever something else stands here
        self._findings: list[StepResult] = []

    @property
    def passed(self) -> bool:
        """Whether the last test went through."""
        return bool(self._findings) and self._findings[-1].ok

    async def run(self, engine: Engine, server: Server) -> None:
        """Try `server`; every step shows as it ends."""
        self._findings = []
        self._show(running=True)
        try:
            async for finding in engine.test(server):
                self._findings.append(finding)
                self._show(running=finding.ok)
        except LictuiError as error:
            self.complain(error.message, error.hint)
            return
        self._show(running=False)

    def complain(self, text: str, hint: str = "") -> None:
        """Say what went wrong where the steps stand."""
        said: list[Line] = [((f"{self._symbols.failed} {text}", Tone.CRITICAL),)]
        if hint:
            said.append(((f"  {self._symbols.arrow} {hint}", Tone.ACCENT),))
        self._tell(*said)

    def pin(self, verify: str) -> str:
        """The certificate that could be pinned: it is not trusted, or nobody looks at it."""
        for finding in self._findings:
            pin = f"sha256:{finding.fingerprint}"
            trusted = finding.ok and verify != "false"
            if finding.fingerprint and not trusted and pin != verify:
                return pin
        return ""

    def twin(self, board: MergedBoard, name: str) -> tuple[str, str]:
        """The host that answered, and the registered server that is it too; "" if none is.

        `name` is what the tested server itself is called, or was.
        """
        hosts = tuple(host for finding in self._findings for host in finding.host_names)
        found = [other for other in servers_on_hosts(board, hosts) if other != name]
        return (hosts[0], found[0]) if hosts and found else ("", "")

    def _show(self, *, running: bool) -> None:
        width = self.screen.size.width - 4  # padding and scrollbar
        self._tell(*step_lines(self._findings, width, self._symbols, running=running))

    def _tell(self, *lines: Line) -> None:
        self.show_lines(*lines)
        self._told()


class FormScreen(Screen[None]):
    """Register a server, or change the one given."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("form")]
    CSS = """
    FormScreen {
        & #title { height: 1; padding: 0 1; background: $panel; }
        & #fields { padding: 1 1 0 1; scrollbar-gutter: stable; scrollbar-size-vertical: 1; }
        & #actions { height: 1; margin: 1 0 1 0; }
        & #actions Button { margin-right: 2; }
        & #pin { display: none; }
        & #help { height: 2; padding: 0 1; background: $surface; color: $quiet; }
        &.-narrow {
            & #fields { padding: 0 1; }
            & #actions { margin: 0; }
            & #actions Button { margin-right: 1; min-width: 8; }
            & FieldRow {
                layout: grid;
                grid-size: 2;
                grid-columns: 12 1fr;
                grid-rows: auto;
            }
            & .beside { width: 1fr; column-span: 2; padding-left: 12; display: none; }
            & .beside.-wrong { display: block; }
            & #help { height: 3; }
        }
    }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (76, "-wide")]  # noqa: RUF012 - as Textual declares it

    def __init__(self, server: Server | None = None, *, test: bool = False) -> None:
        super().__init__()
        self._replacing = server.name if server else None
        self._before = server_fields.form_values(server) if server else {}
        self._draft = dict(self._before)
        self._test_at_once = test
        self._touched: set[str] = set(self._before)
        self._named = server is not None  # the name is the user's own, not ours
        self._asked: set[str] = set()  # servers that may be this one, and were asked about
        self._testing: Worker[None] | None = None

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """What the footer shows: keys that work in every field, so none that types a character."""
        found = super().active_bindings
        return {
            key: bound
            for key, bound in found.items()
            if not (key_to_character(key) or "\0").isprintable()
        }

    def compose(self) -> ComposeResult:
        """Every field there is, those the source does not need unseen."""
        title = f"Edit {self._replacing}" if self._replacing else "Add a server"
        ways = f"   {len(SourceName)} sources: shift+tab to choose" if not self._replacing else ""
        yield StyledLabel(((title, Tone.STRONG), (ways, Tone.QUIET)), id="title")
        with VerticalScroll(id="fields", can_focus=False):
            for key, field in server_fields.ALL_FIELDS.items():
                yield FieldRow(field, self._draft.get(key, ""), self.lictui.symbols)
            yield StyledLabel(id="warnings")
            with Horizontal(id="actions"):
                yield Button("Test", id="test", compact=True)
                yield Button("Save", id="save", compact=True, variant="primary")
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Pin this certificate", id="pin", compact=True, variant="warning")
            yield ConnectionTest(self.lictui.symbols, self._told)
        yield StyledLabel(id="help")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin where the work begins."""
        self._present()
        first = server_fields.first_field(self._draft) if self._replacing is None else "name"
        self._row(first).entry.focus()
        if self._test_at_once:
            self.call_after_refresh(self.action_test)

    # What is filled in

    @on(Input.Changed)
    @on(SelectField.Changed)
    def _filled(self, message: Input.Changed | SelectField.Changed) -> None:
        row = message.control.parent
        if not isinstance(row, FieldRow) or self._draft.get(row.key, "") == message.value:
            return
        self._draft[row.key] = message.value
        self._touched.add(row.key)
        suggested = server_fields.suggested_name(self._draft)
        if row.key == "name":
            self._named = message.value not in ("", suggested)
        elif not self._named and suggested != self._draft.get("name", ""):
            self._fill("name", suggested)
        self._present()

    def _fill(self, key: str, text: str) -> None:
        self._draft[key] = text
        self._row(key).set_value(text)

    def _present(self) -> None:
        """Show the fields that are needed, each with its example or with what is wrong."""
        needed = server_fields.visible_fields(self._draft)
        server, problems = self._checked()
        for row in self.query(FieldRow):
            problem = problems.get(row.key, "") if row.key in self._touched else ""
            row.show_field(needed.get(row.key), problem)
        mark = self.lictui.symbols.level[Level.WARN]
        warnings = server_schema.server_warnings(server) if server else ()
        panel = self.query_one("#warnings", StyledLabel)
        panel.display = bool(warnings)
        panel.show_lines(*(((f"{mark} {warning}", Tone.WARN),) for warning in warnings))

    def _checked(self) -> tuple[Server | None, dict[str, str]]:
        """The server as filled in, or what is wrong by the key of its field."""
        server, refusals = server_schema.validate_server(
            server_fields.toml_values(self._draft), Path.cwd()
        )
        problems = {refusal.key: _sentence(refusal) for refusal in refusals}
        others = {status.server.name for status in self.lictui.board.registered.servers} - {
            self._replacing
        }
        if self._draft.get("name", "").strip() in others:
            problems["name"] = "is taken by another server"
        return (None if problems else server), problems

    def _server(self) -> Server | None:
        """The server as filled in; None, with every complaint in sight, if it cannot be."""
        self._touched.update(server_fields.ALL_FIELDS)
        self._draft |= {row.key: row.entry.value for row in self.query(FieldRow)}
        self._present()
        server, problems = self._checked()
        for row in self.query(FieldRow):
            if row.key in problems and row.display:
                row.entry.focus()
                self._trial.complain("Something is not right yet: see the fields with a mark.")
                break
        return server

    @property
    def _trial(self) -> ConnectionTest:
        return self.query_one(ConnectionTest)

    def _told(self) -> None:
        """What the test or the registry says came; let it be seen."""
        self.query_one("#pin").display = bool(self._pin)
        scroll = self.query_one("#fields", VerticalScroll)
        self.call_after_refresh(scroll.scroll_end, animate=False)

    @on(Input.Submitted)
    @on(SelectField.Confirmed)
    def _next(self) -> None:
        self.focus_next()

    @on(DescendantFocus)
    def _explain(self, event: DescendantFocus) -> None:
        row = event.widget.parent
        said = [row.help] if isinstance(row, FieldRow) else []
        if isinstance(row, FieldRow) and row.example and self.has_class("-narrow"):
            said.append(f"as {row.example}")  # there is no room beside the field
        self.query_one("#help", StyledLabel).show_lines(*(((text, Tone.QUIET),) for text in said))

    # The test

    @on(Button.Pressed, "#test")
    def action_test(self) -> None:
        """Try the server as it is filled in."""
        if self._testing:
            self._testing.cancel()
        if server := self._server():
            self._testing = self._test(server)

    @work(group="form-test")
    async def _test(self, server: Server) -> None:
        trial = self._trial
        await trial.run(self.lictui.engine, server)
        if self._pin:
            self.query_one("#pin").focus(scroll_visible=False)
        elif trial.passed:
            self.query_one("#save").focus(scroll_visible=False)
            self._ask_same(server)

    def _ask_same(self, server: Server) -> None:
        """Whether another registered server is this one, read another way; once for each."""
        name = self._replacing or server.name
        host, other = self._trial.twin(self.lictui.board, name)
        if not other or other in self._asked or server.same_as:
            return
        self._asked.add(other)

        def answered(sure: bool | None) -> None:  # noqa: FBT001 - the answer
            if sure:
                self._fill("same_as", other)
                self._present()

        asked = f"{strip_controls(host)} is also {strip_controls(other)}. Show both as one pane?"
        self.app.push_screen(ConfirmScreen(asked, "Both are polled and recorded."), answered)

    @property
    def _pin(self) -> str:
        return self._trial.pin(self._draft.get("verify", ""))

    @on(Button.Pressed, "#pin")
    def _take_pin(self) -> None:
        self._fill("verify", self._pin)
        self._present()
        self.query_one("#test").focus()
        self.action_test()

    # The way out

    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        """Write the server to the registry and poll it."""
        if server := self._server():
            self._save(server)

    @work(group="form-save")
    async def _save(self, server: Server) -> None:
        try:
            await self.lictui.engine.save(server, self._replacing)
        except LictuiError as error:
            self._trial.complain(error.message, error.hint)
            return
        self.lictui.poll(server.name)
        if self.is_current:  # else the wall has taken over: the new board was faster than this
            self.dismiss()

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Leave the form; nothing that was typed is lost without a question."""
        if server_fields.toml_values(self._draft) == server_fields.toml_values(self._before):
            self.dismiss()
        else:
            self.app.push_screen(ConfirmScreen("Leave without saving?"), self._leave)

    def _leave(self, sure: bool | None) -> None:  # noqa: FBT001 - the answer
        if sure:
            self.dismiss()

    def _row(self, key: str) -> FieldRow:
        return self.query_one(f"#field-{key}", FieldRow)


def _sentence(refusal: FieldError) -> str:
    return refusal.message + (f": {refusal.hint}" if refusal.hint else "")
