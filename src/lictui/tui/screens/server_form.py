"""The form of a server: its fields, the connection test, and saving to the registry."""

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
from lictui.model import Level, Server, Step, StepResult
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
    from lictui.tui.engine import EngineClient
    from lictui.tui.theme import Symbols


# The steps of a connection test as text


_STEPS: Final = tuple(Step)
_NAME: Final = max(len(step) for step in Step)
_TIME: Final = 9
_INDENT: Final = 2 + _NAME + _TIME + 2
_MINIMUM_DETAIL: Final = 20  # columns; with fewer the detail goes below its step


def step_lines(
    results: Sequence[StepResult], width: int, symbols: Symbols, *, running: bool = False
) -> Iterator[Line]:
    """Each step with its detail, and the one that runs; no line is wider than `width`."""
    for result in results:
        yield from _result_lines(result, width, symbols)
    if running and len(results) < len(_STEPS):
        yield ((f"{symbols.pending} {_STEPS[len(results)]}", Tone.QUIET),)


def _result_lines(result: StepResult, width: int, symbols: Symbols) -> Iterator[Line]:
    glyph, tone = (symbols.passed, Tone.OK) if result.ok else (symbols.failed, Tone.CRITICAL)
    head = (
        (f"{glyph} ", tone),
        (f"{result.step:<{_NAME}}", Tone.STRONG),
        (f"{result.seconds * 1000:,.0f} ms".rjust(_TIME) + "  ", Tone.QUIET),
    )
    indent = _INDENT if width - _INDENT >= _MINIMUM_DETAIL else 2
    detail = wrap(strip_controls(result.detail), max(1, width - indent)) or [""]
    detail_tone = Tone.TEXT if result.ok else Tone.CRITICAL
    if indent == _INDENT:
        yield (*head, (detail.pop(0), detail_tone))
    else:
        yield head
    yield from (((" " * indent + part, detail_tone),) for part in detail)
    if result.fingerprint not in result.detail.lower().replace(":", ""):
        pin = wrap(f"sha256:{result.fingerprint}", max(1, width - indent))
        yield from (((" " * indent + part, Tone.ACCENT),) for part in pin)
    if result.hint:
        room = max(1, width - indent - len(symbols.arrow) - 1)
        hint = wrap(strip_controls(result.hint), room)
        blank = " " * len(symbols.arrow)
        for arrow, part in zip_longest([symbols.arrow], hint, fillvalue=blank):
            yield ((" " * indent + f"{arrow} {part}", Tone.ACCENT),)


class ConnectionTest(StyledLabel):
    """Below the fields: the steps of the connection test, or an error."""

    DEFAULT_CSS = "ConnectionTest { padding: 0 0 1 0; }"

    def __init__(self, symbols: Symbols, on_change: Callable[[], None]) -> None:
        super().__init__(id="steps")
        self._symbols = symbols
        self._on_change = on_change
        self._results: list[StepResult] = []

    @property
    def passed(self) -> bool:
        """Whether the last test succeeded."""
        return bool(self._results) and self._results[-1].ok

    async def run(self, engine: EngineClient, server: Server) -> None:
        """Test `server`, and show every step when it ends."""
        self._results = []
        self._show(running=True)
        try:
            async for result in engine.test(server):
                self._results.append(result)
                self._show(running=result.ok)
        except LictuiError as error:
            self.show_error(error.message, error.hint)
            return
        self._show(running=False)

    def show_error(self, message: str, hint: str = "") -> None:
        """Show an error in place of the steps."""
        lines: list[Line] = [((f"{self._symbols.failed} {message}", Tone.CRITICAL),)]
        if hint:
            lines.append(((f"  {self._symbols.arrow} {hint}", Tone.ACCENT),))
        self._replace(*lines)

    def pin(self, verify: str) -> str:
        """The certificate to pin, if it is not trusted or not verified; else ""."""
        for result in self._results:
            pin = f"sha256:{result.fingerprint}"
            trusted = result.ok and verify != "false"
            if result.fingerprint and not trusted and pin != verify:
                return pin
        return ""

    def same_server(self, board: MergedBoard, name: str) -> tuple[str, str]:
        """The host that responded, and the registered server on that host; else two "".

        `name` is the tested server itself, which does not count.
        """
        hosts = tuple(host for result in self._results for host in result.host_names)
        others = [server for server in servers_on_hosts(board, hosts) if server != name]
        return (hosts[0], others[0]) if hosts and others else ("", "")

    def _show(self, *, running: bool) -> None:
        width = self.screen.size.width - 4  # padding and scroll bar
        self._replace(*step_lines(self._results, width, self._symbols, running=running))

    def _replace(self, *lines: Line) -> None:
        self.show_lines(*lines)
        self._on_change()


