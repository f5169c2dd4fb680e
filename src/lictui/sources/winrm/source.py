"""A license server on premises, read by WMI over WinRM.

The pools decide about a poll; licenses and services only add to it, and may be missing.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lictui.model import Level, Mode, Notice, Pool, Snapshot, Step, count_text
from lictui.sources.http import HttpSource
from lictui.sources.sanitize import MAX_CODE, CaselessRecord, sanitize, term_of
from lictui.sources.source import (
    FigureFields,
    OnStep,
    SourceError,
    new_pool,
    no_data_error,
    parse_error,
    startup_only_notices,
    sum_pools,
    unreadable_notices,
)
from lictui.sources.winrm.auth import open_login
from lictui.sources.winrm.wsman import LAS_HINT, Item, WinrmLogin, WsmanEnumerator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


_LICENSING: Final = "root/CitrixLicensing"
_WINDOWS: Final = "root/cimv2"
_POOLS: Final = "SELECT * FROM Citrix_GT_License_Pool"
_LICENSES: Final = "SELECT * FROM Citrix_GT_License"
_VERSION: Final = "SELECT Version FROM Citrix_GT_License_Server"
PROVIDER: Final = "Citrix_GTLicensingProv"
SERVICES: Final = {  # Win32_Service.Name -> level and effect while it does not run
    "Citrix Licensing": (Level.CRITICAL, "No licenses are served; products run in grace period."),
    PROVIDER: (Level.WARN, "It provides the licenses in WMI: figures may be old or missing."),
    "CitrixWebServicesforLicensing": (Level.WARN, "Licensing Manager and Studio cannot connect."),
}
_SERVICE_NAMES: Final = " OR ".join(f"Name='{name}'" for name in SERVICES)
_SERVICES: Final = f"SELECT Name,State FROM Win32_Service WHERE {_SERVICE_NAMES}"  # noqa: S608 - WQL, of constants
_SHARE: Final = 0.1  # of the timeout, for each query that a poll can do without


class WinrmSource(HttpSource):
    """Implements `Source` for WS-Management; keeps its connection and its login."""

    _login: WinrmLogin | None = None
    # As last read: neither an expiry nor the version must seem to be gone.
    _licenses: list[Item] | None = None
    _versions: Sequence[Item] = ()  # of the license server; older ones may not have the class

    async def _read(self, on_step: OnStep) -> Snapshot:
        services: list[Item] = []
        wmi = self._enumerator(on_step)
        pools = await wmi.instances(_LICENSING, _POOLS)
        with suppress(SourceError):
            self._licenses = await self._optional(wmi.instances(_LICENSING, _LICENSES), _SHARE)
        with suppress(SourceError):
            services = await self._optional(wmi.instances(_WINDOWS, _SERVICES), _SHARE)
        with suppress(SourceError):
            self._versions = await self._optional(wmi.instances(_LICENSING, _VERSION), _SHARE)
        if pools:
            read = (("pool", pools), ("license", self._licenses))
            counts = [count_text(len(items), noun) for noun, items in read if items is not None]
            on_step(Step.INVENTORY, ", ".join(counts))
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        address, licenses = self._client.address, self._licenses or ()
        build = partial(build_snapshot, pools, licenses, services, address, today)
        snapshot = await self._parse(build)
        products = len({pool.product for pool in snapshot.pools if pool.counted})
        on_step(Step.PARSE, count_text(products, "product"))
        version = next((text for item in self._versions if (text := item.get("version"))), "")
        return replace(snapshot, version=sanitize(version, 40))

    async def aclose(self) -> None:
        """Close the connection and forget the login. Safe to call twice."""
        self._login = None
        await super().aclose()

    def _enumerator(self, on_step: OnStep) -> WsmanEnumerator:
        if self._login is None:
            self._login = open_login(self._server, self._client)
        return WsmanEnumerator(self._login, self._limits, partial(on_step, Step.AUTH))


def build_snapshot(
    pool_items: Iterable[Mapping[str, object]],
    license_items: Iterable[Mapping[str, object]],
    service_items: Iterable[Mapping[str, object]],
    address: str,
    today: date,
) -> Snapshot:
    """Return the snapshot of WMI instances; a server without any pool is no_data, never zero."""
    listed, licenses, services = (
        [*map(CaselessRecord, items)] for items in (pool_items, license_items, service_items)
    )
    if not listed:
        raise _no_pools(services, address)
    # An expired license is not part of a pool anymore; files of renewed ones may remain.
    current = [item for item in licenses if (_license_expiry(item) or date.max) >= today]
    pools = _read_pools(listed, current or licenses)
    unassigned = _unassigned(current)
    next_expiry = min(filter(None, map(_license_expiry, unassigned)), default=None)
    return Snapshot(
        pools=pools,
        mode=Mode.FILE if any(pool.counted for pool in pools) else None,
        notices=(
            *_service_notices(services),
            *startup_only_notices(
                pools,
                "This server probably uses the License Activation Service (LAS), where WMI has no"
                " pools.",
                "Register its site with source cvad.",
            ),
            *unreadable_notices(_problems(listed)),
            *_next_expiry_notices(next_expiry, unassigned, len(licenses)),
        ),
        next_expiry=next_expiry,
    )


def _no_pools(services: Sequence[CaselessRecord], address: str) -> SourceError:
    if PROVIDER in _stopped_services(services):
        return no_data_error(
            f"{address} returned no licenses, and its service {PROVIDER} is not running",
            f"Start the service {PROVIDER} on the server: it provides the licenses in WMI.",
        )
    return no_data_error(f"{address} returned no licenses", LAS_HINT)


# Pools, from instances of Citrix_GT_License_Pool and Citrix_GT_License

_FIGURES: Final = FigureFields("InUseCount", "Count", "Overdraft")
_RAW_FIELDS: Final = tuple(
    "Count InUseCount PooledAvailable Overdraft PLDFullName LicenseType SubscriptionDate"
    " VendorString".split()
)


def _license_expiry(license_: CaselessRecord) -> date | None:
    """Return the expiry of one Citrix_GT_License; None if permanent: without a date, or in 9999."""
    return term_of(license_.day("ExpirationDate"))[0]


def _read_pools(
    instances: Sequence[CaselessRecord], licenses: Sequence[CaselessRecord]
) -> tuple[Pool, ...]:
    pools = sum_pools(_pool(instance, licenses) for instance in instances if _code(instance))
    if instances and not pools:
        raise parse_error(
            f"none of the {len(instances)} license pools has a product code (PLD)",
            "Please report this, with the output of"
            " `Get-CimInstance -Namespace root/CitrixLicensing Citrix_GT_License_Pool`.",
        )
    return tuple(sorted(pools, key=lambda pool: pool.key))


def _pool(instance: CaselessRecord, licenses: Sequence[CaselessRecord]) -> Pool:
    code, reading = _code(instance), _FIGURES.read(instance)
    expiries = [_license_expiry(license_) for license_ in _licenses_of(code, licenses)]
    expires = min(filter(None, expiries), default=None)
    return replace(
        new_pool(code, reading, instance.text("PLDFullName")),
        license_type=instance.text("LicenseType", 40),
        subscription_date=instance.day("SubscriptionDate"),
        expires=expires,
        permanent=expires is None if expiries else None,
        partial_expiry=expires is not None and set(expiries) != {expires},
        raw_fields=instance.raw_fields(*_RAW_FIELDS),
        formulas=_FIGURES.formulas(
            instance, **{"ends": "ExpirationDate of Citrix_GT_License"} if expiries else {}
        ),
    )


def _code(instance: CaselessRecord) -> str:
    return instance.text("PLD", MAX_CODE)


def _licenses_of(code: str, licenses: Sequence[CaselessRecord]) -> Sequence[CaselessRecord]:
    """Return the licenses that a pool consists of: those that name its product, or all if alike.

    Only two properties of Citrix_GT_License are public, and neither names a pool. If an instance
    has a PLD nevertheless, it is used; if none has, what all licenses share is true of each.
    """
    if any(map(_code, licenses)):
        return [license_ for license_ in licenses if _code(license_) == code]
    return licenses if len(set(map(_license_expiry, licenses))) == 1 else ()


def _unassigned(licenses: Sequence[CaselessRecord]) -> list[CaselessRecord]:
    if _licenses_of("", licenses) is licenses:
        return []
    return [license_ for license_ in licenses if not _code(license_)]


# Notices: stopped services, missing or invalid values, the next expiry

_MAX_SERIALS: Final = 5  # in one notice


def _service_notices(services: Sequence[CaselessRecord]) -> Iterator[Notice]:
    for name, state in _stopped_services(services).items():
        level, effect = SERVICES[name]
        title, action = f"Service {name} is {state}", "Start it on the license server."
        yield Notice("server", level, title, effect, action)


def _stopped_services(services: Sequence[CaselessRecord]) -> dict[str, str]:
    states = {
        service.text("Name").lower(): service.text("State", 20).lower() for service in services
    }
    return {
        name: state
        for name in SERVICES
        if (state := states.get(name.lower(), "")) and state != "running"
    }


def _problems(instances: Sequence[CaselessRecord]) -> Iterator[str]:
    for instance in filter(_code, instances):
        yield from _FIGURES.problems(instance, _code(instance))
    if without_code := sum(not _code(instance) for instance in instances):
        yield f"{without_code} pool(s) without a product code (PLD) ignored"


def _next_expiry_notices(
    next_expiry: date | None, licenses: Sequence[CaselessRecord], count: int
) -> Iterator[Notice]:
    """Yield a notice for those of `count` licenses that expire next and belong to no known pool."""
    if next_expiry is None:
        return
    next_licenses = [item for item in licenses if _license_expiry(item) == next_expiry]
    serials = [license_.text("SerialNumber", 60) for license_ in next_licenses]
    listed = ", ".join(filter(None, serials[:_MAX_SERIALS]))
    yield Notice(
        "server",
        Level.OK,
        f"Next expiring license: {next_expiry.isoformat()}",
        f"{len(serials)} of {count} licenses; product not reported by WMI."
        + (f" Serial number: {listed}" if listed else ""),
        "Allocate the renewed license before that day.",
    )
