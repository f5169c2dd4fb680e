"""License Usage Insights for a partner: its license servers, and their usage."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from lictui.model import (
    FailureKind,
    Level,
    LicenseServer,
    Notice,
    Pool,
    Reading,
    ReportingStatus,
    Server,
    Snapshot,
    Step,
)
from lictui.products import describe
from lictui.sources.cloud.session import CloudSession, sign_in_to_trust
from lictui.sources.http import HttpClient, get_field, json_rows
from lictui.sources.sanitize import NEVER_YEAR, parse_count, parse_date, parse_time, sanitize
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import httpx

    from lictui.clock import Clock
    from lictui.config.settings import Limits


def parse_calendar_day(value: object) -> date | None:
    """Return a date as License Usage Insights writes it; None for no date, and for "never"."""
    day = parse_date(value, day_first=False)
    return day if day and day.year < NEVER_YEAR else None


# The license servers of a partner's customers


MAX_SERVERS: Final = 5000  # license servers of one partner
SILENT_AFTER: Final = 3 * 86400.0  # seconds after which a license server counts as silent
_LIST: Final = "licenseServersStatus"


@dataclass(frozen=True, slots=True)
class ListedServer:
    """A license server, and the problems that License Usage Insights reports about it."""

    server: LicenseServer
    silent: bool  # it has reported before, but not recently
    expired: bool
    missing_in_back_office: bool  # not found in Citrix's back office
    has_non_csp_license: bool  # has a license that is not for service providers
    # concurrent features and the number in use of each; None without concurrent licenses
    concurrent_features: tuple[tuple[str, int], ...] | None

    @property
    def name(self) -> str:
        """The name for people."""
        return self.server.fqdn or self.server.host_id


def read_servers(answer: object, where: str, now: float) -> tuple[ListedServer, ...]:
    """Return the license servers; `now` in UTC epoch seconds.

    Raises SourceError (parse) if `answer` of `where` (HOST:PORT) is no such list.
    """
    listed = answer.get(_LIST, "") if isinstance(answer, dict) else ""
    if not isinstance(listed, list | None):
        raise SourceError(
            FailureKind.PARSE,
            f"{where} returned an unexpected response without license servers",
            "Is url the address of License Usage Insights, https://licensing."
            "citrixworkspacesapi.net?",
            Step.PARSE,
        )
    return tuple(_listed(json_rows(listed, MAX_SERVERS), now))


def _listed(found: list[dict[str, object]], now: float) -> Iterator[ListedServer]:
    for row in found:
        host_id, fqdn = (
            sanitize(get_field(row, "hostId"), 64),
            sanitize(get_field(row, "fqdn"), 120),
        )
        if not host_id and not fqdn:
            continue
        last = parse_time(get_field(row, "lastPhoningHomeTime"))
        status = _status(row, last, now)
        expired = get_field(row, "isExpired") is True
        yield ListedServer(
            server=LicenseServer(
                host_id=host_id,
                fqdn=fqdn,
                status=ReportingStatus.EXPIRED if expired else status,
                last_reported=last,
                expires=parse_calendar_day(get_field(row, "licenseExpirationDate")),
                days_to_expire=_days(get_field(row, "daysToExpire")),
            ),
            silent=status is ReportingStatus.NOT_REPORTING,
            expired=expired,
            missing_in_back_office=get_field(row, "isFoundInBackOffice") is False,
            has_non_csp_license=get_field(row, "isNonCspLicenseInstalled") is True,
            concurrent_features=tuple(_features(row))
            or (() if get_field(row, "isCcu") is True else None),
        )


def _status(row: dict[str, object], last: float | None, now: float) -> ReportingStatus:
    """Return whether it reports; by the time of its last report if that is not given."""
    if get_field(row, "isEverReported") is False:
        return ReportingStatus.NEVER_REPORTED
    phoning = get_field(row, "isPhoningHome")
    if not isinstance(phoning, bool):
        if last is None:
            return ReportingStatus.NEVER_REPORTED
        phoning = now - last <= SILENT_AFTER
    return ReportingStatus.REPORTING if phoning else ReportingStatus.NOT_REPORTING


def _features(row: dict[str, object]) -> Iterator[tuple[str, int]]:
    for feature in json_rows(get_field(row, "ccuFeatureStatistics"), 50):
        code, count = (
            sanitize(get_field(feature, "featureId"), 64),
            parse_count(get_field(feature, "usageCount")),
        )
        if code and count:
            yield code, count


def _days(value: object) -> int | None:
    """Return whole days, negative for what has expired."""
    if isinstance(value, int) and value < 0:
        past = parse_count(-value)
        return None if past is None else -past
    return parse_count(value)


# Usage of a partner's license servers in one month, by product


_CODE: Final = 64  # characters of a product code
_SERVERS: Final = 20  # license servers listed in one product's fields; the others are counted
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


def report_months(now: float) -> tuple[str, str]:
    """Return this month and the previous one, `yyyy-MM`, at `now` (UTC epoch seconds)."""
    this = datetime.fromtimestamp(now, UTC)
    year, month = (this.year, this.month - 1) if this.month > 1 else (this.year - 1, 12)
    return f"{this:%Y-%m}", f"{year:04}-{month:02}"


def read_usage(answer: object, month: str, where: str) -> tuple[Pool, ...]:
    """Return one pool for each feature, in order; none for a month without a report.

    Raises SourceError (parse) if `answer` of `where` (HOST:PORT) is no such report.
    """
    if answer is None:
        return ()
    skus = get_field(answer, "skus")
    if not isinstance(answer, dict) or not isinstance(skus, list | None):
        raise SourceError(
            FailureKind.PARSE,
            f"{where} returned an unexpected response instead of a usage report",
            "Is url the address of License Usage Insights, https://licensing."
            "citrixworkspacesapi.net?",
            Step.PARSE,
        )
    found: dict[str, list[_Feature]] = {}
    for sku in json_rows(skus):
        for feature in json_rows(get_field(sku, "features")):
            if code := sanitize(get_field(feature, "featureId"), _CODE):
                found.setdefault(code, []).append((sku, feature))
    return tuple(_pool(code, found[code], month) for code in sorted(found))


def _pool(code: str, features: list[_Feature], month: str) -> Pool:
    product = describe(code)
    told = sanitize(get_field(features[0][1], "featureDescription"))
    counts = [parse_count(get_field(feature, "count")) for _, feature in features]
    known = [count for count in counts if count is not None]
    return Pool(
        product=code,
        name=product.name if product.name != code else told or code,
        model=product.model,
        reading=Reading(in_use=sum(known) if len(known) == len(counts) else None),
        counted=False,
        raw_fields=(("month", month), *_raw(features)),
        formulas=(
            ("in_use", f"count in the report of {month}, added up over its skus"),
            ("installed", "not reported: the licenses are on the license servers"),
            ("overdraft", "not told"),
            ("counted", "no: a month's report of what license servers count themselves"),
        ),
    )


def _raw(features: list[_Feature]) -> Iterator[tuple[str, str]]:
    """Return the report's own fields, with as many skus and license servers as fit."""
    usages = []
    for sku, feature in features[:_SKUS]:
        told = (sanitize(get_field(sku, key), _CODE) for key in ("skuId", "skuDescription"))
        yield "sku", " · ".join(filter(None, told)) or "unnamed"
        yield from (
            (key, said) for key in _COUNTS if (said := sanitize(get_field(feature, key), _CODE))
        )
        usages += json_rows(get_field(feature, "licenseServerUsages"))
    for usage in usages[:_SERVERS]:
        yield sanitize(get_field(usage, "fqdn"), 120) or "license server", _used(usage)
    if (more := len(usages) - _SERVERS) > 0:
        yield "license servers", f"{more:,} more"


