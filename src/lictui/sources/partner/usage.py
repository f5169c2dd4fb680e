"""What a partner's license servers used in one month, by product.

Owns the reading of `licenseusagedata` (field names from the public scripts for License Usage
Insights). Pure. These pools are never counted: they sum up a month of what the license servers
count themselves, and nothing is installed in Citrix Cloud.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Pool, Reading, Step
from lictui.products import describe
from lictui.sources.answers import get, rows
from lictui.sources.clean import text, whole
from lictui.sources.partner.moments import moment
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CODE: Final = 64  # characters of a product code at most
_SERVERS: Final = 20  # license servers told of in one product's fields; the others are counted
_SKUS: Final = 10
_COUNTS: Final = (
    "count",
    "freeUsersCount",
    "units",
    "licenseServerCount",
    "freeLicenseServerCount",
    "linkedCustomerCount",
)
_Feature = tuple[dict[str, object], dict[str, object]]  # with the sku that it is part of


def months(now: float) -> tuple[str, str]:
    """This month and the one before, `yyyy-MM`, at `now` (UTC epoch seconds)."""
    this = datetime.fromtimestamp(now, UTC)
    year, month = (this.year, this.month - 1) if this.month > 1 else (this.year - 1, 12)
    return f"{this:%Y-%m}", f"{year:04}-{month:02}"


def read_usage(answer: object, month: str, where: str) -> tuple[Pool, ...]:
    """One pool for each feature, in order; none for a month without a report.

    Raises SourceError (parse) if `answer` of `where` (HOST:PORT) is nothing of the kind.
    """
    if answer is None:
        return ()
    skus = get(answer, "skus")
    if not isinstance(answer, dict) or not isinstance(skus, list | None):
        raise SourceError(
            FailureKind.PARSE,
            f"{where} sent JSON that is no report of license usage",
            "Is url the address of License Usage Insights, https://licensing."
            "citrixworkspacesapi.net?",
            Step.PARSE,
        )
    found: dict[str, list[_Feature]] = {}
    for sku in rows(skus):
        for feature in rows(get(sku, "features")):
            if code := text(get(feature, "featureId"), _CODE):
                found.setdefault(code, []).append((sku, feature))
    return tuple(_pool(code, found[code], month) for code in sorted(found))


def _pool(code: str, features: list[_Feature], month: str) -> Pool:
    product = describe(code)
    told = text(get(features[0][1], "featureDescription"))
    counts = [whole(get(feature, "count")) for _, feature in features]
    known = [count for count in counts if count is not None]
    return Pool(
        product=code,
        name=product.name if product.name != code else told or code,
        model=product.model,
        reading=Reading(in_use=sum(known) if len(known) == len(counts) else None),
        counted=False,
        raw=(("month", month), *_raw(features)),
        how=(
            ("in_use", f"count in the report of {month}, added up over its skus"),
            ("installed", "not told: the licenses are on the license servers"),
            ("overdraft", "not told"),
            ("counted", "no: a month's report of what license servers count themselves"),
        ),
    )


def _raw(features: list[_Feature]) -> Iterator[tuple[str, str]]:
    """The report's own fields, with the skus and license servers there is room for."""
    usages = []
    for sku, feature in features[:_SKUS]:
        told = (text(get(sku, key), _CODE) for key in ("skuId", "skuDescription"))
        yield "sku", " · ".join(filter(None, told)) or "unnamed"
        yield from ((key, said) for key in _COUNTS if (said := text(get(feature, key), _CODE)))
        usages += rows(get(feature, "licenseServerUsages"))
    for usage in usages[:_SERVERS]:
        yield text(get(usage, "fqdn"), 120) or "license server", _used(usage)
    if (more := len(usages) - _SERVERS) > 0:
        yield "license servers", f"{more:,} more"


def _used(usage: dict[str, object]) -> str:
    free = whole(get(usage, "freeUsersCount"))
    reported = moment(get(usage, "reportingDate"))
    parts = (
        text(get(usage, "count"), 20) or "?",
        f"{free} of them free" if free else "",
        f"reported {datetime.fromtimestamp(reported, UTC).date()}" if reported else "",
        "a free license server" if get(usage, "isLicenseServerFree") is True else "",
    )
    return ", ".join(filter(None, parts))
