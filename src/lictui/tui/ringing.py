"""The terminal's bell and its notifications, where config.toml wants them of an alert.

Owns what is written to the terminal beside what is drawn. Must not know what deserves an alert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.engine.alerts import severity
from lictui.model import Happening, Said
from lictui.tui.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.engine.board import Board
    from lictui.tui.app import LictuiApp

_LONGEST: Final = 200  # characters of a notification
_AT_ONCE: Final = 3  # notifications; of more it says how many


def ring(app: LictuiApp, before: Board, after: Board) -> None:
    """Ring and notify for what was said of alerts between two boards, if that is wanted."""
    actions = [action for action in app.settings.actions if action.bell or action.osc9]
    if not actions or before.standing is None or before.standing == after.standing:
        return
    said = list(_said(before, after, app.clock.now()))
    if any(action.bell and action.wants(each) for action in actions for each in said):
        app.bell()
    told = [each for each in said if any(it.osc9 and it.wants(each) for it in actions)]
    for each in told[:_AT_ONCE]:
        standing = each.standing
        _notify(app, f"{standing.level} {standing.who.server}: {standing.message}")
    if len(told) > _AT_ONCE:
        _notify(app, f"{len(told) - _AT_ONCE} more alerts")


def _said(before: Board, after: Board, now: float) -> Iterator[Said]:
    """What was raised, got worse or was said again; that something is over rings no bell."""
    known = {each.who: each for each in before.standing or ()}
    for each in after.standing or ():
        was = known.get(each.who)
        if each.raised is None or (was is not None and was.said == each.said):
            continue
        if was is None or was.raised is None:
            yield Said(Happening.RAISED, now, each)
        elif severity(each.level) < severity(was.level):
            yield Said(Happening.WORSE, now, each, was.level)
        else:
            yield Said(Happening.REPEATED, now, each)


def _notify(app: LictuiApp, text: str) -> None:
    """OSC 9, as iTerm2, WezTerm, Ghostty, Windows Terminal and others take it."""
    driver = app._driver  # noqa: SLF001 - as Textual's own copy_to_clipboard does
    if driver is not None:
        # With the name in front: a text that began with a digit would be another command of ConEmu.
        driver.write(f"\x1b]9;lictui: {clean(text)[:_LONGEST]}\x07")