def _used(usage: dict[str, object]) -> str:
    free = parse_count(get_field(usage, "freeUsersCount"))
    reported = parse_time(get_field(usage, "reportingDate"))
    parts = (
        sanitize(get_field(usage, "count"), 20) or "?",
        f"{free} of them free" if free else "",
        f"reported {datetime.fromtimestamp(reported, UTC).date()}" if reported else "",
        "a free license server" if get_field(usage, "isLicenseServerFree") is True else "",
    )
    return ", ".join(filter(None, parts))


# Notices: few, however many license servers there are


_NAMED: Final = 10  # license servers in one notice; the others are counted
_SOON: Final = 30  # days before an end that are a warning
_AHEAD: Final = 90  # days before an end that are a notice
_DAY: Final = 86400.0


def server_notices(listed: Sequence[ListedServer], now: float) -> tuple[Notice, ...]:
    """Return all notices, most severe first; `now` in UTC epoch seconds."""
    return (
        *_silent(listed, now),
        *_ended(listed),
        *_never(listed),
        *_ending(listed, now),
        *_unfit(listed),
        *_concurrent(listed),
    )


def _silent(listed: Sequence[ListedServer], now: float) -> Iterator[Notice]:
    silent = [each for each in listed if each.silent]
    silent.sort(key=lambda each: each.server.last_reported or 0.0)
    yield from _group(
        Level.CRITICAL,
        ("{} has not reported for more than 3 days", "{} have not reported for more than 3 days"),
        [f"{each.name} ({_since(each.server.last_reported, now)})" for each in silent],
        "Check that they run and reach Citrix Cloud.",
    )


