"""The objects of Get-LicInventory and Get-LicLasInventory as pools.

Owns what each property means (citrix/delivery-controller-sdk, docs/Licensing). Pure: must not know
how they were printed. Whether LicensesAvailable is the total, overdraft included, or what is free
is not documented, and sources disagree: the server's `licenses_available` decides.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Level, Mode, Notice, Pool, Reading, Snapshot, Step
from lictui.products import cvad_code, describe
from lictui.sources.clean import text, whole
from lictui.sources.command.adding import added
from lictui.sources.command.dates import days
from lictui.sources.command.powershell import objects
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lictui.sources.command.powershell import Object

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
    rows = objects(said, where)
    if not rows:
        raise _nothing(where, mode)
    named = [row for row in rows if row.get("licenseproductname")]
    if not named:
        raise _foreign(rows, where)
    day = days(row.get(key.lower()) for row in named for key in (_EXPIRY, *_SUBSCRIPTION))
    is_free = available == "free"
    pools = added(_pool(row, day, where, is_free=is_free) for row in named)
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
    localized = text(row.get("localizedlicenseproductname"))
    expires, permanent = _term(day(row.get(_EXPIRY.lower())))
    subscribed = next(filter(None, (day(row.get(key.lower())) for key in _SUBSCRIPTION)), None)
    in_use, _, overdraft = _figures(row)
    return Pool(
        product=code,
        name=localized or code if product.name == code else product.name,
        model=product.model,
        reading=Reading(in_use, _installed(row, is_free=is_free), overdraft),
        license_type=text(row.get("licensetype"), 40),
        subscription_date=None if subscribed and _is_sentinel(subscribed) else subscribed,
        expires=expires,
        permanent=permanent,
        counted=product.counted,
        raw=tuple(
            (key, text(value, 100)) for key in _RAW if (value := row.get(key.lower())) is not None
        ),
        how=_how(overdraft, is_free=is_free),
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
    product, edition, model = (text(part, _CODE) for part in parts)
    if not describe(product).counted:  # start-up licenses, whose code is the name alone
        return product
    return text(cvad_code(product, edition, model), _CODE)


def _figures(row: Object) -> tuple[int | None, int | None, int | None]:
    in_use, available, overdraft = (whole(row.get(key.lower())) for key in _FIGURES)
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
        product = text(row.get("licenseproductname"), 20)
        for key, figure in figures.items():
            value = row.get(key.lower())
            if figure is None and (value not in (None, "") or key != _FIGURES[2]):
                told.append(f"{product}: {key} is {text(value, 30) or 'not given'}")
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
