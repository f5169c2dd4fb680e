"""`lictui history`: the local history out as CSV, how much there is, and less of it on disk.

Exit 2 if there is no history or it cannot be used.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Final

import click

from lictui.cli.options import nearest
from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime
    from pathlib import Path
    from typing import TextIO

    from lictui.cli.context import Context
    from lictui.history.stats import Stats
    from lictui.history.store import History

_RESOLUTIONS: Final = {"raw": "RAW", "5m": "FIVE_MINUTES", "hour": "HOUR", "day": "DAY"}
_MOMENT: Final = click.DateTime(
    ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
)


@click.group()
def history() -> None:
    """Look after the local history."""


@history.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv"]),
    default="csv",
    show_default=True,
    help="As what.",
)
@click.option(
    "--resolution",
    type=click.Choice(list(_RESOLUTIONS)),
    default="raw",
    show_default=True,
    help="Every reading, or its minimum, average and maximum over a stretch of time.",
)
@click.option("--server", "servers", multiple=True, metavar="NAME", help="Only this; repeatable.")
@click.option("--product", "products", multiple=True, metavar="CODE", help="Only this; repeatable.")
@click.option("--since", type=_MOMENT, metavar="TIME", help="From this day or moment (UTC) on.")
@click.option("--until", type=_MOMENT, metavar="TIME", help="Before this day or moment (UTC).")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write there, all or nothing, instead of to stdout.",
)
@click.pass_obj
def export(
    context: Context,
    /,
    *,
    form: str,
    resolution: str,
    servers: tuple[str, ...],
    products: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    output: str | None,
) -> None:
    """Write the history as CSV, all series one after another; times are UTC."""
    from lictui.history.transfer import Wanted, csv_lines  # noqa: PLC0415 - `--help` opens no history
    from lictui.insights.series import Resolution  # noqa: PLC0415 - as above

    del form  # there is one so far
    with _open(context) as store:
        known = store.pools()
        _check("server", servers, {pool.server for pool in known})
        _check("product", products, {pool.product for pool in known})
        wanted = Wanted(
            Resolution[_RESOLUTIONS[resolution]],
            servers,
            products,
            since=_utc(since) if since else 0,
            until=_utc(until) if until else None,
        )
        with _destination(output) as out:
            out.writelines(csv_lines(store.export_rows(wanted)))


@history.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def stats(context: Context, /, *, as_json: bool) -> None:
    """Say how much there is, of what, and since when."""
    with _open(context) as store:
        facts = _facts(store, store.stats())
    if as_json:
        click.echo(json.dumps({"schema": "lictui.history/1", **facts}, indent=2))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        shown = f"{value:,}" if isinstance(value, int | float) else value or "-"
        click.echo(f"{name.replace('_', ' ').ljust(width)}  {shown}")


@history.command()
@click.pass_obj
def compact(context: Context, /) -> None:
    """Roll up, forget what is older than agreed, and give the disk back what is free."""
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` opens no history
    from lictui.history.database import mend  # noqa: PLC0415 - as above

    path = _path(context)
    if aside := mend(path, SystemClock().now()):
        click.echo(f"lictui: {path} was damaged and is now {aside}", err=True)
    with _open(context, begin=True) as store:
        before = store.stats().size
        store.shrink()
        click.echo(f"{path}: {before:,} bytes, now {store.stats().size:,}")


@contextmanager
def _open(context: Context, *, begin: bool = False) -> Iterator[History]:
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` opens no history
    from lictui.config.file import load_settings  # noqa: PLC0415 - as above
    from lictui.history.store import History  # noqa: PLC0415 - as above

    retention = load_settings(context.paths).retention
    with History.open(_path(context, begin=begin), retention, SystemClock()) as store:
        for notice in store.notices:
            click.echo(f"lictui: {notice}", err=True)
        yield store


def _path(context: Context, *, begin: bool = False) -> Path:
    from lictui.config.file import load_settings  # noqa: PLC0415 - `--help` reads no file

    path = load_settings(context.paths).retention.path or context.paths.history
    if not begin and not path.exists():
        raise UsageError(
            f"there is no history at {path} yet",
            "the monitor, `lictui collect` and `lictui status` begin one",
        )
    return path


def _check(what: str, named: Collection[str], known: Collection[str]) -> None:
    for name in named:
        if name not in known:
            raise UsageError(f"the history knows no {what} {name!r}.{nearest(name, known)}")


def _utc(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp())


@contextmanager
def _destination(output: str | None) -> Iterator[TextIO]:
    """Stdout, or a file that is there when it is complete and not before; a device as it is."""
    if output is None:
        yield sys.stdout
        return
    from pathlib import Path  # noqa: PLC0415 - only for who names a file

    file = Path(output).resolve()
    whole = file.is_file() or not file.exists()
    part = file.with_name(f"{file.name}.part") if whole else file
    try:
        with part.open("w", encoding="utf-8", newline="") as out:
            yield out
        if whole:
            part.replace(file)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    finally:
        if whole:
            part.unlink(missing_ok=True)


def _facts(store: History, found: Stats) -> dict[str, str | int | float | None]:
    from lictui.clock import iso  # noqa: PLC0415 - `--help` opens no history

    cost = found.bytes_per_reading
    return {
        "path": str(store.path),
        "journal_mode": store.journal_mode,
        "schema_version": found.schema,
        "servers": found.servers,
        "pools": found.pools,
        "readings": found.readings,
        "events": found.events,
        "first": None if found.first is None else iso(found.first),
        "last": None if found.last is None else iso(found.last),
        "bytes": found.size,
        "bytes_per_reading": None if cost is None else round(cost, 2),
    }
