"""The table of all commands: id, keys, title, help, and the screens they work on.

Key bindings, palette, footer, help screen, key reference and `[keymap]` are made from it. Textual
is only loaded for the bindings, so that `lictui config check` can check a keymap without it.
"""

from __future__ import annotations

from difflib import get_close_matches
from itertools import combinations
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.binding import Binding

TABS: Final = ("dashboard", "products", "usage", "servers", "alerts")  # keys 1 to 5
VIEWS: Final = ("dashboard", "products", "usage", "servers", "server", "alerts")
_LISTS: Final = ("dashboard", "products", "servers", "server", "alerts")
_GRIDS: Final = ("dashboard", "products")
_SERVER: Final = ("servers", "server")
_USAGE: Final = ("usage",)
_FORM: Final = ("form",)
_TEXTS: Final = ("data_sources", "help")
_NOT_DIALOGS: Final = (*VIEWS, "entitlements", "form", "first_run")  # where all others work, too
_SORTED: Final = (*_LISTS, "entitlements", "license_users")
_PAGES: Final = (*_SORTED, "usage")


_KEY_LABELS: Final = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "escape": "esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
}


class Command(Struct, frozen=True):
    """A command of the user. With empty `screens` it works everywhere."""

    id: str  # its name in `[keymap]`
    keys: str  # comma separated
    action: str  # a Textual action: `app.` for the application, else the screen
    title: str
    help: str
    screens: tuple[str, ...] = VIEWS
    footer: int = 0  # its rank there: 1 comes first, 0 is not shown
    writes: bool = False  # or contacts a server; refused with --read-only, and in the past
    mode: str = ""  # "past": only with --at and --replay; "demo": only in the demo
    priority: bool = False  # handled before the next key, or keys typed fast are lost

    @property
    def key_list(self) -> tuple[str, ...]:
        return tuple(key.strip() for key in self.keys.split(",") if key.strip())

    @property
    def labels(self) -> tuple[str, ...]:
        """Its keys as they are written for people; one of them is empty if there is none."""
        return tuple(_KEY_LABELS.get(key, key.replace("ctrl+", "^")) for key in self.key_list) or (
            "",
        )


def _down_and_up(prefix: str, action: str, *screens: str) -> tuple[Command, Command]:
    down, up = ("Next row", "Previous row") if action == "move" else ("Scroll down", "Scroll up")
    return (
        Command(f"{prefix}.down", "j,down", f"{action}(1)", "Down", down, screens),
        Command(f"{prefix}.up", "k,up", f"{action}(-1)", "Up", up, screens),
    )


