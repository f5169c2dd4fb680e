"""A Citrix Cloud customer: current licenses, and once a day past months.

Only `ud/current` is required for a poll; everything else may fail.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from lictui.model import (
    Failure,
    FailureKind,
    Level,
    Mode,
    Model,
    MonthlyUsage,
    Notice,
    Pool,
    PoolKey,
    Reading,
    Server,
    Snapshot,
    Step,
)
from lictui.products import describe
from lictui.sources.cloud import session as regions
from lictui.sources.cloud.session import CloudSession, sign_in
from lictui.sources.http import HttpClient, get_field, json_rows
from lictui.sources.sanitize import parse_count, parse_date, sanitize
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from lictui.clock import Clock
    from lictui.config.settings import Limits


# The user/device licenses of a customer: one pool, and what expires or starts


DEFAULT_PRODUCT: Final = "ud"  # the product if the reply names none: as in the API's path
_CODE: Final = 64  # characters of a product code
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
    ("overdraft", "not reported by Citrix Cloud"),
    (
        "expires",
        "nextExpiredLicenses.nextExpiredTime, if its totalCount >= totalAvailableLicenseCount",
    ),
)


def read_current(answer: object, where: str) -> Pool:
    """Return the pool; raises SourceError (parse) if `answer` of `where` (HOST:PORT) has none."""
    in_use = parse_count(get_field(answer, "totalUsageCount"))
    installed = parse_count(get_field(answer, "totalAvailableLicenseCount"))
    product = product_code(answer)
    if in_use is None and installed is None and not product:
        raise SourceError(
            FailureKind.PARSE,
            f"{where} returned no data of user/device licenses",
            "Check that url is the Citrix Cloud API, such as https://api.cloud.com.",
            Step.PARSE,
        )
    code = product or DEFAULT_PRODUCT
    expires = _end_of_all(answer, installed)
    return Pool(
        product=code,
        name=describe(code).name,
        model=Model.USER_DEVICE,
        reading=Reading(in_use, installed),
        expires=expires,
        permanent=False if expires else None,
        raw_fields=(*_raw(answer), *_checks(answer, in_use, installed)),
        formulas=_HOW,
    )


def product_code(answer: object) -> str:
    """Return `productName:productEdition`, either one if the other is missing, "" without both."""
    parts = (sanitize(get_field(answer, key), _CODE) for key in ("productName", "productEdition"))
    return sanitize(":".join(filter(None, parts)), _CODE)


def current_notices(answer: object, today: date) -> tuple[Notice, ...]:
    """Return notices about licenses that expire or start next; `today` in UTC."""
    return (*_ending(answer, today), *_beginning(answer))


def _end_of_all(answer: object, installed: int | None) -> date | None:
    """Return the day on which all licenses have expired; None where some remain."""
    count = parse_count(_at(answer, "nextExpiredLicenses.totalCount"))
    if count is None or installed is None or count < installed:
        return None
    return parse_date(_at(answer, "nextExpiredLicenses.nextExpiredTime"))


def _ending(answer: object, today: date) -> Iterator[Notice]:
    end = parse_date(_at(answer, "nextExpiredLicenses.nextExpiredTime"))
    count = parse_count(_at(answer, "nextExpiredLicenses.totalCount"))
    installed = parse_count(get_field(answer, "totalAvailableLicenseCount"))
    if end is None or count == 0 or _end_of_all(answer, installed):
        return
    of = "" if installed is None else f" of {installed:,}"
    some = "Some" if count is None else f"{count:,}"
    soon = (end - today).days <= _WARN
    yield Notice(
        "server",
        Level.WARN if soon else Level.OK,
        f"{some}{of} licenses expire on {end}",
        f"{product_code(answer) or DEFAULT_PRODUCT} in Citrix Cloud",
        "Renew them, or check whether the others are sufficient.",
    )


def _beginning(answer: object) -> Iterator[Notice]:
    begin = parse_date(_at(answer, "nextActivatingLicense.activatingTime"))
    count = parse_count(_at(answer, "nextActivatingLicense.activatingCount"))
    if begin is not None and count != 0:
        more = "More" if count is None else f"{count:,} more"
        yield Notice(
            "server",
            Level.OK,
            f"{more} licenses start on {begin}",
            f"{product_code(answer) or DEFAULT_PRODUCT} in Citrix Cloud",
        )


def _checks(answer: object, in_use: int | None, installed: int | None) -> Iterator[tuple[str, str]]:
    users = parse_count(_at(answer, "userLicenseUsage.totalUsageCount"))
    devices = parse_count(_at(answer, "deviceLicenseUsage.totalUsageCount"))
    if users is not None and devices is not None and in_use is not None:
        least = min(users, devices)
        yield "min(user, device)", _agrees(least, in_use, "totalUsageCount")
    remaining = parse_count(get_field(answer, "remainingLicenseCount"))
    if remaining is not None and in_use is not None and installed is not None:
        owned = installed - in_use
        yield "owned - used", _agrees(owned, remaining, "remainingLicenseCount")


def _agrees(reckoned: int, told: int, name: str) -> str:
    return f"{reckoned}, as {name}" if reckoned == told else f"{reckoned}, but {name} is {told}"


def _raw(answer: object) -> tuple[tuple[str, str], ...]:
    """Return the server's own fields, as it sent them."""
    found = ((path, sanitize(_at(answer, path), _CODE)) for path in _FIELDS)
    return tuple((path, said) for path, said in found if said)


