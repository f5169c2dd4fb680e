"""`lictui history export`: the local history as CSV.

Owns the options. Must not know where it is written.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

import click

from lictui.cli import output
from lictui.cli.history.opened import check, opened

if TYPE_CHECKING:
    from datetime import datetime

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
@output.OPTION
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
    to: str | None,
) -> None:
    """Write the history as CSV, all series one after another; times are UTC.

    `--resolution month` writes what sources tell of their own past, a row a month. Of the months
    before a pool's first reading, `raw` writes one row each, at its first moment.
    """
    from lictui.analysis.series import Resolution  # noqa: PLC0415 - as above
    from lictui.history.csv_export import Wanted, csv_lines  # noqa: PLC0415 - `--help` opens no history

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
        with output.text(to) as out:
            out.writelines(csv_lines(store.export_rows(wanted)))


def _utc(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp())
