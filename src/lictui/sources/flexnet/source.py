"""Source `lmstat`: reads any FlexNet license server by running lmutil.

It holds how lmutil is called, when its output counts as an answer, FlexNet's errors as failures,
and the notices about parts of a license server that are down or reserved.
"""

from __future__ import annotations

import os
import re
import signal
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, TypeVar

from lictui.model import FailureKind, Level, LicenseUser, Notice, Snapshot, Step
from lictui.sources.flexnet.parser import (
    is_citrix,
    is_counted_feature,
    parse_report,
    product_namer,
    read_pools,
    start_time,
)
from lictui.sources.process import decode_output, run_program
from lictui.sources.sanitize import parse_date, sanitize
from lictui.sources.source import ErrorRule, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.model import Pool, Server
    from lictui.sources.flexnet.parser import (
        LmstatDaemon,
        LmstatFeature,
        LmstatHost,
        LmstatReport,
    )
    from lictui.sources.process import ProgramOutput

_T = TypeVar("_T")

_PROGRAM: Final = "lmutil"
_MAX_USERS: Final = 100_000
_SHELL_SIGNAL: Final = 128  # a shell's exit code for a killed program is this plus the signal


class LmstatSource:
    """`lictui.sources.source.Source` for `lmutil lmstat`; keeps nothing between polls."""

    def __init__(self, server: Server, limits: Limits, clock: Clock) -> None:
        self._server, self._limits, self._clock = server, limits, clock

    async def fetch(self, on_step: Callable[[Step, str], None]) -> Snapshot:
        """Read everything once within the timeout; see `Source.fetch`."""
        output = await run_lmstat(self._server, self._limits)
        text = decode_output(output.stdout)
        printed = f"{lmutil_program(self._server)} printed {len(output.stdout):,} bytes"
        try:
            snapshot = read_output(output, lambda: lmstat_snapshot(text, self._server.address))
        except SourceError as error:
            if error.failure.step is Step.PARSE:
                on_step(Step.INVENTORY, printed)
            raise
        on_step(Step.INVENTORY, printed)
        features = len(snapshot.pools)
        on_step(Step.PARSE, f"{features} feature" + ("" if features == 1 else "s"))
        return snapshot

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""


def lmutil_program(server: Server) -> str:
    """Return the program to run, as configured."""
    return server.lmutil or _PROGRAM


async def run_lmstat(server: Server, limits: Limits) -> ProgramOutput:
    """Run `lmstat -a -c PORT@HOST` for `server`; raises SourceError.

    lmstat is part of lmutil, but there is also a program of that name (docs.citrix.com, "License
    administration commands").
    """
    if not server.address:
        raise SourceError(
            FailureKind.CONFIG,
            "no address is set",
            'Set address = "27000@lic01" in servers.toml.',
            Step.INVENTORY,
        )
    program = lmutil_program(server)
    name = PurePath(program.replace("\\", "/")).name.lower().removesuffix(".exe")
    subcommand = () if name == "lmstat" else ("lmstat",)
    # FlexNet also queries the servers in LM_LICENSE_FILE and in one such variable per vendor,
    # whatever -c says.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().endswith("_LICENSE_FILE")
    }
    return await run_program(
        (program, *subcommand, "-a", "-c", server.address), limits, environment
    )


def read_output(output: ProgramOutput, parse: Callable[[], _T]) -> _T:
    """Return what `parse` makes of `output`; if that fails, raise the error the program printed.

    lmutil has exit codes of its own for answers that are complete. The output of a program that was
    killed may be incomplete: missing features would look like removed ones.
    """
    code = output.exit_code
    if code < 0 or _SHELL_SIGNAL < code <= _SHELL_SIGNAL + signal.SIGTERM:
        raise _program_error(output, "it was killed, so its output may be incomplete")
    try:
        return parse()
    except SourceError as error:
        if not (code and error.failure.kind is FailureKind.PARSE and output.stderr):
            raise
        raise _program_error(output, sanitize(output.stderr, 160)) from error


