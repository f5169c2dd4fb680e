"""The cast of the demo: the license servers and sites of a company that works around the globe.

Owns who is there and what happens to whom: something fine, something near its limit, one over it,
one used up, one that expires, one that falls silent. Must not know a protocol.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.simulator.buyer import Buyer
from lictui.simulator.inventory import Mood
from lictui.simulator.outposts import outposts
from lictui.simulator.region import APAC, DAY, EMEA, US
from lictui.simulator.stock import Kind, LicenseServer

if TYPE_CHECKING:
    from lictui.simulator.stock import Pool

_US_WEST: Final = replace(US, hours=-8)
_INDIA: Final = replace(APAC, hours=5.5)


def company(seed: int, start: float) -> tuple[LicenseServer, ...]:
    """The same company for the same seed; `start` is the moment somebody begins to look."""
    buyer = Buyer(seed, start)
    known = (*_emea(buyer), *_us(buyer), *_apac(buyer))
    return (*known, *outposts(buyer, known))


def _emea(buyer: Buyer) -> tuple[LicenseServer, ...]:
    return (
        LicenseServer(
            "lic-emea-01",
            EMEA,
            Kind.BASIC,
            (
                buyer.assigned(EMEA, "XDT_PLT_UD", 1500, 0.85, subscription=37),
                buyer.assigned(EMEA, "XDT_PLT_UD", 600, 0.71, subscription=402),
                buyer.machines("PVS_STD_CCS", 80, 1.06, added=7, subscription=402),
                buyer.startup(),
            ),
        ),
        LicenseServer(
            "lic-emea-02",
            EMEA,
            Kind.SEALED,
            (
                buyer.office(EMEA, "XDT_ENT_CCS", 1200, 0.76),
                buyer.office(EMEA, "MPS_ADV_CCU", 290, 0.4, growth=-0.3),
                buyer.machines("CXS_ENT_CCS", 64, 0.58),
                buyer.startup(),
            ),
        ),
        LicenseServer(
            "lic-emea-03",
            EMEA,
            Kind.NTLM,
            (buyer.office(EMEA, "XDT_ENT_CCS", 150, 0.5), buyer.startup()),
            mood=Mood.DENIED,  # its password ran out, and nobody has said so yet
        ),
        LicenseServer(
            "ddc-emea-01",
            EMEA,
            Kind.LAS_SITE,
            (buyer.office(EMEA, "XDT_PLT_CCS", 4000, 0.72, growth=0.18, subscription=310),),
            activated_until=buyer.day(18),
        ),
    )


def _us(buyer: Buyer) -> tuple[LicenseServer, ...]:
    return (
        LicenseServer(
            "lic-us-01",
            US,
            Kind.NTLM,
            (
                buyer.office(US, "XDT_PLT_CCS", 2500, 0.84, growth=0.2),
                buyer.idle("XDS_PLT_CCS", 2500),  # the same purchase under its older code
                buyer.office(US, "MPS_PLT_CCU", 400, 0.36, subscription=85),
                buyer.machines("PVS_STD_CCS", 250, 0.63),
                buyer.startup(),
            ),
        ),
        LicenseServer(
            "ddc-us-01",
            US,
            Kind.SITE,
            (
                # A launch day: over what was bought, within the overdraft.
                buyer.office(US, "XDT_ENT_CCS", 800, 0.88, surges=((0, 1.08), (-19, 1.05))),
                _ending(buyer, 20, buyer.assigned(US, "XDT_ENT_UD", 450, 0.66)),
            ),
        ),
        LicenseServer(
            "ddc-us-02",
            _US_WEST,
            Kind.BARE_SITE,
            (buyer.office(_US_WEST, "XDT_STD_CCS", 600, 0.6),),
        ),
    )


def _apac(buyer: Buyer) -> tuple[LicenseServer, ...]:
    days_ago = buyer.start - 21.4 * DAY
    return (
        LicenseServer(
            "lic-apac-01",
            APAC,
            Kind.BASIC,
            (
                buyer.assigned(APAC, "XDT_PLT_UD", 700, 0.93, growth=0.3, subscription=128),
                buyer.assigned(APAC, "XDT_ADV_UD", 25, 1.1, growth=0.1, subscription=128),
                buyer.office(APAC, "XDT_PLT_CCS", 350, 0.55),
                buyer.startup(),
            ),
        ),
        LicenseServer(
            "lic-apac-02",
            APAC,
            Kind.NTLM,
            (
                buyer.assigned(APAC, "XDT_STD_UD", 300, 0.58),
                buyer.office(APAC, "MPS_ENT_CCU", 180, 0.77),
                buyer.machines("PVS_STD_CCS", 40, 0.45),
                buyer.startup(),
            ),
            silences=((days_ago, days_ago + 3 * DAY),),
            flaps_after=buyer.start,
        ),
        LicenseServer("lic-apac-03", APAC, Kind.NTLM, (), mood=Mood.EMPTY),
        LicenseServer(
            "ddc-apac-01",
            _INDIA,
            Kind.SITE,
            (
                _enlarged(buyer, 104, 650, buyer.office(_INDIA, "XDT_PLT_CCS", 900, 0.66)),
                buyer.office(_INDIA, "MPS_ENT_CCU", 120, 0.7, growth=-0.1),
            ),
        ),
    )


def _ending(buyer: Buyer, days: int, pool: Pool) -> Pool:
    return replace(pool, license_type="RetailS", expires=buyer.day(days))


def _enlarged(buyer: Buyer, days_ago: int, before: int, pool: Pool) -> Pool:
    return replace(pool, sizes=((0.0, before), (buyer.start - days_ago * DAY, pool.sizes[-1][1])))


def large_company(seed: int, start: float, count: int) -> tuple[LicenseServer, ...]:
    """`count` license servers of five pools each, for measuring: two in three speak WinRM."""
    buyer = Buyer(seed, start)
    regions, kinds = (EMEA, US, APAC), (Kind.BASIC, Kind.SITE, Kind.NTLM)
    return tuple(
        LicenseServer(
            f"{'ddc' if kinds[at % 3].is_site else 'lic'}-{region.name}-{at:04}",
            region,
            kinds[at % 3],
            (
                buyer.office(region, "XDT_PLT_CCS", 400 + at % 7 * 100, 0.7),
                buyer.office(region, "XDT_ENT_CCS", 250, 0.5),
                buyer.office(region, "MPS_ENT_CCU", 120, 0.8),
                buyer.assigned(region, "XDT_PLT_UD", 500, 0.6 + at % 5 * 0.07),
                buyer.assigned(region, "XDT_PLT_UD", 200, 0.9, subscription=400),
            ),
        )
        for at in range(1, count + 1)
        for region in (regions[at // 3 % 3],)
    )
