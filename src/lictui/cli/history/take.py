"""`lictui history import`: what was recorded elsewhere, from a CSV file or stdin.

Owns the options, the account that is given, and the exit code: 0 when anything was taken in or
all was known already, 2 when nothing could be read.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from lictui.cli.history.opened import opened
from lictui.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from lictui.cli.context import Context
    from lictui.history.backfill import Taken
    from lictui.history.csv_reader import Account
    from lictui.history.store import History

_AHEAD: Final = 86400  # seconds that another machine's clock, or its zone, may be ahead of ours


@click.command("import")
@click.argument("file", type=click.Path(path_type=str))
@click.option(
    "--server", "servers", multiple=True, metavar="NAME", help="Only this; or whose the file is."
)
@click.option(
    "--product", "products", multiple=True, metavar="CODE", help="Only this; or whose the file is."
)
@click.option(
    "--subscription-date",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Of the file's pool; needed where the server has several of the product.",
)
@click.option("--date-format", default="", metavar="FORMAT", help="Of its times: '%d.%m.%Y %H:%M'.")
@click.option("--tz", default="", metavar="ZONE", help="Of its times, where they name none (IANA).")
@click.option(
    "--columns",
    default="",
    metavar="LIST",
    help="Which column is what: 'time=…,in_use=…,installed=…,overdraft=…', also date=….",
)
@click.pass_obj
def take(
    context: Context,
    /,
    *,
    file: str,
    servers: tuple[str, ...],
    products: tuple[str, ...],
    subscription_date: datetime | None,
    date_format: str,
    tz: str,
    columns: str,
) -> None:
    """Take in FILE (- is stdin): what `export` wrote, or any CSV of one pool.

    A CSV of somebody else needs --server and --product, a time (or Date and Time) and a column
    such as InUse, In Use or Used; Total, Installed or Licenses Owned and Overdraft are taken if
    there. A row with a day alone stands for that day. The same file again changes nothing.
    """
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` reads no file
    from lictui.history import csv_import as known  # noqa: PLC0415 - as above
    from lictui.history.csv_import import Ask, read  # noqa: PLC0415 - as above

    if date_format and "%" not in date_format:
        raise UsageError(
            f"--date-format {date_format!r} is no format", "it is made like '%d.%m.%Y %H:%M'"
        )
    said = known.said(columns) if columns else {}
    zone = zone_of(context, tz)
    data = _bytes(file)
    with opened(context, begin=True) as store:
        day = subscription_date.date().isoformat() if subscription_date else ""
        if not day and len(servers) == len(products) == 1:
            day = _only_pool(store, servers[0], products[0])
        until = SystemClock().now() + _AHEAD
        found = read(data, Ask(servers, products, day, said, date_format, zone, until))
        _refuse_nothing(found, file)
        taken = store.take(found.pools)
    _say(found, taken)


def zone_of(context: Context, name: str) -> tzinfo | None:
    """The zone of this IANA name, else config.toml's; None stands for the system's."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - only where times matter

    from lictui.config.loader import load_settings  # noqa: PLC0415 - `--help` reads no file

    name = name or load_settings(context.paths).timezone
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = "an IANA name, such as Europe/Berlin, America/New_York or UTC"
        raise UsageError(f"there is no time zone {name!r}", hint) from None


def _bytes(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    from pathlib import Path  # noqa: PLC0415 - only for who names a file

    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error


def _only_pool(store: History, server: str, product: str) -> str:
    """The subscription date of the one pool that the server has of the product, if it has one."""
    days = {
        pool.subscription_date
        for pool in store.pools()
        if (pool.server, pool.product) == (server, product)
    }
    if len(days) <= 1:
        return next(iter(days), "")
    if "" in days:
        return ""
    raise UsageError(
        f"{server} has several pools of {product}: {', '.join(sorted(days))}",
        "say which one the file is of: --subscription-date DATE",
    )


def _refuse_nothing(found: Account, file: str) -> None:
    if any(pool.points or pool.stretches or pool.months for pool in found.pools):
        return
    if found.left_out and not found.skipped:
        raise UsageError(
            f"{file} has nothing of the server or product asked for",
            "without --server and --product all of it is taken",
        )
    reasons = "".join(f"\n  line {line}: {why}" for line, why in found.reasons)
    raise UsageError(
        f"nothing in {file} could be read: {found.read:,} rows, {found.skipped:,} skipped{reasons}",
        "--columns, --date-format and --tz say what a file does not say itself",
    )


def _say(found: Account, taken: Taken) -> None:
    parts = [f"read {found.read:,} rows", f"skipped {found.skipped:,}", f"wrote {taken.wrote:,}"]
    if taken.known:
        parts.append(f"knew {taken.known:,} already")
    if found.left_out:
        parts.append(f"left out {found.left_out:,} of others")
    click.echo(", ".join(parts))
    for line, why in found.reasons:
        click.echo(f"lictui: line {line} was skipped: {why}", err=True)
    if found.skipped > len(found.reasons):
        click.echo(f"lictui: and {found.skipped - len(found.reasons):,} more", err=True)