def _since(last: float | None, now: float) -> str:
    if last is None:
        return "since an unknown date"
    days = max(0, int((now - last) / _DAY))
    return f"{days} day{'' if days == 1 else 's'}, since {datetime.fromtimestamp(last, UTC).date()}"


def _ended(listed: Sequence[ListedServer]) -> Iterator[Notice]:
    yield from _group(
        Level.CRITICAL,
        ("{} has licenses that have expired", "{} have licenses that have expired"),
        [_dated(each) for each in listed if each.expired],
        "Renew or remove the licenses.",
    )


def _never(listed: Sequence[ListedServer]) -> Iterator[Notice]:
    yield from _group(
        Level.WARN,
        ("{} has never reported", "{} have never reported"),
        [each.name for each in listed if each.server.status is ReportingStatus.NEVER_REPORTED],
        "Register them in Citrix Licensing Manager, and allow them to reach Citrix Cloud.",
    )


def _ending(listed: Sequence[ListedServer], now: float) -> Iterator[Notice]:
    today = datetime.fromtimestamp(now, UTC).date()
    left = [(days, each) for each in listed if (days := _left(each, today)) is not None]
    left.sort(key=lambda pair: pair[0])
    for level, first, last in ((Level.WARN, 0, _SOON), (Level.OK, _SOON + 1, _AHEAD)):
        yield from _group(
            level,
            (
                f"{{}} has licenses that expire within {last} days",
                f"{{}} have licenses that expire within {last} days",
            ),
            [_dated(each) for days, each in left if first <= days <= last],
            "Renew the licenses.",
        )


def _left(each: ListedServer, today: date) -> int | None:
    """Return the days until the licenses of a server expire; None if they have."""
    server = each.server
    days = server.days_to_expire
    if days is None and server.expires is not None:
        days = (server.expires - today).days
    return None if each.expired or days is None else max(0, days)


def _dated(each: ListedServer) -> str:
    return f"{each.name} ({each.server.expires})" if each.server.expires else each.name


def _unfit(listed: Sequence[ListedServer]) -> Iterator[Notice]:
    yield from _group(
        Level.WARN,
        ("{} is not found in the Citrix back office", "{} are not known in Citrix's back office"),
        [each.name for each in listed if each.missing_in_back_office],
        "Check that their licenses are allocated to this partner.",
    )
    yield from _group(
        Level.WARN,
        (
            "{} has a license that is not for service providers",
            "{} have licenses that are not for service providers",
        ),
        [each.name for each in listed if each.has_non_csp_license],
        "License Usage Insights covers only licenses for service providers.",
    )


