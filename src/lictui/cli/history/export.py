"""`lictui history export`: the local history as CSV.

Owns the options, and the file that is there when it is complete and not before.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Final

import click

from lictui.cli.history.opened import check, opened
from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import TextIO

    from lictui.cli.context import Context

_RESOLUTIONS: Final = {"raw": "RAW", "5m": "FIVE_MINUTES", "hour": "HOUR", "day": "DAY"}
_MONTH: Final = "month"
_MOMENT: Final = click.DateTime(
    ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
)


@click.command()
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
    type=click.Choice([*_RESOLUTIONS, _MONTH]),
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
    """Write the history as CSV, all series one after another; times are UTC.

    `--resolution month` writes what sources tell of their own past, a row a month. Of the months
    before a pool's first reading, `raw` writes one row each, at its first moment.
    """
    from lictui.history.transfer import Wanted, csv_lines  # noqa: PLC0415 - `--help` opens no history
    from lictui.insights.series import Resolution  # noqa: PLC0415 - as above

    del form  # there is one so far
    with opened(context) as store:
        known = store.pools()
        check("server", servers, {pool.server for pool in known})
        check("product", products, {pool.product for pool in known})
        wanted = Wanted(
            Resolution[_RESOLUTIONS.get(resolution, "DAY")],
            servers,
            products,
            since=_utc(since) if since else 0,
            until=_utc(until) if until else None,
            months=resolution == _MONTH,
        )
        with destination(output) as out:
            out.writelines(csv_lines(store.export_rows(wanted)))


def _utc(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp())


@contextmanager
def destination(output: str | None) -> Iterator[TextIO]:
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
