"""The report as Markdown, for a wiki, a ticket or a terminal: tables with aligned columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lictui.report.text import CellKind, format_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from lictui.report.sections import ReportTree, Section, Table
    from lictui.report.summary import KeyFigure


def render_markdown(tree: ReportTree) -> str:
    """Return the whole text."""
    lines = [f"# {_escape(tree.title)}", "", _escape(tree.subtitle)]
    for section in tree.sections:
        lines += ["", *_section(section, tree.zone)]
    return "\n".join(lines) + "\n"


def _section(section: Section, zone: tzinfo | None) -> Iterator[str]:
    detail = f" ({_escape(section.detail)})" if section.detail else ""
    yield f"## {_escape(section.title)}{detail}"
    if not section.tables:  # else they are in the table
        yield from ("", *(f"- {_figure(figure)}" for figure in section.key_figures))
    if section.statements:
        yield ""
    for statement in section.statements:
        yield f"- **{statement.label}**: {_escape(statement.text)}"
    for table in section.tables:
        yield ""
        yield from _table(table, zone)
    if section.notes:
        yield ""
    is_list = len(section.notes) > 1
    for note in section.notes:
        yield f"- {_escape(note)}" if is_list else _escape(note)


def _figure(figure: KeyFigure) -> str:
    remark = f" ({_escape(figure.remark)})" if figure.remark else ""
    return f"{figure.label}: **{_escape(figure.value)}**{remark}"


def _table(table: Table, zone: tzinfo | None) -> Iterator[str]:
    """Yield a table; every column is as wide as its widest cell, numbers are flush right."""
    columns = [column for column in table.columns if column.kind is not CellKind.METER]
    titles = [column.title for column in columns]
    cells = [[_escape(format_cell(column, row, zone)) for column in columns] for row in table.rows]
    widths = [max(3, *map(len, texts)) for texts in zip(titles, *cells, strict=True)]

    def line(texts: Sequence[str]) -> str:
        padded = (
            text.rjust(width) if column.is_number else text.ljust(width)
            for text, width, column in zip(texts, widths, columns, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    yield line(titles)
    yield line(
        [
            "-" * (width - 1) + (":" if column.is_number else "-")
            for width, column in zip(widths, columns, strict=True)
        ]
    )
    yield from map(line, cells)


_MARKUP: Final = re.compile(r"([\\`*\[\]<|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


def _escape(text: str) -> str:
    """Return text that a reader of Markdown shows as it is: names come from license servers."""
    return _MARKUP.sub(r"\\\1", text)
