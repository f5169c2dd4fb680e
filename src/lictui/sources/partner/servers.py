"""The license servers that a partner's customers run, as License Usage Insights lists them.

Owns the reading of `licenseservers` (field names from the public scripts and the front end of
License Usage Insights). Pure. Must not know what deserves a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, LicenseServer, Reporting, Step
from lictui.sources.answers import get, rows
from lictui.sources.clean import text, whole
from lictui.sources.partner.moments import calendar_day, moment
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST: Final = 5000  # license servers of one partner
SILENCE: Final = 3 * 86400.0  # seconds after which a license server counts as silent
_LIST: Final = "licenseServersStatus"


@dataclass(frozen=True, slots=True)
class Listed:
    """One license server, and what License Usage Insights minds about it."""

    server: LicenseServer
    silent: bool  # it has reported before, and no longer does
    expired: bool
    unknown: bool  # not found in Citrix's back office
    foreign: bool  # holds a license that is not for service providers
    # concurrent features and how many of each are in use; None without concurrent licenses
    concurrent: tuple[tuple[str, int], ...] | None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.server.fqdn or self.server.host_id


def read_servers(answer: object, where: str, now: float) -> tuple[Listed, ...]:
    """The license servers, as listed; `now` in UTC epoch seconds.

    Raises SourceError (parse) if `answer` of `where` (HOST:PORT) is no such list.
    """
    listed = answer.get(_LIST, "") if isinstance(answer, dict) else ""
    if not isinstance(listed, list | None):
        raise SourceError(
            FailureKind.PARSE,
            f"{where} sent JSON that lists no license servers",
            "Is url the address of License Usage Insights, https://licensing."
            "citrixworkspacesapi.net?",
            Step.PARSE,
        )
    return tuple(_listed(rows(listed, MOST), now))


def _listed(found: list[dict[str, object]], now: float) -> Iterator[Listed]:
    for row in found:
        host_id, fqdn = text(get(row, "hostId"), 64), text(get(row, "fqdn"), 120)
        if not host_id and not fqdn:
            continue
        last = moment(get(row, "lastPhoningHomeTime"))
        status = _status(row, last, now)
        expired = get(row, "isExpired") is True
        yield Listed(
            server=LicenseServer(
                host_id=host_id,
                fqdn=fqdn,
                status=Reporting.EXPIRED if expired else status,
                last_reported=last,
                expires=calendar_day(get(row, "licenseExpirationDate")),
                days_to_expire=_days(get(row, "daysToExpire")),
            ),
            silent=status is Reporting.NOT_REPORTING,
            expired=expired,
            unknown=get(row, "isFoundInBackOffice") is False,
            foreign=get(row, "isNonCspLicenseInstalled") is True,
            concurrent=tuple(_features(row)) or (() if get(row, "isCcu") is True else None),
        )


def _status(row: dict[str, object], last: float | None, now: float) -> Reporting:
    """Whether it reports, as told; by the time of its last report where nothing is told."""
    if get(row, "isEverReported") is False:
        return Reporting.NEVER_REPORTED
    phoning = get(row, "isPhoningHome")
    if not isinstance(phoning, bool):
        if last is None:
            return Reporting.NEVER_REPORTED
        phoning = now - last <= SILENCE
    return Reporting.REPORTING if phoning else Reporting.NOT_REPORTING


def _features(row: dict[str, object]) -> Iterator[tuple[str, int]]:
    for feature in rows(get(row, "ccuFeatureStatistics"), 50):
        code, count = text(get(feature, "featureId"), 64), whole(get(feature, "usageCount"))
        if code and count:
            yield code, count


def _days(value: object) -> int | None:
    """Whole days, less than none for what has ended."""
    if isinstance(value, int) and value < 0:
        past = whole(-value)
        return None if past is None else -past
    return whole(value)