class FormScreen(Screen[None]):
    """Add a server, or edit the given one."""

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
        self._replaced_name = server.name if server else None
        self._original = server_fields.form_values(server) if server else {}
        self._values = dict(self._original)
        self._test_on_open = test
        self._edited: set[str] = set(self._original)  # fields whose errors are shown
        self._has_own_name = server is not None  # not the suggested one
        self._asked_about: set[str] = set()  # servers that may be the same one
        self._running_test: Worker[None] | None = None

    @property
    def lictui(self) -> LictuiApp:
        """The application, with its own type."""
        return cast("LictuiApp", self.app)

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The keys in the footer: those that work in every field, so none that is printable."""
        return {
            key: binding
            for key, binding in super().active_bindings.items()
            if not (key_to_character(key) or "\0").isprintable()
        }

    def compose(self) -> ComposeResult:
        """All fields of all sources; those that the source does not need are hidden."""
        title = f"Edit {self._replaced_name}" if self._replaced_name else "Add a server"
        hint = "" if self._replaced_name else "   Shift+Tab: change source type"
        yield StyledLabel(((title, Tone.STRONG), (hint, Tone.QUIET)), id="title")
        with VerticalScroll(id="fields", can_focus=False):
            for key, field in server_fields.ALL_FIELDS.items():
                yield FieldRow(field, self._values.get(key, ""), self.lictui.symbols)
            yield StyledLabel(id="warnings")
            with Horizontal(id="actions"):
                yield Button("Test", id="test", compact=True)
                yield Button("Save", id="save", compact=True, variant="primary")
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Pin this certificate", id="pin", compact=True, variant="warning")
            yield ConnectionTest(self.lictui.symbols, self._on_test_change)
        yield StyledLabel(id="help")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self._show_fields()
        first = "name" if self._replaced_name else server_fields.first_field(self._values)
        self._row(first).entry.focus()
        if self._test_on_open:
            self.call_after_refresh(self.action_test)

    # The fields

    @on(Input.Changed)
    @on(SelectField.Changed)
    def _on_value(self, message: Input.Changed | SelectField.Changed) -> None:
        row = message.control.parent
        if not isinstance(row, FieldRow) or self._values.get(row.key, "") == message.value:
            return
        self._values[row.key] = message.value
        self._edited.add(row.key)
        suggested = server_fields.suggested_name(self._values)
        if row.key == "name":
            self._has_own_name = message.value not in ("", suggested)
        elif not self._has_own_name and suggested != self._values.get("name", ""):
            self._set_value("name", suggested)
        self._show_fields()

    def _set_value(self, key: str, text: str) -> None:
        self._values[key] = text
        self._row(key).set_value(text)

    def _show_fields(self) -> None:
        """Show the fields the source needs, each with its example or its error."""
        visible = server_fields.visible_fields(self._values)
        server, errors = self._validated()
        for row in self.query(FieldRow):
            error = errors.get(row.key, "") if row.key in self._edited else ""
            row.show_field(visible.get(row.key), error)
        glyph = self.lictui.symbols.level[Level.WARN]
        warnings = server_schema.server_warnings(server) if server else ()
        label = self.query_one("#warnings", StyledLabel)
        label.display = bool(warnings)
        label.show_lines(*(((f"{glyph} {warning}", Tone.WARN),) for warning in warnings))

    def _validated(self) -> tuple[Server | None, dict[str, str]]:
        """The server of these values, or the error of each field."""
        values = server_fields.toml_values(self._values)
        server, field_errors = server_schema.validate_server(values, Path.cwd())
        errors = {error.key: _error_text(error) for error in field_errors}
        names = {status.server.name for status in self.lictui.board.registered.servers}
        if self._values.get("name", "").strip() in names - {self._replaced_name}:
            errors["name"] = "name already in use"
        return (None if errors else server), errors

    def _complete_server(self) -> Server | None:
        """The server of these values; None, with every error shown, if they are not valid."""
        self._edited.update(server_fields.ALL_FIELDS)
        self._values |= {row.key: row.entry.value for row in self.query(FieldRow)}
        self._show_fields()
        server, errors = self._validated()
        for row in self.query(FieldRow):
            if row.key in errors and row.display:
                row.entry.focus()
                self._connection_test.show_error("Please correct the marked fields.")
                break
        return server

    @on(Input.Submitted)
    @on(SelectField.Confirmed)
    def _focus_next_field(self) -> None:
        self.focus_next()

    @on(DescendantFocus)
    def _show_help(self, event: DescendantFocus) -> None:
        row = event.widget.parent
        texts = [row.help] if isinstance(row, FieldRow) else []
        if isinstance(row, FieldRow) and row.example and self.has_class("-narrow"):
            texts.append(f"Example: {row.example}")  # there is no room next to the field
        label = self.query_one("#help", StyledLabel)
        label.show_lines(*(((text, Tone.QUIET),) for text in texts))

    # The connection test

    @property
    def _connection_test(self) -> ConnectionTest:
        return self.query_one(ConnectionTest)

    def _on_test_change(self) -> None:
        self.query_one("#pin").display = bool(self._pin)
        fields = self.query_one("#fields", VerticalScroll)
        self.call_after_refresh(fields.scroll_end, animate=False)

    @on(Button.Pressed, "#test")
    def action_test(self) -> None:
        if self._running_test:
            self._running_test.cancel()
        if server := self._complete_server():
            self._running_test = self._test(server)

    @work(group="form-test")
    async def _test(self, server: Server) -> None:
        connection_test = self._connection_test
        await connection_test.run(self.lictui.engine, server)
        if self._pin:
            self.query_one("#pin").focus(scroll_visible=False)
        elif connection_test.passed:
            self.query_one("#save").focus(scroll_visible=False)
            self._ask_same_server(server)

    def _ask_same_server(self, server: Server) -> None:
        """Ask once whether a registered server on the same host is the same license server."""
        name = self._replaced_name or server.name
        host, other = self._connection_test.same_server(self.lictui.board, name)
        if not other or other in self._asked_about or server.same_as:
            return
        self._asked_about.add(other)

        def on_answer(confirmed: bool | None) -> None:
            if confirmed:
                self._set_value("same_as", other)
                self._show_fields()

        hosts = f"{strip_controls(host)} and {strip_controls(other)}"
        question = f"{hosts} are the same license server. Merge into one pane?"
        self.app.push_screen(ConfirmScreen(question, "Both are polled and recorded."), on_answer)

    @property
    def _pin(self) -> str:
        return self._connection_test.pin(self._values.get("verify", ""))

    @on(Button.Pressed, "#pin")
    def _pin_certificate(self) -> None:
        self._set_value("verify", self._pin)
        self._show_fields()
        self.query_one("#test").focus()
        self.action_test()

    # Save and close

    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        if server := self._complete_server():
            self._save(server)

    @work(group="form-save")
    async def _save(self, server: Server) -> None:
        try:
            await self.lictui.engine.ask(lambda engine: engine.save(server, self._replaced_name))
        except LictuiError as error:
            self._connection_test.show_error(error.message, error.hint)
            return
        self.lictui.poll(server.name)
        if self.is_current:  # else the new board has opened the dashboard already
            self.dismiss()

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Close; ask first if a value was changed."""
        values = server_fields.toml_values
        if values(self._values) == values(self._original):
            self.dismiss()
        else:
            self.app.push_screen(ConfirmScreen("Discard changes?"), self._on_discard)

    def _on_discard(self, confirmed: bool | None) -> None:
        if confirmed:
            self.dismiss()

    def _row(self, key: str) -> FieldRow:
        return self.query_one(f"#field-{key}", FieldRow)


def _error_text(error: FieldError) -> str:
    return error.message + (f": {error.hint}" if error.hint else "")
