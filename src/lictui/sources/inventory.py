"""Rows of a license inventory, as the orchestration API and Get-LicInventory list them.

Field names are those of LicenseInventoryModel, and of citrix/delivery-controller-sdk,
docs/Licensing. Whether LicensesAvailable is the total, overdraft included, or what is free is not
documented, and public scripts disagree: the caller decides.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lictui.products import START_UP_CODE, cvad_code, describe, is_start_up
from lictui.sources.sanitize import MAX_CODE, Record, date_parser, sanitize, term_of
from lictui.sources.source import FigureFields, new_pool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lictui.model import Pool

FIGURES: Final = FigureFields("LicensesInUse", "LicensesAvailable", "LicenseOverdraft")
PRODUCT: Final = "LicenseProductName"
_EXPIRY: Final = "LicenseExpirationDate"
# The second is the older, or alternative, name of the first.
_SUBSCRIPTION: Final = ("LicenseCustomerSuccessServicesDate", "LicenseSubscriptionAdvantageDate")
# 12/31/1999 means no expiry and 12/31/2037 no date (the SDK's own sample). They are local times: in
# another zone, or serialized in UTC, they are a day earlier or later.
_NO_EXPIRY: Final = {date(1999, 12, 30), date(1999, 12, 31), date(2000, 1, 1)}
_NO_DATE: Final = {date(2037, 12, 30), date(2037, 12, 31), date(2038, 1, 1)}


def is_start_up_row(row: Record) -> bool:
    """Whether `row` is a start-up license, which is never counted."""
    return is_start_up(row.text(PRODUCT, MAX_CODE), row.text("LicenseType"))


def code_fields(row: Record) -> tuple[str, str, str]:
    """Return the names of the fields for product, edition and model in `row`."""
    edition = "LicenseEdition" if row.get("LicenseEdition") else "ProductEdition"
    return PRODUCT, edition, "LicenseModel"


def inventory_pools(
    rows: Sequence[Record], figures: FigureFields, *raw_names: str
) -> tuple[Pool, ...]:
    """Return a pool for each row, with the fields `raw_names` as sent: all of them without any."""
    dates = (_EXPIRY, *_SUBSCRIPTION)
    parse_day = date_parser(row.get(name) for row in rows for name in dates)
    return tuple(_pool(row, figures, parse_day, raw_names) for row in rows)


def _pool(
    row: Record,
    figures: FigureFields,
    parse_day: Callable[[object], date | None],
    raw_names: tuple[str, ...],
) -> Pool:
    name, start_up = row.text("LocalizedLicenseProductName"), is_start_up_row(row)
    code = _start_up_code(row) if start_up else cvad_code(*map(row.text, code_fields(row)))
    expires, permanent = _term(parse_day(row.get(_EXPIRY)))
    days = (parse_day(row.get(field)) for field in _SUBSCRIPTION)
    known_days = (day for day in days if day and day not in _NO_EXPIRY | _NO_DATE)
    return replace(
        new_pool(sanitize(code or name or "Unknown", MAX_CODE), figures.read(row), name),
        license_type=row.text("LicenseType", 40),
        subscription_date=next(known_days, None),
        expires=expires,
        permanent=permanent,
        counted=not start_up,
        raw_fields=row.raw_fields(*raw_names),
        formulas=figures.formulas(row, ends=_EXPIRY),
    )


def _start_up_code(row: Record) -> str:
    product = row.text(PRODUCT, MAX_CODE)
    return START_UP_CODE if describe(product).counted else product


def _term(expires: date | None) -> tuple[date | None, bool | None]:
    """Return the expiry date and whether the license is permanent; both None if unknown."""
    if expires is None or expires in _NO_DATE:
        return None, None
    return (None, True) if expires in _NO_EXPIRY else term_of(expires)
