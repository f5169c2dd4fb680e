"""What the simulated company buys: pools of licenses, each with a life of its own.

Owns how a product, a size and a share become a pool; everything else about its course comes from
the seed. Must not know which server a pool ends up on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Final

from lictui.simulator.curve import Curve
from lictui.simulator.region import DAY, as_date, working_day
from lictui.simulator.rhythm import Assigned, Hours, Machines, Noise, Office, Project
from lictui.simulator.stock import Pool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lictui.simulator.curve import Rhythm
    from lictui.simulator.region import Region

# Products as `Citrix_GT_License_Pool.PLDFullName` words them (protocols: Get-LicLocalizedNames).
_NAMES: Final = {
    "XDT_PLT_UD": "Citrix XenDesktop Platinum|User/Device",
    "XDT_ENT_UD": "Citrix XenDesktop Enterprise|User/Device",
    "XDT_ADV_UD": "Citrix XenDesktop Advanced|User/Device",
    "XDT_STD_UD": "Citrix XenDesktop VDI|User/Device",
    "XDT_PLT_CCS": "Citrix XenDesktop Platinum|Concurrent",
    "XDT_ENT_CCS": "Citrix XenDesktop Enterprise|Concurrent",
    "XDT_STD_CCS": "Citrix XenDesktop VDI|Concurrent",
    "XDS_PLT_CCS": "Citrix XenDesktop Platinum|Concurrent (Legacy)",
    "MPS_PLT_CCU": "Citrix XenApp (Presentation Server) Platinum|Concurrent",
    "MPS_ENT_CCU": "Citrix XenApp (Presentation Server) Enterprise|Concurrent",
    "MPS_ADV_CCU": "Citrix XenApp (Presentation Server) Advanced|Concurrent",
    "PVS_STD_CCS": "Citrix Provisioning Services|Concurrent",
    "CXS_ENT_CCS": "Citrix XenServer Enterprise|Concurrent",
    "CITRIX": "Citrix Start-up License|Server",
    "XenDesktop:XAXDFull": "Citrix DaaS Premium|User/Device",
}


@dataclass(frozen=True, slots=True)
class _Nothing:
    """The rhythm of licenses that nobody uses, or always the same few."""

    count: int = 0

    def quarters(self, day: int) -> Sequence[int]:
        del day
        return [self.count] * 96


class Buyer:
    """Buys pools of licenses; the same seed and the same orders give the same pools."""

    def __init__(self, seed: int, start: float) -> None:
        self.random = Random(f"company/{seed}")  # noqa: S311 - a simulation, not a secret
        self.noise = Noise(seed)
        self.start = start
        self.today = int(start // DAY)

    def day(self, from_now: int) -> date:
        """The date so many days from the start."""
        return as_date(self.today + from_now)

    def office(
        self,
        region: Region,
        product: str,
        installed: int,
        peak: float,
        *,
        growth: float = 0.05,
        subscription: int = 200,
        surges: tuple[tuple[int, float], ...] = (),
    ) -> Pool:
        """Concurrent licenses whose usual peak is `peak` of `installed`."""
        today = region.day(self.start)
        rhythm = Office(
            region=region,
            hours=Hours(self.random),
            noise=self.noise,
            phase=self.random.randrange(4096),
            today=today,
            peak=installed * peak * self.random.uniform(0.985, 1.015),
            growth=growth * self.random.uniform(0.8, 1.2),
            surges=tuple(
                (working_day(region, today + day), share * installed) for day, share in surges
            ),
        )
        return self._pool(product, installed, rhythm, region.hours, subscription)

    def assigned(
        self,
        region: Region,
        product: str,
        installed: int,
        share: float,
        *,
        growth: float = 0.08,
        subscription: int = 200,
    ) -> Pool:
        """User/device licenses of which `share` are assigned today."""
        today = region.day(self.start)
        projects = tuple(
            Project(
                today - self.random.randrange(earliest - 40, earliest),
                int(installed * self.random.uniform(0.03, 0.08)),
                self.random.randrange(15, 45),
            )
            for earliest in (180, 330)
        )
        rhythm = Assigned(
            region=region,
            noise=self.noise,
            phase=self.random.randrange(4096),
            today=today,
            people=installed * share - sum(project.assigned(today) for project in projects),
            growth=growth * self.random.uniform(0.8, 1.2),
            projects=projects if installed >= 100 else (),  # noqa: PLR2004 - a small pool is calm
        )
        return self._pool(product, installed, rhythm, region.hours, subscription)

    def machines(
        self,
        product: str,
        installed: int,
        share: float,
        *,
        added: int = 0,
        subscription: int = 200,
    ) -> Pool:
        """Licenses held around the clock, `share` of them now; `added` came five days ago."""
        rhythm = Machines(
            noise=self.noise,
            phase=self.random.randrange(4096),
            today=self.today,
            count=installed * share,
            growth=self.random.uniform(0.02, 0.1),
            window=self.random.choice((2, 5, 6)),
            steps=((self.today - 5, added),) if added else (),
        )
        # More machines than licenses have been seen in the wild: here nobody is turned away.
        return replace(self._pool(product, installed, rhythm, 0, subscription), refuses=False)

    def idle(self, product: str, installed: int, *, subscription: int = 200) -> Pool:
        """Licenses that nobody uses."""
        return self._pool(product, installed, _Nothing(), 0, subscription)

    def startup(self) -> Pool:
        """What every license server brings along."""
        return Pool(
            "CITRIX",
            _NAMES["CITRIX"],
            date(2030, 1, 1),
            Curve(_Nothing(1), 0),
            ((0.0, 10),),
            license_type="SYS",
            overdraft=0.0,
        )

    def _pool(
        self, product: str, installed: int, rhythm: Rhythm, hours: float, subscription: int
    ) -> Pool:
        return Pool(
            product,
            _NAMES.get(product, product),
            self.day(subscription),
            Curve(rhythm, hours),
            ((0.0, installed),),
        )
