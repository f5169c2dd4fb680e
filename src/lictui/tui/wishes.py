"""Theme and keys as config.toml wants them: at the start, and after each edit of the file.

Owns when they are put on, and what is said about those that cannot be. Must not know who read the
file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.tui import commands, theme_names

if TYPE_CHECKING:
    from lictui.config.settings import Settings
    from lictui.tui.app import LictuiApp


def heed(app: LictuiApp, before: Settings | None = None) -> None:
    """Put on what differs from the settings of `before`; at the start, when there are none, all.

    A theme that the file has not changed stays: the user may have chosen another with a key.
    """
    settings = app.settings
    if before is None or settings.theme != before.theme:
        _wear(app, settings.theme, starting=before is None)
    if before is None or settings.keymap != before.keymap:
        _bind(app, dict(settings.keymap))


def _wear(app: LictuiApp, theme: str, *, starting: bool) -> None:
    if wrong := theme_names.problem(theme):
        app.notify(wrong, title="config.toml", severity="warning", markup=False)
    elif not starting:  # the first theme was there before anything was drawn
        app.theme = theme
        app.remember(theme=theme)


def _bind(app: LictuiApp, keymap: dict[str, str]) -> None:
    if wrong := commands.problems(keymap):
        app.notify("\n".join(wrong), title="Default keys", severity="error", markup=False)
        keymap = {}
    app.keys = keymap
    app.set_keymap(keymap)
