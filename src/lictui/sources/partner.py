"""License Usage Insights of a Citrix service provider: license servers, and usage of a month."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from lictui.clock import DAY
from lictui.model import (
    FailureKind,
    Level,
    LicenseServer,
    Notice,
    Pool,
    Reading,
    ReportingStatus,
    Snapshot,
    Step,
    count_text,
    sum_all_known,
)
from lictui.sources.http import HttpSource, status_rules
from lictui.sources.sanitize import MAX_CODE, Record, parse_date, records, term_of
from lictui.sources.sessions import CloudSession, month_text
from lictui.sources.source import (
    OnStep,
    SourceError,
    new_pool,
    no_data_error,
    parse_error,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_NOT_FOUND_HINT: Final = (
    "Check that customer_id is the partner's own, and that the partner uses License Usage Insights."
)
_URL_HINT: Final = (
    "Set url to the address of License Usage Insights, https://licensing.citrixworkspacesapi.net."
)
_RULES: Final = status_rules(
    {
        FailureKind.FORBIDDEN: (
            "client has no permission to read licensing",
            "Use a client of the partner with permission for License Usage Insights.",
        ),
        FailureKind.NO_DATA: _NOT_FOUND_HINT,
    }
)
_USAGE_FORBIDDEN: Final = Notice(
    "server",
    Level.OK,
    "Client has no permission to read license usage",
    "licenseusagedata returned HTTP 403",
    "Give it the permission, to see the usage of each product in a month.",
)


class PartnerSource(HttpSource):
    """Reads one partner; keeps connection and token."""

    @cached_property
    def _session(self) -> CloudSession:
        return CloudSession(self._server, self._client, self._clock, _RULES, partner=True)

    async def _read(self, on_step: OnStep) -> Snapshot:
        on_step(Step.AUTH, await self._session.sign_in())
        base = f"/{quote(self._server.customer_id, safe='')}"
        answer = await self._session.get_json(f"{base}/licenseservers")
        now, address = self._clock.now(), self._client.address
        servers = await self._parse(partial(read_servers, answer, address, now))
        count = count_text(len(servers), "license server")
        on_step(Step.INVENTORY, count)
        pools, usage_notices = await self._usage(base)
        if not servers and not pools:
            raise no_data_error(
                f"{address} returned no license servers of {self._server.customer_id}",
                _NOT_FOUND_HINT,
            )
        on_step(Step.PARSE, f"{count} · {count_text(len(pools), 'product')}")
        return Snapshot(
            pools=pools,
            reported_name=Record(answer).text("customerId", 64),
            notices=(*server_notices(servers, now), *usage_notices),
            license_servers=tuple(listed.server for listed in servers),
        )

    async def _usage(self, base: str) -> tuple[tuple[Pool, ...], tuple[Notice, ...]]:
        """Return the usage of this month; of the previous one while this has no report."""
        for months_back in (0, 1):
            month = month_text(self._clock.now(), months_back)
            url = f"{base}/licenseusagedata?date={month}"
            try:
                answer = await self._session.get_json(url)
            except SourceError as error:
                if error.failure.kind is FailureKind.FORBIDDEN:
                    return (), (_USAGE_FORBIDDEN,)
                if error.failure.kind is not FailureKind.NO_DATA:
                    raise
                continue
            read = partial(read_usage, answer, month, self._client.address)
            if pools := await self._parse(read):
                return pools, ()
        return (), ()


# License servers

MAX_SERVERS: Final = 5000  # of one partner
SILENT_AFTER: Final = 3 * 86400.0  # seconds without an upload
_SERVERS_KEY: Final = "licenseServersStatus"


class ListedServer(Struct, frozen=True):
    """A license server, and what License Usage Insights warns about."""

    server: LicenseServer
    silent: bool  # has reported before, and no longer does
    expired: bool
    missing_in_back_office: bool
    has_non_csp_license: bool  # a license that is not for service providers
    # concurrent features with their usage; None without concurrent licenses
    concurrent_features: tuple[tuple[str, int], ...] | None

    @property
    def name(self) -> str:
        """Its host name, or its host id."""
        return self.server.fqdn or self.server.host_id


def read_servers(answer: object, address: str, now: float) -> tuple[ListedServer, ...]:
    """Return the license servers in `answer`, if any. Raises SourceError (parse)."""
    if answer is None:
        return ()
    rows = answer.get(_SERVERS_KEY, "") if isinstance(answer, dict) else ""
    if not isinstance(rows, list | None):
        raise parse_error(f"{address} returned JSON without license servers", _URL_HINT)
    servers = (_listed_server(row, now) for row in records(rows, MAX_SERVERS))
    return tuple(listed for listed in servers if listed.name)


def _listed_server(row: Record, now: float) -> ListedServer:
    last_reported = row.time("lastPhoningHomeTime")
    status = _status(row, last_reported, now)
    expired = row.flag("isExpired") is True
    features = tuple(
        (code, count)
        for feature in row.records("ccuFeatureStatistics", 50)
        if (code := feature.text("featureId", 64)) and (count := feature.count("usageCount"))
    )
    # Very old reports write 12/30/2015. The day counts as written, whatever the offset.
    expires, _ = term_of(parse_date(row.get("licenseExpirationDate"), day_first=False))
    return ListedServer(
        server=LicenseServer(
            host_id=row.text("hostId", 64),
            fqdn=row.text("fqdn", 120),
            status=ReportingStatus.EXPIRED if expired else status,
            last_reported=last_reported,
            expires=expires,
            days_to_expire=row.days_left("daysToExpire"),
        ),
        silent=status is ReportingStatus.NOT_REPORTING,
        expired=expired,
        missing_in_back_office=row.flag("isFoundInBackOffice") is False,
        has_non_csp_license=row.flag("isNonCspLicenseInstalled") is True,
        concurrent_features=features or (() if row.flag("isCcu") else None),
    )


def _status(row: Record, last_reported: float | None, now: float) -> ReportingStatus:
    """Return the reported status; without one, that of the last report's age."""
    reporting = row.flag("isPhoningHome")
    if row.flag("isEverReported") is False or (reporting is None and last_reported is None):
        return ReportingStatus.NEVER_REPORTED
    if reporting is None:
        reporting = now - (last_reported or 0.0) <= SILENT_AFTER
    return ReportingStatus.REPORTING if reporting else ReportingStatus.NOT_REPORTING


