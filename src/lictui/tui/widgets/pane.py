"""A pane: one server in a frame, with title, a row per license type, and expirations.

Pure drawing: views in, lines of styled fragments out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from lictui.model import Level, Reading, State
from lictui.products import describe
from lictui.tui import text
from lictui.tui.text import LEVEL_TONES, Fragment, Line, Tone, fit_line, line_width
from lictui.tui.widgets.gauge import OVERDRAFT_CELLS, TrendData, draw_gauge, draw_trend

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lictui.tui.theme import Symbols
    from lictui.tui.widgets.dashboard_view import PaneView, RowId, RowView


# Users waiting for a license, drawn into the row of its pool


def add_queue(row: Sequence[Fragment], queued: int, shape: PaneColumns) -> Line:
    """Return the row with `3 queued` over its trend, else over its gauge, else its name."""
    label: Fragment = (f" {text.format_count(queued)} queued", Tone.CRITICAL)
    cells = line_width((label,))
    if shape.trend + 1 >= cells:
        return (*fit_line(row, line_width(row) - cells), label)
    named = shape.name + 1 + (shape.model + 1 if shape.model else 0)
    if shape.gauge + 1 >= cells:
        return (
            *fit_line(row, named),
            *fit_line((label,), shape.gauge + 1),
            *_without_first_cells(row, named + shape.gauge + 1),
        )
    name = fit_line(row[:1], max(shape.name - cells, 4))
    return (*name, label, (" ", Tone.TEXT), *row[1:])


def _without_first_cells(row: Sequence[Fragment], cells: int) -> Line:
    """Return the row without its first `cells` cells; all characters are one cell wide."""
    left = cells
    found: list[Fragment] = []
    for said, tone in row:
        skip = min(left, line_width(((said, tone),)))
        left -= skip
        found.append((said[skip:] if skip < len(said) else "", tone))
    return tuple(found)


_STATE_TONE: Final = {
    State.UP: Tone.OK,
    State.WAITING: Tone.QUIET,
    State.DISABLED: Tone.QUIET,
    State.STALE: Tone.WARN,
    State.NO_DATA: Tone.WARN,
}
_RATIO_CELLS: Final = 7  # `1234 %` and the level mark
_VERB_CELLS: Final = 9  # ` assigned`
_FRAME_CELLS: Final = 4  # both borders with a blank each
_REASON_LINES: Final = 4  # of the reason, and as many of the hint
_NO_TREND: Final = TrendData()


@dataclass(frozen=True, slots=True)
class PaneColumns:
    """Column widths of all rows; 0 leaves a column out."""

    name: int
    model: int
    gauge: int
    digits: int
    verb: int
    trend: int

    @property
    def figures(self) -> int:
        """Cells of `in use / installed`."""
        return 2 * self.digits + 3

    @property
    def middle(self) -> int:
        """Cells from gauge to level mark, one column in rows without current figures."""
        return (self.gauge + 1 if self.gauge else 0) + self.figures + self.verb + _RATIO_CELLS


def pane_columns(inside: int, digits: int, longest: int) -> PaneColumns:
    """Return the columns for `inside` cells; figures come first, then names, gauge and trend."""
    model = 11 if inside >= 70 else 3 if inside >= 46 else 0  # noqa: PLR2004 - where words fit
    word = _VERB_CELLS if inside >= 110 else 0  # noqa: PLR2004
    rest = inside - (model + 1 if model else 0) - 2 - 2 * digits - 3 - word - _RATIO_CELLS
    with_trend = rest >= 28  # noqa: PLR2004 - name 12, gauge 8, trend 6 and their blanks
    rest -= 2 if with_trend else 1
    name = min(max(longest, 8), max(rest * 48 // 100, rest - 90, 8))
    left = rest - name
    if left < OVERDRAFT_CELLS + 3:
        return PaneColumns(max(rest + 1, 1), model, 0, digits, word, 0)
    tail = left * 2 // 5 if with_trend else 0
    return PaneColumns(name, model, left - tail, digits, word, tail)


def inner_width(cells: int) -> int:
    """Return the cells between the two borders of a pane."""
    return cells - _FRAME_CELLS


def measure_pane(view: PaneView) -> tuple[int, int]:
    """Return the digits of the largest figure and the cells of the longest name in a pane."""
    readings = [row.reading for row in view.rows if row.counted]
    figures = [figure or 0 for r in readings for figure in (r.in_use, r.installed)]
    extremes = (max(figures, default=0), min(figures, default=0))
    return (
        max(len(text.format_count(figure)) for figure in extremes),
        max((cell_len(row.name) for row in view.rows), default=1),
    )


def draw_heading(name: str, count: str, cells: int, symbols: Symbols) -> Line:
    """Return the heading of a group."""
    said: list[Fragment] = [
        (symbols.horizontal * 2 + " ", Tone.FRAME),
        (text.shorten(name, max(cells - 20, 8), symbols.ellipsis), Tone.ACCENT),
        (f" {symbols.dot} {count} ", Tone.QUIET),
    ]
    return fit_line(
        (*said, (symbols.horizontal * max(cells - line_width(said), 0), Tone.FRAME)), cells
    )


def centered(word: str, cells: int) -> Line:
    """Return a centered sentence."""
    word = text.shorten(word, cells)
    return fit_line(((" " * ((cells - cell_len(word)) // 2), Tone.TEXT), (word, Tone.QUIET)), cells)


def mark_cursor(line: Line, symbols: Symbols) -> Line:
    """Return the line with the cursor in place of its left border."""
    (first, _), *rest = line
    return ((symbols.cursor, Tone.ACCENT), (first[1:], Tone.TEXT), *rest)


def pane_height(view: PaneView, cells: int) -> int:
    """Return the lines that a pane of this width needs, including its frame."""
    return 2 + len(view.rows) + len(_wrapped(view, cells - _FRAME_CELLS))


def draw_pane(
    view: PaneView,
    pasts: Mapping[RowId, TrendData],
    cells: int,
    high: int,
    shape: PaneColumns,
    symbols: Symbols,
) -> tuple[Line, ...]:
    """Return the pane as `high` lines of `cells` cells."""
    inside = cells - _FRAME_CELLS
    body = [
        *_reason(view, inside, symbols),
        *(draw_row(each, pasts.get(each.id, _NO_TREND), shape, symbols) for each in view.rows),
    ]
    blank: Line = ()
    body += [blank] * (high - 2 - len(body))
    edge: Fragment = (symbols.vertical, Tone.FRAME)
    return (
        _title(view, cells, symbols),
        *(
            fit_line(
                (edge, (" ", Tone.TEXT), *fit_line(each, inside), (" ", Tone.TEXT), edge), cells
            )
            for each in body
        ),
        _bottom(view.notes, cells, symbols),
    )


def cursor_line(view: PaneView, at: RowId, cells: int) -> int:
    """Return the line of the pane that holds the row under the cursor."""
    before = len(_wrapped(view, cells - _FRAME_CELLS))
    for index, each in enumerate(view.rows):
        if each.id == at:
            return 1 + before + index
    return 1


def _title(view: PaneView, cells: int, symbols: Symbols) -> Line:
    tone = _STATE_TONE.get(view.state, Tone.CRITICAL)
    word = view.state.value.replace("_", " ")
    bad = view.state not in (State.UP, State.WAITING, State.DISABLED)
    if bad and view.age not in ("", "now"):
        word = f"{word} {view.age}"
    age = "polling" if view.polling else view.age if view.state is State.UP else ""
    left, right = symbols.corners[0], symbols.corners[1]
    word = f" {symbols.state[view.state]} {word}"
    room = cells - 7 - min(len(view.server), max(12, cells // 3)) - len(word)
    said = next(
        (
            said
            for facts in (
                (view.source, view.identity, view.mode, age),
                (view.source, view.mode, age),
                (view.source, age),
                (age,),
            )
            if len(said := _join_facts(facts, symbols)) <= room
        ),
        "",
    )
    state: list[Fragment] = [(word, tone), (said, Tone.QUIET)]
    name = text.shorten(view.server, cells - line_width(state) - 6, symbols.ellipsis)
    head: list[Fragment] = [(left + " ", Tone.FRAME), (name, Tone.STRONG), (" ", Tone.FRAME)]
    tail: list[Fragment] = [*state, (" " + right, Tone.FRAME)]
    gap = cells - line_width(head) - line_width(tail)
    return fit_line((*head, (symbols.horizontal * max(gap, 0), Tone.FRAME), *tail), cells)


def _join_facts(facts: Iterable[str], symbols: Symbols) -> str:
    return "".join(f" {symbols.dot} {fact}" for fact in facts if fact)


def _bottom(notes: Sequence[Fragment], cells: int, symbols: Symbols) -> Line:
    left, right = symbols.corners[2], symbols.corners[3]
    said = [(note.replace("·", symbols.dot), tone) for note, tone in notes]
    while len(said) > 1 and line_width(said) > cells - 6:
        said = said[:-2]  # with its separator
    tail: list[Fragment] = [(" ", Tone.FRAME), *said, (" ", Tone.FRAME)] if said else []
    gap = max(cells - 2 - line_width(tail), 0)
    rule: Fragment = (left + symbols.horizontal * gap, Tone.FRAME)
    return fit_line((rule, *tail, (right, Tone.FRAME)), cells)


def _wrapped(view: PaneView, inside: int, ellipsis: str = "…") -> list[tuple[str, bool]]:
    """Return the reason in lines, and which of them are the reason itself and not the hint."""
    wrapped = []
    for index, said in enumerate(view.reason):
        lead = "-> " if index else ""
        for piece in text.wrap(said, max(inside, 8) - len(lead), _REASON_LINES, ellipsis):
            wrapped.append((lead + piece, index == 0))
            lead = " " * len(lead)
    if not wrapped and not view.rows:
        wrapped.append(("", True))
    return wrapped


def _reason(view: PaneView, inside: int, symbols: Symbols) -> list[Line]:
    tone = _STATE_TONE.get(view.state, Tone.CRITICAL)
    tone = Tone.QUIET if tone is Tone.OK else tone
    return [
        ((piece, tone if first else Tone.QUIET),)
        for piece, first in _wrapped(view, inside, symbols.ellipsis)
    ]


def draw_row(view: RowView, past: TrendData, shape: PaneColumns, symbols: Symbols) -> Line:
    """Return one pool as a line without frame."""
    live = not view.stale_age and view.counted
    name = text.pad(view.name, shape.name, ellipsis=symbols.ellipsis)
    runs: list[Fragment] = [(name + " ", Tone.TEXT if live else Tone.QUIET)]
    if shape.model:
        full = shape.model >= len("user/device")
        word = view.model.label if full else view.model.short
        runs.append((text.pad(word, shape.model) + " ", Tone.QUIET))
    runs += (
        _live_figures(view, past, shape, symbols)
        if live
        else _inactive_figures(view, shape, symbols)
    )
    if shape.trend and view.counted:
        limits = view.limits
        drawn = draw_trend(past, view.reading.installed, limits, shape.trend, symbols)
        runs += [(" ", Tone.TEXT), *(drawn if live else [(t, Tone.QUIET) for t, _ in drawn])]
    return add_queue(runs, view.queued, shape) if view.queued and live else tuple(runs)


def _live_figures(
    view: RowView, past: TrendData, shape: PaneColumns, symbols: Symbols
) -> list[Fragment]:
    reading, level = view.reading, view.level
    runs: list[Fragment] = []
    if shape.gauge:
        runs += [
            (" ", Tone.TEXT),
            *draw_gauge(reading, level, past.peak_of_day, shape.gauge, symbols),
        ]
    word = f" {view.model.verb:<{_VERB_CELLS - 1}}" if shape.verb else ""
    mark = " " if reading.ratio is None else symbols.level[level]
    said = f"{text.format_percent(reading.ratio):>{_RATIO_CELLS - 1}}{mark}"
    tone = Tone.TEXT if level is Level.OK else LEVEL_TONES[level]
    return [
        *runs,
        (" " + format_figures(reading, shape.digits), tone),
        (word, Tone.QUIET),
        (said, tone),
    ]


def format_figures(reading: Reading, digits: int) -> str:
    """Return `in use / installed` with both figures right-aligned."""
    in_use, installed = text.format_count(reading.in_use), text.format_count(reading.installed)
    return f"{in_use:>{digits}} / {installed:>{digits}}"


def _inactive_figures(view: RowView, shape: PaneColumns, symbols: Symbols) -> list[Fragment]:
    """Return a row without gauge, dimmed: its figures are not current, or not counted."""
    reading = view.reading
    known = f"{text.format_count(reading.in_use)} / {text.format_count(reading.installed)}"
    if not view.counted:
        start_up = "" if describe(view.key.product).counted else "startup license, "
        said = (f"{known}  {start_up}not counted", f"{known}  not counted", known)
    else:
        ago = "just now" if view.stale_age == "now" else f"{view.stale_age} ago"
        said = (f"last {known}, {ago}", f"{known}, {ago}", known)
    fitting = next((each for each in said if len(each) <= shape.middle), said[-1])
    return [(" " + text.pad(fitting, shape.middle, ellipsis=symbols.ellipsis), Tone.QUIET)]
