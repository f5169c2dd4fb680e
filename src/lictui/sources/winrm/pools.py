"""The pools of a license server, from instances of Citrix_GT_License_Pool and Citrix_GT_License.

Owns what each property means. Pure: must not know how instances come. `Count` includes overdraft,
so installed is `Count - Overdraft`; a figure that is missing or makes no sense is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Pool, PoolKey, Reading, Step
from lictui.products import describe
from lictui.sources.clean import day, text, whole
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from lictui.sources.winrm.reply import Item

_LONGEST_CODE: Final = 60
_NEVER: Final = 9999  # the year in which a license ends that does not
_MOST_RAW: Final = 40
_RAW: Final = (
    "Count",
    "InUseCount",
    "PooledAvailable",
    "Overdraft",
    "PLDFullName",
    "LicenseType",
    "SubscriptionDate",
    "VendorString",
)


@dataclass(frozen=True, slots=True)
class Term:
    """When a license ends: on a day, or never."""

    expires: date | None
    permanent: bool


def term(license_: Item) -> Term:
    """The term of one Citrix_GT_License; no day, or one in the year 9999, is no end."""
    expires = day(license_.get("expirationdate"))
    return Term(None, permanent=True) if _endless(expires) else Term(expires, permanent=False)


def _endless(expires: date | None) -> bool:
    return expires is None or expires.year >= _NEVER


def read_pools(instances: Sequence[Item], licenses: Sequence[Item]) -> tuple[Pool, ...]:
    """One pool for each product and subscription date, in that order; instances add up.

    Instances without a product code are left out; raises SourceError (parse) if that is all.
    """
    found: dict[PoolKey, list[Item]] = {}
    for instance in instances:
        if code := _code(instance):
            subscribed = day(instance.get("subscriptiondate"))
            key = PoolKey(code, subscribed.isoformat() if subscribed else "")
            found.setdefault(key, []).append(instance)
    if instances and not found:
        raise SourceError(
            FailureKind.PARSE,
            f"{len(instances)} license pools came, none with a product code (PLD)",
            "Please report this, with the output of"
            " `Get-CimInstance -Namespace root/CitrixLicensing Citrix_GT_License_Pool`.",
            Step.PARSE,
        )
    return tuple(_pool(key, found[key], licenses) for key in sorted(found))


def unreadable_figures(instances: Iterable[Item]) -> list[str]:
    """`XDT_PLT_UD: Count is many` for every figure that is missing or makes no sense."""
    return [
        f"{_code(instance)}: {name} is {text(value, 30) or 'not given'}"
        for instance in instances
        if _code(instance)
        for name, value in _senseless(instance)
    ]


def _senseless(instance: Item) -> Iterator[tuple[str, str]]:
    for name in ("Count", "InUseCount", "Overdraft"):
        value = instance.get(name.lower(), "")
        if whole(value) is None and (value or name != "Overdraft"):
            yield name, value
    if whole(instance.get("count")) is not None and _installed(instance) is None:
        yield "Overdraft", f"{instance.get('overdraft')}, above Count"


def _code(instance: Item) -> str:
    return text(instance.get("pld", ""), _LONGEST_CODE)


def _pool(key: PoolKey, instances: list[Item], licenses: Sequence[Item]) -> Pool:
    product = describe(key.product)
    named = next(filter(None, (text(each.get("pldfullname", "")) for each in instances)), "")
    types = sorted({text(each.get("licensetype", ""), 40) for each in instances} - {""})
    terms = {term(each) for each in _identified(key, licenses)}
    agreed = terms.pop() if len(terms) == 1 else None
    return Pool(
        product=key.product,
        name=named if named and product.name == key.product else product.name,
        model=product.model,
        reading=Reading(
            in_use=_sum(whole(each.get("inusecount")) for each in instances),
            installed=_sum(_installed(each) for each in instances),
            overdraft=_sum(whole(each.get("overdraft")) for each in instances),
        ),
        license_type=", ".join(types),
        subscription_date=day(key.subscription_date),
        expires=agreed.expires if agreed else None,
        permanent=agreed.permanent if agreed else None,
        counted=product.counted,
        raw=tuple(
            (name, value)
            for each in instances
            for name in _RAW
            if (value := each.get(name.lower())) is not None
        )[:_MOST_RAW],
        how=_how(instances, ends=bool(agreed)),
    )


def _how(instances: list[Item], *, ends: bool) -> tuple[tuple[str, str], ...]:
    """Which property each figure is; of several instances the values add up."""
    overdraft = any(whole(each.get("overdraft")) for each in instances)
    return (
        ("in_use", "InUseCount"),
        ("installed", "Count - Overdraft" if overdraft else "Count"),
        ("overdraft", "Overdraft"),
        *((("ends", "ExpirationDate of Citrix_GT_License"),) if ends else ()),
    )


def _installed(instance: Item) -> int | None:
    count, overdraft = whole(instance.get("count")), whole(instance.get("overdraft"))
    if count is None or (overdraft or 0) > count:
        return None
    return count - (overdraft or 0)


def _sum(figures: Iterable[int | None]) -> int | None:
    known = list(figures)
    return None if None in known else sum(figure for figure in known if figure is not None)


def _identified(key: PoolKey, licenses: Sequence[Item]) -> list[Item]:
    """The licenses that may stand behind a pool: those that name its product, or else all.

    The properties of a Citrix_GT_License are not public but two, neither of which names a pool. If
    an instance says its PLD all the same, that counts; if not, what is true of all is true of each.
    """
    own = [each for each in licenses if _code(each) == key.product]
    return own if any(map(_code, licenses)) else list(licenses)