def _concurrent(listed: Sequence[ListedServer]) -> Iterator[Notice]:
    using = [each for each in listed if each.concurrent_features is not None]
    counts: Counter[str] = Counter()
    for each in using:
        counts.update(dict(each.concurrent_features or ()))
    features = [f"{code} {count:,} in use" for code, count in counts.most_common()]
    for notice in _group(
        Level.WARN,
        ("{} has concurrent licenses", "{} have concurrent licenses"),
        [each.name for each in using],
        "License Usage Insights warns about them next to user licenses.",
    ):
        yield Notice(
            notice.kind,
            notice.level,
            notice.title,
            f"{_joined(features) or 'number in use not reported'}, on {notice.detail}",
            notice.action,
        )


def _group(
    level: Level, titles: tuple[str, str], said: Sequence[str], action: str
) -> Iterator[Notice]:
    """Return one notice about all of `said`, or none; `titles` are for one and for many."""
    if said:
        one = len(said) == 1
        subject = "A license server" if one else f"{len(said):,} license servers"
        yield Notice("server", level, titles[not one].format(subject), _joined(said), action)


def _joined(said: Iterable[str]) -> str:
    every = list(said)
    more = len(every) - _NAMED
    return ", ".join(every[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


_HINTS: Final[dict[int, str]] = {
    HTTPStatus.FORBIDDEN: (
        "The client must be the partner's own, with a right to License Usage Insights."
    ),
    HTTPStatus.NOT_FOUND: (
        "Is customer_id the partner's own, and does it use License Usage Insights?"
    ),
}
_FORBIDDEN: Final = Notice(
    "server",
    Level.OK,
    "The client may not read license usage",
    "licenseusagedata returned 403",
    "Give the client access to see the monthly usage of each product.",
)


class PartnerSource:
    """The license servers of one partner; keeps connection and token."""

    def __init__(
        self,
        server: Server,
        limits: Limits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._server, self._clock = server, clock
        self._link = HttpClient(server, limits, transport)
        self._session = CloudSession(server, self._link, clock, sign_in_to_trust, _HINTS)
        self._base = f"/{quote(server.customer_id, safe='')}"

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Read everything once, within the time-out of a poll."""
        async with self._link.deadline():
            found(Step.AUTH, await self._session.sign_in())
            answer = await self._session.get_json(f"{self._base}/licenseservers")
            now, where = self._clock.now(), self._link.address
            listed = () if answer is None else read_servers(answer, where, now)
            count = f"{len(listed):,} license server" + ("" if len(listed) == 1 else "s")
            found(Step.INVENTORY, count)
            pools, refused = await self._usage()
        if not listed and not pools:
            raise SourceError(
                FailureKind.NO_DATA,
                f"{where} lists no license servers of {self._server.customer_id}",
                _HINTS[HTTPStatus.NOT_FOUND],
                Step.INVENTORY,
            )
        products = f"{len(pools)} product" + ("" if len(pools) == 1 else "s")
        found(Step.PARSE, f"{count} · {products}")
        return Snapshot(
            pools=pools,
            reported_name=sanitize(get_field(answer, "customerId"), 64),
            notices=(*server_notices(listed, now), *refused),
            license_servers=tuple(each.server for each in listed),
            certificate=self._link.certificate,
        )

    async def aclose(self) -> None:
        """Close the connection; the token remains valid."""
        await self._link.aclose()

    async def _usage(self) -> tuple[tuple[Pool, ...], tuple[Notice, ...]]:
        """Return this month's usage; last month's as long as this one has no report."""
        for month in report_months(self._clock.now()):
            try:
                answer = await self._session.get_json(f"{self._base}/licenseusagedata?date={month}")
            except SourceError as error:
                if error.failure.kind is FailureKind.FORBIDDEN:
                    return (), (_FORBIDDEN,)
                if error.failure.kind is not FailureKind.NO_DATA:
                    raise
                continue
            if pools := read_usage(answer, month, self._link.address):
                return pools, ()
        return (), ()