# Usage of one month, by product

_MAX_RAW_SERVERS: Final = 20  # license servers in the raw fields of one product
_MAX_RAW_SKUS: Final = 10
_Feature = tuple[Record, Record]  # SKU and feature


def read_usage(answer: object, month: str, address: str) -> tuple[Pool, ...]:
    """Return one pool for each feature, in order; () for a month without a report."""
    if answer is None:
        return ()
    report = Record(answer)
    if not isinstance(answer, dict) or not isinstance(report.get("skus"), list | None):
        raise parse_error(f"{address} returned an unexpected response for license usage", _URL_HINT)
    features: dict[str, list[_Feature]] = {}
    for sku in report.records("skus"):
        for feature in sku.records("features"):
            if code := feature.text("featureId", MAX_CODE):
                features.setdefault(code, []).append((sku, feature))
    return tuple(_pool(code, features[code], month) for code in sorted(features))


def _pool(code: str, features: list[_Feature], month: str) -> Pool:
    in_use = sum_all_known(feature.count("count") for _, feature in features)
    return replace(
        new_pool(code, Reading(in_use), features[0][1].text("featureDescription")),
        counted=True,
        raw_fields=(("month", month), *_raw_fields(features)),
        formulas=(
            ("in_use", f"count in the report of {month}, summed over its SKUs"),
            ("installed", "not reported: the licenses are on the license servers"),
            ("overdraft", "not reported"),
            ("counted", "unless another registered server reads the same license server"),
        ),
    )


def _raw_fields(features: list[_Feature]) -> Iterator[tuple[str, str]]:
    usages: list[Record] = []
    for sku, feature in features[:_MAX_RAW_SKUS]:
        names = (sku.text(key, MAX_CODE) for key in ("skuId", "skuDescription"))
        yield "sku", " · ".join(filter(None, names)) or "unnamed"
        yield from feature.raw_fields()
        usages += feature.records("licenseServerUsages")
    for usage in usages[:_MAX_RAW_SERVERS]:
        yield usage.text("fqdn", 120) or "license server", _server_usage(usage)
    if (more := len(usages) - _MAX_RAW_SERVERS) > 0:
        yield "license servers", f"{more:,} more"


def _server_usage(usage: Record) -> str:
    free, reported = usage.count("freeUsersCount"), usage.time("reportingDate")
    parts = (
        usage.text("count", 20) or "?",
        f"{free} of them free" if free else "",
        f"reported {datetime.fromtimestamp(reported, UTC).date()}" if reported else "",
        "free license server" if usage.flag("isLicenseServerFree") else "",
    )
    return ", ".join(filter(None, parts))


# Notices: one per subject, however many license servers it concerns

_MAX_LISTED: Final = 10  # license servers named in one notice
_WARN_DAYS: Final = 30  # before an expiry
_INFO_DAYS: Final = 90
_NEVER: Final = ReportingStatus.NEVER_REPORTED
_EXPIRE: Final = "have licenses that expire within"


