"""Every command once: its id, keys, title, help and where it works.

Owns the table that the bindings, the palette, the footer, the help screen, the README and the
remappable keymap are made from. Must not know how a command is carried out, and needs no Textual
until bindings are asked for, so that `config check` can read a keymap without a screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.binding import Binding

VIEWS: Final = ("wall", "estate", "product", "servers", "alerts")  # keys 1 to 5
_LISTS: Final = ("wall", "estate", "servers", "alerts")
_GRIDS: Final = ("wall", "estate")


@dataclass(frozen=True, slots=True)
class Command:
    """One thing the user can ask for. `screens` empty: everywhere."""

    id: str  # what `[keymap]` calls it
    keys: str  # comma separated
    action: str  # the Textual action; with `app.` the application's own, else the screen's
    title: str
    help: str
    screens: tuple[str, ...] = VIEWS
    footer: bool = False
    writes: bool = False  # not offered with --read-only
    priority: bool = False  # before the next key is dealt with, or what is typed fast goes astray

    @property
    def key_list(self) -> tuple[str, ...]:
        """The keys one by one."""
        return tuple(key.strip() for key in self.keys.split(",") if key.strip())


COMMANDS: Final = (
    Command("help", "?,f1", "app.show('help')", "Help", "Every key and what it does", footer=True),
    Command("filter", "/", "filter", "Filter", "Show only what a regex matches; ! inverts",
            (*_GRIDS, "alerts"), footer=True, priority=True),
    Command("open", "enter", "open", "Open", "Open what is chosen", _LISTS, footer=True),
    Command("back", "escape", "back", "Back", "Clear the filter, or go back"),
    Command("server.add", "a", "app.show('form')", "Add a server", "Register a license server",
            footer=True, writes=True),
    Command("poll.server", "r", "poll_server", "Poll now", "Poll the chosen server at once",
            footer=True),
    Command("poll.all", "R,f5", "app.poll_all", "Poll all", "Poll every server at once"),
    Command("palette", ":,ctrl+p", "app.command_palette", "Commands", "Find a command by its name",
            (), footer=True),
    Command("view.wall", "1", "app.show('wall')", "Wall", "A pane for each server"),
    Command("view.estate", "2", "app.show('estate')", "Estate", "The products over all servers"),
    Command("view.product", "3", "product", "Product", "The chart of what is chosen"),
    Command("view.servers", "4", "app.show('servers')", "Servers", "The registry"),
    Command("view.alerts", "5", "app.show('alerts')", "Alerts", "Alerts of now, and the journal"),
    Command("contract", "C", "app.show('contract')", "Contract",
            "What was bought against what is needed, and what ends when"),
    Command("move.down", "j,down", "move(1)", "Down", "Next row", _LISTS),
    Command("move.up", "k,up", "move(-1)", "Up", "Previous row", _LISTS),
    Command("move.page_down", "pagedown", "page(1)", "Page down", "A screen further", _GRIDS),
    Command("move.page_up", "pageup", "page(-1)", "Page up", "A screen back", _GRIDS),
    Command("move.first", "home", "edge(-1)", "First", "The first row", _GRIDS),
    Command("move.last", "end", "edge(1)", "Last", "The last row", _GRIDS),
    Command("pane.next", "tab", "pane(1)", "Next pane", "The next server", ("wall",)),
    Command("pane.previous", "shift+tab", "pane(-1)", "Previous pane", "The server before",
            ("wall",)),
    Command("sort.next", "s", "sort_next", "Sort", "Sort by the next column", _GRIDS),
    Command("sort.reverse", "S", "sort_reverse", "Reverse", "Turn the order around", _GRIDS),
    Command("group.next", "g", "group_next", "Group", "Show the next group alone, then all again",
            ("wall",)),
    Command("estate.by", "g", "by_next", "By", "By product, by group, or by server", ("estate",),
            footer=True),
    Command("maximise", "M", "maximise", "Maximise", "The chosen pane alone on the whole screen",
            ("wall",)),
    Command("why", "w", "why", "Why", "Where each figure of the chosen row comes from", _GRIDS),
    Command("product.why", "W", "why", "Why", "Where each figure comes from", ("product",)),
    Command("holders", "u", "holders", "Who holds it", "Ask who holds a license; nothing is kept",
            ("wall", "product")),
    Command("pause", "p", "app.pause", "Pause", "Hold the screen still; recording goes on"),
    Command("copy", "Y", "copy", "Copy", "Copy the chosen row (OSC 52)"),
    Command("export", "E", "export", "Export", "Write what is shown to a CSV file"),
    Command("range.shorter", "[", "shorter", "Shorter", "A shorter range of time", ("product",),
            footer=True),
    Command("range.longer", "]", "longer", "Longer", "A longer range of time", ("product",),
            footer=True),
    Command("trend.shorter", "[", "shorter", "Shorter trends", "Trends of a shorter time", _GRIDS),
    Command("trend.longer", "]", "longer", "Longer trends", "Trends: day, week, month, year",
            _GRIDS),
    Command("range.day", "d", "range('day')", "Day", "One day", ("product",)),
    Command("range.week", "w", "range('week')", "Week", "One week", ("product",)),
    Command("range.month", "m", "range('month')", "Month", "One month", ("product",)),
    Command("range.year", "y", "range('year')", "Year", "One year", ("product",)),
    Command("range.earlier", "<", "earlier", "Earlier", "Back in time", ("product",), footer=True),
    Command("range.later", ">", "later", "Later", "Forward in time", ("product",), footer=True),
    Command("compare", "c", "compare", "Compare", "With the same period before, and without again",
            ("product",), footer=True),
    Command("heat", "h", "heat", "Heat map", "Hours and weekdays in place of the chart, and back",
            ("product",), footer=True),
    Command("cursor.left", "left", "cursor(-1)", "Cursor left", "Read the moment before",
            ("product",)),
    Command("cursor.right", "right", "cursor(1)", "Cursor right", "Read the moment after",
            ("product",)),
    Command("cursor.up", "up,k", "weekday(-1)", "Cursor up", "On the heat map, the weekday before",
            ("product",)),
    Command("cursor.down", "down,j", "weekday(1)", "Cursor down",
            "On the heat map, the weekday after", ("product",)),
    Command("server.edit", "e", "edit", "Edit", "Change the chosen server", ("servers",),
            footer=True, writes=True),
    Command("server.test", "t", "test", "Test", "Try the chosen server step by step", ("servers",),
            footer=True),
    Command("server.cloud", "c", "cloud", "Citrix Cloud", "What Usage Insights needs, and has",
            ("servers",)),
    Command("server.remove", "x", "remove", "Remove", "Take the chosen server out of the registry",
            ("servers",), writes=True),
    Command("alert.acknowledge", "A", "acknowledge", "Acknowledge",
            "Say that the chosen alert is known, or take it back", ("alerts",), footer=True,
            writes=True),
    Command("alert.snooze", "z", "snooze", "Snooze", "Silence the chosen alert for a while",
            ("alerts",), footer=True, writes=True),
    Command("snooze.hour", "1", "until('hour')", "1 hour", "Silent for an hour", ("snooze",)),
    Command("snooze.hours", "4", "until('hours')", "4 hours", "Silent for four hours",
            ("snooze",)),
    Command("snooze.tomorrow", "t", "until('tomorrow')", "Till tomorrow",
            "Silent until 8 in the morning", ("snooze",)),
    Command("snooze.leave", "escape,n", "leave", "Leave", "Leave things as they are",
            ("snooze",)),
    Command("form.test", "ctrl+t", "test", "Test", "Try what is filled in, step by step", ("form",),
            footer=True),
    Command("form.save", "ctrl+s", "save", "Save", "Write the server to the registry", ("form",),
            footer=True),
    Command("form.next", "tab", "app.focus_next", "Next field", "On to the next field", ("form",),
            priority=True),
    Command("form.previous", "shift+tab", "app.focus_previous", "Previous field",
            "Back to the field before", ("form",), priority=True),
    Command("form.cancel", "escape", "cancel", "Cancel", "Leave; asks if something was changed",
            ("form",), footer=True),
    Command("confirm.yes", "y", "answer(True)", "Yes", "Do it", ("confirm",), footer=True),
    Command("confirm.no", "n,escape", "answer(False)", "No", "Leave things as they are",
            ("confirm",), footer=True),
    Command("assistant.down", "j,down", "roll(1)", "Down", "A line further", ("assistant",)),
    Command("assistant.up", "k,up", "roll(-1)", "Up", "A line back", ("assistant",)),
    Command("assistant.close", "escape,c,enter", "app.pop_screen", "Close",
            "Back to the registry", ("assistant",), footer=True),
    Command("holders.down", "j,down", "move(1)", "Down", "The next one", ("holders",)),
    Command("holders.up", "k,up", "move(-1)", "Up", "The one before", ("holders",)),
    Command("holders.again", "r", "again", "Ask again", "Ask the servers again", ("holders",),
            footer=True),
    Command("holders.copy", "Y", "copy", "Copy", "Copy what would release idle assignments",
            ("holders",), footer=True),
    Command("holders.close", "escape,u,enter", "app.pop_screen", "Close", "Back to the figures",
            ("holders",), footer=True),
    Command("contract.down", "j,down", "move(1)", "Down", "The next line", ("contract",)),
    Command("contract.up", "k,up", "move(-1)", "Up", "The line before", ("contract",)),
    Command("contract.other", "tab", "app.focus_next", "Other list", "The other list",
            ("contract",), footer=True),
    Command("contract.export", "E", "export", "Export", "Write the sheet to a CSV file",
            ("contract",), footer=True),
    Command("contract.close", "escape,C", "back", "Close", "Back to the figures", ("contract",),
            footer=True),
    Command("why.down", "j,down", "roll(1)", "Down", "A line further", ("why",)),
    Command("why.up", "k,up", "roll(-1)", "Up", "A line back", ("why",)),
    Command("why.page_down", "pagedown,space", "page(1)", "Page down", "A screen further",
            ("why",)),
    Command("why.page_up", "pageup", "page(-1)", "Page up", "A screen back", ("why",)),
    Command("why.copy", "Y", "copy", "Copy", "Copy all of it (OSC 52)", ("why",), footer=True),
    Command("why.close", "escape,w,W,enter", "app.pop_screen", "Close", "Back to the figures",
            ("why",), footer=True),
    Command("first_run.down", "down,j", "move(1)", "Down", "The next way on", ("first_run",)),
    Command("first_run.up", "up,k", "move(-1)", "Up", "The way before", ("first_run",)),
    Command("first_run.add", "a", "add", "Add a server", "Register a license server",
            ("first_run",), writes=True),
    Command("first_run.demo", "d", "demo", "Start the demo", "Look at a simulated estate",
            ("first_run",)),
    Command("theme", "T", "app.next_theme", "Theme", "The next theme", ()),
    Command("quit", "q,ctrl+c", "app.quit", "Quit", "Leave lictui", ()),
)  # fmt: skip


def keymap_problems(keymap: Mapping[str, str]) -> tuple[str, ...]:
    """What is wrong with a `[keymap]`: unknown ids, and two commands on one key, both named."""
    ids = [command.id for command in COMMANDS]
    unknown = tuple(
        f"keymap: no command {wrong!r}{_nearest(wrong, ids)}"
        for wrong in keymap
        if wrong not in ids
    )
    clashes = tuple(
        f"keymap: {key!r} is asked for by both {one.id!r} and {other.id!r}"
        for one, other in combinations(with_keymap(keymap), 2)
        if _meet(one, other)
        for key in one.key_list
        if key in other.key_list
    )
    return unknown + clashes


def _nearest(wrong: str, ids: list[str]) -> str:
    close = get_close_matches(wrong, ids, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _meet(one: Command, other: Command) -> bool:
    return not one.screens or not other.screens or bool(set(one.screens) & set(other.screens))


def with_keymap(keymap: Mapping[str, str]) -> tuple[Command, ...]:
    """The commands with the keys a `[keymap]` gives them."""
    from dataclasses import replace  # noqa: PLC0415 - one caller of many needs it

    return tuple(
        replace(command, keys=keymap[command.id]) if command.id in keymap else command
        for command in COMMANDS
    )


def screen_commands(screen: str) -> tuple[Command, ...]:
    """The commands that work on a screen, those that work everywhere included."""
    return tuple(c for c in COMMANDS if not c.screens or screen in c.screens)


def is_write_action(action: str, parameters: tuple[object, ...]) -> bool:
    """Whether a Textual action, as it is resolved, belongs to a command that writes."""
    spelled = f"{action}({', '.join(map(repr, parameters))})" if parameters else action
    return any(c.writes and c.action.removeprefix("app.") == spelled for c in COMMANDS)


def bindings(screen: str = "") -> list[Binding]:
    """The Textual bindings of a screen; without a name, those of the application itself."""
    from textual.binding import Binding  # noqa: PLC0415 - the table is read without a screen too

    chosen = [c for c in COMMANDS if (screen in c.screens if screen else not c.screens)]
    return [
        Binding(
            c.keys,
            c.action,
            c.title,
            show=c.footer,
            tooltip=c.help,
            id=c.id,
            priority=c.priority,
        )
        for c in chosen
    ]


def readme_table() -> str:
    """The keys as a Markdown table."""
    rows = [f"| {_cells(c)} | {c.title} | {c.help} | `{c.id}` |" for c in COMMANDS]
    return "\n".join(
        ["| key | command | what it does | id in `[keymap]` |", "|---|---|---|---|", *rows]
    )


def _cells(command: Command) -> str:
    return " ".join(f"`{key}`" for key in command.key_list)
