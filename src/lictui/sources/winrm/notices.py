"""What a license server tells beside its pools: services at rest, licenses about to end.

Owns when that deserves a notice, and its words. Pure: must not know how the facts come. Words
change only when facts do, so that a notice that stands is not news.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.model import Level, Notice
from lictui.sources.clean import text
from lictui.sources.winrm.pools import term, unreadable_figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from lictui.model import Pool
    from lictui.sources.winrm.reply import Item

PROVIDER: Final = "Citrix_GTLicensingProv"
SERVICES: Final = {  # Win32_Service.Name -> what it means when it rests
    "Citrix Licensing": (Level.CRITICAL, "No licenses are given out; products run on grace."),
    PROVIDER: (Level.WARN, "It answers for the licenses over WMI: figures may be old or missing."),
    "CitrixWebServicesforLicensing": (Level.WARN, "Licensing Manager and Studio cannot connect."),
}
_KIND: Final = "server"
_MOST_TOLD: Final = 5


def stopped(services: Sequence[Item]) -> list[str]:
    """Names of the license services that are there and do not run."""
    return [name for name, state in _states(services) if state.lower() != "running"]


def _states(services: Sequence[Item]) -> Iterator[tuple[str, str]]:
    said = {each.get("name", "").lower(): text(each.get("state", ""), 20) for each in services}
    return ((name, said[name.lower()]) for name in SERVICES if said.get(name.lower()))


def resting(services: Sequence[Item]) -> Iterator[Notice]:
    """A notice for each license service that is there and does not run."""
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


def start_up_only(pools: Sequence[Pool]) -> Iterator[Notice]:
    """A notice when the server has no license but those every server has."""
    if not any(pool.counted for pool in pools):
        yield Notice(
            _KIND,
            Level.WARN,
            "Only start-up licenses, none of a product",
            "Most likely this server moved to the License Activation Service, where WMI has no"
            " pools.",
            "Register its site with source cvad.",
        )


def unreadable(instances: Sequence[Item]) -> Iterator[Notice]:
    """A notice for pools and figures that came, but make no sense."""
    told = unreadable_figures(instances)
    nameless = sum(1 for each in instances if not each.get("pld"))
    if nameless:
        told.append(f"{nameless} pool(s) without a product code (PLD) left out")
    if told:
        more = "; …" if len(told) > _MOST_TOLD else ""
        yield Notice(
            _KIND,
            Level.WARN,
            "Figures that cannot be read",
            "; ".join(told[:_MOST_TOLD]) + more,
            "Compare with Citrix Licensing Manager on the server.",
        )


def next_to_end(licenses: Sequence[Item], pools: Sequence[Pool], today: date) -> Iterator[Notice]:
    """A notice for the licenses that end first from `today` on, unless the pools tell already."""
    if all(pool.expires or pool.permanent for pool in pools if pool.counted):
        return
    ends = [(end, each) for each in licenses if (end := term(each).expires) and end >= today]
    if not ends:
        return
    first = min(end for end, _ in ends)
    numbers = [text(each.get("serialnumber", ""), 60) for end, each in ends if end == first]
    serials = ", ".join(filter(None, numbers[:_MOST_TOLD]))
    yield Notice(
        _KIND,
        Level.OK,
        f"Next license to end: {first.isoformat()}",
        f"{len(numbers)} of {len(licenses)} licenses; WMI does not tell of which product."
        + (f" Serial number: {serials}" if serials else ""),
        "Allocate its renewal before that day.",
    )
