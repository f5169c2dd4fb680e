"""What the sites of the simulated company say of themselves: alerts, peaks, activation.

Owns the step from an estate's figures to what a Delivery Controller makes of them. Must not know
HTTP. Times are UTC epoch seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_DNS, uuid5

from lictui.simulator.cvad.site import OVERVIEW_PATH, Alert, Site
from lictui.simulator.region import DAY, QUARTER, as_date
from lictui.simulator.stock import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.simulator.estate import Estate
    from lictui.simulator.inventory import License
    from lictui.simulator.stock import LicenseServer

_NEARLY_USED: Final = 0.9  # where Director raises its alert, unless told otherwise
_SOON: Final = 30  # days


def site_at(estate: Estate, server: LicenseServer, at: float) -> Site:
    """The site behind `server` at one moment."""
    held = estate.inventory_at(server.name, at)
    return Site(
        id=str(uuid5(NAMESPACE_DNS, f"{server.name}.{estate.seed}")),
        name=server.name.removeprefix("ddc-").upper(),
        las=server.kind is Kind.LAS_SITE,
        activated_until=server.activated_until,
        license_server=f"{server.name.replace('ddc', 'lic')}.corp.example",
        overview_path=None if server.kind is Kind.BARE_SITE else OVERVIEW_PATH,
        peak=_peak_today(server, at),
        alerts=tuple(_alerts(server, held, at)),
    )


def _peak_today(server: LicenseServer, at: float) -> int:
    """The most of the first pool that was in use since midnight there."""
    midnight = server.region.day(at) * DAY - server.region.hours * 3600
    pool = server.pools[0]
    past = pool.curve.span(int(midnight // QUARTER), int(at // QUARTER) + 1)
    return max(*past, pool.curve.at(at))


def _alerts(server: LicenseServer, held: tuple[License, ...], at: float) -> Iterator[Alert]:
    today = as_date(int(at // DAY))
    for each in held:
        if each.in_use > each.installed:
            detail = f"{each.product}: {each.in_use - each.installed} more than installed."
            yield Alert("Alarm", "Licenses are in overdraft", detail, "Add licenses.", "Overdraft")
        elif each.in_use >= _NEARLY_USED * each.installed:
            detail = f"{each.product}: {each.in_use} of {each.installed} licenses are in use."
            yield Alert("Alert", "Licenses are nearly used up", detail, "", "Threshold")
        if each.expires is not None and (each.expires - today).days <= _SOON:
            detail = f"{each.product}: {each.installed} licenses expire on {each.expires}."
            yield Alert("Alert", "Licenses expire soon", detail, "Renew them.", "Expiration")
    if server.activated_until is not None and (server.activated_until - today).days <= _SOON:
        detail = f"The activation is valid until {server.activated_until}."
        yield Alert("Info", "License activation is due for renewal", detail, "", "LasActivation")
