"""A FlexNet license server that holds what an inventory says.

Owns the step from licenses to features, versions and seats. Must not know how they are printed.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from lictui.simulator.flexnet.seats import queue, seats
from lictui.simulator.flexnet.server import Daemon, Feature, FlexServer, Host, VersionGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lictui.simulator.inventory import License

_DATED: Final = "%Y.%m%d"  # the versions of Citrix's features are subscription dates
_NUMBERED: Final = "%y.%m"  # those of others are versions


def stocked(
    inventory: Sequence[License],
    at: float,
    *,
    name: str,
    seed: int = 1,
    vendor: str = "CITRIX",
    port: int = 27000,
) -> FlexServer:
    """The license server `name` at `at`, with exactly `in_use` licenses of each pool held.

    FlexNet knows issued licenses only, so the overdraft counts among them. One feature stands for
    all pools of a product that follow one another, with a version group for each. Who waits stands
    in the queue, but for Citrix's licenses, which nobody waits for.
    """
    features = tuple(
        _feature(product, list(pools), seed, at, citrix=vendor == "CITRIX")
        for product, pools in groupby(inventory, key=lambda each: each.product)
    )
    daemons = (Daemon(vendor, features=features),)
    return FlexServer((Host(name, port, master=True),), daemons, at)


def _feature(
    product: str, pools: Sequence[License], seed: int, at: float, *, citrix: bool
) -> Feature:
    return Feature(
        product,
        sum(each.installed + each.overdraft for each in pools),
        sum(each.in_use for each in pools),
        tuple(
            VersionGroup(
                f"{each.subscription_date:{_DATED if citrix else _NUMBERED}}",
                _expiry(each),
                (
                    *seats(f"{product}/{each.subscription_date}", each.in_use, seed, at),
                    *queue(product, 0 if citrix else each.waiting, seed),
                ),
                vendor_string=f";LT={each.license_type};GP=720;SA=1;ODP=0" if citrix else "",
            )
            for each in pools
        ),
    )


def _expiry(held: License) -> str:
    day = held.expires
    return f"{day:%d-%b-%Y}".lower() if day else "permanent(no expiration date)"
