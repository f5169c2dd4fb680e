"""The form of a server: its fields, the connection test, and saving to the registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, cast

from msgspec.structs import replace
from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus
from textual.keys import key_to_character
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Footer, Input

from lictui.config import server_schema
from lictui.engine.merge import servers_on_hosts
from lictui.errors import LictuiError
from lictui.model import FailureKind, Level, Server, Step, StepResult
from lictui.paths import current_folder
from lictui.tui.screens import server_fields
from lictui.tui.screens.dialogs import confirm
from lictui.tui.screens.main_screen import AppScreen
from lictui.tui.text import Line, Tone, hang, line_width
from lictui.tui.widgets.bars import KeyField, TextInput
from lictui.tui.widgets.styled_text import StyledLabel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from textual.app import ComposeResult
    from textual.binding import ActiveBinding

    from lictui.tui.app import EngineClient
    from lictui.tui.theme import Symbols


class SelectField(KeyField, Widget, can_focus=True):
    """One of several values, each with its meaning; with the focus all of them are listed."""

    DEFAULT_CSS = """
    SelectField {
        height: 1;
        width: 1fr;
        background: $surface;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        &:focus { height: auto; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "step(-1)", show=False),
        Binding("right,down,space", "step(1)", show=False),
        Binding("enter", "app.focus_next", show=False),
    ]

    value: reactive[str] = reactive("", init=False)

    def __init__(self, options: tuple[tuple[str, str], ...], value: str) -> None:
        super().__init__()
        self._meanings = dict(options)
        self.set_reactive(SelectField.value, value)

    def render(self) -> Content:
        """Return the value between arrows with its meaning, or all options, one per line."""
        if not self.has_focus:
            return Content.assemble(
                ("◂ ", "$accent"),
                (self.value or "?", "bold"),
                (" ▸", "$accent"),
                (f"  {self._meanings.get(self.value, '')}", "$quiet"),
            )
        width = max(map(len, self._meanings))
        return Content("\n").join(
            Content.assemble(
                ("▸ " if value == self.value else "  ", "$accent"),
                (f"{value:<{width}}", "bold" if value == self.value else ""),
                (f"  {meaning}", "$quiet"),
            )
            for value, meaning in self._meanings.items()
        )

    def action_step(self, by: int) -> None:
        values = list(self._meanings)
        at = values.index(self.value) if self.value in self._meanings else 0
        self.value = values[(at + by) % len(values)]

    def on_click(self, event: events.Click) -> None:
        values = list(self._meanings)
        if self.has_focus and event.y < len(values):
            self.value = values[event.y]

    @on(events.Focus)
    @on(events.Blur)
    def _toggle_list(self) -> None:
        self.refresh(layout=True)

    def watch_value(self, value: str) -> None:
        self.post_message(Input.Changed(cast("Input", self), value))  # as every other field


# A row of the form


class FieldRow(Container):
    """A field of the form with its error below; hidden until `show_field` is called."""

    DEFAULT_CSS = """
    FieldRow {
        layout: grid;
        grid-size: 2;
        grid-columns: 12 1fr;
        grid-rows: auto;
        height: auto;
        max-width: 100;
        & .problem { column-span: 2; padding-left: 12; }
        & Input:focus { background: $chosen; }
    }
    """

    def __init__(self, field: server_fields.FormField, text: str, symbols: Symbols) -> None:
        super().__init__(id=f"field-{field.key}")
        self.key, self.help = field.key, ""
        self._symbols = symbols
        self.entry: Input | SelectField
        if field.choices:
            self.entry = SelectField(field.choices, text or field.default)
        else:
            self.entry = TextInput(text, compact=True)

    def compose(self) -> ComposeResult:
        yield StyledLabel()
        yield self.entry
        yield StyledLabel(classes="problem")

    def show_field(self, field: server_fields.FormField | None, problem: str) -> None:
        """Show this field with its error, if any; None hides the row."""
        self.display = field is not None
        if field is None:
            return
        self.help = field.help
        if isinstance(self.entry, Input):
            self.entry.placeholder = field.default or field.example
            self.entry.password = server_fields.is_password(self.key, self.entry.value)
        title, label = self.query(StyledLabel)
        title.show_lines(((field.title, Tone.CRITICAL if problem else Tone.TEXT),))
        label.display = bool(problem)
        label.show_lines(((f"{self._symbols.failed} {problem}", Tone.CRITICAL),))

    def set_value(self, text: str) -> None:
        with self.prevent(Input.Changed):
            self.entry.value = text
        if isinstance(self.entry, Input) and self.entry.has_focus:
            self.entry.action_select_all()  # the next key replaces it, as after a focus by key


