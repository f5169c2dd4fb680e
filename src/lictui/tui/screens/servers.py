"""View 4, Servers: every registered server, and the details of the selected one."""

from __future__ import annotations

import shlex
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from textual import on
from textual.containers import Vertical

from lictui.clock import iso
from lictui.model import Server, SourceName
from lictui.time_range import format_moment
from lictui.tui import text
from lictui.tui.screens.server_detail import ServerActions, state_fragment
from lictui.tui.text import STATE_TONES, Cell, Fragment, Table, Tone
from lictui.tui.widgets.table import UNLIMITED, KeyedTable, Rows, TableCell, TableColumn

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from textual.widget import Widget

    from lictui.engine.board import ServerStatus
    from lictui.tui.theme import Symbols


_COLUMNS: Final = (
    TableColumn("name", "Server", 12),
    TableColumn("state", "State", 9),
    TableColumn("group", "Group", 6, rank=3),
    TableColumn("source", "Source", 7, rank=2),
    TableColumn("address", "Address", 24, rank=1, most=UNLIMITED, cut_at_end=True),
    TableColumn("version", "Version", 8, rank=5),
    TableColumn("mode", "Mode", 5, rank=7),
    TableColumn("tls", "TLS", 6, rank=6),
    TableColumn("last", "Last seen", 10),
    TableColumn("next", "Next poll", 10, rank=4),
)
_BY_STATE: Final = (Tone.CRITICAL, Tone.WARN, Tone.QUIET, Tone.OK)  # worst first


def server_cells(
    status: ServerStatus, now: float, symbols: Symbols, zone: ZoneInfo | None
) -> dict[str, TableCell]:
    """Every cell of one row, by its column."""
    server, snapshot, state = status.server, status.snapshot, status.state
    age = None if status.last_success_at is None else now - status.last_success_at
    version = snapshot.version if snapshot else ""
    numbers = [int(part) for part in version.split(".") if part.isdecimal()]
    due = format_moment(status.due, zone)[-5:] if status.due and server.enabled else ""
    return {
        "name": (server.name, Tone.STRONG),
        "state": (*state_fragment(state, symbols), _BY_STATE.index(STATE_TONES[state])),
        "group": (server.group, Tone.TEXT),
        "source": (server.source, Tone.TEXT),
        "address": (_address(server), Tone.TEXT),
        "version": (version, Tone.TEXT, numbers or None),
        "mode": ((snapshot.mode or "") if snapshot else "", Tone.TEXT),
        "tls": _tls(server),
        "last": (
            ("never" * server.enabled) if age is None else text.format_coarse_age(age),
            Tone.TEXT if status.is_up else Tone.QUIET,
            age,
        ),
        "next": (due, Tone.QUIET, status.due),
    }


def _address(server: Server) -> str:
    """The host of a URL, FlexNet's PORT@HOST, or the command without the folder of its program."""
    host = server.url.partition("://")[2].partition("/")[0] or server.url
    program = [PurePath(word).name for word in server.command[:1]]
    return host or server.address or shlex.join((*program, *server.command[1:]))


def _tls(server: Server) -> Fragment:
    if not server.url:
        return ("-", Tone.QUIET)
    if server.url.startswith("http://"):
        return ("none", Tone.WARN if server.source is SourceName.WINRM else Tone.CRITICAL)
    match server.verify:
        case True:
            return ("CA", Tone.TEXT)
        case False:
            return ("off!", Tone.CRITICAL)
        case pin if pin.startswith("sha256:"):
            return ("pinned", Tone.TEXT)
        case _:
            return ("CA file", Tone.TEXT)


class ServersScreen(ServerActions):
    """The servers view."""

    VIEW = "servers"
    CSS = """
    ServersScreen #details {
        height: auto;
        max-height: 50%;
        padding: 0 1;
        border-top: solid $frame;
        scrollbar-size-vertical: 1;
    }
    """

    def body(self) -> Widget:
        return Vertical(KeyedTable(self.lictui.symbols), self.details())

    @property
    def _statuses(self) -> tuple[ServerStatus, ...]:
        """The registered servers that match the filter."""
        return tuple(
            status
            for status in self.lictui.board.registered.servers
            if self.filter((status.server.name, status.server.group, _address(status.server)))
        )

    def row_count(self) -> int:
        return len(self._statuses)

    def show_tables(self) -> None:
        now, symbols = self.lictui.clock.now(), self.lictui.symbols
        rows: Rows[str] = {
            status.server.name: server_cells(status, now, symbols, self.zone)
            for status in self._statuses
        }
        self.table.show_rows(_COLUMNS, rows)
        self.show_details()

    @on(KeyedTable.CursorMoved)
    def _on_cursor(self) -> None:
        self.show_details()

    @property
    def selected_server(self) -> str:
        return self.table.cursor or ""

    @on(KeyedTable.Opened)
    def action_open(self) -> None:
        self.lictui.show_view("server", server=self.selected_server)

    def export_table(self) -> Table:
        return (_EXPORTED, *(_exported(status) for status in self._statuses))


_EXPORTED: Final = (
    "server", "state", "group", "source", "address", "version", "mode", "tls", "last_response",
    "next_poll", "error",
)  # fmt: skip


def _exported(status: ServerStatus) -> tuple[Cell, ...]:
    server, snapshot = status.server, status.snapshot
    version, mode = (snapshot.version, snapshot.mode) if snapshot else (None, None)
    times = (None if at is None else iso(at) for at in (status.last_success_at, status.due))
    error = status.failure.message if status.failure else None
    named = (server.name, status.state, server.group, server.source, _address(server))
    return (*named, version, mode, _tls(server)[0], *times, error)
