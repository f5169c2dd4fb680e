"""What a FlexNet license server tells beside its pools: parts of it at rest, licenses kept back.

Owns when that deserves a notice, and its words. Pure: must not know how the facts come. Words
change only when facts do; whose licenses are kept back is nobody's business here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.model import Level, Notice
from lictui.sources.clean import text
from lictui.sources.flexnet.pools import counted, is_citrix, naming

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.model import Pool
    from lictui.sources.flexnet.report import Daemon, Feature, Host, Report

_KIND: Final = "server"
_MOST_TOLD: Final = 5
_PLACES: Final = {"GROUP": "groups", "HOST": "hosts", "HOST_GROUP": "host groups", "USER": "users"}


def notices(report: Report, pools: Sequence[Pool]) -> tuple[Notice, ...]:
    """Everything that deserves one, the gravest first."""
    return (
        *_resting_daemons(report.daemons),
        *_resting_hosts(report.hosts),
        *_unread(report),
        *_start_up_only(pools),
        *_unreadable(report.features),
        *_reserved(report.features),
    )


def _resting_daemons(daemons: Sequence[Daemon]) -> Iterator[Notice]:
    for daemon in daemons:
        if not daemon.up:
            yield Notice(
                _KIND,
                Level.CRITICAL,
                f"Vendor daemon {text(daemon.vendor, 60)} is down",
                text(daemon.said, 160) or "It gives out no licenses.",
                "Start it on the license server; its log says why it ended.",
            )


def _resting_hosts(hosts: Sequence[Host]) -> Iterator[Notice]:
    for host in hosts:
        if not host.up:
            yield Notice(
                _KIND,
                Level.WARN,
                f"License server {text(host.name, 80)} is down",
                text(host.said, 160) or "The others of its system still answer.",
                "Two of three must run: bring it back before another fails.",
            )


def _unread(report: Report) -> Iterator[Notice]:
    if report.fatal:
        yield Notice(
            _KIND, Level.WARN, "A part of the license servers did not answer", text(report.fatal)
        )


def _start_up_only(pools: Sequence[Pool]) -> Iterator[Notice]:
    if pools and all(is_citrix(pool.vendor) and not pool.counted for pool in pools):
        yield Notice(
            _KIND,
            Level.WARN,
            "Only start-up licenses, none of a product",
            "Perhaps this server moved to the License Activation Service, which lmstat does not"
            " know.",
            "Register its site with source cvad.",
        )


def _unreadable(features: Sequence[Feature]) -> Iterator[Notice]:
    """Features whose line has neither counts nor a known word instead of them."""
    odd = [
        each
        for each in features
        if (counted(each) and None in (each.issued, each.in_use))
        or (each.said and not each.said.lower().startswith("uncounted"))
    ]
    if odd:
        yield Notice(
            _KIND,
            Level.WARN,
            "Features without figures",
            _listed([f"{text(each.name, 60)}: {text(each.said, 80) or '?'}" for each in odd]),
            "Compare the license file with what the license server's log says of it.",
        )


def _reserved(features: Sequence[Feature]) -> Iterator[Notice]:
    """Licenses that the options file keeps for some are not there for others."""
    product = naming(features)
    told = [
        f"{product(each)} {sum(each.reserved.values())} ({_places(each)})"
        for each in features
        if each.reserved and counted(each)
    ]
    if told:
        yield Notice(
            _KIND,
            Level.OK,
            "Reserved licenses, not there for everybody",
            _listed(told),
            "The vendor daemon's options file says for whom (RESERVE).",
        )


def _places(feature: Feature) -> str:
    return ", ".join(
        f"{number} for {_PLACES.get(kind, text(kind, 20).lower())}"
        for kind, number in sorted(feature.reserved.items())
    )


def _listed(told: list[str]) -> str:
    return "; ".join(told[:_MOST_TOLD]) + ("; …" if len(told) > _MOST_TOLD else "")
