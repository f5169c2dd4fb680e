"""The concurrent licenses of a customer, as the console's own summary has them.

Owns the reading of `ccu/summary`, which Citrix has not documented: a public health check reads it,
and it may change any day. Pure. The answer is not known to name a product, and none is invented.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from lictui.model import FailureKind, Level, Model, Notice, Pool, Reading, Step
from lictui.products import describe
from lictui.sources.answers import get
from lictui.sources.clean import text, whole
from lictui.sources.cloud.current import product_of
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from lictui.model import Failure

UNNAMED: Final = "ccu"  # the product where the answer names none: as the path of the request does
_PATH: Final = "license/enterprise/cloud/cvad/ccu/summary?UsageType=device&LicenseModel=Concurrent"
_PEAKS: Final = ("currentCcu", "last24HoursPeak", "monthPeak", "allTimePeak")
_FIELDS: Final = ("totalLicenseCount", "assignedLicenseCount", "reportTime")
_HOW: Final = (
    ("in_use", "currentCcu.assignedLicenseCount (devices with active connections)"),
    ("installed", "currentCcu.totalLicenseCount"),
    ("overdraft", "not told by Citrix Cloud"),
)


def path(customer: str) -> str:
    """Where the summary of `customer` is, with the question."""
    return f"/{quote(customer, safe='')}/{_PATH}"


def read_concurrent(answer: object, taken: str) -> Pool:
    """The pool, under another product than `taken`; raises SourceError (parse) without figures."""
    now = get(answer, "currentCcu")
    in_use = whole(get(now, "assignedLicenseCount"))
    installed = whole(get(now, "totalLicenseCount"))
    if in_use is None and installed is None:
        raise SourceError(
            FailureKind.PARSE,
            "the summary of concurrent usage holds no figures",
            "Citrix has not documented it and may have changed it; see experimental.",
            Step.PARSE,
        )
    named = product_of(answer)
    code = UNNAMED if named in ("", taken) else named
    told = ((f"{peak}.{key}", get(get(answer, peak), key)) for peak in _PEAKS for key in _FIELDS)
    return Pool(
        product=code,
        name=describe(code).name,
        model=Model.CONCURRENT,
        reading=Reading(in_use, installed),
        raw=tuple((name, said) for name, value in told if (said := text(value, 64))),
        how=_HOW,
    )


def unread(failure: Failure) -> Notice:
    """What to say of a summary that did not come; no more of it than lasts from poll to poll."""
    forbidden = failure.kind is FailureKind.FORBIDDEN
    return Notice(
        "server",
        Level.OK,
        "The client may not read concurrent usage"
        if forbidden
        else "Concurrent usage could not be read",
        failure.kind.replace("_", " "),
        "Turn experimental off, or give the client the permission." if forbidden else failure.hint,
    )
