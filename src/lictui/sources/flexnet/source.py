"""Source `lmstat`: reads any FlexNet license server by running lmutil.

It holds how lmutil is called, when its output counts as an answer, FlexNet's errors as failures,
and the notices about parts of a license server that are down or reserved.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from lictui.model import (
    FailureKind,
    Level,
    LicenseUser,
    LicenseUserList,
    Notice,
    Pool,
    Reservation,
    Snapshot,
    Step,
)
from lictui.sources.flexnet.parser import (
    LmstatFeature,
    LmstatReport,
    parse_report,
    product_namer,
    read_pools,
    start_time,
)
from lictui.sources.program import ProgramSource
from lictui.sources.sanitize import first_line, parse_date, sanitize
from lictui.sources.source import (
    ErrorRule,
    SourceError,
    find_rule,
    list_some,
    no_data_error,
    parse_error,
    startup_only_notices,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_MAX_USERS: Final = 100_000
_MAX_START: Final = 4000  # characters examined to recognize other output


class LmstatSource(ProgramSource):
    """Implements `Source` for `lmutil lmstat`."""

    listed = "feature"

    def _parse(self, text: str) -> Snapshot:
        return lmstat_snapshot(text, self._server.address)


# From text to a snapshot


def lmstat_snapshot(text: str, address: str) -> Snapshot:
    """Return the license server in `text`, the output of `lmstat -a`; `address` names it.

    Raises SourceError, with the error that lmstat reports if there is nothing else.
    """
    report = _checked_report(text, address)
    pools = read_pools(report.features)
    # The master of three hosts, or the only host.
    hosts = sorted(report.hosts, key=lambda host: (not host.master, not host.up))
    name = hosts[0].name if hosts else report.daemon_host
    return Snapshot(
        pools,
        reported_name=name,
        version=next((host.version for host in report.hosts if host.version), ""),
        notices=tuple(_notices(report, pools)),
        license_server_host=report.daemon_host or name,
    )


def lmstat_license_users(text: str, address: str, now: float) -> LicenseUserList:
    """Return who has checked out what; `now` determines the year of a start."""
    report = _checked_report(text, address)
    product = product_namer(report.features)
    users = [
        LicenseUser(
            product(feature),
            sanitize(line.user, 100),
            sanitize(line.host, 100),
            start_time(line, now),
            line.count,
            subscription_date=parse_date(line.license_version) if feature.is_citrix else None,
        )
        for feature in report.features
        for line in feature.checkouts
    ]
    reservations = [
        Reservation(product(feature), number, *target)
        for feature in report.features
        for target, number in sorted(feature.reserved.items())
    ]
    return LicenseUserList(tuple(users[:_MAX_USERS]), tuple(reservations[:_MAX_USERS]))


def _checked_report(text: str, address: str) -> LmstatReport:
    """Parse `text`; raise SourceError unless it contains information about licenses."""
    report = parse_report(text)
    down = [daemon for daemon in report.daemons if not daemon.up]
    has_counts = any(feature.has_counts for feature in report.features)
    if down == report.daemons != [] and not has_counts:
        # No daemon could report a count. As an answer, it would mean that all licenses are gone.
        message = f"vendor daemon {down[0].name} at {address} is down"
        raise find_rule(_RULES, _DAEMON_DOWN).error(
            message + (f": {down[0].message}" if down[0].message else "")
        )
    if report.features:
        return report
    is_up = any(host.up for host in report.hosts)
    message = report.fatal or next((host.message for host in report.hosts if host.message), "")
    if message and not is_up:
        text = f"lmstat reports an error for {address}: {sanitize(message, 160)}"
        raise find_rule(_RULES, _error_number(message)).error(text)
    if report.hosts and not is_up:
        raise SourceError(
            FailureKind.REFUSED,
            f"{address}: lmstat reports that the license server is down",
            "Start the license service there.",
        )
    if down:
        return report  # a notice reports it
    if report.hosts or report.daemons:
        raise no_data_error(
            f"{address}: the license server is up, but lmstat lists no features",
            "Run lmstat with -a. If you did, the license server has no licenses to serve.",
            Step.PARSE,
        )
    raise _other_output_error(text, address)


_BANNER: Final = re.compile(r"(?m)^\s*lm[a-z]+ - Copyright.*$")
_LICENSE_FILE_OUTPUT: Final = re.compile(
    r"\blmstat -i\b|^Feature\s+Version\s+#licenses\b", re.IGNORECASE | re.MULTILINE
)


def _other_output_error(text: str, address: str) -> SourceError:
    hint = "The command must print the output of `lmutil lmstat -a -c PORT@HOST`."
    if _LICENSE_FILE_OUTPUT.search(text[:_MAX_START]):
        problem = "it is that of lmstat -i, which reads a license file and asks no server"
        hint = f"Use lmstat -a instead of lmstat -i. {hint}"
    else:
        problem = first_line(_BANNER.sub("", text[:_MAX_START])) or first_line(text)
    message = f"not the output of lmstat -a: {problem}" if problem else "no output of lmstat"
    return parse_error(f"{address}: {message}", hint)


# FlexNet's errors as failures

# `(-15,570:111 "Connection refused")`: FlexNet's error and its location, the system's error
_CODE: Final = re.compile(r"\(-(\d{1,4}),\d{1,6}")
_DAEMON_DOWN: Final = 97
# By the numbers of FlexNet's own header file and list of errors
_RULES: Final = (
    ErrorRule(
        (14, 95),  # cannot find SERVER hostname in network database; THIS_HOST failed
        FailureKind.DNS,
        hint="Check the host name in the address, and DNS on the machine that runs lmstat.",
    ),
    ErrorRule(
        (15,),  # cannot connect to license server system
        FailureKind.REFUSED,
        hint="Check that the license service runs and that the port is right. The vendor daemon"
        " has its own port, which firewalls must allow too.",
    ),
    ErrorRule(
        (96,),  # server node is down or not responding
        FailureKind.TIMEOUT,
        hint="Check that the host is up and that no firewall drops the port of the license manager"
        " or of the vendor daemon.",
        step=Step.CONNECT,
    ),
    ErrorRule(
        (1, 2, 13),  # no license file, invalid syntax of it, no SERVER lines in it
        FailureKind.CONFIG,
        hint="Check the address: PORT@HOST, for example 27000@lic01.",
        step=Step.INVENTORY,
    ),
    ErrorRule(
        (_DAEMON_DOWN,),  # the desired vendor daemon is down
        FailureKind.UNAVAILABLE,
        hint="Start the vendor daemon; the license server's log says why it exited.",
    ),
    ErrorRule(
        (16, 17),  # cannot read data from, or write data to, license server system
        FailureKind.PROTOCOL,
        hint="Check that this is the port of a FlexNet license manager; its log may say more.",
    ),
    ErrorRule(
        None,
        FailureKind.COMMAND,
        hint="Run it in a terminal; FlexNet's error number is in parentheses.",
    ),
)
# Of errors to connect, the system's error (errno of Linux and of Windows Sockets) says more, and so
# do the words if there is no number. The values are FlexNet's numbers, as in the table above.
_CONNECT_ERRORS: Final = (0, 15, 96)
_MEANINGS: Final = (
    (r"\(-\d+,\d+:(?:101|111|113|10061|10065)\b", 15),
    (r"\(-\d+,\d+:(?:110|115|10035|10060)\b", 96),
    (r"\(-\d+,\d+:11001\b", 14),
    (r"(?:host|name|node)\w* (?:or service )?(?:is )?(?:not (?:known|found)|unknown)", 14),
    (r"unknown host|cannot find SERVER|can't resolve|cannot resolve", 14),
    (r"refused|no route|unreachable", 15),
    (r"timed? ?out|in progress|not responding", 96),
)
_WITHOUT_NUMBER: Final = ((r"cannot connect", 15), (r"cannot find license file", 1))


def _error_number(message: str) -> int:
    """Return the number of FlexNet's error that says most about `message`; 0 if unknown."""
    code = _CODE.search(message)
    number = int(code[1]) if code else 0
    if number not in _CONNECT_ERRORS:
        return number
    meanings = _MEANINGS if number else (*_MEANINGS, *_WITHOUT_NUMBER)
    return next((n for words, n in meanings if re.search(words, message, re.IGNORECASE)), number)


