"""Who holds a license: asked when it opens and on request, over the screen it was asked on.

Owns the dialog and its keys. Must not know what it says (`holders_view`), nor how servers are
asked. What it shows goes with it: nothing is kept, exported or logged.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on, work
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable

from lictui.tui import commands
from lictui.tui.ink import Tone
from lictui.tui.screens import holders_view
from lictui.tui.span import time_zone
from lictui.tui.text import clean
from lictui.tui.widgets.keyed_table import KeyedTable
from lictui.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from lictui.engine.holders import Holders
    from lictui.tui.app import LictuiApp

_WIDEST: Final = 100
_FRAME: Final = 5  # columns of frame, blanks and scroll bar


class HoldersScreen(ModalScreen[None]):
    """The holders of one product on some servers."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("holders")]
    CSS = """
    HoldersScreen {
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
        self._answers: tuple[Holders, ...] = ()
        self._rows: dict[str, holders_view.Row] = {}
        self._asking = False

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    def compose(self) -> ComposeResult:
        """A head, the list, and what there is to say of the chosen row."""
        with Vertical() as frame:
            frame.border_title = clean(f"Who holds {self._title}")
            frame.border_subtitle = "esc closes · r asks again · Y copies"
            yield Prose(id="head")
            yield KeyedTable(self.lictui.symbols)
            yield Prose(id="foot")

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
        asked = ", ".join(clean(server) for server in self._servers)
        self.query_one("#head", Prose).say(((f"Asking {asked} ...", Tone.QUIET),))
        self._ask()

    @work(group="holders")
    async def _ask(self) -> None:
        engine = self.lictui.engine
        asked = [engine.holders(server, self._product) for server in self._servers]
        self._answers = tuple(await asyncio.gather(*asked))
        self._asking = False
        self._rows = holders_view.rows(self._answers)
        self.query_one("#head", Prose).say(holders_view.summary(self._answers))
        self._show()

    def _show(self) -> None:
        width, app = min(self.size.width, _WIDEST) - _FRAME, self.lictui
        tz = time_zone(app.settings.timezone)
        table = self.query_one(KeyedTable)
        table.present(
            holders_view.columns(width, several=len(self._servers) > 1),
            {key: holders_view.cells(row, tz, app.symbols) for key, row in self._rows.items()},
        )
        self.query_one(Vertical).set_class(bool(self._answers) and not self._rows, "-bare")
        self._tell()

    @on(DataTable.RowHighlighted)
    def _tell(self) -> None:
        chosen = self._rows.get(self.query_one(KeyedTable).chosen)
        lines = holders_view.foot(self._answers, chosen, self.lictui.symbols)
        self.query_one("#foot", Prose).say(*lines)

    def action_move(self, by: int) -> None:
        """To the next or the previous row."""
        table = self.query_one(KeyedTable)
        table.move_cursor(row=table.cursor_row + by)

    def action_copy(self) -> None:
        """The lines that would release what is idle, to the clipboard; nothing runs them."""
        lines = holders_view.releases(self._answers)
        if not lines:
            hidden = any(it.idle for answer in self._answers for it in answer.holdings)
            said = "Names are not shown, so there is no line" if hidden else "Nothing here is idle"
            self.notify(f"{said}: nothing copied", severity="warning", markup=False)
            return
        self.app.copy_to_clipboard("\n".join(lines) + "\n")
        self.notify(f"Copied {len(lines)} lines" if len(lines) > 1 else "Copied the line",
                    timeout=2, markup=False)  # fmt: skip
