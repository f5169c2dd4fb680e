"""Readers of PowerShell output: JSON of Get-LicInventory, Get-LicLasInventory and of WMI.

The properties are documented in citrix/delivery-controller-sdk, docs/Licensing. Whether
LicensesAvailable is the total, overdraft included, or what is free is not documented, and public
scripts disagree: the server's `licenses_available` decides.
"""

from __future__ import annotations

import json
import re
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lictui.model import FailureKind, Mode, Pool, Snapshot, Step
from lictui.products import cvad_code, describe, is_start_up
from lictui.sources.flexnet.parser import CITRIX
from lictui.sources.sanitize import (
    CaselessRecord,
    is_day_first,
    parse_bounded_int,
    parse_date,
    sanitize,
    term_of,
)
from lictui.sources.source import (
    FigureFields,
    SourceError,
    count_text,
    new_pool,
    no_data_error,
    parse_error,
    startup_only_notices,
    sum_pools,
    unreadable_notices,
)
from lictui.sources.winrm.source import build_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Properties = dict[str, object]  # of one object; keys in lower case

# Output of ConvertTo-Json: the objects in it, whatever is printed before and around them

MAX_OBJECTS: Final = 5000  # no license server has as many pools
_MAX_DEPTH: Final = 4  # of lists in lists
_CLIXML: Final = "#< CLIXML"
_CLIXML_END: Final = "</Objs>"
# Where a document starts. Warnings before it may contain brackets too, so `[` alone is not enough.
_DOCUMENT_START: Final = re.compile(
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
    start, is_empty = _DOCUMENT_START.search(text), True
    while start:
        try:
            document, end = _DECODER.raw_decode(text, start.end())
        except (ValueError, RecursionError) as error:
            is_deep = isinstance(error, RecursionError)
            raise _json_error(label, "nested too deeply" if is_deep else str(error)) from error
        is_empty = False
        yield document
        start = _DOCUMENT_START.search(text, end)
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


def date_parser(values: Iterable[object]) -> Callable[[object], date | None]:
    """Return a parser for the dates of one document, given all of them: `values`."""
    day_first = is_day_first(values)
    return lambda value: parse_date(value, day_first=day_first)


# get-licinventory and get-liclasinventory

_MAX_CODE: Final = 60  # characters
_PRODUCT: Final = "LicenseProductName"
_FIGURES: Final = FigureFields("LicensesInUse", "LicensesAvailable", "LicenseOverdraft")
_EXPIRY: Final = "LicenseExpirationDate"
# The second is the older, or alternative, name of the first.
_SUBSCRIPTION: Final = ("LicenseCustomerSuccessServicesDate", "LicenseSubscriptionAdvantageDate")
_RAW_FIELDS: Final = (
    "LicenseProductName LicenseEdition LicenseModel LicenseType LicensesInUse LicensesAvailable"
    " LicenseOverdraft LicenseExpirationDate LicenseCustomerSuccessServicesDate"
    " LicenseSubscriptionAdvantageDate".split()
)
# 12/31/1999 means no expiry and 12/31/2037 no date (the SDK's own sample). They are local times: in
# another zone, or serialized in UTC, they are a day earlier or later.
_NO_EXPIRY: Final = (date(1999, 12, 30), date(2000, 1, 1))
_NO_DATE: Final = (date(2037, 12, 30), date(2038, 1, 1))


def licinventory_snapshot(text: str, label: str, mode: Mode, *, available: str = "") -> Snapshot:
    """Return the license server in `text`; `available` is "free" or "total" (default)."""
    rows = parse_objects(text, label)
    if not rows:
        raise _empty_error(label, mode)
    listed = map(CaselessRecord, rows)
    licenses = [row for row in listed if row.text(_PRODUCT) or _is_start_up(row)]
    if not licenses:
        hint = "The command must print the output of Get-LicInventory | ConvertTo-Json."
        raise _format_error(rows, label, "with a LicenseProductName", hint)
    parse_day = date_parser(row.get(key) for row in licenses for key in (_EXPIRY, *_SUBSCRIPTION))
    figures = replace(_FIGURES, is_free=available == "free")
    pools = sum_pools(_license_pool(row, parse_day, label, figures) for row in licenses)
    problems = [text for row in licenses for text in figures.problems(row, row.text(_PRODUCT, 20))]
    if len(licenses) < len(rows):
        problems.append(f"{len(rows) - len(licenses)} without {_PRODUCT} ignored")
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


def _is_start_up(row: CaselessRecord) -> bool:
    product, license_type = row.text(_PRODUCT, _MAX_CODE), row.text("LicenseType")
    return is_start_up(product, license_type)


def _license_pool(
    row: CaselessRecord,
    parse_day: Callable[[object], date | None],
    label: str,
    figures: FigureFields,
) -> Pool:
    code, name = _product_code(row, label), row.text("LocalizedLicenseProductName")
    expires, permanent = _term(parse_day(row.get(_EXPIRY)))
    day = next(filter(None, (parse_day(row.get(key)) for key in _SUBSCRIPTION)), None)
    is_day = day and not any(first <= day <= last for first, last in (_NO_EXPIRY, _NO_DATE))
    return replace(
        new_pool(code, figures.read(row), name),
        license_type=row.text("LicenseType", 40),
        subscription_date=day if is_day else None,
        expires=expires,
        permanent=permanent,
        counted=not _is_start_up(row),
        raw_fields=row.raw_fields(*_RAW_FIELDS),
        formulas=figures.formulas(row, ends=_EXPIRY),
    )


def _product_code(row: CaselessRecord, label: str) -> str:
    edition_name = "LicenseEdition" if row.get("LicenseEdition") else "ProductEdition"
    names = (_PRODUCT, edition_name, "LicenseModel")
    if any(row.count(name) is not None and not isinstance(row.get(name), str) for name in names):
        raise parse_error(
            f"{label} printed product, edition or model as a number: ConvertTo-Json converts enums",
            "Convert them to text first: `lictui servers snippet NAME` prints a command that does.",
        )
    product, edition, model = (row.text(name, _MAX_CODE) for name in names)
    if _is_start_up(row):  # the name alone is the code
        return product if not describe(product).counted else CITRIX
    return sanitize(cvad_code(product, edition, model), _MAX_CODE)


def _term(expires: date | None) -> tuple[date | None, bool | None]:
    """Return the expiry date and whether the license is permanent; both None if unknown."""
    if expires is None or _NO_DATE[0] <= expires <= _NO_DATE[1]:
        return None, None
    return (None, True) if _NO_EXPIRY[0] <= expires <= _NO_EXPIRY[1] else term_of(expires)


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
    if not any("pld" in row for row in containers):
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
