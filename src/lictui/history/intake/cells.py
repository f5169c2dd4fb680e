"""A file's bytes as rows of cells: whatever encoding and delimiter a program or a person chose.

Owns what stands before a header (a byte order mark, `#TYPE` of Export-Csv, `sep=;` of Excel).
Pure: must not know what the cells mean.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Row = tuple[int, list[str]]  # the number of its last line from 1, and its cells
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS: Final = (",", ";", "\t", "|")
_PREAMBLE: Final = 20  # rows among which a header is looked for
_PLAIN: Final = re.compile(r"[^a-z0-9]+")


def text(data: bytes) -> str:
    """The bytes as text: by their mark, as UTF-16 where every other byte is 0, else as UTF-8.

    What is none of these is Windows' Western code page, in which no byte is without a meaning.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    start = data[:200]
    if start[1::2].count(0) > len(start) // 3:
        return data.decode("utf-16-le", "replace")
    if start[::2].count(0) > len(start) // 3:
        return data.decode("utf-16-be", "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def plain(name: str) -> str:
    """A column's name without case, blanks, quotes and underscores."""
    return _PLAIN.sub("", name.lower())


def rows(whole: str, delimiter: str, *, exact: bool = False) -> Iterator[Row]:
    """Every row that has a cell with something in it. Raises UsageError for what is no CSV.

    Blanks after a delimiter belong to no cell, unless the file is `exact`.
    """
    source = io.StringIO(whole, newline="")
    found = csv.reader(source, delimiter=delimiter, skipinitialspace=not exact)
    try:
        for cells in found:
            if any(cells):
                yield found.line_num, cells
    except csv.Error as error:
        raise UsageError(
            f"line {found.line_num + 1} is no CSV: {error}", "is it a text file at all?"
        ) from error


def exact(whole: str, known: Callable[[list[str]], bool]) -> tuple[list[str], Iterator[Row]] | None:
    """The first row, if it is `known`, and the rows below it; None if it is not."""
    for delimiter in _DELIMITERS:
        below = rows(whole, delimiter, exact=True)
        for _, header in below:
            if known(header):
                return header, below
            break
    return None


def headed(whole: str, known: Callable[[list[str]], int]) -> tuple[list[str], Iterator[Row]]:
    """The first row that looks like a header, and the rows below it.

    `known` says how many columns of a row it recognises, 0 when too few to go by. Raises
    UsageError with the columns that are there when no row is a header.
    """
    best: tuple[int, str, int] | None = None
    for delimiter in _DELIMITERS:
        for place, (_, cells) in enumerate(islice(rows(whole, delimiter), _PREAMBLE)):
            score = known(cells)
            if score and (best is None or score > best[0]):
                best = score, delimiter, place
    if best is None:
        raise UsageError(f"no row is a header that can be gone by{_seen(whole)}", _HINT)
    _, delimiter, place = best
    below = rows(whole, delimiter)
    header = next(islice(below, place, None))[1]
    return header, below


_HINT: Final = (
    "name the columns: --columns 'time=…,in_use=…,installed=…' (time and in_use are needed); "
    "or leave --server and --product out for a file that lictui itself exported"
)


def _seen(whole: str) -> str:
    for delimiter in _DELIMITERS:
        for _, cells in rows(whole, delimiter):
            if len(cells) > 1:
                return f"; the first row has {', '.join(cell.strip() for cell in cells[:12])}"
            break
    return ""
