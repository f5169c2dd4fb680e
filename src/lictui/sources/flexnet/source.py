"""Reads any FlexNet license server, by running lmutil.

Owns how lmutil is called, and when what it prints is an answer. Must not know what the answer
means.
"""

from __future__ import annotations

import os
import re
import signal
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from lictui.model import FailureKind, Level, LicenseUser, Notice, Pool, Server, Snapshot, Step
from lictui.sources.flexnet.parser import (
    LmstatDaemon,
    LmstatFeature,
    LmstatHost,
    LmstatReport,
    is_citrix,
    is_counted,
    parse_report,
    product_namer,
    read_pools,
    start_time,
)
from lictui.sources.process import ProgramOutput, decode_output, run_program
from lictui.sources.sanitize import parse_date
from lictui.sources.sanitize import sanitize as cleaned
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lictui.clock import Clock
    from lictui.config.settings import Limits


# What a FlexNet license server tells beside its pools: parts of it at rest, licenses kept back


_KIND: Final = "server"
_MOST_TOLD: Final = 5
_PLACES: Final = {"GROUP": "groups", "HOST": "hosts", "HOST_GROUP": "host groups", "USER": "users"}


def notices(report: LmstatReport, pools: Sequence[Pool]) -> tuple[Notice, ...]:
    """Everything that deserves one, the gravest first."""
    return (
        *_resting_daemons(report.daemons),
        *_resting_hosts(report.hosts),
        *_unread(report),
        *_start_up_only(pools),
        *_unreadable(report.features),
        *_reserved(report.features),
    )


def _resting_daemons(daemons: Sequence[LmstatDaemon]) -> Iterator[Notice]:
    for daemon in daemons:
        if not daemon.up:
            yield Notice(
                _KIND,
                Level.CRITICAL,
                f"Vendor daemon {cleaned(daemon.vendor, 60)} is down",
                cleaned(daemon.message, 160) or "It gives out no licenses.",
                "Start it on the license server; its log says why it ended.",
            )


def _resting_hosts(hosts: Sequence[LmstatHost]) -> Iterator[Notice]:
    for host in hosts:
        if not host.up:
            yield Notice(
                _KIND,
                Level.WARN,
                f"License server {cleaned(host.name, 80)} is down",
                cleaned(host.message, 160) or "The others of its system still answer.",
                "Two of three must run: bring it back before another fails.",
            )