COMMANDS: Final = (
    Command("help", "?,f1", "app.show('help')", "Help", "Show all key bindings", (), footer=9),
    Command("filter", "/", "filter", "Filter", "Filter by regular expression (prefix ! to invert)",
            (*_GRIDS, "servers", "alerts"), footer=3, priority=True),
    Command("open", "enter", "open", "Open", "Open the selected item", _LISTS, footer=1),
    Command("back", "escape", "back", "Back", "Clear the filter, or go back"),
    Command("server.add", "a", "app.show('form')", "Add a server", "Add a license server",
            footer=4, writes=True),
    Command("poll.server", "r", "poll_server", "Poll", "Poll the selected server now", footer=2,
            writes=True),
    Command("poll.all", "R,f5,ctrl+r", "app.poll_all", "Poll all", "Poll all servers now",
            writes=True),
    Command("palette", ":,ctrl+p", "app.command_palette", "Commands", "Open the command palette",
            (), footer=9),
    Command("view.wall", "1", "app.show('dashboard')", "Dashboard",
            "Dashboard: one pane per server"),
    Command("view.estate", "2", "app.show('products')", "Products",
            "Usage per product across all servers"),
    Command("view.product", "3", "product", "Usage", "Usage history of the selected product"),
    Command("view.servers", "4", "app.show('servers')", "Servers", "Manage servers"),
    Command("view.alerts", "5", "app.show('alerts')", "Alerts", "Active alerts and event log"),
    Command("contract", "C", "app.show('entitlements')", "Entitlements",
            "Purchased and used licenses, and upcoming expirations"),
    *_down_and_up("move", "move", *_LISTS),
    Command("move.page_down", "pagedown,ctrl+f", "page(1)", "Page down", "Next page", _PAGES),
    Command("move.page_up", "pageup,ctrl+b", "page(-1)", "Page up", "Previous page", _PAGES),
    Command("move.space", "space", "page(1)", "Page down", "Next page", _GRIDS),
    Command("move.half_down", "ctrl+d", "page(0.5)", "Half page down", "Half a page down", _SORTED),
    Command("move.half_up", "ctrl+u", "page(-0.5)", "Half page up", "Half a page up", _SORTED),
    Command("move.first", "home", "edge(-1)", "First", "First row", _SORTED),
    Command("move.last", "end,G", "edge(1)", "Last", "Last row", _SORTED),
    Command("pane.next", "tab", "pane(1)", "Next pane", "Next server", ("dashboard",)),
    Command("pane.previous", "shift+tab", "pane(-1)", "Previous pane", "Previous server",
            ("dashboard",)),
    Command("sort.next", "s", "sort_next", "Sort", "Sort by the next column", _SORTED, footer=5),
    Command("sort.reverse", "S", "sort_reverse", "Reverse", "Reverse the sort order", _SORTED),
    Command("problems", "!", "problems", "Problems", "Show only what needs attention", _GRIDS),
    Command("group.next", "g", "group_next", "Group", "Show one group after the other, then all",
            ("dashboard",)),
    Command("estate.by", "g", "by_next", "Group by", "Group by product, group or server",
            ("products",), footer=True),
    Command("maximise", "M", "maximise", "Maximize", "Maximize the selected pane", ("dashboard",),
            footer=5),
    Command("why", "W,w", "why", "Details", "Show the data sources of the selected row", _GRIDS,
            footer=5),
    Command("product.why", "W", "why", "Details", "Show the data sources", _USAGE, footer=5),
    Command("holders", "u", "holders", "Users", "List the license users (not stored)",
            ("dashboard", "usage"), footer=2, writes=True),
    Command("pause", "p", "app.pause", "Pause", "Pause the display (recording continues)"),
    Command("hint.next", ".", "app.next_hint", "Next hint", "Demo: next hint, or none",
            mode="demo"),
    Command("past.open", "V", "past", "As it was",
            "Show the whole monitor as it was at the cursor, or 5 minutes ago; V again: now"),
    Command("past.back", "(", "app.travel(-1)", "5 min back",
            "In the past (V, --at, --replay): 5 minutes back", mode="past", footer=True),
    Command("past.forward", ")", "app.travel(1)", "5 min forward",
            "In the past: 5 minutes forward", mode="past", footer=True),
    Command("past.hour_back", "{", "app.travel(-12)", "1 h back",
            "In the past: an hour back", mode="past"),
    Command("past.hour_forward", "}", "app.travel(12)", "1 h forward",
            "In the past: an hour forward", mode="past"),
    Command("past.play", "P", "app.play", "Play",
            "In the past: play what happened, 5 minutes a second", mode="past", footer=True),
    Command("copy", "Y", "copy", "Copy", "Copy the selected row to the clipboard (OSC 52)"),
    Command("export", "E", "export", "Export", "Export the current view to a CSV file", footer=6,
            writes=True),
    Command("range.shorter", "[", "longer(-1)", "Shorter", "Shorter time range", _USAGE,
            footer=True),
    Command("range.longer", "]", "longer(1)", "Longer", "Longer time range", _USAGE, footer=True),
    Command("trend.shorter", "[", "trend(-1)", "Shorter trends", "Shorter trend period", _GRIDS),
    Command("trend.longer", "]", "trend(1)", "Longer trends",
            "Longer trend period: day, week, month, year", _GRIDS),
    Command("range.day", "d", "range('day')", "Day", "Calendar day", _USAGE),
    Command("range.week", "w", "range('week')", "Week", "Calendar week", _USAGE),
    Command("range.month", "m", "range('month')", "Month", "Calendar month", _USAGE),
    Command("range.year", "y", "range('year')", "Year", "Calendar year", _USAGE),
    Command("range.earlier", "<", "move(-1)", "Earlier", "Previous period", _USAGE, footer=True),
    Command("range.later", ">", "move(1)", "Later", "Next period", _USAGE, footer=True),
    Command("goto", "@", "go_to_date", "Go to date", "Go to a date: 2025-11-25, last tuesday, -7d",
            _USAGE, footer=True, priority=True),
    Command("zoom", "enter", "zoom", "Zoom", "Zoom into the time under the cursor (Esc: out)",
            _USAGE, footer=True),
    Command("scale", "0", "scale", "Scale", "Fit the value axis to usage, or show installed",
            _USAGE),
    Command("compare", "c", "compare", "Compare", "Show or hide the previous period", _USAGE,
            footer=True),
    Command("heat", "h", "heat", "Heat map", "Show the heat map (hour x weekday) or the chart",
            _USAGE, footer=True),
    Command("cursor.left", "left", "cursor(-1)", "Cursor left", "Move the cursor left", _USAGE),
    Command("cursor.right", "right", "cursor(1)", "Cursor right", "Move the cursor right", _USAGE),
    Command("cursor.up", "up,k", "weekday(-1)", "Cursor up", "Heat map: previous weekday", _USAGE),
    Command("cursor.down", "down,j", "weekday(1)", "Cursor down", "Heat map: next weekday", _USAGE),
    Command("server.edit", "e", "edit", "Edit", "Edit the selected server",
            ("dashboard", "alerts", *_SERVER), footer=2, writes=True),
    Command("server.test", "t", "test", "Test", "Test the connection to the selected server",
            ("dashboard", "alerts", *_SERVER), footer=2, writes=True),
    Command("server.cloud", "c", "cloud", "Citrix Cloud",
            "Check the requirements of License Usage Insights", _SERVER),
    Command("server.remove", "x", "remove", "Remove", "Remove the selected server", _SERVER,
            footer=5, writes=True),
    Command("alert.acknowledge", "A", "acknowledge", "Acknowledge",
            "Acknowledge the marked alerts or the selected one, or take it back", ("alerts",),
            footer=True, writes=True),
    Command("alert.snooze", "z", "snooze", "Snooze", "Snooze the marked alerts or the selected one",
            ("alerts",), footer=True, writes=True),
    Command("alert.mark", "space", "mark", "Mark", "Mark the selected alert, and go to the next",
            ("alerts",), footer=True, writes=True),
    Command("snooze.hour", "1", "choose('hour')", "1 hour", "Snooze for 1 hour", ("snooze",)),
    Command("snooze.hours", "4", "choose('hours')", "4 hours", "Snooze for 4 hours", ("snooze",)),
    Command("snooze.tomorrow", "t", "choose('tomorrow')", "until tomorrow 08:00",
            "Snooze until tomorrow 08:00",
            ("snooze",)),
    Command("snooze.custom", "c", "custom", "Custom", "Type a duration", ("snooze",)),
    Command("snooze.leave", "escape,n", "choose('')", "Cancel", "Close without a change",
            ("snooze",)),
    Command("form.test", "ctrl+t", "test", "Test", "Test these settings", _FORM, footer=True),
    Command("form.pin", "ctrl+y", "pin", "Pin certificate", "Pin the certificate that was tested",
            _FORM, footer=True),
    Command("form.store", "ctrl+o", "store", "Store password",
            "Store the typed password in a private file", _FORM, footer=True),
    Command("form.save", "ctrl+s", "save", "Save", "Save the server", _FORM, footer=True),
    Command("form.next", "tab", "app.focus_next", "Next field", "Move to the next field", _FORM,
            priority=True),
    Command("form.previous", "shift+tab", "app.focus_previous", "Previous field",
            "Move to the previous field", _FORM, priority=True),
    Command("form.cancel", "escape", "cancel", "Cancel",
            "Close the form; asks before changes are discarded", _FORM, footer=True),
    Command("confirm.yes", "y", "choose('yes')", "Yes", "Confirm", ("confirm",), footer=True),
    Command("confirm.no", "escape,n", "choose('')", "No", "Cancel", ("confirm",), footer=True),
    *_down_and_up("assistant", "roll", "cloud_assistant"),
    Command("assistant.close", "escape,c,enter,q", "app.pop_screen", "Close", "Close this dialog",
            ("cloud_assistant",), footer=True),
    *_down_and_up("holders", "move", "license_users"),
    Command("holders.again", "r", "again", "Refresh", "Ask the servers again", ("license_users",),
            footer=True),
    Command("holders.copy", "Y", "copy", "Copy", "Copy the udadmin commands for idle assignments",
            ("license_users",), footer=True),
    Command("holders.close", "escape,u,enter,q", "app.pop_screen", "Close", "Close this dialog",
            ("license_users",), footer=True),
    *_down_and_up("contract", "move", "entitlements"),
    Command("contract.other", "tab", "app.focus_next", "Other list", "Switch to the other list",
            ("entitlements",), footer=True),
    Command("contract.export", "E", "export", "Export", "Export to a CSV file", ("entitlements",),
            footer=True, writes=True),
    Command("contract.close", "escape,C", "back", "Close", "Close this dialog", ("entitlements",),
            footer=True),
    *_down_and_up("why", "roll", *_TEXTS),
    Command("why.page_down", "pagedown,space,ctrl+f", "page(1)", "Page down", "Next page",
            _TEXTS),
    Command("why.page_up", "pageup,ctrl+b", "page(-1)", "Page up", "Previous page", _TEXTS),
    Command("why.copy", "Y", "copy", "Copy", "Copy everything to the clipboard (OSC 52)",
            ("data_sources",), footer=True),
    Command("why.close", "escape,w,W,enter,q", "app.pop_screen", "Close", "Close this dialog",
            ("data_sources",), footer=True),
    Command("help.ids", "tab,left,right", "other_page", "Other page", "Switch to the other page",
            ("help",), footer=True),
    Command("help.close", "escape,enter,q,?,f1", "app.pop_screen", "Close", "Close this dialog",
            ("help",), footer=True),
    Command("first_run.down", "down,j", "app.focus_next", "Down", "Next option", ("first_run",)),
    Command("first_run.up", "up,k", "app.focus_previous", "Up", "Previous option", ("first_run",)),
    Command("first_run.add", "a", "app.show('form')", "Add a server", "Add a license server",
            ("first_run",), writes=True),
    Command("first_run.demo", "d", "demo", "Start demo (simulated servers)",
            "Start the demo with simulated servers", ("first_run",), writes=True),
    Command("repaint", "ctrl+l", "app.repaint", "Repaint", "Draw the whole screen again", (),
            priority=True),
    Command("suspend", "ctrl+z", "app.suspend_process", "Suspend", "Return to the shell (fg)", (),
            priority=True),
    Command("theme", "T", "app.next_theme", "Theme", "Next color theme", ()),
    Command("quit", "q,ctrl+c", "app.quit", "Quit", "Quit lictui", ()),
)  # fmt: skip


