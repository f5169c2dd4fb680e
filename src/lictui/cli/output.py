"""Where a command writes what it was asked for: stdout, or a file that is whole or not there.

Owns the option `-o` and the file's last moment. Must not know what is written.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO, cast

import click

from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


OUTPUT_OPTION: Final[Callable[[Callable[..., Any]], Callable[..., Any]]] = click.option(
    "-o",
    "--output",
    "to",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write there, all or nothing, instead of to stdout.",
)


@contextmanager
def open_binary(output: str | None) -> Iterator[BinaryIO]:
    """Stdout, or a file that is there when it is complete and not before; a device as it is.

    Raises UsageError when it cannot be written.
    """
    if output is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        return
    from pathlib import Path  # noqa: PLC0415 - only for who names a file

    file = Path(output).resolve()
    whole = file.is_file() or not file.exists()
    part = file.with_name(f"{file.name}.part") if whole else file
    try:
        with part.open("wb") as out:
            yield cast("BinaryIO", out)
        if whole:
            part.replace(file)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    finally:
        if whole:
            part.unlink(missing_ok=True)


@contextmanager
def open_text(output: str | None) -> Iterator[TextIO]:
    """The same for text, UTF-8 in a file."""
    if output is None:
        yield sys.stdout
        return
    from io import TextIOWrapper  # noqa: PLC0415 - only for who names a file

    with open_binary(output) as out:
        wrapped = TextIOWrapper(out, encoding="utf-8", newline="")
        try:
            yield wrapped
        finally:
            wrapped.detach()  # writes the rest, and leaves closing to who opened


# The same answer as a table, CSV, Markdown or a line a server. Pure: JSON in, text out


_COLUMNS: Final = (
    "server",
    "source",
    "group",
    "state",
    "product",
    "name",
    "model",
    "subscription_date",
    "expires",
    "in_use",
    "installed",
    "overdraft",
    "free",
    "ratio",
    "level",
    "reason",
    "counted",  # what follows came later: at the end, so that no column moves
    "same_as",
)
_RUNS: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run as a formula
_LEVEL_MARK: Final = {"warn": "!", "critical": "!!", "overdraft": "over", "exhausted": "FULL"}


def pool_rows(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a pool, and one for every server without any."""
    for server in answer["servers"]:
        shared = {key: server[key] for key in ("source", "group", "state")}
        shared["server"] = server["name"]
        reason = server["reason"]
        shared["reason"] = f"{reason['kind']}: {reason['message']}" if reason else ""
        for pool in server["pools"]:
            yield shared | {key: pool[key] for key in _COLUMNS if key in pool}
        if not server["pools"]:
            yield shared


def as_jsonl(answer: dict[str, Any]) -> str:
    """One server a line, each with the time of the answer."""
    return "".join(
        json.dumps({"at": answer["at"], **server}, ensure_ascii=False) + "\n"
        for server in answer["servers"]
    )


def as_csv(answer: dict[str, Any]) -> str:
    """A header and a row a pool; text that a spreadsheet would run is quoted with `'`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in pool_rows(answer):
        writer.writerow([escape_formula(row.get(column)) for column in _COLUMNS])
    return out.getvalue()


def escape_formula(cell: Any) -> Any:
    """`cell`, made harmless to a spreadsheet if it is text that one would run."""
    if isinstance(cell, str) and cell.startswith(_RUNS):
        return f"'{cell}"
    return cell


def as_markdown(answer: dict[str, Any]) -> str:
    """A table for a ticket or a wiki."""
    head = ("Server", "State", "Product", "Model", "In use", "Installed", "Free", "%", "Level")
    lines = [_pipes(head), _pipes("---:" if name in head[4:8] else "---" for name in head)]
    lines += [_pipes(cells) for cells in _cells(answer)]
    return "\n".join(lines) + "\n"


def _pipes(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def as_table(answer: dict[str, Any]) -> str:
    """Aligned columns for a person, then the totals, then what failed and what to do."""
    head = ("SERVER", "STATE", "PRODUCT", "MODEL", "IN USE", "INSTALLED", "FREE", "%", "LEVEL")
    if not answer["servers"]:
        return "No server matches.\n"
    lines = aligned_lines([head, *_cells(answer)], right={4, 5, 6, 7})
    if answer["totals"]:
        totals = ("TOTAL", "MODEL", "SERVERS", "IN USE", "INSTALLED", "FREE", "%", "LEVEL")
        lines += [
            "",
            *aligned_lines([totals, *map(_total_cells, answer["totals"])], right={2, 3, 4, 5, 6}),
        ]
    asked = [each for server in answer["servers"] for each in server.get("parts") or (server,)]
    for server in (each for each in asked if each["reason"]):
        reason = server["reason"]
        lines += ["", f"{server['name']}: {reason['message']}"]
        if reason["hint"]:
            lines.append(f"  {reason['hint']}")
    return "\n".join(lines) + "\n"


def aligned_lines(table: Sequence[Sequence[str]], right: set[int]) -> list[str]:
    """Lines with every column as wide as its widest cell; columns in `right` flush right."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _cells(answer: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for row in pool_rows(answer):
        if "product" not in row:
            yield (row["server"], row["state"], *[""] * 7)
            continue
        until = f" ({row['subscription_date']})" if row["subscription_date"] else ""
        yield (row["server"], row["state"], row["name"] + until, _model(row), *_figures(row))


def _total_cells(total: dict[str, Any]) -> tuple[str, ...]:
    of = f"{total['group'] or 'no group'}: " if "group" in total else ""
    return (
        of + total["name"],
        _model(total),
        f"{total['servers_reporting']}/{total['servers_expected']}",
        *_figures(total),
    )


def _model(row: dict[str, Any]) -> str:
    return str(row["model"]).replace("_", "/")


def _figures(row: dict[str, Any]) -> tuple[str, ...]:
    ratio = row["ratio"]
    return (
        _figure(row["in_use"]),
        _figure(row["installed"]),
        _figure(row["free"]),
        "?" if ratio is None else f"{ratio:.0%}",
        _LEVEL_MARK.get(row["level"], row["level"]),
    )


def _figure(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