def _program_error(output: ProgramOutput, reason: str) -> SourceError:
    return SourceError(
        FailureKind.COMMAND,
        f"the program exited with code {output.exit_code}: {reason}",
        "Run it in a terminal as the same user for details.",
        Step.INVENTORY,
    )


# From text to a snapshot


def lmstat_snapshot(text: str, address: str) -> Snapshot:
    """Return the license server in `text`, the output of `lmstat -a`.

    `address` names it in errors. Raises SourceError: the error that lmstat reports if there is
    nothing else, `no_data` if the server lists no features, `parse` if it is not lmstat output.
    """
    report = _checked_report(text, address)
    pools = read_pools(report.features)
    # The master of three hosts, or the only host.
    hosts = sorted(report.hosts, key=lambda host: (not host.master, not host.up))
    name = sanitize(hosts[0].name if hosts else report.daemon_host, 120)
    return Snapshot(
        pools,
        reported_name=name,
        version=next((sanitize(host.version, 40) for host in report.hosts if host.version), ""),
        notices=lmstat_notices(report, pools),
        license_server_host=sanitize(report.daemon_host, 120) or name,
    )


def lmstat_license_users(text: str, now: float) -> tuple[LicenseUser, ...]:
    """Return who has checked out what; `now` (UTC epoch seconds) determines the year of a start.

    Raises SourceError as `lmstat_snapshot` does.
    """
    report = _checked_report(text, "the license server")
    product = product_namer(report.features)
    users = [
        LicenseUser(
            product(feature),
            sanitize(line.user, 100),
            sanitize(line.host, 100),
            start_time(line.start, now),
            line.count,
            subscription_date=(
                parse_date(line.license_version) if is_citrix(feature.vendor) else None
            ),
        )
        for feature in report.features
        for line in feature.checkouts
    ]
    return tuple(users[:_MAX_USERS])


def _checked_report(text: str, address: str) -> LmstatReport:
    """Parse `text`; raise SourceError unless it contains information about licenses."""
    report = parse_report(text)
    down = [daemon for daemon in report.daemons if not daemon.up]
    has_counts = any(feature.has_counts for feature in report.features)
    if down == report.daemons != [] and not has_counts:
        # No daemon could report a count. As an answer, it would mean that all licenses are gone.
        raise daemon_down_error(down[0].vendor, down[0].message, address)
    if report.features:
        return report
    is_up = any(host.up for host in report.hosts)
    message = report.fatal or next((host.message for host in report.hosts if host.message), "")
    if message and not is_up:
        raise lmstat_error(message, address)
    if report.hosts and not is_up:
        raise SourceError(
            FailureKind.REFUSED,
            f"lmstat reports that the license server at {address} is down",
            "Start the license service there.",
            Step.CONNECT,
        )
    if down:
        return report  # a notice reports it
    if report.hosts or report.daemons:
        raise SourceError(
            FailureKind.NO_DATA,
            f"the license server at {address} is up, but lmstat lists no features",
            "Run lmstat with -a. If you did, the license server has no licenses to serve.",
            Step.PARSE,
        )
    first = next(filter(None, map(sanitize, text[:4000].splitlines())), "")
    raise SourceError(
        FailureKind.PARSE,
        f"not lmstat output: {sanitize(first, 80)}"
        if first
        else f"no output about the license server at {address}",
        "The command must print the output of `lmutil lmstat -a -c PORT@HOST`.",
        Step.PARSE,
    )


# FlexNet's errors as failures

# `(-15,570:111 "Connection refused")`: FlexNet's error and its location, the system's error
_CODE: Final = re.compile(r"\(-(\d{1,4}),(\d{1,6})(?::(\d{1,6}))?")
_DNS_WORDS: Final = re.compile(
    r"(?:host|name|node)\w* (?:or service )?(?:is )?(?:not (?:known|found)|unknown)"
    r"|unknown host|cannot find SERVER|can't resolve|cannot resolve",
    re.IGNORECASE,
)
_REFUSED_WORDS: Final = re.compile(r"refused|no route|unreachable", re.IGNORECASE)
_TIMEOUT_WORDS: Final = re.compile(r"timed? ?out|in progress|not responding", re.IGNORECASE)