def _at(answer: object, path: str) -> object:
    for key in path.split("."):
        answer = get_field(answer, key)
    return answer


# Monthly values of the user/device licenses, as Citrix Cloud keeps them


MONTHS: Final = 12  # that one request may ask for
_LIST: Final = "xenAppXenDesktopHistoricalUsageList"  # of users and devices together


def month_range(now: float) -> tuple[str, str]:
    """Return the first and the last month to request, `yyyy-MM`, at `now` (UTC epoch seconds)."""
    last = datetime.fromtimestamp(now, UTC)
    count = last.year * 12 + last.month - 1 - (MONTHS - 1)
    return f"{count // 12:04}-{count % 12 + 1:02}", f"{last.year:04}-{last.month:02}"


def read_monthly_usage(answer: object, product: str) -> tuple[MonthlyUsage, ...]:
    """Return the months of `product` in order; none for another edition or an unexpected reply."""
    edition = sanitize(get_field(answer, "productEdition"), 64)
    if edition and not product.endswith(edition):
        return ()
    found = {told.month_start: told for told in _told(answer, PoolKey(product))}
    return tuple(found[at] for at in sorted(found))[-MONTHS:]


def _told(answer: object, key: PoolKey) -> Iterator[MonthlyUsage]:
    for row in json_rows(get_field(answer, _LIST), 10 * MONTHS):
        month = parse_date(get_field(row, "timeStamp"))
        in_use = parse_count(get_field(row, "cumulativeAssignedCount"))
        installed = parse_count(get_field(row, "totalAvailableLicenseCount"))
        if month is None or (in_use is None and installed is None):
            continue
        yield MonthlyUsage(
            key,
            datetime(month.year, month.month, 1, tzinfo=UTC).timestamp(),
            in_use,
            installed,
            newly_assigned=parse_count(get_field(row, "newAssignedCount")),
            released=parse_count(get_field(row, "releasedCount")),
        )


# The concurrent licenses of a customer, from the console's own summary


DEFAULT_CONCURRENT_PRODUCT: Final = (
    "ccu"  # the product if the reply names none: as in the path of the request
)
_PATH: Final = "license/enterprise/cloud/cvad/ccu/summary?UsageType=device&LicenseModel=Concurrent"
_PEAKS: Final = ("currentCcu", "last24HoursPeak", "monthPeak", "allTimePeak")
_FIELDS_CONCURRENT: Final = ("totalLicenseCount", "assignedLicenseCount", "reportTime")
_HOW_CONCURRENT: Final = (
    ("in_use", "currentCcu.assignedLicenseCount (devices with active connections)"),
    ("installed", "currentCcu.totalLicenseCount"),
    ("overdraft", "not reported by Citrix Cloud"),
)


def concurrent_path(customer: str) -> str:
    """Return the URL of the summary for `customer`."""
    return f"/{quote(customer, safe='')}/{_PATH}"


def read_concurrent(answer: object, taken: str) -> Pool:
    """Return the pool, under another product than `taken`; raises SourceError (parse)."""
    now = get_field(answer, "currentCcu")
    in_use = parse_count(get_field(now, "assignedLicenseCount"))
    installed = parse_count(get_field(now, "totalLicenseCount"))
    if in_use is None and installed is None:
        raise SourceError(
            FailureKind.PARSE,
            "the summary of concurrent usage has no figures",
            "It is not documented by Citrix and may have changed; see experimental.",
            Step.PARSE,
        )
    named = product_code(answer)
    code = DEFAULT_CONCURRENT_PRODUCT if named in ("", taken) else named
    told = (
        (f"{peak}.{key}", get_field(get_field(answer, peak), key))
        for peak in _PEAKS
        for key in _FIELDS_CONCURRENT
    )
    return Pool(
        product=code,
        name=describe(code).name,
        model=Model.CONCURRENT,
        reading=Reading(in_use, installed),
        raw_fields=tuple((name, said) for name, value in told if (said := sanitize(value, 64))),
        formulas=_HOW_CONCURRENT,
    )


def unavailable_notice(failure: Failure) -> Notice:
    """Return a notice about a summary that was not available; stable from poll to poll."""
    forbidden = failure.kind is FailureKind.FORBIDDEN
    return Notice(
        "server",
        Level.OK,
        "The client may not read concurrent usage"
        if forbidden
        else "Concurrent usage could not be read",
        failure.kind.replace("_", " "),
        "Set experimental = false, or give the client the permission."
        if forbidden
        else failure.hint,
    )


_BASE: Final = "/licensing/license/enterprise/cloud/cvad/ud"
_EXTRA: Final = 0.25  # of the time-out, for each reply that only adds to the pool
_DAY: Final = 86400.0  # seconds between two requests of the past months
_HOUR: Final = 3600.0  # the same, after a failure that may pass


