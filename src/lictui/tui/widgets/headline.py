"""The first line: how many servers are up, what the estate uses, how old that is, what is wrong.

Owns that line; the age in it ticks, and nothing is written when it reads the same. Must not know
the monitor: it is given a view.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual.reactive import var
from textual.widget import Widget

from lictui.engine.alerts import shown
from lictui.engine.board import totals
from lictui.model import Level, State
from lictui.tui import text
from lictui.tui.ink import OF_LEVEL, Tone, fit, width
from lictui.tui.symbols import UNICODE
from lictui.tui.widgets import paint
from lictui.tui.widgets.pane import use_word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from textual.strip import Strip

    from lictui.clock import Clock
    from lictui.config.settings import Alerts
    from lictui.engine.board import Board, Total
    from lictui.tui.ink import Line, Run
    from lictui.tui.symbols import Symbols

_STATES: Final = sorted(State, key=lambda state: state is not State.UP)  # up comes first
_LARGE: Final = 100  # servers, from which summing them at every poll is work worth saving
_GOOD: Final = (State.UP, State.WAITING, State.DISABLED)


@dataclass(frozen=True, slots=True)
class Used:
    """So much of so much, over the products whose figures are all known."""

    word: str  # "in use" or "assigned": the two are never added up
    figure: int
    installed: int


@dataclass(frozen=True, slots=True)
class HeadView:
    """Everything the line is made of, but the time."""

    states: tuple[tuple[State, int], ...] = ()
    used: tuple[Used, ...] = ()
    polled_at: float | None = None
    due: float | None = None
    alerts: int = 0  # that nobody has answered
    worst: Level = Level.OK


def head(board: Board, limits: Alerts, today: date, now: float = 0.0) -> HeadView:
    """The line for this board."""
    counts = Counter(status.state for status in board.servers)
    known = [total for total in totals(board, limits) if not total.unknown]
    loud = [each for each in shown(board, limits, today, now) if each.loud]
    polled = [s.polled_at for s in board.servers if s.polled_at is not None]
    due = [s.due for s in board.servers if s.due is not None]
    return HeadView(
        tuple((state, counts[state]) for state in _STATES if counts[state]),
        tuple(_used(known)),
        max(polled, default=None),
        min(due, default=None),
        len(loud),
        loud[0].level if loud else Level.OK,
    )


def _used(known: Sequence[Total]) -> Iterator[Used]:
    for word in ("in use", "assigned"):
        readings = [each.reading for each in known if use_word(each.model) == word]
        installed = sum(reading.installed or 0 for reading in readings)
        if installed:
            yield Used(word, sum(reading.in_use or 0 for reading in readings), installed)


def line(view: HeadView, now: float, cells: int, symbols: Symbols, flag: str = "") -> Line:
    """The line in the longest of its forms that fits."""
    right = _alerts(view)
    for form in (_long, _middle, _short, _shorter, _shortest):
        left = [(f" {flag or 'lictui'}  ", Tone.ACCENT), *form(view, now, symbols)]
        gap = cells - width(left) - width(right)
        if gap >= 2:  # noqa: PLR2004 - so that two facts stay two
            return fit((*left, (" " * gap, Tone.TEXT), *right), cells)
    return fit((*_shortest(view, now, symbols), ("  ", Tone.TEXT), *right), cells)


def _states(view: HeadView, symbols: Symbols) -> list[Run]:
    runs: list[Run] = []
    for state, count in view.states:
        tone = Tone.OK if state is State.UP else Tone.TEXT if state in _GOOD else Tone.CRITICAL
        runs += [(f" {symbols.dot} ", Tone.FRAME)] if runs else []
        runs.append((f"{count} {state.value.replace('_', ' ')}", tone))
    return runs


def _long(view: HeadView, now: float, symbols: Symbols) -> list[Run]:
    servers = sum(count for _, count in view.states)
    noun = "server" if servers == 1 else "servers"
    runs: list[Run] = [(f"{servers} {noun}: " if servers else "no servers", Tone.TEXT)]
    runs += _states(view, symbols)
    runs += _estate(view, symbols)
    return [*runs, ("    ", Tone.TEXT), *_ages(view, now, symbols)]


def _middle(view: HeadView, now: float, symbols: Symbols) -> list[Run]:
    return [*_states(view, symbols), *_estate(view, symbols), *_age(view, now)]


def _short(view: HeadView, now: float, symbols: Symbols) -> list[Run]:
    return [*_shortest(view, now, symbols)[:1], *_estate(view, symbols), *_age(view, now)]


def _shorter(view: HeadView, now: float, symbols: Symbols) -> list[Run]:
    estate = _estate(view, symbols, brief=True)
    return [*_shortest(view, now, symbols)[:1], *estate, *_age(view, now)]


def _shortest(view: HeadView, now: float, symbols: Symbols) -> list[Run]:  # noqa: ARG001 - a form
    up = sum(count for state, count in view.states if state is State.UP)
    servers = sum(count for _, count in view.states)
    tone = Tone.OK if up == servers else Tone.CRITICAL
    return [(f"{up}/{servers} up", tone), *_age(view, now)]


def _estate(view: HeadView, symbols: Symbols, *, brief: bool = False) -> list[Run]:
    runs: list[Run] = []
    for used in view.used:
        share = text.percent(used.figure / used.installed)
        of = f"{text.figure(used.figure)} of {text.figure(used.installed)} ({share})"
        runs += [(f" {symbols.dot} " if runs else "   ", Tone.FRAME)]
        runs += [(share if brief else of, Tone.TEXT), (f" {used.word}", Tone.QUIET)]
    return runs


def _age(view: HeadView, now: float) -> list[Run]:
    if view.polled_at is None:
        return [("   not polled yet", Tone.QUIET)]
    return [(f"   {text.age(now - view.polled_at)} ago", Tone.QUIET)]


def _ages(view: HeadView, now: float, symbols: Symbols) -> list[Run]:
    if view.polled_at is None:
        return [("not polled yet", Tone.QUIET)]
    runs: list[Run] = [(f"polled {text.age(now - view.polled_at)} ago", Tone.QUIET)]
    if view.due is not None:
        wait = text.countdown(view.due - now) if view.due > now else "now"
        runs.append((f" {symbols.dot} next {wait}", Tone.QUIET))
    return runs


def _alerts(view: HeadView) -> list[Run]:
    if not view.alerts:
        return [("no alerts ", Tone.OK)]
    noun = "alert" if view.alerts == 1 else "alerts"
    return [(f"{view.alerts} {noun} ", OF_LEVEL[view.worst])]


class Headline(Widget):
    """The line on the screen. Set `view`; the clock moves the rest."""

    COMPONENT_CLASSES: ClassVar[set[str]] = paint.TONES
    DEFAULT_CSS = "Headline { dock: top; height: 1; background: $panel;" + paint.CSS + "}"

    view: var[HeadView] = var(HeadView())
    flag: var[str] = var("")  # said in place of the program's name

    def __init__(self, clock: Clock, symbols: Symbols = UNICODE) -> None:
        super().__init__()
        self._clock = clock
        self._symbols = symbols
        self._line: Line = ()
        self._newest: tuple[Board, Alerts, date] | None = None  # not yet looked at
        self._told = False  # since the last tick

    def on_mount(self) -> None:
        """Let the age tick."""
        self.set_interval(1, self._tick)

    def show(self, board: Board, limits: Alerts, today: date) -> None:
        """Tell of this board; of a large estate's many boards in a second, the first and last."""
        self._newest = (board, limits, today)
        if not self._told or len(board.servers) <= _LARGE:
            self._told = True
            self._look()

    def _look(self) -> None:
        if self._newest is not None:
            self.view, self._newest = head(*self._newest, self._clock.now()), None

    def watch_view(self) -> None:
        """Another board."""
        self._draw()

    def watch_flag(self) -> None:
        """Demo, read-only, paused."""
        self._draw()

    def _tick(self) -> None:
        self._told = False
        self._look()
        self._draw()

    def _draw(self) -> None:
        if self._now() != self._line:
            self.refresh()

    def _now(self) -> Line:
        return line(self.view, self._clock.now(), self.size.width, self._symbols, self.flag)

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        """The line."""
        self._line = self._now()
        return paint.strip(self, self._line, self.size.width)