_UNKNOWN_HOST: Final = ErrorRule(
    (),
    FailureKind.DNS,
    hint="Check the host name in the address, and DNS on the machine that runs lmstat.",
    step=Step.RESOLVE,
)
_NOT_LISTENING: Final = ErrorRule(
    (),
    FailureKind.REFUSED,
    hint="Check that the license service runs and that the port is right. The vendor daemon"
    " has its own"
    " port, which firewalls must allow too.",
    step=Step.CONNECT,
)
_NO_ANSWER: Final = ErrorRule(
    (),
    FailureKind.TIMEOUT,
    hint="Check that the host is up and that no firewall drops the port of the license manager"
    " or of the"
    " vendor daemon.",
    step=Step.CONNECT,
)
_BAD_ADDRESS: Final = ErrorRule(
    (),
    FailureKind.CONFIG,
    hint="Check the address: PORT@HOST, for example 27000@lic01.",
)
_DAEMON_DOWN: Final = ErrorRule(
    (),
    FailureKind.UNAVAILABLE,
    hint="Start the vendor daemon; the license server's log says why it exited.",
)
_NOT_FLEXNET: Final = ErrorRule(
    (),
    FailureKind.PROTOCOL,
    hint="Check that this is the port of a FlexNet license manager; its log may say more.",
)
_OTHER_ERROR: Final = ErrorRule(
    (),
    FailureKind.COMMAND,
    hint="Run it in a terminal; FlexNet's error number is in parentheses.",
)
# Numbers of FlexNet's own header file and list of errors
_BY_FLEXNET_ERROR: Final = {
    1: _BAD_ADDRESS,  # cannot find license file
    2: _BAD_ADDRESS,  # invalid license file syntax
    13: _BAD_ADDRESS,  # no SERVER lines in license file
    14: _UNKNOWN_HOST,  # cannot find SERVER hostname in network database
    15: _NOT_LISTENING,  # cannot connect to license server system
    16: _NOT_FLEXNET,  # cannot read data from license server system
    17: _NOT_FLEXNET,  # cannot write data to license server system
    95: _UNKNOWN_HOST,  # network connect to THIS_HOST failed
    96: _NO_ANSWER,  # server node is down or not responding
    97: _DAEMON_DOWN,  # the desired vendor daemon is down
}
# errno of Linux and of Windows Sockets
_BY_SYSTEM_ERROR: Final = {
    110: _NO_ANSWER,
    115: _NO_ANSWER,  # still connecting when lmstat gave up
    10060: _NO_ANSWER,
    10035: _NO_ANSWER,
    111: _NOT_LISTENING,
    113: _NOT_LISTENING,
    101: _NOT_LISTENING,
    10061: _NOT_LISTENING,
    10065: _NOT_LISTENING,
    11001: _UNKNOWN_HOST,
}
_CONNECT_ERRORS: Final = (15, 96)  # FlexNet errors for which the system's error says more


def lmstat_error(message: str, address: str) -> SourceError:
    """Return the failure for an error that lmstat printed about `address`."""
    text = f"lmstat reports an error for {address}: {sanitize(message, 160)}"
    return _rule_for(message).error(text)


def daemon_down_error(vendor: str, message: str, address: str) -> SourceError:
    """Return the failure for a license manager at `address` without a running vendor daemon."""
    reason = f": {sanitize(message, 120)}" if message else ""
    return _DAEMON_DOWN.error(f"vendor daemon {sanitize(vendor, 60)} at {address} is down{reason}")


def _rule_for(message: str) -> ErrorRule:
    code = _CODE.search(message)
    flexnet_error = int(code[1]) if code else 0
    system_error = int(code[3]) if code and code[3] else 0
    if flexnet_error in _CONNECT_ERRORS and system_error in _BY_SYSTEM_ERROR:
        return _BY_SYSTEM_ERROR[system_error]
    if flexnet_error in _CONNECT_ERRORS or not flexnet_error:
        for words, rule in (
            (_DNS_WORDS, _UNKNOWN_HOST),
            (_REFUSED_WORDS, _NOT_LISTENING),
            (_TIMEOUT_WORDS, _NO_ANSWER),
        ):
            if words.search(message):
                return rule
    if not flexnet_error and "cannot connect" in message.lower():
        return _NOT_LISTENING
    if not flexnet_error and "cannot find license file" in message.lower():
        return _BAD_ADDRESS  # its number is on another line
    return _BY_FLEXNET_ERROR.get(flexnet_error, _OTHER_ERROR)


