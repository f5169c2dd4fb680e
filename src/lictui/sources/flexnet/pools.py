"""Features of a FlexNet license server as pools.

Owns what the counts and details of a feature mean. Pure: must not know how lmstat spells them.
Overdraft is not told. A feature that two daemons serve is two products, each named after both.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from lictui.model import Model, Pool, Reading
from lictui.products import describe
from lictui.sources.clean import day, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from lictui.sources.flexnet.report import Feature, Group

CITRIX: Final = "CITRIX"  # the vendor daemon whose versions are subscription dates
_LONGEST_CODE: Final = 60
_MOST_RAW: Final = 40
_NEVER: Final = 9999  # the year in which a license ends that does not
_HOW: Final = (
    ("installed", "licenses issued, over every listing of the feature"),
    ("in use", "licenses in use, as lmstat counts them"),
    ("queued", "licenses that queue lines ask for"),
)


def is_citrix(vendor: str) -> bool:
    """Whether `vendor` is Citrix's daemon."""
    return vendor.upper() == CITRIX


def naming(features: Iterable[Feature]) -> Callable[[Feature], str]:
    """What the product of each of `features` is called: its name, with the daemon if two have it.

    They are different products that happen to share a name, and must not become one.
    """
    known = list(features)
    named = Counter(_code(feature) for feature in known)

    def product(feature: Feature) -> str:
        code = _code(feature)
        return f"{code} ({text(feature.vendor, 30) or '?'})" if named[code] > 1 else code

    return product


def _code(feature: Feature) -> str:
    return text(feature.name, _LONGEST_CODE)


def read_pools(features: Sequence[Feature]) -> tuple[Pool, ...]:
    """One pool for each feature that has a name, in the order of the report."""
    product = naming(features)
    return tuple(_pool(feature, product(feature)) for feature in features if _code(feature))


def counted(feature: Feature) -> bool:
    """Whether the license server counts its licenses: it then says how many were issued.

    It counts some that are locked to a machine, too. Who goes by `nodelocked` would know how many
    there are until somebody uses one: lmstat details no feature that is at rest.
    """
    kinds = {group.kind for group in feature.groups}
    return feature.told and kinds != {"uncounted"}


def _pool(feature: Feature, product: str) -> Pool:
    known = describe(_code(feature)) if is_citrix(feature.vendor) else None
    is_counted = counted(feature)
    model = Model.CONCURRENT if is_counted else Model.OTHER
    expires, permanent = _term(feature.groups)
    partly = expires is not None and len({group.expiry.lower() for group in feature.groups}) > 1
    held = sum(use.count for use in feature.holding)
    return Pool(
        product=product,
        name=known.name if known and product == known.code else product,
        model=known.model if known else model,
        reading=Reading(
            # Where nobody counts, who holds one may be listed; an empty list proves nothing.
            in_use=feature.in_use if is_counted else held or None,
            installed=feature.issued if is_counted else None,
        ),
        license_type=", ".join(sorted(_types(feature.groups))) if known else "",
        subscription_date=subscription(feature),
        expires=expires,
        permanent=permanent,
        partly=partly,  # how many of each is not told
        counted=is_counted and (known is None or known.counted),
        vendor=text(feature.vendor, 60),
        queued=feature.queued,
        raw=tuple(_raw(feature))[:_MOST_RAW],
        how=_HOW if is_counted else (),
    )


def subscription(feature: Feature) -> date | None:
    """The date until which Citrix updates it: its version, if all its versions agree."""
    if not is_citrix(feature.vendor):
        return None
    dates = {day(group.version) for group in feature.groups}
    return dates.pop() if len(dates) == 1 else None


def _term(groups: Sequence[Group]) -> tuple[date | None, bool | None]:
    """The first day on which one of `groups` ends, and whether none ever does."""
    ends: list[date] = []
    endless = 0
    for group in groups:
        end = day(group.expiry)
        if _is_endless(group.expiry) or (end and end.year >= _NEVER):
            endless += 1
        elif end:
            ends.append(end)
    if ends:
        return min(ends), False
    return None, True if groups and endless == len(groups) else None


def _is_endless(expiry: str) -> bool:
    """`permanent(no expiration date)`, or a day in the year 0: `1-jan-0`, `01-jan-0000`."""
    year = expiry.rpartition("-")[2]
    return expiry.lower().startswith("permanent") or (bool(year) and not year.strip("0"))


def _types(groups: Iterable[Group]) -> set[str]:
    """What `LT` says in Citrix's vendor strings: Retail or Eval, say."""
    found = set()
    for group in groups:
        for part in group.vendor_string.split(";"):
            key, _, value = part.partition("=")
            if key.strip() == "LT" and value:
                found.add(text(value, 40))
    return found


def _raw(feature: Feature) -> Iterator[tuple[str, str]]:
    """What lmstat says of it, one fact after another, where it has any."""
    facts: list[tuple[str, object]] = [
        ("licenses issued", feature.issued),
        ("licenses in use", feature.in_use),
        ("instead of counts", feature.said),
        ("vendor", feature.vendor),
    ]
    facts += [(f"reserved for {text(kind, 20)}", n) for kind, n in feature.reserved.items()]
    facts += [
        ("borrowed or lingering", sum(use.count for use in feature.uses if use.lingers) or None),
        ("queued", feature.queued or None),
    ]
    for group in feature.groups:
        facts += [
            ("version", group.version),
            ("expiry", group.expiry),
            ("vendor_string", group.vendor_string),
            ("license", group.kind),
        ]
    return ((name, text(value)) for name, value in facts if value not in (None, ""))
