"""Who holds a license: asked when it opens and on request, over the screen it was asked on.

Owns the dialog and its keys. Must not know what it says (`holders_view`), nor how servers are
asked. What it shows goes with it: nothing is kept, exported or logged.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on, work
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable

from lictui.model import Level
from lictui.tui import commands
from lictui.tui.text import Fragment, Line, Tone, format_age, format_count, strip_controls
from lictui.tui.time_range import format_moment, time_zone
from lictui.tui.widgets.styled_text import StyledLabel
from lictui.tui.widgets.table import KeyedTable, TableColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from lictui.engine.license_users import LicenseUsers, VisibleUser
    from lictui.tui.app import LictuiApp
    from lictui.tui.theme import Symbols


# Who holds a license, in columns and words


MOST: Final = 1000  # rows that are shown: the longest held
_COLUMNS: Final = (
    TableColumn("user", "User", 12),
    TableColumn("host", "Host", 12),
    TableColumn("since", "Since", 16),
    TableColumn("held", "For", 7),
    TableColumn("count", "Count", 5),
    TableColumn("idle", "", 4),
)
_SERVER: Final = TableColumn("server", "Server", 12)
_GAP: Final = 1
_REPLACED: Final = {
    "hide": "Names are hidden",
    "hash": "Names are hashed",
}


@dataclass(frozen=True, slots=True)
class LicenseUserRow:
    """One holding, and the server that it was asked of."""

    server: str
    holding: VisibleUser
    at: float  # when it was told


def rows(answers: Sequence[LicenseUsers]) -> dict[str, LicenseUserRow]:
    """Every holding by a key of its own, the longest held first, at most `MOST`."""
    found = [LicenseUserRow(it.server, holding, it.at) for it in answers for holding in it.users]
    found.sort(key=lambda row: _since(row.holding))
    return {str(at): row for at, row in enumerate(found[:MOST])}


def _since(holding: VisibleUser) -> tuple[bool, float]:
    since = holding.license_user.since
    return since is None, since or 0.0


def columns(width: int, *, several: bool) -> tuple[TableColumn, ...]:
    """The columns there is room for; user and host take what is left over."""
    chosen: tuple[TableColumn, ...] = (_SERVER, *_COLUMNS) if several else _COLUMNS
    if width < sum(column.width + _GAP for column in chosen):
        chosen = tuple(it for it in chosen if it.key != "idle")  # a sign says it, too
    spare = max(0, width - sum(column.width + _GAP for column in chosen))
    extra = {"user": spare // 2, "host": spare - spare // 2}
    return tuple(replace(it, width=it.width + extra.get(it.key, 0)) for it in chosen)


def cells(row: LicenseUserRow, tz: ZoneInfo | None, symbols: Symbols) -> Mapping[str, Fragment]:
    """Every cell of one row, by its column."""
    holder, idle = row.holding.license_user, row.holding.idle
    tone = Tone.WARN if idle else Tone.TEXT
    since = holder.since
    mark = symbols.level[Level.WARN] if idle else ""
    return {
        "server": (strip_controls(row.server), Tone.QUIET),
        "user": (strip_controls(holder.user), Tone.STRONG),
        "host": (strip_controls(holder.device), Tone.TEXT),
        "since": ("?" if since is None else format_moment(since, tz, year=_long_ago(row)), tone),
        "held": ("?" if since is None else mark + format_age(row.at - since), tone),
        "count": (f"{holder.count:>5}", Tone.TEXT),
        "idle": ("idle" if idle else "", Tone.WARN),
    }


def _long_ago(row: LicenseUserRow) -> bool:
    since = row.holding.license_user.since
    return since is not None and row.at - since > 300 * 86400  # the year begins to matter


def summary(answers: Sequence[LicenseUsers]) -> Line:
    """How many hold how much, and who said so."""
    holdings = [holding for answer in answers for holding in answer.users]
    licenses = sum(holding.license_user.count for holding in holdings)
    idle = sum(holding.idle for holding in holdings)
    told = ", ".join(dict.fromkeys(strip_controls(name) for it in answers for name in it.sources))
    if not told:
        return (("Nobody can tell.", Tone.WARN),)
    if not holdings:
        return (("Nobody holds one", Tone.TEXT), (f"  told by {told}", Tone.QUIET))
    first = f", the {format_count(MOST)} longest held here" if len(holdings) > MOST else ""
    marked = f" · {format_count(idle)} idle" if idle else ""
    return (
        (f"{_many(licenses, 'license')}, {_many(len(holdings), 'holder')}", Tone.STRONG),
        (f"{first}{marked}", Tone.STRONG),
        (f"  told by {told}", Tone.QUIET),
    )


def _many(count: int, what: str) -> str:
    return f"{format_count(count)} {what}{'' if count == 1 else 's'}"


def foot(
    answers: Sequence[LicenseUsers], chosen: LicenseUserRow | None, symbols: Symbols
) -> Iterator[Line]:
    """What went wrong, what the chosen row means, and why names are not to be seen."""
    for answer in answers:
        for server, failure in answer.failures:
            said = f"{symbols.failed} {strip_controls(server)}: {strip_controls(failure.message)}"
            yield ((said, Tone.CRITICAL),)
            if failure.hint:
                yield ((f"{symbols.arrow} {strip_controls(failure.hint)}", Tone.ACCENT),)
    if chosen is not None:
        yield (
            ("assigned" if chosen.holding.license_user.assigned else "checked out", Tone.TEXT),
            (f"; {_idle(chosen)}" if chosen.holding.idle else "", Tone.WARN),
        )
        if chosen.holding.release:
            yield ((f"{symbols.arrow} {strip_controls(chosen.holding.release)}", Tone.ACCENT),)
    for users in dict.fromkeys(it.privacy for it in answers if it.users):
        if users in _REPLACED:
            said = f'{_REPLACED[users]}; config.toml, [privacy]: users = "show"'
            yield ((said, Tone.QUIET),)


def _idle(row: LicenseUserRow) -> str:
    if row.holding.release:
        return "long idle: this would release it, on the license server; lictui never runs it"
    return "long idle"


def releases(answers: Sequence[LicenseUsers]) -> tuple[str, ...]:
    """The lines that would release what is idle."""
    return tuple(it.release for answer in answers for it in answer.users if it.release)


_WIDEST: Final = 100
_FRAME: Final = 5  # columns of frame, blanks and scroll bar


class LicenseUsersScreen(ModalScreen[None]):
    """The holders of one product on some servers."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("holders")]
    CSS = """
    LicenseUsersScreen {
        align: center middle;
        & Vertical {
            width: 100;
            max-width: 100%;
            height: 36;
            max-height: 100%;
            background: $panel;
            border: round $frame;
            padding: 0 1;
        }
        & .-bare { height: auto; }
        & .-bare KeyedTable { display: none; }
        & KeyedTable { padding-left: 0; background: $panel; }
        & #foot { padding-top: 1; max-height: 8; }
    }
    """

    def __init__(self, servers: tuple[str, ...], product: str, title: str) -> None:
        super().__init__()
        self._servers, self._product, self._title = servers, product, title
        self._answers: tuple[LicenseUsers, ...] = ()
        self._rows: dict[str, LicenseUserRow] = {}
        self._asking = False

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    def compose(self) -> ComposeResult:
        """A head, the list, and what there is to say of the chosen row."""
        with Vertical() as frame:
            frame.border_title = strip_controls(f"Who holds {self._title}")
            frame.border_subtitle = "esc closes · r asks again · Y copies"
            yield StyledLabel(id="head")
            yield KeyedTable(self.lictui.symbols)
            yield StyledLabel(id="foot")

    def on_mount(self) -> None:
        """Ask."""
        self.query_one(KeyedTable).focus()
        self.action_again()

    def on_resize(self) -> None:
        """Another width has other columns."""
        self.call_after_refresh(self._show)

    def action_again(self) -> None:
        """Ask anew, unless an answer is still to come."""
        if self._asking:
            return
        self._asking = True
        asked = ", ".join(strip_controls(server) for server in self._servers)
        self.query_one("#head", StyledLabel).show_lines(((f"Asking {asked} ...", Tone.QUIET),))
        self._ask()

    @work(group="holders")
    async def _ask(self) -> None:
        engine = self.lictui.engine
        asked = [engine.holders(server, self._product) for server in self._servers]
        self._answers = tuple(await asyncio.gather(*asked))
        self._asking = False
        self._rows = rows(self._answers)
        self.query_one("#head", StyledLabel).show_lines(summary(self._answers))
        self._show()

    def _show(self) -> None:
        width, app = min(self.size.width, _WIDEST) - _FRAME, self.lictui
        tz = time_zone(app.settings.timezone)
        table = self.query_one(KeyedTable)
        table.show_rows(
            columns(width, several=len(self._servers) > 1),
            {key: cells(row, tz, app.symbols) for key, row in self._rows.items()},
        )
        self.query_one(Vertical).set_class(bool(self._answers) and not self._rows, "-bare")
        self._tell()

    @on(DataTable.RowHighlighted)
    def _tell(self) -> None:
        chosen = self._rows.get(self.query_one(KeyedTable).selected_key)
        lines = foot(self._answers, chosen, self.lictui.symbols)
        self.query_one("#foot", StyledLabel).show_lines(*lines)

    def action_move(self, by: int) -> None:
        """To the next or the previous row."""
        table = self.query_one(KeyedTable)
        table.move_cursor(row=table.cursor_row + by)

    def action_copy(self) -> None:
        """The lines that would release what is idle, to the clipboard; nothing runs them."""
        lines = releases(self._answers)
        if not lines:
            hidden = any(it.idle for answer in self._answers for it in answer.users)
            said = "Names are not shown, so there is no line" if hidden else "Nothing here is idle"
            self.notify(f"{said}: nothing copied", severity="warning", markup=False)
            return
        self.app.copy_to_clipboard("\n".join(lines) + "\n")
        self.notify(f"Copied {len(lines)} lines" if len(lines) > 1 else "Copied the line",
                    timeout=2, markup=False)  # fmt: skip
