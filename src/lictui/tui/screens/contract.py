"""The contract sheet: what was bought against what is needed, and what ends in the next year.

Owns the two lists and what their keys do. Must not know where the contract is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.containers import Vertical

from lictui.engine.contract import Sheet, sheet, wanted
from lictui.errors import LictuiError
from lictui.tui import commands
from lictui.tui.ink import Tone
from lictui.tui.screens import contract_view
from lictui.tui.screens.view import View
from lictui.tui.widgets.keyed_table import KeyedTable
from lictui.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.analysis.usage import Key, Retrospect
    from lictui.engine.board import Board, By
    from lictui.tui.export import Table

_NONE = "Nothing is known of what was bought: write contract.toml"
_HOW = ", as the README shows"


class ContractScreen(View):
    """The contract sheet."""

    VIEW = "contract"
    AUTO_FOCUS = "#ends"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("contract")]
    CSS = """
    ContractScreen {
        & .head { height: 1; padding: 0 1; }
        & #bought { height: auto; max-height: 50%; }
        & #ends { height: 1fr; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._pasts: dict[By, Mapping[Key, Retrospect]] = {}
        self._asked: set[By] = set()
        self._sheet = Sheet((), ())

    def body(self) -> Widget:
        """The two lists."""
        symbols = self.lictui.symbols
        return Vertical(
            Prose(id="bought-head", classes="head"),
            KeyedTable(symbols, id="bought"),
            Prose(id="ends-head", classes="head"),
            KeyedTable(symbols, id="ends"),
        )

    def board_changed(self, board: Board) -> None:
        """Compare again, and look back for what was not looked back at before."""
        del board
        for each in wanted(self.lictui.settings.contract):
            if each not in self._asked:
                self._asked.add(each)
                self._look_back(each)
        self._present()

    @work(group="contract")
    async def _look_back(self, by: By) -> None:
        try:
            self._pasts[by] = await self.lictui.engine.retrospects(by)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        self._present()

    def on_resize(self) -> None:
        """The sentences take what room there is."""
        self._present()

    def _present(self) -> None:
        if not self.size.width:
            return
        width, today = self.size.width - 2, self.moment.today
        settings = self.lictui.settings
        found = sheet(self.merged, settings.contract, self._pasts, settings.alerts, today)
        self._sheet = found
        none = _NONE + _HOW if width >= len(_NONE + _HOW) else _NONE
        title = contract_view.summary(found) if found.holdings else none
        self.query_one("#bought-head", Prose).say(((title, Tone.STRONG),))
        table = self.query_one("#bought", KeyedTable)
        table.display = bool(found.holdings)
        table.present(contract_view.bought(width), contract_view.holdings(found))
        ends = "In the next 12 months" if found.endings else "Nothing ends in the next 12 months"
        self.query_one("#ends-head", Prose).say(((ends, Tone.STRONG),))
        rows = contract_view.endings(found, today)
        self.query_one("#ends", KeyedTable).present(contract_view.ends(width), rows)

    @property
    def _chosen(self) -> KeyedTable:
        bought = self.query_one("#bought", KeyedTable)
        return bought if bought.has_focus else self.query_one("#ends", KeyedTable)

    def action_move(self, by: int) -> None:
        """To the next or the previous line."""
        self._chosen.move_cursor(row=self._chosen.cursor_row + by)

    def action_back(self) -> None:
        """Back to the view this was opened from."""
        self.app.pop_screen()

    def exported(self) -> Table:
        """Both lists."""
        return contract_view.table(self._sheet, self.moment.today)
