"""The command palette: all commands of the current screen, by name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from lictui.tui import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.tui.commands import Command


class LictuiCommands(Provider):
    """Offers lictui's command table to Textual's palette."""

    async def discover(self) -> Hits:
        """Yield all commands before anything is typed."""
        for command in self._offered():
            yield DiscoveryHit(Content(_title(command)), self._run(command), help=command.help)

    async def search(self, query: str) -> Hits:
        """Yield the matching commands."""
        matcher = self.matcher(query)
        for command in self._offered():
            if (score := matcher.match(f"{command.title} {command.help}")) > 0:
                yield Hit(score, matcher.highlight(_title(command)), self._run(command),
                          help=command.help)  # fmt: skip

    def _offered(self) -> Iterator[Command]:
        view = str(getattr(self.screen, "VIEW", ""))
        read_only = bool(getattr(self.app, "read_only", False))
        for command in commands.screen_commands(view):
            if command.id != "palette" and not (command.writes and read_only):
                yield command

    def _run(self, command: Command) -> partial[Any]:
        return partial(self.screen.run_action, command.action)


def _title(command: Command) -> str:
    return f"{command.title}  ({', '.join(command.key_list)})"
