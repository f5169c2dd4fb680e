"""A license server on premises, read over WinRM.

The pools are required; licenses and services only add to them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from lictui.model import (
    FailureKind,
    Level,
    Mode,
    Notice,
    Pool,
    PoolKey,
    Reading,
    Server,
    Snapshot,
    Step,
)
from lictui.products import describe
from lictui.sources.http import HttpClient
from lictui.sources.sanitize import parse_count, parse_date, sanitize
from lictui.sources.source import SourceError
from lictui.sources.winrm.auth import open_login
from lictui.sources.winrm.wsman import (
    LAS_HINT,
    Item,
    WinrmLogin,
    WsmanEndpoint,
    WsmanEnumerator,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import httpx

    from lictui.clock import Clock
    from lictui.config.settings import Limits


# Pools, from instances of Citrix_GT_License_Pool and Citrix_GT_License


_LONGEST_CODE: Final = 60
_NEVER: Final = 9999  # the year of a license without an end
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
class LicenseTerm:
    """When a license ends: on a day, or never."""

    expires: date | None
    permanent: bool


def license_term(license_: Item) -> LicenseTerm:
    """Return the term of a Citrix_GT_License; no day, or one in the year 9999, means permanent."""
    expires = parse_date(license_.get("expirationdate"))
    return (
        LicenseTerm(None, permanent=True)
        if _endless(expires)
        else LicenseTerm(expires, permanent=False)
    )


def _endless(expires: date | None) -> bool:
    return expires is None or expires.year >= _NEVER


def read_pools(instances: Sequence[Item], licenses: Sequence[Item]) -> tuple[Pool, ...]:
    """Return one pool for each product and subscription date, sorted; instances are added up.

    Instances without a product code are left out; raises SourceError (parse) if all are.
    """
    found: dict[PoolKey, list[Item]] = {}
    for instance in instances:
        if code := _code(instance):
            subscribed = parse_date(instance.get("subscriptiondate"))
            key = PoolKey(code, subscribed.isoformat() if subscribed else "")
            found.setdefault(key, []).append(instance)
    if instances and not found:
        raise SourceError(
            FailureKind.PARSE,
            f"received {len(instances)} license pools, none with a product code (PLD)",
            "Please report this, with the output of"
            " `Get-CimInstance -Namespace root/CitrixLicensing Citrix_GT_License_Pool`.",
            Step.PARSE,
        )
    return tuple(_pool(key, found[key], licenses) for key in sorted(found))


def unreadable_figures(instances: Iterable[Item]) -> list[str]:
    """Yield `XDT_PLT_UD: Count is many` for every missing or invalid figure."""
    return [
        f"{_code(instance)}: {name} is {sanitize(value, 30) or 'missing'}"
        for instance in instances
        if _code(instance)
        for name, value in _senseless(instance)
    ]


def _senseless(instance: Item) -> Iterator[tuple[str, str]]:
    for name in ("Count", "InUseCount", "Overdraft"):
        value = instance.get(name.lower(), "")
        if parse_count(value) is None and (value or name != "Overdraft"):
            yield name, value
    if parse_count(instance.get("count")) is not None and _installed(instance) is None:
        yield "Overdraft", f"{instance.get('overdraft')}, above Count"


def _code(instance: Item) -> str:
    return sanitize(instance.get("pld", ""), _LONGEST_CODE)


def _pool(key: PoolKey, instances: list[Item], licenses: Sequence[Item]) -> Pool:
    product = describe(key.product)
    named = next(filter(None, (sanitize(each.get("pldfullname", "")) for each in instances)), "")
    types = sorted({sanitize(each.get("licensetype", ""), 40) for each in instances} - {""})
    terms = {license_term(each) for each in _identified(key, licenses)}
    agreed = terms.pop() if len(terms) == 1 else None
    return Pool(
        product=key.product,
        name=named if named and product.name == key.product else product.name,
        model=product.model,
        reading=Reading(
            in_use=_sum(parse_count(each.get("inusecount")) for each in instances),
            installed=_sum(_installed(each) for each in instances),
            overdraft=_sum(parse_count(each.get("overdraft")) for each in instances),
        ),
        license_type=", ".join(types),
        subscription_date=parse_date(key.subscription_date),
        expires=agreed.expires if agreed else None,
        permanent=agreed.permanent if agreed else None,
        counted=product.counted,
        raw_fields=tuple(
            (name, value)
            for each in instances
            for name in _RAW
            if (value := each.get(name.lower())) is not None
        )[:_MOST_RAW],
        formulas=_how(instances, ends=bool(agreed)),
    )


def _how(instances: list[Item], *, ends: bool) -> tuple[tuple[str, str], ...]:
    """Return the property of each figure; values of several instances are added up."""
    overdraft = any(parse_count(each.get("overdraft")) for each in instances)
    return (
        ("in_use", "InUseCount"),
        ("installed", "Count - Overdraft" if overdraft else "Count"),
        ("overdraft", "Overdraft"),
        *((("ends", "ExpirationDate of Citrix_GT_License"),) if ends else ()),
    )


def _installed(instance: Item) -> int | None:
    count, overdraft = parse_count(instance.get("count")), parse_count(instance.get("overdraft"))
    if count is None or (overdraft or 0) > count:
        return None
    return count - (overdraft or 0)


def _sum(figures: Iterable[int | None]) -> int | None:
    known = list(figures)
    return None if None in known else sum(figure for figure in known if figure is not None)


def _identified(key: PoolKey, licenses: Sequence[Item]) -> list[Item]:
    """Return the licenses of a pool: those that name its product, or else all.

    Only two properties of Citrix_GT_License are public, and neither names a pool. If an instance
    has a PLD all the same, it counts; if not, what is true of all is true of each.
    """
    own = [each for each in licenses if _code(each) == key.product]
    return own if any(map(_code, licenses)) else list(licenses)


# Notices: stopped services, licenses that expire


PROVIDER: Final = "Citrix_GTLicensingProv"
SERVICES: Final = {  # Win32_Service.Name -> what it means when it is stopped
    "Citrix Licensing": (Level.CRITICAL, "No licenses are served; products run in grace period."),
    PROVIDER: (Level.WARN, "It provides the license data over WMI: figures may be old or missing."),
    "CitrixWebServicesforLicensing": (Level.WARN, "Licensing Manager and Studio cannot connect."),
}
_KIND: Final = "server"
_MOST_TOLD: Final = 5


def stopped_services(services: Sequence[Item]) -> list[str]:
    """Return the names of the license services that exist and do not run."""
    return [name for name, state in _states(services) if state.lower() != "running"]


def _states(services: Sequence[Item]) -> Iterator[tuple[str, str]]:
    said = {each.get("name", "").lower(): sanitize(each.get("state", ""), 20) for each in services}
    return ((name, said[name.lower()]) for name in SERVICES if said.get(name.lower()))


def service_notices(services: Sequence[Item]) -> Iterator[Notice]:
    """Yield a notice for each license service that exists and does not run."""
    for name, state in _states(services):
        if state.lower() != "running":
            level, consequence = SERVICES[name]
            yield Notice(
                _KIND,
                level,
                f"Service {name} is {state.lower()}",
                consequence,
                "Start it on the license server.",
            )


def startup_only_notices(pools: Sequence[Pool]) -> Iterator[Notice]:
    """Yield a notice if the server has only the licenses that every server has."""
    if not any(pool.counted for pool in pools):
        yield Notice(
            _KIND,
            Level.WARN,
            "Only startup licenses, none of a product",
            "Most likely this server moved to the License Activation Service, where WMI has no"
            " pools.",
            "Register its site with source cvad.",
        )


def unreadable_notices(instances: Sequence[Item]) -> Iterator[Notice]:
    """Yield a notice for pools and figures that cannot be read."""
    told = unreadable_figures(instances)
    nameless = sum(1 for each in instances if not each.get("pld"))
    if nameless:
        told.append(f"ignored {nameless} pool(s) without a product code (PLD)")
    if told:
        more = "; …" if len(told) > _MOST_TOLD else ""
        yield Notice(
            _KIND,
            Level.WARN,
            "Unreadable figures",
            "; ".join(told[:_MOST_TOLD]) + more,
            "Compare with Citrix Licensing Manager on the server.",
        )


def next_expiry_notices(
    licenses: Sequence[Item], pools: Sequence[Pool], today: date
) -> Iterator[Notice]:
    """Yield a notice for the next expiring licenses from `today` on, unless the pools know them."""
    if all(pool.expires or pool.permanent for pool in pools if pool.counted):
        return
    ends = [
        (end, each) for each in licenses if (end := license_term(each).expires) and end >= today
    ]
    if not ends:
        return
    first = min(end for end, _ in ends)
    numbers = [sanitize(each.get("serialnumber", ""), 60) for end, each in ends if end == first]
    serials = ", ".join(filter(None, numbers[:_MOST_TOLD]))
    yield Notice(
        _KIND,
        Level.OK,
        f"Next expiring license: {first.isoformat()}",
        f"{len(numbers)} of {len(licenses)} licenses; product not reported by WMI."
        + (f" Serial number: {serials}" if serials else ""),
        "Install its renewal before that date.",
    )


# The snapshot of a license server's WMI data


@dataclass(frozen=True, slots=True)
class WmiData:
    """The enumerated instances; None is what was not available, and is not required."""

    pools: Sequence[Item]
    licenses: Sequence[Item] | None = None
    services: Sequence[Item] | None = None

    def __str__(self) -> str:
        pools, licenses = _count(self.pools, "pool"), _count(self.licenses or (), "license")
        return pools if self.licenses is None else f"{pools}, {licenses}"


def build_snapshot(instances: WmiData, where: str, today: date) -> Snapshot:
    """Return the snapshot; raises SourceError (no_data, parse) if there is none.

    No pool at all is no_data, never zero. `where` names the endpoint, `today` is the UTC day.
    """
    licenses, services = instances.licenses or (), instances.services or ()
    if not instances.pools:
        raise _nothing(services, where)
    pools = read_pools(instances.pools, licenses)
    return Snapshot(
        pools=pools,
        mode=Mode.FILE if any(pool.counted for pool in pools) else None,
        notices=(
            *service_notices(services),
            *startup_only_notices(pools),
            *unreadable_notices(instances.pools),
            *next_expiry_notices(licenses, pools, today),
        ),
    )


def _count(things: Sequence[Item], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")


def _nothing(services: Sequence[Item], where: str) -> SourceError:
    at_rest = stopped_services(services)
    if PROVIDER in at_rest:
        return SourceError(
            FailureKind.NO_DATA,
            f"{where} returned no licenses; its service {PROVIDER} is not running",
            "Start that service on the license server: it provides the license data over WMI.",
            Step.INVENTORY,
        )
    return SourceError(
        FailureKind.NO_DATA,
        f"{where} responded, but returned no licenses",
        LAS_HINT,
        Step.INVENTORY,
    )


_LICENSING: Final = "root/CitrixLicensing"
_WINDOWS: Final = "root/cimv2"
_POOLS: Final = "SELECT * FROM Citrix_GT_License_Pool"
_LICENSES: Final = "SELECT * FROM Citrix_GT_License"
_ANY: Final = " OR ".join(f"Name='{name}'" for name in SERVICES)
_SERVICES: Final = f"SELECT Name,State FROM Win32_Service WHERE {_ANY}"  # noqa: S608 - WQL, of our own
_EXTRA: Final = 0.25  # of the time-out, for what only adds to the pools


class WinrmSource:
    """`lictui.sources.source.Source` for WS-Management; keeps its connection and its login."""

    def __init__(
        self,
        server: Server,
        limits: Limits,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._server, self._limits, self._clock = server, limits, clock
        self._link = HttpClient(server, limits, transport)
        self._opened: tuple[WsmanEndpoint, WinrmLogin] | None = None

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Read everything once, within the time-out; see `Source.fetch`."""
        pools: list[Item] | None = None
        licenses = services = None
        try:
            async with self._link.deadline():
                asking = self._begin(found)
                pools = await asking.instances(_LICENSING, _POOLS)
                licenses = await self._extra(asking, _LICENSING, _LICENSES)
                services = await self._extra(asking, _WINDOWS, _SERVICES)
        except SourceError:
            if pools is None:  # otherwise only the optional part was too late
                raise
        told = self._told(WmiData(pools, licenses, services), found)
        return replace(told, certificate=self._link.certificate)

    async def aclose(self) -> None:
        """Close connection and login. Safe to call twice."""
        self._opened = None
        await self._link.aclose()

    def _begin(self, found: Callable[[Step, str], None]) -> WsmanEnumerator:
        if self._opened is None:
            endpoint = WsmanEndpoint(self._server.url, self._link, self._clock)
            self._opened = endpoint, open_login(self._server, endpoint)
        return WsmanEnumerator(*self._opened, self._limits, lambda who: found(Step.AUTH, who))

    def _told(self, instances: WmiData, found: Callable[[Step, str], None]) -> Snapshot:
        if instances.pools:
            found(Step.INVENTORY, str(instances))
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        result = build_snapshot(instances, self._link.address, today)
        products = len({pool.product for pool in result.pools if pool.counted})
        found(Step.PARSE, f"{products} product" + ("" if products == 1 else "s"))
        return result

    async def _extra(self, asking: WsmanEnumerator, namespace: str, wql: str) -> list[Item] | None:
        """Return optional instances: None if they do not arrive in time."""
        try:
            async with asyncio.timeout(_EXTRA / 2 * self._limits.timeout):
                return await asking.instances(namespace, wql)
        except (SourceError, TimeoutError):
            return None
