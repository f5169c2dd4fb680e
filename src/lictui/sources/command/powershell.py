"""Readers of PowerShell output: JSON of Get-LicInventory, Get-LicLasInventory and of WMI.

The server's `licenses_available` decides what LicensesAvailable counts (`inventory.py`).
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lictui.model import FailureKind, Mode, Snapshot, Step, count_text
from lictui.sources.inventory import (
    FIGURES,
    PRODUCT,
    code_fields,
    inventory_pools,
    is_start_up_row,
)
from lictui.sources.sanitize import (
    CaselessRecord,
    date_parser,
    parse_bounded_int,
    parse_count,
    sanitize,
)
from lictui.sources.source import (
    SourceError,
    no_data_error,
    parse_error,
    startup_only_notices,
    sum_pools,
    unreadable_notices,
)
from lictui.sources.winrm.source import build_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

Properties = dict[str, object]  # of one object; keys in lower case

# Output of ConvertTo-Json: the objects in it, whatever is printed before and around them

MAX_OBJECTS: Final = 5000  # no license server has as many pools
_MAX_DEPTH: Final = 4  # of lists in lists
_CLIXML: Final = "#< CLIXML"
_CLIXML_END: Final = "</Objs>"
# Where a document starts. Warnings before it may contain brackets too, so `[` alone is not enough.
DOCUMENT_START: Final = re.compile(
    r"^[ \t]*(?=\[\s{0,100}(?:\]|null)|\{\s{0,100}\})|(?=\[\s{0,100}[\[{])|(?=\{\s{0,100}\")",
    re.MULTILINE,
)
_DECODER: Final = json.JSONDecoder(parse_int=parse_bounded_int, parse_constant=lambda _: None)


def parse_objects(text: str, label: str) -> list[Properties]:
    """Return every object in the JSON of `text`, keys in lower case; [] if there is no output.

    A single object is a list of one, `{"value": [...], "Count": 2}` is its list, and one document
    may follow another; warnings, progress and CLIXML before a document are ignored.
    """
    objects: list[Properties] = []
    for number, document in enumerate(_documents(text, label)):
        objects += islice(_flatten(document, _MAX_DEPTH), MAX_OBJECTS + 1)
        if max(number, len(objects)) > MAX_OBJECTS:
            raise SourceError(
                FailureKind.TOO_LARGE,
                f"{label} printed more than {MAX_OBJECTS:,} objects",
                "Check that it is the right command: no license server has as many pools.",
                Step.PARSE,
            )
    return objects


def _documents(text: str, label: str) -> Iterator[object]:
    text = _without_clixml(text)
    start, is_empty = DOCUMENT_START.search(text), True
    while start:
        try:
            document, end = _DECODER.raw_decode(text, start.end())
        except (ValueError, RecursionError) as error:
            is_deep = isinstance(error, RecursionError)
            raise _json_error(label, "nested too deeply" if is_deep else str(error)) from error
        is_empty = False
        yield document
        start = DOCUMENT_START.search(text, end)
    if is_empty and text.strip() not in {"", "null"}:
        raise _json_error(label, f"the output starts with {sanitize(text.strip(), 60)}")


def _json_error(label: str, reason: str) -> SourceError:
    return parse_error(
        f"incomplete or invalid JSON from {label}: {sanitize(reason, 100)}",
        "End the command with | ConvertTo-Json; see `lictui servers snippet NAME`.",
    )


def _without_clixml(text: str) -> str:
    """Return `text` without the streams that PowerShell serializes in a non-interactive session."""
    first, *streams = text.split(_CLIXML)
    parts = [first]
    for stream in streams:
        inside, end, after = stream.partition(_CLIXML_END)
        parts.append(after if end else inside)
    return "\n".join(parts)


def _flatten(value: object, depth: int) -> Iterator[Properties]:
    if isinstance(value, list) and depth:
        for element in value:
            yield from _flatten(element, depth - 1)
    elif isinstance(value, dict):
        properties = {key.lower(): _unwrap(inner) for key, inner in value.items()}
        if isinstance(properties.get("value"), list) and "count" in properties:
            yield from _flatten(properties["value"], depth - 1 if depth else 0)
        else:
            yield properties


def _unwrap(value: object) -> object:
    """Return the value of a property that PowerShell wrapped, for example a date with a hint."""
    if isinstance(value, dict):
        inner = next((inner for key, inner in value.items() if key.lower() == "value"), value)
        return value if isinstance(inner, dict) else inner
    return value


# get-licinventory and get-liclasinventory

_RAW_FIELDS: Final = (
    "LicenseProductName LicenseEdition LicenseModel LicenseType LicensesInUse LicensesAvailable"
    " LicenseOverdraft LicenseExpirationDate LicenseCustomerSuccessServicesDate"
    " LicenseSubscriptionAdvantageDate".split()
)


def licinventory_snapshot(text: str, label: str, mode: Mode, *, available: str = "") -> Snapshot:
    """Return the license server in `text`; `available` is "free" or "total" (default)."""
    rows = parse_objects(text, label)
    if not rows:
        raise _empty_error(label, mode)
    listed = map(CaselessRecord, rows)
    licenses = [row for row in listed if row.text(PRODUCT) or is_start_up_row(row)]
    if not licenses:
        hint = "The command must print the output of Get-LicInventory | ConvertTo-Json."
        raise _format_error(rows, label, "with a LicenseProductName", hint)
    for row in licenses:
        _check_enums(row, label)
    figures = replace(FIGURES, is_free=available == "free")
    pools = sum_pools(inventory_pools(licenses, figures, *_RAW_FIELDS))
    problems = [text for row in licenses for text in figures.problems(row, row.text(PRODUCT, 20))]
    if len(licenses) < len(rows):
        problems.append(f"{len(rows) - len(licenses)} without {PRODUCT} ignored")
    return Snapshot(
        pools=pools,
        mode=mode if any(pool.counted for pool in pools) else None,
        notices=(
            *startup_only_notices(
                pools,
                "License files and the License Activation Service are listed by different cmdlets.",
                f"Try {'Get-LicLasInventory' if mode is Mode.FILE else 'Get-LicInventory'}.",
            ),
            *unreadable_notices(problems),
        ),
    )


def _check_enums(row: CaselessRecord, label: str) -> None:
    values = map(row.get, code_fields(row))
    if any(parse_count(value) is not None and not isinstance(value, str) for value in values):
        raise parse_error(
            f"{label} printed product, edition or model as a number: ConvertTo-Json converts enums",
            "Convert them to text first: `lictui servers snippet NAME` prints a command that does.",
        )


def _empty_error(label: str, mode: Mode) -> SourceError:
    hint = (
        "Under the License Activation Service, Get-LicLasInventory lists the licenses: set format ="
        ' "get-liclasinventory" and change the command.'
        if mode is Mode.FILE
        else "Check that the license server is activated. With license files, use Get-LicInventory."
    )
    return no_data_error(f"no licenses in the output of {label}", hint)


# wmi-json: Citrix_GT_License_Pool, printed by Get-CimInstance or Get-WmiObject

_WMI_POOLS: Final = "citrix_gt_license_pool"
_WMI_LICENSES: Final = "citrix_gt_license"
_WMI_DATES: Final = ("subscriptiondate", "expirationdate")


def wmi_snapshot(text: str, label: str, today: date) -> Snapshot:
    """Return the license server in `text`: pools, or an object of pools and licenses by class."""
    rows = parse_objects(text, label)
    containers = [row for row in rows if _WMI_POOLS in row or _WMI_LICENSES in row]
    pools, licenses = (
        [member for row in containers for member in _flatten(row.get(name), _MAX_DEPTH)]
        for name in (_WMI_POOLS, _WMI_LICENSES)
    )
    pools += [row for row in rows if "pld" in row]
    licenses += [
        row
        for row in rows
        if "pld" not in row and ("serialnumber" in row or "expirationdate" in row)
    ]
    if rows and not pools and not licenses and not containers:
        hint = (
            "The command must print the output of"
            " `Get-CimInstance Citrix_GT_License_Pool | ConvertTo-Json`."
        )
        raise _format_error(rows, label, "of them a Citrix_GT_License_Pool", hint)
    parse_day = date_parser(row.get(key) for row in (*pools, *licenses) for key in _WMI_DATES)

    def instance(row: Properties) -> Properties:
        """Return the properties with dates as WS-Management would spell them."""
        days = {key: parse_day(row.get(key)) for key in _WMI_DATES}
        return row | {key: day.isoformat() for key, day in days.items() if day}

    return build_snapshot(map(instance, pools), map(instance, licenses), (), label, today)


def _format_error(rows: Sequence[Properties], label: str, expected: str, hint: str) -> SourceError:
    for form, is_other in (
        ('Get-LicInventory: set format = "get-licinventory"', {"licenseproductname"}),
        ('WMI: set format = "wmi-json"', {"pld", _WMI_POOLS}),
        ('the output of lictui: set format = "lictui"', {"schema"}),
    ):
        if any(is_other & row.keys() for row in rows):
            hint = f"This looks like {form}."
    message = f"{label} printed {count_text(len(rows), 'object')}, none {expected}"
    return parse_error(message, hint)
