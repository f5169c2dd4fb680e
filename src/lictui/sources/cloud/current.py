"""The user/device licenses of a customer as they are now: one pool, and what is to come of it.

Owns the reading of `ud/current` (developer-docs.citrix.com, "Citrix Cloud Licensing"). Pure. No
figure is ever corrected: where two that should agree do not, the pool's own fields say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Level, Model, Notice, Pool, Reading, Step
from lictui.products import describe
from lictui.sources.answers import get
from lictui.sources.clean import day, text, whole
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

UNNAMED: Final = "ud"  # the product where the answer names none: as the API's own path does
_CODE: Final = 64  # characters of a product code at most
_WARN: Final = 90  # days before an end from which Citrix's own console warns
_FIELDS: Final = (
    "timeStamp",
    "totalUsageCount",
    "userLicenseUsage.totalUsageCount",
    "userLicenseUsage.releasedCount",
    "deviceLicenseUsage.totalUsageCount",
    "deviceLicenseUsage.releasedCount",
    "totalAvailableLicenseCount",
    "remainingLicenseCount",
    "nextExpiredLicenses.nextExpiredTime",
    "nextExpiredLicenses.totalCount",
    "nextExpiredLicenses.daysToExpire",
    "nextActivatingLicense.activatingTime",
    "nextActivatingLicense.activatingCount",
)
_HOW: Final = (
    ("in_use", "totalUsageCount (the lesser of users and devices)"),
    ("installed", "totalAvailableLicenseCount (owned, not free)"),
    ("overdraft", "not told by Citrix Cloud"),
    (
        "expires",
        "nextExpiredLicenses.nextExpiredTime, if its totalCount >= totalAvailableLicenseCount",
    ),
)


def read_current(answer: object, where: str) -> Pool:
    """The pool; raises SourceError (parse) if `answer` of `where` (HOST:PORT) holds none of it."""
    in_use = whole(get(answer, "totalUsageCount"))
    installed = whole(get(answer, "totalAvailableLicenseCount"))
    product = product_of(answer)
    if in_use is None and installed is None and not product:
        raise SourceError(
            FailureKind.PARSE,
            f"{where} sent JSON that tells of no user/device licenses",
            "Is url the origin of the Citrix Cloud API, such as https://api.cloud.com?",
            Step.PARSE,
        )
    code = product or UNNAMED
    expires = _end_of_all(answer, installed)
    return Pool(
        product=code,
        name=describe(code).name,
        model=Model.USER_DEVICE,
        reading=Reading(in_use, installed),
        expires=expires,
        permanent=False if expires else None,
        raw=(*_raw(answer), *_checks(answer, in_use, installed)),
        how=_HOW,
    )


def product_of(answer: object) -> str:
    """`productName:productEdition`, either alone where the other is missing, "" without both."""
    parts = (text(get(answer, key), _CODE) for key in ("productName", "productEdition"))
    return text(":".join(filter(None, parts)), _CODE)


def notices_of_current(answer: object, today: date) -> tuple[Notice, ...]:
    """Which part of the licenses ends next, and which begin; `today` in UTC."""
    return (*_ending(answer, today), *_beginning(answer))


def _end_of_all(answer: object, installed: int | None) -> date | None:
    """The day on which no license is left; None where some outlive the next end."""
    count = whole(_at(answer, "nextExpiredLicenses.totalCount"))
    if count is None or installed is None or count < installed:
        return None
    return day(_at(answer, "nextExpiredLicenses.nextExpiredTime"))


def _ending(answer: object, today: date) -> Iterator[Notice]:
    end = day(_at(answer, "nextExpiredLicenses.nextExpiredTime"))
    count = whole(_at(answer, "nextExpiredLicenses.totalCount"))
    installed = whole(get(answer, "totalAvailableLicenseCount"))
    if end is None or count == 0 or _end_of_all(answer, installed):
        return
    of = "" if installed is None else f" of {installed:,}"
    some = "Some" if count is None else f"{count:,}"
    soon = (end - today).days <= _WARN
    yield Notice(
        "server",
        Level.WARN if soon else Level.OK,
        f"{some}{of} licenses end on {end}",
        f"{product_of(answer) or UNNAMED} in Citrix Cloud",
        "Renew them, or see whether the others suffice.",
    )


def _beginning(answer: object) -> Iterator[Notice]:
    begin = day(_at(answer, "nextActivatingLicense.activatingTime"))
    count = whole(_at(answer, "nextActivatingLicense.activatingCount"))
    if begin is not None and count != 0:
        more = "More" if count is None else f"{count:,} more"
        yield Notice(
            "server",
            Level.OK,
            f"{more} licenses begin on {begin}",
            f"{product_of(answer) or UNNAMED} in Citrix Cloud",
        )


def _checks(answer: object, in_use: int | None, installed: int | None) -> Iterator[tuple[str, str]]:
    users = whole(_at(answer, "userLicenseUsage.totalUsageCount"))
    devices = whole(_at(answer, "deviceLicenseUsage.totalUsageCount"))
    if users is not None and devices is not None and in_use is not None:
        least = min(users, devices)
        yield "min(user, device)", _agrees(least, in_use, "totalUsageCount")
    remaining = whole(get(answer, "remainingLicenseCount"))
    if remaining is not None and in_use is not None and installed is not None:
        owned = installed - in_use
        yield "owned - used", _agrees(owned, remaining, "remainingLicenseCount")


def _agrees(reckoned: int, told: int, name: str) -> str:
    return f"{reckoned}, as {name}" if reckoned == told else f"{reckoned}, but {name} is {told}"


def _raw(answer: object) -> tuple[tuple[str, str], ...]:
    """The server's own fields, as it sent them."""
    found = ((path, text(_at(answer, path), _CODE)) for path in _FIELDS)
    return tuple((path, said) for path, said in found if said)


def _at(answer: object, path: str) -> object:
    for key in path.split("."):
        answer = get(answer, key)
    return answer