class CloudSource:
    """The entitlements of one customer; keeps connection, token, and the past months."""

    def __init__(
        self,
        server: Server,
        limits: Limits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._server, self._limits, self._clock = server, limits, clock
        self._link = HttpClient(server, limits, transport)
        self._session: CloudSession | None = None
        self._told: tuple[MonthlyUsage, ...] = ()
        self._past_due = 0.0  # UTC epoch seconds
        self._concurrent: Pool | None = None  # as last read

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Read everything once, within the time-out of a poll."""
        snapshot: Snapshot | None = None
        missing: SourceError | None = None
        try:
            async with self._link.deadline():
                session = self._begun()
                found(Step.AUTH, await session.sign_in())
                snapshot, missing = await self._current(session)
                if self._server.experimental:
                    snapshot = await self._with_concurrent(session, snapshot)
                if missing is None:
                    snapshot = await self._with_past(session, snapshot)
        except SourceError:
            if snapshot is None:  # otherwise only the optional part was too late
                raise
        if missing is not None and not snapshot.pools:
            raise missing
        found(Step.INVENTORY, f"customer {snapshot.reported_name or self._server.customer_id}")
        count = len(snapshot.monthly_usage)
        past = f", {count} month{'' if count == 1 else 's'} of the past" if count else ""
        found(Step.PARSE, " · ".join(pool.product for pool in snapshot.pools) + past)
        return replace(snapshot, certificate=self._link.certificate)

    async def aclose(self) -> None:
        """Close the connection; the token remains valid."""
        await self._link.aclose()

    def _begun(self) -> CloudSession:
        if self._session is None:
            hints: dict[int, str] = {HTTPStatus.NOT_FOUND: regions.region_hint(self._server.url)}
            self._session = CloudSession(self._server, self._link, self._clock, sign_in, hints)
        return self._session

    async def _current(self, session: CloudSession) -> tuple[Snapshot, SourceError | None]:
        """Return the user/device licenses; or none and the reason, if there may be others."""
        try:
            answer = await session.get_json(f"{_BASE}/current")
            if answer is None:
                raise self._nothing()
            pool = read_current(answer, self._link.address)
        except SourceError as error:
            if error.failure.kind is FailureKind.NO_DATA and self._server.experimental:
                return Snapshot((), mode=Mode.CLOUD), error
            raise
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        return (
            Snapshot(
                (pool,),
                reported_name=sanitize(get_field(answer, "customerId"), 64),
                mode=Mode.CLOUD,
                notices=current_notices(answer, today),
                monthly_usage=self._told,
            ),
            None,
        )

    async def _with_concurrent(self, session: CloudSession, snapshot: Snapshot) -> Snapshot:
        """Return `snapshot` with the concurrent licenses; without figures if not available."""
        customer = self._server.customer_id
        url = regions.console_url(self._server.url) + concurrent_path(customer)
        taken = snapshot.pools[0].product if snapshot.pools else ""
        notices: tuple[Notice, ...] = ()
        try:
            answer = await self._extra(session, url)
            pool = None if answer is None else read_concurrent(answer, taken)
        except SourceError as error:
            if error.failure.kind is FailureKind.NO_DATA:
                pool = None  # 404: not entitled
            else:
                known = self._concurrent
                pool = replace(known, reading=Reading(), raw_fields=()) if known else None
                notices = (unavailable_notice(error.failure),)
        self._concurrent = pool
        return replace(
            snapshot,
            pools=(*snapshot.pools, pool) if pool else snapshot.pools,
            notices=(*snapshot.notices, *notices),
        )

    async def _with_past(self, session: CloudSession, snapshot: Snapshot) -> Snapshot:
        """Return `snapshot` with past months, requested once a day; the last known on failure."""
        now = self._clock.now()
        if now >= self._past_due:
            first, last = month_range(now)
            self._past_due = now + _HOUR  # unless this reply is valid for longer
            try:
                answer = await self._extra(
                    session, f"{_BASE}/historicalusage?startDate={first}&endDate={last}"
                )
                self._told = read_monthly_usage(answer, snapshot.pools[0].product)
                self._past_due = now + _DAY
            except SourceError as error:
                if error.failure.kind in (FailureKind.FORBIDDEN, FailureKind.NO_DATA):
                    self._past_due = now + _DAY
        return replace(snapshot, monthly_usage=self._told)

    async def _extra(self, session: CloudSession, url: str) -> object:
        """Return an optional reply; raises SourceError also if it takes too long."""
        try:
            async with asyncio.timeout(_EXTRA * self._limits.timeout):
                return await session.get_json(url, renew=False)
        except TimeoutError as error:
            raise SourceError(
                FailureKind.TIMEOUT, "no response in time", "", Step.INVENTORY
            ) from error

    def _nothing(self) -> SourceError:
        return SourceError(
            FailureKind.NO_DATA,
            f"{self._link.address} has no user/device licenses for {self._server.customer_id}",
            "To read concurrent licenses only, set experimental = true.",
            Step.INVENTORY,
        )