def server_notices(servers: Sequence[ListedServer], now: float) -> tuple[Notice, ...]:
    """Return all notices, the most severe first; `now` in UTC epoch seconds."""
    silent = [listed for listed in servers if listed.silent]
    silent.sort(key=lambda listed: listed.server.last_reported or 0.0)
    remaining = [(days, listed) for listed in servers for days in _remaining(listed, now)]
    remaining.sort(key=lambda pair: pair[0])
    soon, later = (
        [(listed, _expiry(listed)) for days, listed in remaining if first <= days <= last]
        for first, last in ((0, _WARN_DAYS), (_WARN_DAYS + 1, _INFO_DAYS))
    )
    notices = (
        _notice(
            Level.CRITICAL,
            "have not reported for more than 3 days",
            [(listed, _since(listed.server.last_reported, now)) for listed in silent],
            "Check that they are running and can reach Citrix Cloud.",
        ),
        _notice(
            Level.CRITICAL,
            "have expired licenses",
            [(listed, _expiry(listed)) for listed in servers if listed.expired],
            "Renew the licenses, or remove them.",
        ),
        _notice(
            Level.WARN,
            "have never reported",
            [(listed, "") for listed in servers if listed.server.status is _NEVER],
            "Register them in Citrix Licensing Manager, and allow outbound access to Citrix Cloud.",
        ),
        _notice(Level.WARN, f"{_EXPIRE} {_WARN_DAYS} days", soon, "Renew the licenses."),
        _notice(Level.OK, f"{_EXPIRE} {_INFO_DAYS} days", later, "Renew the licenses."),
        _notice(
            Level.WARN,
            "were not found in Citrix back office",
            [(listed, "") for listed in servers if listed.missing_in_back_office],
            "Check that their licenses are allocated to this partner.",
        ),
        _notice(
            Level.WARN,
            "have licenses that are not for service providers",
            [(listed, "") for listed in servers if listed.has_non_csp_license],
            "License Usage Insights covers licenses for service providers only.",
        ),
        _concurrent(servers),
    )
    return tuple(filter(None, notices))


def _since(last_reported: float | None, now: float) -> str:
    if last_reported is None:
        return "since unknown date"
    days = max(0, int((now - last_reported) / DAY))
    date_ = datetime.fromtimestamp(last_reported, UTC).date()
    return f"{count_text(days, 'day')}, since {date_}"


def _remaining(listed: ListedServer, now: float) -> Iterator[int]:
    """Yield the days until expiry, as reported or computed; nothing if expired or unknown."""
    days, expires = listed.server.days_to_expire, listed.server.expires
    if days is None and expires is not None:
        days = (expires - datetime.fromtimestamp(now, UTC).date()).days
    if days is not None and not listed.expired:
        yield max(0, days)


def _expiry(listed: ListedServer) -> str:
    return str(listed.server.expires or "")


def _concurrent(servers: Sequence[ListedServer]) -> Notice | None:
    concurrent = [listed for listed in servers if listed.concurrent_features is not None]
    usage: Counter[str] = Counter()
    for listed in concurrent:
        usage.update(dict(listed.concurrent_features or ()))
    features = [f"{code} {count:,} in use" for code, count in usage.most_common()]
    return _notice(
        Level.WARN,
        "have concurrent licenses",
        [(listed, "") for listed in concurrent],
        "License Usage Insights covers user licenses; check whether these may be used.",
        usage=_listing(features) or "usage not reported",
    )


def _notice(
    level: Level,
    condition: str,
    subjects: Sequence[tuple[ListedServer, str]],
    action: str,
    usage: str = "",
) -> Notice | None:
    """Return a notice about servers and what is known of each, if there are any.

    `condition` starts with have or were.
    """
    if not subjects:
        return None
    if len(subjects) == 1:
        ((listed, detail),) = subjects
        verb, _, words = condition.partition(" ")
        title = f"{listed.name} {'has' if verb == 'have' else 'was'} {words}"
        return Notice("server", level, title, usage or detail, action)
    names = _listing(
        [f"{listed.name}{f' ({detail})' * bool(detail)}" for listed, detail in subjects]
    )
    title = f"{len(subjects):,} license servers {condition}"
    return Notice("server", level, title, f"{usage}, on {names}" if usage else names, action)


def _listing(names: Sequence[str]) -> str:
    more = len(names) - _MAX_LISTED
    return ", ".join(names[:_MAX_LISTED]) + (f" and {more:,} more" if more > 0 else "")