def _unread(report: LmstatReport) -> Iterator[Notice]:
    if report.fatal:
        yield Notice(
            _KIND, Level.WARN, "A part of the license servers did not answer", cleaned(report.fatal)
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


def _unreadable(features: Sequence[LmstatFeature]) -> Iterator[Notice]:
    """Features whose line has neither counts nor a known word instead of them."""
    odd = [
        each
        for each in features
        if (is_counted(each) and None in (each.issued, each.in_use))
        or (each.message and not each.message.lower().startswith("uncounted"))
    ]
    if odd:
        yield Notice(
            _KIND,
            Level.WARN,
            "Features without figures",
            _listed(
                [f"{cleaned(each.name, 60)}: {cleaned(each.message, 80) or '?'}" for each in odd]
            ),
            "Compare the license file with what the license server's log says of it.",
        )


def _reserved(features: Sequence[LmstatFeature]) -> Iterator[Notice]:
    """Licenses that the options file keeps for some are not there for others."""
    product = product_namer(features)
    told = [
        f"{product(each)} {sum(each.reserved.values())} ({_places(each)})"
        for each in features
        if each.reserved and is_counted(each)
    ]
    if told:
        yield Notice(
            _KIND,
            Level.OK,
            "Reserved licenses, not there for everybody",
            _listed(told),
            "The vendor daemon's options file says for whom (RESERVE).",
        )


def _places(feature: LmstatFeature) -> str:
    return ", ".join(
        f"{number} for {_PLACES.get(kind, cleaned(kind, 20).lower())}"
        for kind, number in sorted(feature.reserved.items())
    )


def _listed(told: list[str]) -> str:
    return "; ".join(told[:_MOST_TOLD]) + ("; …" if len(told) > _MOST_TOLD else "")


# What lmstat says when it has nothing to tell: FlexNet's error as a failure


# `(-15,570:111 "Connection refused")`: FlexNet's error, its place, the system's error and words
_CODE: Final = re.compile(r"\(-(\d{1,4}),(\d{1,6})(?::(\d{1,6}))?")
_REFUSED: Final = re.compile(r"refused|no route|unreachable", re.IGNORECASE)
_SILENT: Final = re.compile(r"timed? ?out|in progress|not responding", re.IGNORECASE)
_NAMELESS: Final = re.compile(
    r"(?:host|name|node)\w* (?:or service )?(?:is )?(?:not (?:known|found)|unknown)"
    r"|unknown host|cannot find SERVER|can't resolve|cannot resolve",
    re.IGNORECASE,
)


class _Meaning(NamedTuple):
    kind: FailureKind
    hint: str
    step: Step = Step.INVENTORY


_NO_NAME: Final = _Meaning(
    FailureKind.DNS,
    "Check the host's name in the address, and the DNS of the machine that runs lmstat.",
    Step.RESOLVE,
)
_NO_SERVICE: Final = _Meaning(
    FailureKind.REFUSED,
    "Is the license service running, and the port right? The vendor daemon has a port of its own,"
    " which a firewall must let pass too.",
    Step.CONNECT,
)
_NO_ANSWER: Final = _Meaning(
    FailureKind.TIMEOUT,
    "Is the host up? A firewall that drops the port of the license manager or of the vendor daemon"
    " looks the same.",
    Step.CONNECT,
)
_NO_FILE: Final = _Meaning(
    FailureKind.CONFIG, "Check the address: PORT@HOST, 27000@lic01 for example."
)
_NO_DAEMON: Final = _Meaning(
    FailureKind.UNAVAILABLE, "Start the vendor daemon; the license server's log says why it ended."
)
_NO_SENSE: Final = _Meaning(
    FailureKind.PROTOCOL, "Is this the port of a FlexNet license manager? Its log may say more."
)
_OTHER: Final = _Meaning(
    FailureKind.COMMAND, "Run it in a terminal; FlexNet's number for the error is in parentheses."
)
# Numbers as FlexNet's own header and its list of errors have them.
_MEANINGS: Final = {
    1: _NO_FILE,  # cannot find license file
    2: _NO_FILE,  # invalid license file syntax
    13: _NO_FILE,  # no SERVER lines in license file
    14: _NO_NAME,  # cannot find SERVER hostname in network database
    15: _NO_SERVICE,  # cannot connect to license server system
    16: _NO_SENSE,  # cannot read data from license server system
    17: _NO_SENSE,  # cannot write data to license server system
    95: _NO_NAME,  # network connect to THIS_HOST failed
    96: _NO_ANSWER,  # server node is down or not responding
    97: _NO_DAEMON,  # the desired vendor daemon is down
}
# errno of Linux and of Windows Sockets
_SYSTEM: Final = {
    110: _NO_ANSWER,
    115: _NO_ANSWER,  # the connection was still being made when lmstat gave up
    10060: _NO_ANSWER,
    10035: _NO_ANSWER,
    111: _NO_SERVICE,
    113: _NO_SERVICE,
    101: _NO_SERVICE,
    10061: _NO_SERVICE,
    10065: _NO_SERVICE,
    11001: _NO_NAME,
}
_CONNECTING: Final = (15, 96)  # the numbers behind which the system's own says more


def lmstat_error(said: str, where: str) -> SourceError:
    """The failure for an error that lmstat printed about `where`."""
    meaning = _meaning(said)
    return SourceError(
        meaning.kind, f"lmstat says of {where}: {cleaned(said, 160)}", meaning.hint, meaning.step
    )


def daemon_down_error(vendor: str, said: str, where: str) -> SourceError:
    """The failure for a license manager that runs at `where` without any of its vendor daemons."""
    why = f": {cleaned(said, 120)}" if said else ""
    return SourceError(
        _NO_DAEMON.kind,
        f"vendor daemon {cleaned(vendor, 60)} at {where} is down{why}",
        _NO_DAEMON.hint,
        _NO_DAEMON.step,
    )


def _meaning(said: str) -> _Meaning:
    found = _CODE.search(said)
    number = int(found[1]) if found else 0
    system = int(found[3]) if found and found[3] else 0
    if number in _CONNECTING and system in _SYSTEM:
        return _SYSTEM[system]
    if number in _CONNECTING or not number:
        for words, meaning in (
            (_NAMELESS, _NO_NAME),
            (_REFUSED, _NO_SERVICE),
            (_SILENT, _NO_ANSWER),
        ):
            if words.search(said):
                return meaning
    if not number and "cannot connect" in said.lower():
        return _NO_SERVICE
    if not number and "cannot find license file" in said.lower():
        return _NO_FILE  # its number stands on another line
    return _MEANINGS.get(number, _OTHER)


# What `lmstat -a` prints, as a Snapshot and as the holders of its licenses


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
        license_server_host=cleaned(report.daemon_host, 120) or master,
    )


def lmstat_license_users(text: str, now: float) -> tuple[LicenseUser, ...]:
    """Who has checked out what; `now` (UTC epoch seconds) gives a start its year.

    Raises SourceError as `lmstat_snapshot` does.
    """
    report = _answered(text, "the license server")
    product = product_namer(report.features)
    found = [
        LicenseUser(
            product(feature),
            cleaned(use.user, 100),
            cleaned(use.host, 100),
            start_time(use.start, now),
            use.count,
            subscription_date=parse_date(use.license_version)
            if is_citrix(feature.vendor)
            else None,
        )
        for feature in report.features
        for use in feature.checkouts
    ]
    return tuple(found[:_MOST])