def _base() -> Path:
    """Return the folder where relative paths start."""
    try:
        return current_folder()
    except LictuiError:  # it was deleted
        return Path("/")


# The steps of a connection test as text


_NAME: Final = max(len(step) for step in Step)
_TIME: Final = 9
_MINIMUM_DETAIL: Final = 20  # columns; with fewer the detail goes below its step


def step_lines(
    results: Sequence[StepResult], width: int, symbols: Symbols, *, running: bool = False
) -> Iterator[Line]:
    """Each step with its detail, and the one that runs; no line is wider than `width`."""
    for result in results:
        yield from _result_lines(result, width, symbols)
    for step in list(Step)[len(results) :][:running]:
        yield ((f"{symbols.pending} {step}", Tone.QUIET),)


def _result_lines(result: StepResult, width: int, symbols: Symbols) -> Iterator[Line]:
    glyph, tone = (symbols.passed, Tone.OK) if result.ok else (symbols.failed, Tone.CRITICAL)
    head: Line = (
        (f"{glyph} ", tone),
        (f"{result.step:<{_NAME}}", Tone.STRONG),
        (f"{result.seconds * 1000:,.0f} ms".rjust(_TIME) + "  ", Tone.QUIET),
    )
    detail = ((result.detail, Tone.TEXT if result.ok else tone),)
    indent: Line = ((" " * line_width(head), Tone.QUIET),)
    if width - line_width(head) >= _MINIMUM_DETAIL:
        yield from hang(head, detail, width)
    else:
        indent = (("  ", Tone.QUIET),)
        yield from (head, *hang(indent, detail, width))
    if result.fingerprint not in result.detail.lower().replace(":", ""):
        yield from hang(indent, ((f"sha256:{result.fingerprint}", Tone.ACCENT),), width)
    if result.hint:
        arrow = (f"{symbols.arrow} ", Tone.ACCENT)
        yield from hang((*indent, arrow), ((result.hint, Tone.ACCENT),), width)


