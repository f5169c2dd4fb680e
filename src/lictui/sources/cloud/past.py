"""What Citrix Cloud itself remembers of the user/device licenses: a figure for each month.

Owns the reading of `ud/historicalusage` (developer-docs.citrix.com, "Troubleshooting Citrix Cloud
licensing with APIs"). Pure.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lictui.model import PoolKey, Told
from lictui.sources.answers import get, rows
from lictui.sources.clean import day, text, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

MONTHS: Final = 12  # that one request may ask for
_LIST: Final = "xenAppXenDesktopHistoricalUsageList"  # of users and devices together


def months(now: float) -> tuple[str, str]:
    """The first and the last month to ask for, `yyyy-MM`, at `now` (UTC epoch seconds)."""
    last = datetime.fromtimestamp(now, UTC)
    count = last.year * 12 + last.month - 1 - (MONTHS - 1)
    return f"{count // 12:04}-{count % 12 + 1:02}", f"{last.year:04}-{last.month:02}"


def read_past(answer: object, product: str) -> tuple[Told, ...]:
    """The months of `product` in order; none for those of another edition, or another shape."""
    edition = text(get(answer, "productEdition"), 64)
    if edition and not product.endswith(edition):
        return ()
    found = {told.at: told for told in _told(answer, PoolKey(product))}
    return tuple(found[at] for at in sorted(found))[-MONTHS:]


def _told(answer: object, key: PoolKey) -> Iterator[Told]:
    for row in rows(get(answer, _LIST), 10 * MONTHS):
        month = day(get(row, "timeStamp"))
        in_use = whole(get(row, "cumulativeAssignedCount"))
        installed = whole(get(row, "totalAvailableLicenseCount"))
        if month is None or (in_use is None and installed is None):
            continue
        yield Told(
            key,
            datetime(month.year, month.month, 1, tzinfo=UTC).timestamp(),
            in_use,
            installed,
            newly=whole(get(row, "newAssignedCount")),
            released=whole(get(row, "releasedCount")),
        )
