"""The objects of Get-LicInventory and Get-LicLasInventory as pools.

Owns what each property means (citrix/delivery-controller-sdk, docs/Licensing). Pure: must not know
how they were printed. Whether LicensesAvailable is the total, overdraft included, or what is free
is not documented, and sources disagree: the server's `licenses_available` decides.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Level, Mode, Notice, Pool, Reading, Snapshot, Step
from lictui.products import cvad_code, describe
from lictui.sources.command.formats import sum_pools
from lictui.sources.sanitize import parse_count, parse_date, sanitize
from lictui.sources.source import SourceError
from lictui.sources.winrm.source import WmiData, build_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


# What `ConvertTo-Json` printed: the objects in it, whatever stands before and around them


Object = dict[str, object]  # property, in lower case -> value

MAX_OBJECTS: Final = 5000  # objects in one answer; no license server has as many pools
_DIGITS: Final = 18  # of the longest integer that is read as one
_CLIXML: Final = "#< CLIXML"
_CLIXML_END: Final = "</Objs>"
# Where a document begins. Warnings before it hold brackets too, so just `[` is not enough.
_BEGINS: Final = re.compile(
    r"^[ \t]*(?=\[\s{0,100}(?:\]|null)|\{\s{0,100}\})|(?=\[\s{0,100}[\[{])|(?=\{\s{0,100}\")",
    re.MULTILINE,
)


def _bounded(digits: str) -> int | None:
    return int(digits) if len(digits) <= _DIGITS else None


_DECODER: Final = json.JSONDecoder(parse_int=_bounded, parse_constant=lambda _: None)


def parse_objects(said: str, where: str) -> list[Object]:
    """Every object in the JSON of `said`, properties in lower case; [] where there is nothing.

    A single object stands for a list of one, `{"value": [...], "Count": 2}` for its list, and one
    document may follow another; warnings, progress and CLIXML before a document are passed over.
    Raises SourceError: `parse` for JSON that is cut off or none at all, `too_large` past MOST.
    """
    found: list[Object] = []
    for number, document in enumerate(_documents(said, where)):
        found += islice(_flat(document, 4), MAX_OBJECTS + 1)
        if max(number, len(found)) > MAX_OBJECTS:
            raise SourceError(
                FailureKind.TOO_LARGE,
                f"{where} printed more than {MAX_OBJECTS:,} objects:"
                " no license server has as many pools",
                "Is it the right command?",
                Step.PARSE,
            )
    return found


def _documents(said: str, where: str) -> Iterator[object]:
    said = _without_clixml(said)
    begin, any_found = _BEGINS.search(said), False
    while begin:
        try:
            document, end = _DECODER.raw_decode(said, begin.end())
        except (ValueError, RecursionError) as error:
            why = "nested too deeply" if isinstance(error, RecursionError) else sanitize(error, 100)
            raise _unreadable_powershell(where, why) from error
        any_found = True
        yield document
        begin = _BEGINS.search(said, end)
    if not any_found and (rest := said.strip()) and rest != "null":
        raise _unreadable_powershell(where, f"it begins with {sanitize(rest, 60)}")


def _unreadable_powershell(where: str, why: str) -> SourceError:
    return SourceError(
        FailureKind.PARSE,
        f"{where} printed no whole JSON: {why}",
        "End it with | ConvertTo-Json; `lictui servers snippet NAME` prints a line that works.",
        Step.PARSE,
    )


def _without_clixml(said: str) -> str:
    """`said` without the streams that PowerShell serialises when nobody watches it."""
    first, *streams = said.split(_CLIXML)
    kept = [first]
    for stream in streams:
        inside, end, after = stream.partition(_CLIXML_END)
        kept.append(after if end else inside)
    return "\n".join(kept)


def _flat(value: object, depth: int) -> Iterator[Object]:
    if isinstance(value, list) and depth:
        for each in value:
            yield from _flat(each, depth - 1)
    elif isinstance(value, dict):
        found = {key.lower(): _scalar(each) for key, each in value.items()}
        if isinstance(found.get("value"), list) and "count" in found:
            yield from _flat(found["value"], depth - 1 if depth else 0)
        else:
            yield found


def _scalar(value: object) -> object:
    """A property whose value PowerShell wrapped (a date with a display hint, say), without that."""
    if isinstance(value, dict):
        inner = next((each for key, each in value.items() if key.lower() == "value"), value)
        return value if isinstance(inner, dict) else inner
    return value


# Days as PowerShell writes them: which calendar day was meant


_LONGEST: Final = 50
_EPOCH: Final = re.compile(r"/Date\((?P<ms>-?\d{1,15})(?:[+-]\d{4})?\)/")
_ZONED: Final = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:]{5,8}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})")
_FRACTION: Final = re.compile(r"\.\d+")
# 12/31/2027 7:00:00 PM, 31.12.2027 00:00:00, 31-12-2027: whatever time follows
_SHORT: Final = re.compile(
    r"(?P<a>\d{1,2})(?P<by>[/.-])(?P<b>\d{1,2})(?P=by)(?P<y>\d{4})(?: \d{1,2}[:.]\d.*)?"
)
_MONTHS: Final = 12
_EARLIEST: Final = 1980
_NOON: Final = timedelta(hours=12)


def date_parser(values: Iterable[object]) -> Callable[[object], date | None]:
    """A reader of days for one document, whose days are `values`: a day, or None for what is none.

    - `/Date(ms)/` (ConvertTo-Json of Windows PowerShell) is local midnight of a zone nobody tells:
      the nearest calendar day in UTC is taken, right for every zone from -11:59 to +12:00.
    - ISO 8601 with an offset is the day as written; but where the clock there shows no midnight and
      UTC does, the day in UTC (a WMI date, which Get-CimInstance shifted into local time).
    - `12/31/2027 7:00:00 PM` is month first, as the invariant culture has it; unless some value of
      the document can only be day first, and none only month first. With dots it is day first.
    - Everything else as `sources.clean.day` reads it. A day before 1980 is none.
    """
    parts = [found for value in values if (found := _short(value)) and found["by"] == "/"]
    day_first = any(int(found["a"]) > _MONTHS for found in parts) and not any(
        int(found["b"]) > _MONTHS for found in parts
    )

    def read(value: object) -> date | None:
        try:
            found = _read(value, day_first=day_first)
        except (ValueError, OverflowError):
            return None
        return found if found and found.year >= _EARLIEST else None

    return read


def _short(value: object) -> re.Match[str] | None:
    return _SHORT.fullmatch(value.strip()[:_LONGEST]) if isinstance(value, str) else None


def _read(value: object, *, day_first: bool) -> date | None:
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    value = value.strip()
    if found := _EPOCH.fullmatch(value):
        moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(found["ms"]))
        return (moment + _NOON).date()
    if found := _short(value):
        first, second, year = int(found["a"]), int(found["b"]), int(found["y"])
        if day_first or found["by"] != "/":
            first, second = second, first
        return date(year, first, second)
    if _ZONED.fullmatch(value):
        return _zoned(value)
    return parse_date(value)


def _zoned(value: str) -> date:
    there = datetime.fromisoformat(_FRACTION.sub("", value))
    utc = there.astimezone(UTC)
    shifted = _is_midnight(utc) and not _is_midnight(there)
    return (utc if shifted else there).date()


def _is_midnight(moment: datetime) -> bool:
    return (moment.hour, moment.minute, moment.second) == (0, 0, 0)


_CODE: Final = 60
_MOST_TOLD: Final = 5
_FIGURES: Final = ("LicensesInUse", "LicensesAvailable", "LicenseOverdraft")
_EXPIRY: Final = "LicenseExpirationDate"
# The second is the older, or other, name of the first.
_SUBSCRIPTION: Final = ("LicenseCustomerSuccessServicesDate", "LicenseSubscriptionAdvantageDate")
_RAW: Final = (
    "LicenseProductName",
    "LicenseEdition",
    "LicenseModel",
    "LicenseType",
    *_FIGURES,
    _EXPIRY,
    *_SUBSCRIPTION,
)
# 12/31/1999 stands for no expiry and 12/31/2037 for no date (the SDK's own sample). They are local
# times: in another zone, or serialised in UTC, they are a day earlier or later.
_NO_EXPIRY: Final = (date(1999, 12, 30), date(2000, 1, 1))
_NO_DATE: Final = (date(2037, 12, 30), date(2038, 1, 1))
_NEVER: Final = 9999  # the year .NET writes for "never"


def licinventory_snapshot(said: str, where: str, mode: Mode, *, available: str = "") -> Snapshot:
    """The license server that `said` tells of; `available` is "free", or "total" and its default.

    Raises SourceError: `no_data` for an empty inventory, `parse` for what is none, and for enums
    that were printed as numbers, since which product they are cannot be told.
    """
    rows = parse_objects(said, where)
    if not rows:
        raise _nothing(where, mode)
    named = [row for row in rows if row.get("licenseproductname")]
    if not named:
        raise _foreign(rows, where)
    day = date_parser(row.get(key.lower()) for row in named for key in (_EXPIRY, *_SUBSCRIPTION))
    is_free = available == "free"
    pools = sum_pools(_pool(row, day, where, is_free=is_free) for row in named)
    counted = any(pool.counted for pool in pools)
    return Snapshot(
        pools=pools,
        mode=mode if counted else None,
        notices=(
            *_start_up_only(mode, counted=counted),
            *_unreadable(named, len(rows) - len(named), is_free=is_free),
        ),
    )


def _pool(row: Object, day: Callable[[object], date | None], where: str, *, is_free: bool) -> Pool:
    code = _product(row, where)
    product = describe(code)
    localized = sanitize(row.get("localizedlicenseproductname"))
    expires, permanent = _term(day(row.get(_EXPIRY.lower())))
    subscribed = next(filter(None, (day(row.get(key.lower())) for key in _SUBSCRIPTION)), None)
    in_use, _, overdraft = _figures(row)
    return Pool(
        product=code,
        name=localized or code if product.name == code else product.name,
        model=product.model,
        reading=Reading(in_use, _installed(row, is_free=is_free), overdraft),
        license_type=sanitize(row.get("licensetype"), 40),
        subscription_date=None if subscribed and _is_sentinel(subscribed) else subscribed,
        expires=expires,
        permanent=permanent,
        counted=product.counted,
        raw_fields=tuple(
            (key, sanitize(value, 100))
            for key in _RAW
            if (value := row.get(key.lower())) is not None
        ),
        formulas=_how(overdraft, is_free=is_free),
    )


def _how(overdraft: int | None, *, is_free: bool) -> tuple[tuple[str, str], ...]:
    installed = "LicensesAvailable + LicensesInUse" if is_free else "LicensesAvailable"
    return (
        ("in_use", "LicensesInUse"),
        ("installed", f"{installed} - LicenseOverdraft" if overdraft else installed),
        ("overdraft", "LicenseOverdraft"),
        ("ends", _EXPIRY),
    )


def _product(row: Object, where: str) -> str:
    """PRODUCT_EDITION_MODEL, from the parts of the code itself or from the enums of the API."""
    parts = [
        row.get("licenseproductname"),
        row.get("licenseedition") or row.get("productedition"),
        row.get("licensemodel"),
    ]
    if any(isinstance(part, int | float) and not isinstance(part, bool) for part in parts):
        raise SourceError(
            FailureKind.PARSE,
            f"{where} printed product, edition or model as a number, as ConvertTo-Json does with"
            " enums",
            "Convert them to text first: `lictui servers snippet NAME` prints a line that does.",
            Step.PARSE,
        )
    product, edition, model = (sanitize(part, _CODE) for part in parts)
    if not describe(product).counted:  # start-up licenses, whose code is the name alone
        return product
    return sanitize(cvad_code(product, edition, model), _CODE)


def _figures(row: Object) -> tuple[int | None, int | None, int | None]:
    in_use, available, overdraft = (parse_count(row.get(key.lower())) for key in _FIGURES)
    return in_use, available, overdraft


def _installed(row: Object, *, is_free: bool) -> int | None:
    in_use, available, overdraft = _figures(row)
    if overdraft is None and row.get(_FIGURES[2].lower()) not in (None, ""):
        return None  # there is one, and it cannot be read
    if available is None or (is_free and in_use is None):
        return None
    installed = available + ((in_use or 0) if is_free else 0) - (overdraft or 0)
    return installed if installed >= 0 else None


def _term(expires: date | None) -> tuple[date | None, bool | None]:
    """When it ends, and whether it never does; neither is known without a date."""
    if expires is None or _NO_DATE[0] <= expires <= _NO_DATE[1]:
        return None, None
    if _NO_EXPIRY[0] <= expires <= _NO_EXPIRY[1] or expires.year >= _NEVER:
        return None, True
    return expires, False


def _is_sentinel(day: date) -> bool:
    return any(first <= day <= last for first, last in (_NO_EXPIRY, _NO_DATE))


def _unreadable(named: Sequence[Object], nameless: int, *, is_free: bool) -> Iterator[Notice]:
    told = []
    for row in named:
        figures = dict(zip(_FIGURES, _figures(row), strict=True))
        product = sanitize(row.get("licenseproductname"), 20)
        for key, figure in figures.items():
            value = row.get(key.lower())
            if figure is None and (value not in (None, "") or key != _FIGURES[2]):
                told.append(f"{product}: {key} is {sanitize(value, 30) or 'not given'}")
        if None not in figures.values() and _installed(row, is_free=is_free) is None:
            told.append(f"{product}: LicenseOverdraft is above LicensesAvailable")
    if nameless:
        told.append(f"{nameless} without LicenseProductName left out")
    if told:
        more = "; …" if len(told) > _MOST_TOLD else ""
        yield Notice(
            "server",
            Level.WARN,
            "Figures that cannot be read",
            "; ".join(told[:_MOST_TOLD]) + more,
            "Compare with Citrix Licensing Manager on the server.",
        )


def _start_up_only(mode: Mode, *, counted: bool) -> Iterator[Notice]:
    if not counted:
        other = "Get-LicLasInventory" if mode is Mode.FILE else "Get-LicInventory"
        yield Notice(
            "server",
            Level.WARN,
            "Only start-up licenses, none of a product",
            "The licenses may be of the other kind, which another cmdlet lists.",
            f"Try {other}.",
        )


def _nothing(where: str, mode: Mode) -> SourceError:
    hint = (
        "Under the License Activation Service, Get-LicLasInventory lists them: set format ="
        ' "get-liclasinventory" and change the command.'
        if mode is Mode.FILE
        else "Is this license server activated? With license files, Get-LicInventory lists them."
    )
    return SourceError(
        FailureKind.NO_DATA, f"{where} lists no licenses at all", hint, Step.INVENTORY
    )


def _foreign(rows: Sequence[Object], where: str) -> SourceError:
    hint = "It must be what Get-LicInventory gives, | ConvertTo-Json."
    if any("pld" in row or "citrix_gt_license_pool" in row for row in rows):
        hint = 'This looks like WMI: set format = "wmi-json".'
    elif any("schema" in row for row in rows):
        hint = 'This looks like lictui\'s own: set format = "lictui".'
    return SourceError(
        FailureKind.PARSE,
        f"{where} printed {len(rows)} objects, none with a LicenseProductName",
        hint,
        Step.PARSE,
    )


# Citrix_GT_License_Pool, printed as JSON by Get-CimInstance or Get-WmiObject


_POOLS: Final = "citrix_gt_license_pool"
_LICENSES: Final = "citrix_gt_license"
_DATES: Final = ("subscriptiondate", "expirationdate")
_LONGEST_VALUE: Final = 500


def wmi_snapshot(said: str, where: str, today: date) -> Snapshot:
    """The license server that `said` tells of: pools, or an object with pools and licenses.

    That object has the classes' names as properties. `today` is the day in UTC. Raises
    SourceError: `no_data` without any pool, `parse` for objects of another kind.
    """
    rows = parse_objects(said, where)
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
        raise _foreign_wmi(rows, where)
    day = date_parser(each.get(key) for each in (*pools, *licenses) for key in _DATES)

    def item(row: Object) -> dict[str, str]:
        found = {}
        for key, value in row.items():
            meant = day(value) if key in _DATES else None
            said = meant.isoformat() if meant else _text(value)
            if said is not None:
                found[key] = said
        return found

    instances = WmiData([item(each) for each in pools], [item(each) for each in licenses])
    return build_snapshot(instances, where, today)


def _text(value: object) -> str | None:
    """A property as WS-Management would spell it; None is null, or nothing that can be spelled."""
    if isinstance(value, bool):
        return str(value).lower()
    return sanitize(value, _LONGEST_VALUE) if isinstance(value, str | int | float) else None


def _members(value: object) -> Iterator[Object]:
    """The objects of one class: a list, one alone, or a list in its wrapper."""
    if isinstance(value, list):
        for each in value:
            if isinstance(each, dict):
                yield {str(key).lower(): inner for key, inner in each.items()}
    elif isinstance(value, dict):
        wrapped = value.get("value")
        yield from _members(wrapped if isinstance(wrapped, list) else [value])


def _foreign_wmi(rows: Sequence[Object], where: str) -> SourceError:
    hint = "It must be what `Get-CimInstance Citrix_GT_License_Pool` gives, | ConvertTo-Json."
    if any("licenseproductname" in row for row in rows):
        hint = 'This looks like Get-LicInventory: set format = "get-licinventory".'
    return SourceError(
        FailureKind.PARSE,
        f"{where} printed {len(rows)} objects, none of them a Citrix_GT_License_Pool",
        hint,
        Step.PARSE,
    )
