"""The entitlements of a Citrix Cloud customer: current usage, and monthly values of the past year.

Only `ud/current` decides about a poll; the monthly values and the concurrent licenses may be
missing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from msgspec.structs import replace

from lictui.clock import DAY, HOUR
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
    Snapshot,
    Step,
    count_text,
)
from lictui.sources.http import HttpSource, status_rules
from lictui.sources.sanitize import MAX_CODE, Record, sanitize, term_of
from lictui.sources.sessions import CloudSession, console_url, month_text, region_hint
from lictui.sources.source import (
    OnStep,
    SourceError,
    new_pool,
    no_data_error,
    parse_error,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


_BASE: Final = "/licensing/license/enterprise/cloud/cvad/ud"


class CloudSource(HttpSource):
    """Reads one customer; keeps connection, token and the monthly values."""

    _monthly_usage: tuple[MonthlyUsage, ...] = ()
    _monthly_due = 0.0  # UTC epoch seconds
    _concurrent: Pool | None = None  # as last read

    @cached_property
    def _session(self) -> CloudSession:
        not_found = status_rules({FailureKind.NO_DATA: region_hint(self._server.url)})
        return CloudSession(self._server, self._client, self._clock, not_found)

    async def _read(self, on_step: OnStep) -> Snapshot:
        on_step(Step.AUTH, await self._session.sign_in())
        snapshot, no_data = await self._current()
        if self._server.experimental:
            snapshot = await self._with_concurrent(snapshot)
        if no_data is None:
            snapshot = await self._with_monthly_usage(snapshot)
        elif not snapshot.pools:
            raise no_data
        on_step(Step.INVENTORY, f"customer {snapshot.reported_name or self._server.customer_id}")
        count = len(snapshot.monthly_usage)
        months = f", {count_text(count, 'month')} of history" if count else ""
        on_step(Step.PARSE, " · ".join(pool.product for pool in snapshot.pools) + months)
        return snapshot

    async def _current(self) -> tuple[Snapshot, SourceError | None]:
        """Return the user/device licenses; with the failure where there may be concurrent ones."""
        try:
            answer = await self._session.get_json(f"{_BASE}/current")
            if answer is None:
                raise no_data_error(
                    f"no user/device licenses for {self._server.customer_id}"
                    f" at {self._client.address}",
                    "If the customer has concurrent licenses only, set experimental = true.",
                )
            pool = read_current(answer, self._client.address)
        except SourceError as error:
            if error.failure.kind is FailureKind.NO_DATA and self._server.experimental:
                return Snapshot((), mode=Mode.CLOUD), error
            raise
        snapshot = Snapshot(
            (pool,),
            reported_name=Record(answer).text("customerId", 64),
            mode=Mode.CLOUD,
            notices=tuple(current_notices(answer)),
            monthly_usage=self._monthly_usage,
        )
        return snapshot, None

    async def _with_concurrent(self, snapshot: Snapshot) -> Snapshot:
        """Return `snapshot` with the concurrent licenses, without figures if they are not read."""
        url = console_url(self._server.url) + _CONCURRENT_PATH.format(
            quote(self._server.customer_id, "")
        )
        current_product = snapshot.pools[0].product if snapshot.pools else ""
        notices: tuple[Notice, ...] = ()
        try:
            answer = await self._optional(self._session.get_json(url, renew=False))
            pool = None if answer is None else read_concurrent(answer, current_product)
        except SourceError as error:
            if error.failure.kind is FailureKind.NO_DATA:
                pool = None  # 404: not entitled
            else:
                last = self._concurrent
                pool = replace(last, reading=Reading(), raw_fields=()) if last else None
                notices = (unavailable_notice(error.failure),)
        self._concurrent = pool
        return replace(
            snapshot,
            pools=(*snapshot.pools, pool) if pool else snapshot.pools,
            notices=(*snapshot.notices, *notices),
        )

    async def _with_monthly_usage(self, snapshot: Snapshot) -> Snapshot:
        now = self._clock.now()
        if now >= self._monthly_due:
            first, last = month_text(now, MAX_MONTHS - 1), month_text(now, 0)
            self._monthly_due = now + HOUR  # unless the response is final for the day
            try:
                path = f"{_BASE}/historicalusage?startDate={first}&endDate={last}"
                answer = await self._optional(self._session.get_json(path, renew=False))
                self._monthly_usage = read_monthly_usage(answer, snapshot.pools[0].product)
                self._monthly_due = now + DAY
            except SourceError as error:
                if error.failure.kind in (FailureKind.FORBIDDEN, FailureKind.NO_DATA):
                    self._monthly_due = now + DAY
        return replace(snapshot, monthly_usage=self._monthly_usage)


# Current user/device licenses: one pool

DEFAULT_PRODUCT: Final = "ud"  # where the answer names none: as in the path of the API
_OWNED: Final = "totalAvailableLicenseCount"
_FORMULAS: Final = (
    ("in_use", "totalUsageCount (the lesser of users and devices)"),
    ("installed", "totalAvailableLicenseCount (owned, not free)"),
    ("overdraft", "not reported by Citrix Cloud"),
    ("expires", "nextExpiredLicenses.nextExpiredTime, for its totalCount"),
)


def read_current(answer: object, address: str) -> Pool:
    """Return the pool of `ud/current`. Raises SourceError (parse) if there is none in it."""
    current = Record(answer)
    in_use, installed = current.count("totalUsageCount"), current.count(_OWNED)
    product = product_code(current)
    if in_use is None and installed is None and not product:
        raise parse_error(
            f"{address} returned JSON without user/device licenses",
            "Set url to the origin of the Citrix Cloud API, such as https://api.cloud.com.",
        )
    expires, expiring = _next_expiry(current)
    return replace(
        new_pool(product or DEFAULT_PRODUCT, Reading(in_use, installed)),
        model=Model.USER_DEVICE,
        expires=expires,
        permanent=False if expires else None,
        partial_expiry=expires is not None
        and (expiring is None or installed is None or expiring < installed),
        reported_expiring=expiring if expires else None,
        raw_fields=(*current.raw_fields(), *_cross_checks(current, in_use, installed)),
        formulas=_FORMULAS,
    )


def product_code(answer: Record) -> str:
    """Return `productName:productEdition`, one of them if the other is missing, or ""."""
    parts = (answer.text(key, MAX_CODE) for key in ("productName", "productEdition"))
    return sanitize(":".join(filter(None, parts)), MAX_CODE)


def _next_expiry(current: Record) -> tuple[date | None, int | None]:
    """Return when licenses expire next, and how many of them."""
    expires = current.day("nextExpiredLicenses.nextExpiredTime")
    count = current.count("nextExpiredLicenses.totalCount")
    return (None, None) if term_of(expires)[0] is None or count == 0 else (expires, count)


def _cross_checks(
    current: Record, in_use: int | None, installed: int | None
) -> Iterator[tuple[str, str]]:
    """Compare figures that must agree; a difference is shown, not corrected."""
    users = current.count("userLicenseUsage.totalUsageCount")
    devices = current.count("deviceLicenseUsage.totalUsageCount")
    if users is not None and devices is not None and in_use is not None:
        yield "min(user, device)", _compare(min(users, devices), in_use, "totalUsageCount")
    remaining = current.count("remainingLicenseCount")
    if remaining is not None and in_use is not None and installed is not None:
        yield "owned - used", _compare(installed - in_use, remaining, "remainingLicenseCount")


def _compare(computed: int, reported: int, name: str) -> str:
    return f"{computed}, " + (f"as {name}" if computed == reported else f"but {name} is {reported}")


def current_notices(answer: object) -> Iterator[Notice]:
    """Yield a notice about the licenses that start next."""
    current = Record(answer)
    start = current.day("nextActivatingLicense.activatingTime")
    count = current.count("nextActivatingLicense.activatingCount")
    if start is not None and count != 0:
        title = f"{'More' if count is None else f'{count:,} more'} licenses start on {start}"
        product = product_code(current) or DEFAULT_PRODUCT
        yield Notice("server", Level.OK, title, f"{product} in Citrix Cloud")


# Monthly values of the user/device licenses

MAX_MONTHS: Final = 12  # of one request
_MONTHS_KEY: Final = "xenAppXenDesktopHistoricalUsageList"  # users and devices together


def read_monthly_usage(answer: object, product: str) -> tuple[MonthlyUsage, ...]:
    """Return the months of `product` in order; () for another edition or another shape."""
    history = Record(answer)
    edition = history.text("productEdition", MAX_CODE)
    if edition and not product.endswith(edition):
        return ()
    months = {month.month_start: month for month in _months(history, PoolKey(product))}
    return tuple(months[start] for start in sorted(months))[-MAX_MONTHS:]


def _months(history: Record, key: PoolKey) -> Iterator[MonthlyUsage]:
    for row in history.records(_MONTHS_KEY, 10 * MAX_MONTHS):
        day = row.day("timeStamp")
        in_use, installed = row.count("cumulativeAssignedCount"), row.count(_OWNED)
        if day is not None and (in_use is not None or installed is not None):
            yield MonthlyUsage(
                key,
                datetime(day.year, day.month, 1, tzinfo=UTC).timestamp(),
                in_use,
                installed,
                newly_assigned=row.count("newAssignedCount"),
                released=row.count("releasedCount"),
            )


# Concurrent licenses, from the undocumented API of Citrix's console

DEFAULT_CONCURRENT_PRODUCT: Final = "ccu"  # where the answer names none: as in the path
_CONCURRENT_PATH: Final = (
    "/{}/license/enterprise/cloud/cvad/ccu/summary?UsageType=device&LicenseModel=Concurrent"
)
_CONCURRENT_FORMULAS: Final = (
    ("in_use", "currentCcu.assignedLicenseCount (devices with active connections)"),
    ("installed", "currentCcu.totalLicenseCount"),
    ("overdraft", "not reported by Citrix Cloud"),
)


def read_concurrent(answer: object, current_product: str) -> Pool:
    """Return the pool, never with the code `current_product`. Raises SourceError (parse)."""
    summary = Record(answer)
    in_use = summary.count("currentCcu.assignedLicenseCount")
    installed = summary.count("currentCcu.totalLicenseCount")
    if in_use is None and installed is None:
        raise parse_error(
            "the summary of concurrent usage contains no figures",
            "Citrix has not documented it and may have changed it; see experimental.",
        )
    product = product_code(summary)
    return replace(
        new_pool(
            DEFAULT_CONCURRENT_PRODUCT if product in ("", current_product) else product,
            Reading(in_use, installed),
        ),
        model=Model.CONCURRENT,
        raw_fields=summary.raw_fields(),
        formulas=_CONCURRENT_FORMULAS,
    )


def unavailable_notice(failure: Failure) -> Notice:
    """Return the notice for a summary that was not read, the same at each poll."""
    forbidden = failure.kind is FailureKind.FORBIDDEN
    return Notice(
        "server",
        Level.OK,
        "Client has no permission to read concurrent usage"
        if forbidden
        else "Concurrent usage not available",
        failure.kind.replace("_", " "),
        "Set experimental = false, or give the client the permission."
        if forbidden
        else failure.hint,
    )
