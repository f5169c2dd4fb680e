"""What `lmstat -a` prints, as a Snapshot and as the holders of its licenses.

Owns when a report is an answer, and which host it is of. Pure: must not know how the text came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Holder, Snapshot, Step
from lictui.sources.clean import day
from lictui.sources.clean import text as cleaned
from lictui.sources.flexnet.notices import notices
from lictui.sources.flexnet.pools import is_citrix, naming, read_pools
from lictui.sources.flexnet.refusals import at_rest, refused
from lictui.sources.flexnet.report import read_report
from lictui.sources.flexnet.uses import since
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from lictui.sources.flexnet.report import Report

_MOST: Final = 100_000  # holders


def lmstat_snapshot(text: str, where: str) -> Snapshot:
    """The license server that `text` tells of; `where` names it in errors.

    Raises SourceError: what lmstat says went wrong, if it has nothing else to tell; `no_data` for
    a server that lists no feature; `parse` for what is no output of lmstat.
    """
    report = _answered(text, where)
    pools = read_pools(report.features)
    master = _master(report)
    return Snapshot(
        pools,
        reported_name=master,
        version=next((cleaned(each.version, 40) for each in report.hosts if each.version), ""),
        notices=notices(report, pools),
        license_server=cleaned(report.on, 120) or master,
    )


def lmstat_holders(text: str, now: float) -> tuple[Holder, ...]:
    """Who has checked out what; `now` (UTC epoch seconds) gives a start its year.

    Raises SourceError as `lmstat_snapshot` does.
    """
    report = _answered(text, "the license server")
    product = naming(report.features)
    found = [
        Holder(
            product(feature),
            cleaned(use.user, 100),
            cleaned(use.host, 100),
            since(use.start, now),
            use.count,
            subscription_date=day(use.license) if is_citrix(feature.vendor) else None,
        )
        for feature in report.features
        for use in feature.holding
    ]
    return tuple(found[:_MOST])


def _answered(text: str, where: str) -> Report:
    """The report in `text`, if it is one and has something to tell."""
    report = read_report(text)
    resting = [daemon for daemon in report.daemons if not daemon.up]
    if resting == report.daemons != [] and not any(each.told for each in report.features):
        # Nobody could say a figure. Were this an answer, licenses would pass for licenses gone.
        raise at_rest(resting[0].vendor, resting[0].said, where)
    if report.features:
        return report
    up = any(host.up for host in report.hosts)
    said = report.fatal or next((host.said for host in report.hosts if host.said), "")
    if said and not up:
        raise refused(said, where)
    if report.hosts and not up:
        raise SourceError(
            FailureKind.REFUSED,
            f"lmstat says that the license server at {where} is down",
            "Start the license service there.",
            Step.CONNECT,
        )
    if resting:
        return report  # the notice tells all there is
    if report.hosts or report.daemons:
        raise SourceError(
            FailureKind.NO_DATA,
            f"the license server at {where} is up, but lmstat lists no feature of it",
            "Run lmstat with -a; if it was, the license server has no licenses to give out.",
            Step.PARSE,
        )
    raise SourceError(FailureKind.PARSE, *_foreign(text, where), Step.PARSE)


def _master(report: Report) -> str:
    """The host that leads a system of three, or the only one."""
    hosts = sorted(report.hosts, key=lambda host: (not host.master, not host.up))
    return cleaned(hosts[0].name, 120) if hosts else cleaned(report.on, 120)


def _foreign(text: str, where: str) -> tuple[str, str]:
    first = next(filter(None, map(cleaned, text[:4000].splitlines())), "")
    hint = "It must print what `lmutil lmstat -a -c PORT@HOST` does."
    if not first:
        return f"nothing was printed about the license server at {where}", hint
    return f"this is no output of lmstat: {cleaned(first, 80)}", hint