# Notices

_KIND: Final = "server"
_MAX_LISTED: Final = 5
_RESERVED_FOR: Final = {
    "GROUP": "groups",
    "HOST": "hosts",
    "HOST_GROUP": "host groups",
    "USER": "users",
}


def lmstat_notices(report: LmstatReport, pools: Sequence[Pool]) -> tuple[Notice, ...]:
    """Return the notices about a license server, most severe first."""
    return (
        *_daemon_notices(report.daemons),
        *_host_notices(report.hosts),
        *_partial_answer_notices(report),
        *_startup_only_notices(pools),
        *_unreadable_notices(report.features),
        *_reservation_notices(report.features),
    )


def _daemon_notices(daemons: Sequence[LmstatDaemon]) -> Iterator[Notice]:
    for daemon in daemons:
        if not daemon.up:
            yield Notice(
                _KIND,
                Level.CRITICAL,
                f"Vendor daemon {sanitize(daemon.vendor, 60)} is down",
                sanitize(daemon.message, 160) or "It does not serve licenses.",
                "Start it on the license server; its log says why it exited.",
            )


def _host_notices(hosts: Sequence[LmstatHost]) -> Iterator[Notice]:
    for host in hosts:
        if not host.up:
            yield Notice(
                _KIND,
                Level.WARN,
                f"License server {sanitize(host.name, 80)} is down",
                sanitize(host.message, 160) or "The other servers of the group still answer.",
                "Two of three must run: start it before another one fails.",
            )


def _partial_answer_notices(report: LmstatReport) -> Iterator[Notice]:
    if report.fatal:
        title = "Some of the license servers did not answer"
        yield Notice(_KIND, Level.WARN, title, sanitize(report.fatal))


def _startup_only_notices(pools: Sequence[Pool]) -> Iterator[Notice]:
    if pools and all(is_citrix(pool.vendor) and not pool.counted for pool in pools):
        yield Notice(
            _KIND,
            Level.WARN,
            "Only start-up licenses, no product licenses",
            "The server may have moved to the License Activation Service, which lmstat does not"
            " support.",
            "Add its site with source cvad.",
        )


def _unreadable_notices(features: Sequence[LmstatFeature]) -> Iterator[Notice]:
    """Report features with neither counts nor a known word instead of them."""
    unreadable = [
        f"{sanitize(feature.name, 60)}: {sanitize(feature.message, 80) or '?'}"
        for feature in features
        if (is_counted_feature(feature) and None in (feature.issued, feature.in_use))
        or (feature.message and not feature.message.lower().startswith("uncounted"))
    ]
    if unreadable:
        yield Notice(
            _KIND,
            Level.WARN,
            "Features without counts",
            _join(unreadable),
            "Compare the license file with the license server's log.",
        )


def _reservation_notices(features: Sequence[LmstatFeature]) -> Iterator[Notice]:
    """Report licenses that the options file reserves: other users cannot get them."""
    product = product_namer(features)
    reservations = [
        f"{product(feature)} {sum(feature.reserved.values())} ({_reserved_for(feature)})"
        for feature in features
        if feature.reserved and is_counted_feature(feature)
    ]
    if reservations:
        yield Notice(
            _KIND,
            Level.OK,
            "Reserved licenses",
            _join(reservations),
            "See RESERVE in the vendor daemon's options file.",
        )


def _reserved_for(feature: LmstatFeature) -> str:
    return ", ".join(
        f"{number} for {_RESERVED_FOR.get(kind, sanitize(kind, 20).lower())}"
        for kind, number in sorted(feature.reserved.items())
    )


def _join(items: list[str]) -> str:
    return "; ".join(items[:_MAX_LISTED]) + ("; …" if len(items) > _MAX_LISTED else "")
