"""One snapshot, from all that a license server's WMI gave.

Owns what makes an inventory, and when there is none. Pure: must not know how instances come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lictui.model import FailureKind, Mode, Snapshot, Step
from lictui.sources.source import SourceError
from lictui.sources.winrm import notices
from lictui.sources.winrm.pools import read_pools
from lictui.sources.winrm.refusals import PERHAPS_LAS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from lictui.sources.winrm.reply import Item


@dataclass(frozen=True, slots=True)
class Instances:
    """What was enumerated; None is what could not be had, and does not cost the rest."""

    pools: Sequence[Item]
    licenses: Sequence[Item] | None = None
    services: Sequence[Item] | None = None

    def __str__(self) -> str:
        pools, licenses = _count(self.pools, "pool"), _count(self.licenses or (), "license")
        return pools if self.licenses is None else f"{pools}, {licenses}"


def snapshot(instances: Instances, where: str, today: date) -> Snapshot:
    """The snapshot they make; SourceError (no_data, parse) if they make none.

    No pool at all is no_data, never zero. `where` names the endpoint, `today` is the day in UTC.
    """
    licenses, services = instances.licenses or (), instances.services or ()
    if not instances.pools:
        raise _nothing(services, where)
    pools = read_pools(instances.pools, licenses)
    return Snapshot(
        pools=pools,
        mode=Mode.FILE if any(pool.counted for pool in pools) else None,
        notices=(
            *notices.resting(services),
            *notices.start_up_only(pools),
            *notices.unreadable(instances.pools),
            *notices.next_to_end(licenses, pools, today),
        ),
    )


def _count(things: Sequence[Item], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")


def _nothing(services: Sequence[Item], where: str) -> SourceError:
    at_rest = notices.stopped(services)
    if notices.PROVIDER in at_rest:
        return SourceError(
            FailureKind.NO_DATA,
            f"{where} lists no licenses, and its service {notices.PROVIDER} is not running",
            "Start that service on the license server: it answers for the licenses over WMI.",
            Step.INVENTORY,
        )
    return SourceError(
        FailureKind.NO_DATA,
        f"{where} answers, but lists no licenses at all",
        PERHAPS_LAS,
        Step.INVENTORY,
    )
