"""Licenses of license files as pools: what is installed; a file cannot tell what is in use.

Owns which of the licenses of a pool count. Pure: must not know how a line is spelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Level, Mode, Notice, Pool, PoolKey, Reading, Snapshot, Step
from lictui.products import describe
from lictui.sources.command.adding import total
from lictui.sources.license_file import increments
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from lictui.sources.license_file import Increment

_MOST_RAW: Final = 40


def license_file_snapshot(said: str, where: str, today: date) -> Snapshot:
    """The license files printed one after another in `said`; `today` is the day in UTC.

    A license that has ended, or has not begun, counts only where no other of its pool is in force:
    the server drops it, and its renewal may lie beside it. Overdraft is not told (ODP is not it).
    Raises SourceError (no_data) if no line grants a license.
    """
    found: dict[PoolKey, list[Increment]] = {}
    for each in increments(said):
        subscribed = each.subscription_date.isoformat() if each.subscription_date else ""
        found.setdefault(PoolKey(each.product, subscribed), []).append(each)
    if not found:
        raise SourceError(
            FailureKind.NO_DATA,
            f"{where} printed no license: not one INCREMENT or FEATURE line",
            r"It must print files of ...\Citrix\Licensing\MyFiles\*.lic. Under the License"
            " Activation Service there are none.",
            Step.PARSE,
        )
    pools = tuple(_pool(found[key], today) for key in sorted(found))
    ended = [each for same in found.values() for each in same if not each.in_force(today)]
    return Snapshot(pools, mode=Mode.FILE, notices=tuple(_resting(ended)))


def _pool(licenses: Sequence[Increment], today: date) -> Pool:
    first = licenses[0]
    product = describe(first.product)
    standing = [each for each in licenses if each.in_force(today)] or list(licenses)
    terms = {each.permanent for each in standing}
    expires = _end(standing, today)
    ending = [each for each in standing if each.expires == expires]
    uncounted = all(each.uncounted for each in standing)
    return Pool(
        product=product.code,
        name=product.name,
        model=product.model,
        reading=Reading(installed=total(each.count for each in standing)),
        license_type=", ".join(sorted({each.license_type for each in standing} - {""})),
        subscription_date=first.subscription_date,
        expires=expires,
        partly=expires is not None and len(ending) < len(standing),
        expiring=total(each.count for each in ending),
        permanent=terms.pop() if len(terms) == 1 else None if None in terms else False,
        counted=product.counted and not uncounted,
        vendor=first.vendor,
        raw=tuple(fact for each in licenses for fact in _raw(each))[:_MOST_RAW],
        how=(
            ("installed", "counts of the INCREMENT lines in force, added up"),
            ("ends", "the first of them to end"),
        ),
    )


def _end(licenses: Sequence[Increment], today: date) -> date | None:
    """The next end, or the last if all are over."""
    ends = [each.expires for each in licenses if each.expires]
    return min((end for end in ends if end >= today), default=max(ends, default=None))


def _raw(each: Increment) -> Iterator[tuple[str, str]]:
    ends = each.expires.isoformat() if each.expires else "permanent" if each.permanent else "?"
    count = "uncounted" if each.uncounted else "?" if each.count is None else str(each.count)
    yield "INCREMENT", f"{each.product} {each.vendor} {each.version} {ends} {count}"
    if each.serial:
        yield "SN", each.serial
    for name, moment in (("ISSUED", each.issued), ("START", each.start)):
        if moment:
            yield name, moment.isoformat()
    if each.vendor_string:
        yield "VENDOR_STRING", ";".join(f"{key}={value}" for key, value in each.vendor_string)


def _resting(ended: Sequence[Increment]) -> Iterator[Notice]:
    """A notice for licenses that have ended or not begun."""
    if ended:
        products = ", ".join(sorted({each.product for each in ended})[:5])
        yield Notice(
            "server",
            Level.OK,
            f"Licenses in the files that are not in force: {len(ended)}",
            f"Ended, or not begun: {products}",
            "Files of licenses that have ended may be removed.",
        )