def _answered(text: str, where: str) -> LmstatReport:
    """The report in `text`, if it is one and has something to tell."""
    report = parse_report(text)
    resting = [daemon for daemon in report.daemons if not daemon.up]
    if resting == report.daemons != [] and not any(each.has_counts for each in report.features):
        # Nobody could say a figure. Were this an answer, licenses would pass for licenses gone.
        raise daemon_down_error(resting[0].vendor, resting[0].message, where)
    if report.features:
        return report
    up = any(host.up for host in report.hosts)
    said = report.fatal or next((host.message for host in report.hosts if host.message), "")
    if said and not up:
        raise lmstat_error(said, where)
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


def _master(report: LmstatReport) -> str:
    """The host that leads a system of three, or the only one."""
    hosts = sorted(report.hosts, key=lambda host: (not host.master, not host.up))
    return cleaned(hosts[0].name, 120) if hosts else cleaned(report.daemon_host, 120)


def _foreign(text: str, where: str) -> tuple[str, str]:
    first = next(filter(None, map(cleaned, text[:4000].splitlines())), "")
    hint = "It must print what `lmutil lmstat -a -c PORT@HOST` does."
    if not first:
        return f"nothing was printed about the license server at {where}", hint
    return f"this is no output of lmstat: {cleaned(first, 80)}", hint


_T = TypeVar("_T")

_PROGRAM: Final = "lmutil"
_SHELL: Final = 128


class LmstatSource:
    """`lictui.sources.source.Source` for `lmutil lmstat`; keeps nothing between polls."""

    def __init__(self, server: Server, limits: Limits, clock: Clock) -> None:
        self._server, self._limits, self._clock = server, limits, clock

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Read everything once, within the time-out; see `Source.fetch`."""
        output = await run_lmstat(self._server, self._limits)
        printed = decode_output(output.stdout)
        came = f"{lmutil_program(self._server)} printed {len(output.stdout):,} bytes"
        try:
            snapshot = read_output(output, lambda: lmstat_snapshot(printed, self._server.address))
        except SourceError as error:
            if error.failure.step is Step.PARSE:
                found(Step.INVENTORY, came)
            raise
        found(Step.INVENTORY, came)
        found(Step.PARSE, f"{(n := len(snapshot.pools))} feature" + ("" if n == 1 else "s"))
        return snapshot

    async def aclose(self) -> None:
        """Nothing is kept."""


def lmutil_program(server: Server) -> str:
    """The program that is run, as it is named."""
    return server.lmutil or _PROGRAM


async def run_lmstat(server: Server, limits: Limits) -> ProgramOutput:
    """What `lmstat -a -c PORT@HOST` prints about `server`; raises SourceError.

    lmstat is a part of lmutil, but also comes as a program of its own (docs.citrix.com, "License
    administration commands").
    """
    if not server.address:
        raise SourceError(
            FailureKind.CONFIG,
            "no address is set",
            'address = "27000@lic01" in servers.toml',
            Step.INVENTORY,
        )
    called = lmutil_program(server)
    own = PurePath(called.replace("\\", "/")).name.lower().removesuffix(".exe") == "lmstat"
    argv = (called, *(() if own else ("lmstat",)), "-a", "-c", server.address)
    return await run_program(argv, limits, _environment())


def _environment() -> dict[str, str]:
    """The one of lictui itself, but for what would add servers to the one that is asked for.

    FlexNet looks at LM_LICENSE_FILE and at one such variable of each vendor, whatever `-c` says.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().endswith("_LICENSE_FILE")
    }


def read_output(output: ProgramOutput, read: Callable[[], _T]) -> _T:
    """What `read` makes of `output`; where it makes nothing, what the program said on stderr.

    lmutil ends with codes of its own while it tells everything it knows. One that was killed may
    have told half: features that are missing would pass for features that are gone.
    """
    if _killed(output.exit_code):
        raise _ended(output, "it was killed, so what it printed may not be all")
    try:
        return read()
    except SourceError as error:
        failed = output.exit_code != 0 and error.failure.kind is FailureKind.PARSE
        if not (failed and output.stderr):
            raise
        raise _ended(output, cleaned(output.stderr, 160)) from error


def _killed(status: int) -> bool:
    """Whether a signal ended the program; a shell in between says 128 + its number."""
    return status < 0 or _SHELL < status <= _SHELL + signal.SIGTERM


def _ended(output: ProgramOutput, why: str) -> SourceError:
    return SourceError(
        FailureKind.COMMAND,
        f"the program ended with code {output.exit_code}: {why}",
        "Run it in a terminal as the same user to see more.",
        Step.INVENTORY,
    )