# Notices

_notice = partial(Notice, "server")


def _notices(report: LmstatReport, pools: Sequence[Pool]) -> Iterator[Notice]:
    for daemon in (daemon for daemon in report.daemons if not daemon.up):
        yield _notice(
            Level.CRITICAL,
            f"Vendor daemon {daemon.name} is down",
            daemon.message or "It does not serve licenses.",
            "Start it on the license server; its log says why it exited.",
        )
    for host in (host for host in report.hosts if not host.up):
        yield _notice(
            Level.WARN,
            f"License server {host.name} is down",
            host.message or "The other servers of the group still answer.",
            "Two of three must run: start it before another one fails.",
        )
    if report.fatal:
        title = "Some of the license servers did not answer"
        yield _notice(Level.WARN, title, sanitize(report.fatal))
    if report.features and all(feature.is_citrix for feature in report.features):
        yield from startup_only_notices(
            pools,
            "The server may have moved to the License Activation Service, which lmstat does not"
            " support.",
            "Add its site with source cvad.",
        )
    yield from _feature_notices(report.features)


def _feature_notices(features: Sequence[LmstatFeature]) -> Iterator[Notice]:
    unreadable = [
        f"{feature.name}: {feature.message or '?'}"
        for feature in features
        if (feature.is_counted and None in (feature.issued, feature.in_use))
        # With neither counts nor a known word instead of them
        or (feature.message and not feature.message.lower().startswith("uncounted"))
    ]
    if unreadable:
        yield _notice(
            Level.WARN,
            "Features without counts",
            list_some(unreadable),
            "Compare the license file with the license server's log.",
        )
    product = product_namer(features)
    reservations = [
        f"{product(feature)} {sum(feature.reserved.values())} ({_reserved_for(feature)})"
        for feature in features
        if feature.reserved and feature.is_counted
    ]
    if reservations:
        yield _notice(
            Level.OK,
            "Reserved licenses",  # other users cannot get them
            list_some(reservations),
            "See RESERVE in the vendor daemon's options file.",
        )


def _reserved_for(feature: LmstatFeature) -> str:
    return ", ".join(
        f"{number} for {kind.replace('_', ' ')}s"
        for kind, number in feature.reserved_by_kind.items()
    )