class ConnectionTest(StyledLabel):
    """The steps of a connection test, or an error."""

    def __init__(self, symbols: Symbols, on_change: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._symbols = symbols
        self._on_change = on_change
        self.title: tuple[Line, ...] = ()  # above the steps
        self._results: list[StepResult] = []

    @property
    def passed(self) -> bool:
        return bool(self._results) and self._results[-1].ok

    async def run(self, engine: EngineClient, server: Server, pin_hint: str = "") -> None:
        self._results = []
        self._show(running=True)
        try:
            async for step in engine.test(server):
                is_untrusted = step.fingerprint and not step.ok
                result = replace(step, hint=pin_hint or step.hint) if is_untrusted else step
                self._results.append(result)
                self._show(running=result.ok)
        except LictuiError as error:
            self.show_error(error)
            return
        self._show(running=False)

    def show_error(self, error: LictuiError) -> None:
        lines: list[Line] = [((f"{self._symbols.failed} {error.message}", Tone.CRITICAL),)]
        if error.hint:
            lines.append(((f"  {self._symbols.arrow} {error.hint}", Tone.ACCENT),))
        self._replace(*lines)

    def pin(self, verify: str) -> str:
        """The certificate to pin, if it is not trusted or not verified; else ""."""
        for result in self._results:
            pin = f"sha256:{result.fingerprint}"
            trusted = result.ok and verify != "false"
            if result.fingerprint and not trusted and pin != verify:
                return pin
        return ""

    @property
    def host_names(self) -> tuple[str, ...]:
        return tuple(host for result in self._results for host in result.host_names)

    def _show(self, *, running: bool) -> None:
        width = self.screen.size.width - 4  # padding and scroll bar
        self._replace(*step_lines(self._results, width, self._symbols, running=running))

    def _replace(self, *lines: Line) -> None:
        self.show_lines(*self.title, *lines)
        self._on_change()


_MISPLACED: Final = {  # what may be a password that was typed into this field
    "secret": "not the secret itself: {store} stores it in a private file",
    "verify": "not true, false, sha256:HEX, or a path that starts with / or ./",
    "certificate": "not a path that starts with / or ./",
}
_PIN_HINT: Final = "Press {} to pin this certificate after comparing the fingerprint"
_FOCUSED: Final = {
    FailureKind.AUTH: "secret",
    FailureKind.CONFIG: "secret",
    FailureKind.TLS: "verify",
}


class FormScreen(Screen[None], AppScreen):
    """Add a server, or edit the given one."""

    VIEW = "form"
    CSS = """
    FormScreen {
        & #title { height: 1; padding: 0 1; background: $panel; }
        & #fields { padding: 1 1 0 1; scrollbar-gutter: stable; scrollbar-size-vertical: 1; }
        & #actions { height: 1; margin: 1 0 1 0; }
        & #actions Button { margin-right: 2; }
        & #pin, & #store { display: none; }
        & #help { padding-left: 12; max-width: 100; }
        & ConnectionTest { padding: 0 0 1 0; }
        &.-narrow {
            & #fields { padding: 0 1; }
            & #actions { margin: 0; }
            & #actions Button { margin-right: 1; min-width: 8; }
        }
    }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (76, "-wide")]  # noqa: RUF012 - as Textual declares it

    def __init__(self, server: Server | None = None, *, test: bool = False) -> None:
        super().__init__()
        self._replaced = server
        self._replaced_name = server.name if server else None
        self._original = server_fields.form_values(server) if server else {}
        self._values = dict(self._original)  # as of the last change that was handled
        self._test_on_open = test
        self._edited: set[str] = set(self._original)  # fields whose errors are shown
        self._suggested = ""  # name
        self._asked_about: set[str] = set()  # servers that may be the same one

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The keys in the footer: those that work in every field, so none that is printable."""
        return {
            key: binding
            for key, binding in super().active_bindings.items()
            if not (key_to_character(key) or "\0").isprintable()
        }

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to pin and to store only while there is something to pin or to store."""
        del parameters
        if action in ("pin", "store") and self.is_mounted:
            return bool(self.query_one(f"#{action}").display)
        return True

    def compose(self) -> ComposeResult:
        """All fields of all sources; those that the source does not need are hidden."""
        title = f"Edit {self._replaced_name}" if self._replaced_name else "Add a server"
        hint = self.key_hint("form.previous", "change source type") * (not self._replaced_name)
        yield StyledLabel(((f"{title}   ", Tone.STRONG), (hint, Tone.QUIET)), id="title")
        with VerticalScroll(id="fields", can_focus=False):
            for key, field in server_fields.ALL_FIELDS.items():
                yield FieldRow(field, self._original.get(key, ""), self.lictui.symbols)
            yield StyledLabel(id="help")
            yield StyledLabel(id="warnings")
            with Horizontal(id="actions"):
                for name in ("test", "save", "cancel"):
                    yield Button(name.title(), id=name, compact=True, action=f"screen.{name}")
                for name, label in (("pin", "Pin this certificate"), ("store", "Store password")):
                    action = f"screen.{name}"
                    yield Button(label, "warning", id=name, compact=True, action=action)
            yield ConnectionTest(self.lictui.symbols, self._on_test_change)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self._show_fields()
        address = next(key for key in server_fields.visible_fields(self._values) if key != "source")
        status = self.lictui.board.registered.find(self._replaced_name or "")
        kind = status.failure.kind if status and status.failure else None
        wrong = _FOCUSED.get(kind, "name") if kind else "name"  # what has to be corrected
        self._row(wrong if self._replaced_name else address).entry.focus()
        if self._test_on_open:
            self.call_after_refresh(self.action_test)

    # The fields

    @on(Input.Changed)
    def _on_value(self, message: Input.Changed) -> None:
        row = message.control.parent
        if not isinstance(row, FieldRow) or self._values.get(row.key, "") == message.value:
            return
        self._values[row.key] = message.value
        self._edited.add(row.key)
        self._show_fields()

    def _with_key(self, text: str) -> str:
        return text.replace("{store}", self.lictui.key_of("form.store"))

    def _set_value(self, key: str, text: str) -> None:
        self._values[key] = text
        self._row(key).set_value(text)

    def _show_fields(self) -> None:
        visible = server_fields.visible_fields(self._values)
        server, errors = self._validated()
        is_password = server_fields.is_password("secret", self._values.get("secret", ""))
        self.query_one("#store").display = is_password and "secret" in visible
        self.refresh_bindings()
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
        texts = self._values
        values = server_fields.toml_values(texts)
        server, field_errors = server_schema.validate_server(values, _base())
        errors = {
            error.key: error.message + (f": {error.hint}" if error.hint else "")
            for error in field_errors
        }
        if texts.get("name", "").strip() in self._other_names:
            errors["name"] = "name already in use"
        if values.get("same_as", "") not in ("", *self._other_names):
            errors.setdefault("same_as", "no server has this name")
        for key in server_fields.visible_fields(texts):
            if server_fields.is_password(key, texts.get(key, "")):
                errors[key] = self._with_key(_MISPLACED[key])
        return (None if errors else server), errors

    @property
    def _other_names(self) -> set[str]:
        names = {status.server.name for status in self.lictui.board.registered.servers}
        return names - {self._replaced_name or ""}

    def _complete_server(self) -> Server | None:
        """The server of these values; None, with every error shown, if they are not valid."""
        self._edited.update(server_fields.ALL_FIELDS)
        self._values |= {row.key: row.entry.value for row in self.query(FieldRow)}
        self._suggest_name()
        self._show_fields()
        server, errors = self._validated()
        for row in self.query(FieldRow):
            if row.key in errors and row.display:
                row.entry.focus()
                self._connection_test.show_error(LictuiError("Please correct the marked fields."))
                self.call_after_refresh(row.scroll_visible, animate=False)
                break
        return server

    @on(Input.Submitted)
    def _focus_next_field(self) -> None:
        self.focus_next()

    @on(DescendantFocus)
    def _show_help(self, event: DescendantFocus) -> None:
        """Show what the focused field means, below it."""
        row, label = event.widget.parent, self.query_one("#help", StyledLabel)
        label.display = isinstance(row, FieldRow)
        if isinstance(row, FieldRow):
            self.query_one("#fields").move_child(label, after=row)
            label.show_lines(((self._with_key(row.help), Tone.QUIET),))

    @on(DescendantBlur)
    def _suggest_name(self) -> None:
        """Name the server by its address, once that is complete, or by what a test found."""
        if self._row("name").entry.value in ("", self._suggested):
            hosts = self._connection_test.host_names
            self._suggested = server_fields.suggested_name(self._values, self._other_names, hosts)
            if self._suggested != self._values.get("name", ""):
                self._set_value("name", self._suggested)
                self._show_fields()

    # The connection test

    @property
    def _connection_test(self) -> ConnectionTest:
        return self.query_one(ConnectionTest)

    def _on_test_change(self) -> None:
        self.query_one("#pin").display = bool(self._pin)
        self.refresh_bindings()
        fields = self.query_one("#fields", VerticalScroll)
        self.call_after_refresh(fields.scroll_end, animate=False, immediate=True)

    def action_test(self) -> None:
        self.workers.cancel_group(self, "form-test")
        if server := self._complete_server():
            self._test(server)

    @work(group="form-test")
    async def _test(self, server: Server) -> None:
        connection_test = self._connection_test
        pin_hint = _PIN_HINT.format(self.lictui.key_of("form.pin"))
        await connection_test.run(self.lictui.engine, server, pin_hint)
        if self._pin:
            self.query_one("#pin").focus(scroll_visible=False)
        elif connection_test.passed:
            self._suggest_name()
            self.query_one("#save").focus(scroll_visible=False)
            self._ask_same_server(server)

    def _ask_same_server(self, server: Server) -> None:
        """Ask once whether a registered server on the same host is the same license server."""
        hosts = self._connection_test.host_names
        same_servers = servers_on_hosts(self.lictui.board, hosts)
        own = self._replaced_name or server.name
        same = next((name for name in same_servers if name != own), "")
        if not same or same in self._asked_about or server.same_as:
            return
        self._asked_about.add(same)

        def merge() -> None:
            self._set_value("same_as", same)
            self._show_fields()

        question = f"{hosts[0]} and {same} are the same license server. Merge into one pane?"
        confirm(self.app, question, "Both are polled and recorded.", merge)

    @property
    def _pin(self) -> str:
        return self._connection_test.pin(self._values.get("verify", ""))

    def action_pin(self) -> None:
        self._set_value("verify", self._pin)
        self._show_fields()
        self.query_one("#test").focus()
        pinned = "Certificate pinned: only this one is trusted from now on"
        self._connection_test.title = (((pinned, Tone.OK),),)
        self.action_test()

    @work(group="form-store")
    async def action_store(self) -> None:
        """Put the reference to a stored password in the place of the password."""
        self._suggest_name()
        name, secret = self._values.get("name", ""), self._values.get("secret", "")
        show_error = self._connection_test.show_error
        reference = await self.ask(lambda engine: engine.store_secret(name, secret), show_error)
        if reference is not None:
            self._set_value("secret", reference)
            self._show_fields()
            self.query_one("#test").focus()

    # Save and close

    def action_save(self) -> None:
        if server := self._complete_server():
            self._save(server)

    @work(group="form-save")
    async def _save(self, server: Server) -> None:
        try:
            await self.lictui.engine.ask(lambda engine: engine.save(server, self._replaced))
        except LictuiError as error:
            self._connection_test.show_error(error)
            return
        self.lictui.poll(server.name)
        if self.is_current:  # else the new board has opened the dashboard already
            self.dismiss()

    def action_cancel(self) -> None:
        values = server_fields.toml_values
        if values(self._values) == values(self._original):
            self.dismiss()
        else:
            confirm(self.app, "Discard changes?", "", self.dismiss)

    def _row(self, key: str) -> FieldRow:
        return self.query_one(f"#field-{key}", FieldRow)
