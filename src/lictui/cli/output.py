"""Where a command writes what it was asked for: stdout, or a file that is whole or not there.

Owns the option `-o` and the file's last moment. Must not know what is written.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO, cast

import click

from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPTION: Final[Callable[[Callable[..., Any]], Callable[..., Any]]] = click.option(
    "-o",
    "--output",
    "to",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write there, all or nothing, instead of to stdout.",
)


@contextmanager
def binary(output: str | None) -> Iterator[BinaryIO]:
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
def text(output: str | None) -> Iterator[TextIO]:
    """The same for text, UTF-8 in a file."""
    if output is None:
        yield sys.stdout
        return
    from io import TextIOWrapper  # noqa: PLC0415 - only for who names a file

    with binary(output) as out:
        wrapped = TextIOWrapper(out, encoding="utf-8", newline="")
        try:
            yield wrapped
        finally:
            wrapped.detach()  # writes the rest, and leaves closing to who opened