# Hints of the demo. The command, the screen that it shows, and what is to be seen there
HINTS: Final = (
    ("", "", "Demo clock: from {start:%a %d %b %H:%M}, {speed:g} x as fast"),
    ("view.estate", "products", "every product: its use, and when it runs out"),
    ("view.product", "usage", "the usage of the selected product as a chart"),
    ("view.alerts", "alerts", "alerts; one comes and goes within two minutes"),
    ("view.servers", "servers", "the servers, and how each of them is read"),
    ("help", "help", "all keys and signs"),
)


def following_hint(hint: int, screen: str) -> int:
    """Return the next hint if this one was followed: if its screen is shown now."""
    hint += hint == 0 and screen != "dashboard"
    return hint + (hint < len(HINTS) and HINTS[hint][1] == screen)


def keymap_problems(keymap: Mapping[str, str]) -> tuple[str, ...]:
    """Return the problems of a `[keymap]`: unknown ids, and keys bound to two commands."""
    ids = [command.id for command in COMMANDS]
    unknown = tuple(
        f"keymap: unknown command {name!r}"
        + "".join(f" (did you mean {close!r}?)" for close in get_close_matches(name, ids, n=1))
        for name in keymap
        if name not in ids
    )
    clashes = tuple(
        f"keymap: {key!r} is bound to both {first.id!r} and {second.id!r}"
        for first, second in combinations(with_keymap(keymap), 2)
        if set(first.screens or _NOT_DIALOGS) & set(second.screens or _NOT_DIALOGS)
        for key in first.key_list
        if key in second.key_list
    )
    return unknown + clashes


def with_keymap(keymap: Mapping[str, str]) -> tuple[Command, ...]:
    """Return all commands with the keys of a `[keymap]`."""
    return tuple(
        replace(command, keys=keymap[command.id]) if command.id in keymap else command
        for command in COMMANDS
    )


def bindings(screen: str = "") -> list[Binding]:
    """Return the Textual bindings of a screen, or of the application for an empty name."""
    from textual.binding import Binding  # noqa: PLC0415 - `config check` reads the table without Textual

    own = [c for c in COMMANDS if (screen in c.screens if screen else not c.screens)]
    return [
        Binding(c.keys, c.action, c.title, bool(c.footer), None, c.priority, c.help, c.id)
        for c in own
    ]
