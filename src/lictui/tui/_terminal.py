"""The terminal: a driver, and an output of changed cells only; uses Textual's internals.

Textual repaints a dirty widget from its left edge and sends the full style with each segment.
Over a slow line that is several times what is needed. A buffer of the terminal's content shows
which cells differ, and only the attributes that change are sent.

This relies on Textual handing `App._display` a `LayoutUpdate` (everything) or a `ChopsUpdate`
(spans of lines), and calling their `render_segments` only when it writes the result.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, RenderableType
    from rich.style import Style

_GAP: Final = 4  # cells that are cheaper to write again than to skip
_SYSTEMS: Final = {"standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT}


def can_suspend() -> bool:
    """Return whether a shell waits that could continue a stopped process."""
    if sys.platform == "win32":
        return False
    parent = os.getppid()
    with suppress(OSError):
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    return False


if sys.platform != "win32":
    import termios

    from textual.drivers.linux_driver import LinuxDriver

    class TerminalDriver(LinuxDriver):
        """Draws on standard output, and repairs the terminal after a stop that was not asked for.

        Textual draws on standard error, which may be redirected, and takes each SIGCONT for the
        end of its own suspension, although SIGSTOP is not announced.
        """

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            if sys.__stdout__ is not None:
                # A file of its own: Python reports what it cannot flush to `sys.stdout` at the end.
                encoding = sys.__stdout__.encoding
                self._file = open(  # noqa: SIM115 - used until the process ends
                    sys.__stdout__.fileno(), "w", encoding=encoding, errors="replace", closefd=False
                )
            self._own_attributes: list[Any] | None = None  # of the terminal while it is used

        def run_input_thread(self) -> None:
            """Read keys; bytes that are no UTF-8 are lost, and do not end the monitor."""
            while not self.exit_event.is_set():
                with suppress(UnicodeDecodeError):
                    super().run_input_thread()

        def start_application_mode(self) -> None:
            super().start_application_mode()  # type: ignore[no-untyped-call]
            self._loop = asyncio.get_running_loop()
            with suppress(termios.error):
                self._own_attributes = termios.tcgetattr(self.fileno)

        def stop_application_mode(self) -> None:
            self._own_attributes = None
            super().stop_application_mode()

        def _sigcont_application(self, *_: object) -> None:
            if self._must_signal_resume:
                super()._sigcont_application()
            elif self._own_attributes is not None:
                self._loop.call_soon_threadsafe(self._repair)

        def _repair(self) -> None:
            if self._own_attributes is not None:
                with suppress(termios.error):
                    termios.tcsetattr(self.fileno, termios.TCSANOW, self._own_attributes)
                self.write("\x1b[?1049h\x1b[?25l")
                self._app.call_later(self._app.run_action, "repaint")


class _Pen(NamedTuple):
    """Attributes and colors that are active before a character."""

    attributes: str
    ink: str
    paper: str


_PLAIN: Final = _Pen("", "39", "49")
_Cell = tuple[str, _Pen]  # the second cell of a wide character has no text
_UNKNOWN: Final[_Cell] = ("\0", _PLAIN)


class TerminalBuffer:
    """What the terminal shows, as far as it is known."""

    def __init__(self) -> None:
        self._written: dict[int, list[Strip]] = {}  # whole lines, split into cells when needed
        self._cells: dict[int, list[_Cell]] = {}

    def diff(self, update: RenderableType | None) -> RenderableType | None:
        """Return an update that writes as little as possible."""
        if isinstance(update, LayoutUpdate):
            return cast("RenderableType", _Whole(self, update))
        if isinstance(update, ChopsUpdate):
            return cast("RenderableType", _Changed(self, update))
        return update

    def reset(self, first: int, lines: Iterable[list[Strip]]) -> None:
        """Record that the whole screen was written, from line `first` on."""
        self._cells.clear()
        self._written = dict(enumerate(lines, first))

    def line(self, y: int, width: int, colors: ColorSystem) -> list[_Cell]:
        """Return the cells of a line, at least `width` of them; the caller may change them."""
        if y in self._written:
            self._cells[y] = [c for strip in self._written.pop(y) for c in _cells(strip, colors)]
        cells = self._cells.setdefault(y, [])
        cells.extend([_UNKNOWN] * (width - len(cells)))
        return cells


class _Whole(CompositorUpdate):
    """Writes everything, and records it in the buffer."""

    def __init__(self, buffer: TerminalBuffer, update: LayoutUpdate) -> None:
        self._buffer = buffer
        self._lines = [list(line) for line in update.strips]
        self._update = LayoutUpdate([*self._lines], update.region)

    def render_segments(self, console: Console) -> str:
        self._buffer.reset(self._update.region.y, self._lines)
        return self._update.render_segments(console)


class _Changed(CompositorUpdate):
    """Writes what differs from the buffer."""

    def __init__(self, buffer: TerminalBuffer, update: ChopsUpdate) -> None:
        self._buffer = buffer
        self._update = update

    def render_segments(self, console: Console) -> str:
        """Return what to write; nothing if nothing differs."""
        colors = _SYSTEMS.get(console.color_system or "", ColorSystem.TRUECOLOR)
        written: list[str] = []
        pen = _PLAIN
        for y, first, last in self._update.spans:
            shown = self._buffer.line(y, last, colors)
            target = self._target_cells(y, first, last, colors)
            for index, (start, end) in enumerate(_runs(shown, target, first)):
                # Columns are absolute: terminals disagree about the width of some characters.
                written.append(f"\x1b[{start + 1}G" if index else f"\x1b[{y + 1};{start + 1}H")
                for text, after in target[start - first : end - first]:
                    written.append(_change(pen, after) + text)
                    pen = after
            shown[first:last] = target
        written.append(_change(pen, _PLAIN))
        return "".join(written)

    def _target_cells(self, y: int, first: int, last: int, colors: ColorSystem) -> list[_Cell]:
        cells = [_UNKNOWN] * (last - first)
        for x, strip in self._update.chops[y].items():
            if strip is not None and x < last and x + strip.cell_length > first:
                fresh = _cells(strip, colors)[max(first - x, 0) : last - x]
                at = max(x - first, 0)
                cells[at : at + len(fresh)] = fresh
        return cells


def _runs(shown: list[_Cell], target: list[_Cell], first: int) -> list[tuple[int, int]]:
    """Return the ranges where `target` differs from what is shown; close ranges are joined."""
    runs: list[tuple[int, int]] = []
    for x, cell in enumerate(target, first):
        if cell == shown[x] or cell is _UNKNOWN:
            continue
        start = x - 1 if not cell[0] and x > first else x  # a wide character is written whole
        before, end = runs[-1] if runs else (start, first - _GAP - 1)
        if start - end <= _GAP and _UNKNOWN not in target[end - first : x - first]:
            runs[-1] = (before, x + 1)
        else:
            runs.append((start, x + 1))
    return runs


def _cells(strip: Strip, colors: ColorSystem) -> list[_Cell]:
    cells: list[_Cell] = []
    for text, style, _ in strip:
        pen = _pen(style, colors) if style else _PLAIN
        if text.isascii():
            cells += [(character, pen) for character in text]
            continue
        for character in text:
            match get_character_cell_size(character):
                case 0 if cells:  # an accent belongs to the character before it
                    at = -1 if cells[-1][0] else -2
                    cells[at] = (cells[at][0] + character, cells[at][1])
                case 2:
                    cells += [(character, pen), ("", pen)]
                case _:
                    cells.append((character, pen))
    return cells


@lru_cache(maxsize=4096)
def _pen(style: Style, colors: ColorSystem) -> _Pen:
    ink, paper = style.color, style.bgcolor
    return _Pen(
        Strip.render_ansi(style.without_color, colors),
        ";".join(ink.downgrade(colors).get_ansi_codes()) if ink else "39",
        ";".join(paper.downgrade(colors).get_ansi_codes(foreground=False)) if paper else "49",
    )


@lru_cache(maxsize=4096)
def _change(before: _Pen, after: _Pen) -> str:
    """Return the codes that change one pen to another; ending an attribute resets all of them."""
    if before == after:
        return ""
    if after == _PLAIN:
        return "\x1b[m"
    if before.attributes == after.attributes:
        codes = [new for old, new in zip(before, after, strict=True) if old != new]
    else:
        codes = ["0", *(code for code in after if code not in ("", "39", "49"))]
    return f"\x1b[{';'.join(codes)}m"
