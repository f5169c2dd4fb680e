"""Citrix_GT_License_Pool, printed as JSON by Get-CimInstance or Get-WmiObject.

Owns the way from objects to the instances that `winrm.inventory` knows: what their properties mean
is the same however they travel. Pure: must not know how they were printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Step
from lictui.sources.clean import text
from lictui.sources.command.dates import days
from lictui.sources.command.powershell import objects
from lictui.sources.source import SourceError
from lictui.sources.winrm.inventory import Instances, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from lictui.model import Snapshot
    from lictui.sources.command.powershell import Object

_POOLS: Final = "citrix_gt_license_pool"
_LICENSES: Final = "citrix_gt_license"
_DATES: Final = ("subscriptiondate", "expirationdate")
_LONGEST_VALUE: Final = 500


def wmi_snapshot(said: str, where: str, today: date) -> Snapshot:
    """The license server that `said` tells of: pools, or an object with pools and licenses.

    That object has the classes' names as properties. `today` is the day in UTC. Raises
    SourceError: `no_data` without any pool, `parse` for objects of another kind.
    """
    rows = objects(said, where)
    both = [row for row in rows if _POOLS in row or _LICENSES in row]
    pools = [each for row in both for each in _members(row.get(_POOLS))]
    licenses = [each for row in both for each in _members(row.get(_LICENSES))]
    pools += [row for row in rows if "pld" in row]
    if not any("pld" in row for row in both):
        licenses += [
            row
            for row in rows
            if "pld" not in row and ("serialnumber" in row or "expirationdate" in row)
        ]
    if rows and not pools and not licenses and not both:
        raise _foreign(rows, where)
    day = days(each.get(key) for each in (*pools, *licenses) for key in _DATES)

    def item(row: Object) -> dict[str, str]:
        found = {}
        for key, value in row.items():
            meant = day(value) if key in _DATES else None
            said = meant.isoformat() if meant else _text(value)
            if said is not None:
                found[key] = said
        return found

    instances = Instances([item(each) for each in pools], [item(each) for each in licenses])
    return snapshot(instances, where, today)


def _text(value: object) -> str | None:
    """A property as WS-Management would spell it; None is null, or nothing that can be spelled."""
    if isinstance(value, bool):
        return str(value).lower()
    return text(value, _LONGEST_VALUE) if isinstance(value, str | int | float) else None


def _members(value: object) -> Iterator[Object]:
    """The objects of one class: a list, one alone, or a list in its wrapper."""
    if isinstance(value, list):
        for each in value:
            if isinstance(each, dict):
                yield {str(key).lower(): inner for key, inner in each.items()}
    elif isinstance(value, dict):
        wrapped = value.get("value")
        yield from _members(wrapped if isinstance(wrapped, list) else [value])


def _foreign(rows: Sequence[Object], where: str) -> SourceError:
    hint = "It must be what `Get-CimInstance Citrix_GT_License_Pool` gives, | ConvertTo-Json."
    if any("licenseproductname" in row for row in rows):
        hint = 'This looks like Get-LicInventory: set format = "get-licinventory".'
    return SourceError(
        FailureKind.PARSE,
        f"{where} printed {len(rows)} objects, none of them a Citrix_GT_License_Pool",
        hint,
        Step.PARSE,
    )
