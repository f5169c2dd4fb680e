"""What `lmstat -a` prints, line class by line class, as it stands: hosts, daemons, features.

Owns the grammar. Pure: must not know what a figure means for a pool, nor clean it for a screen.
Lines that are of no known class are passed over, as lmstat mixes in whatever libraries print.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from lictui.sources.clean import whole
from lictui.sources.flexnet.uses import read_use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.sources.flexnet.uses import Use

_LONGEST: Final = 2000  # characters of a line that are looked at
_MOST_HOSTS: Final = 100
_MOST_FEATURES: Final = 20_000
_MOST_GROUPS: Final = 50  # version groups of one feature

# `h1: license server UP (MASTER) v11.16` and, of a vendor daemon, `CITRIX: UP v11.16`
_STATE: Final = re.compile(r"(\S+): (license server )?(UP|DOWN)\b(.*)")
_VERSION: Final = re.compile(r"\bv(\d\S*)")
# `h3: Cannot connect to license server system. (-15,570:111 "…")`; -97 of a vendor daemon
_FAULT: Final = re.compile(r"(\S+): (.*\(-\d{1,4},.*|Cannot .*|The desired .*)")
_FATAL: Final = re.compile(
    r"(?:Error getting status|lmgrd is not running|lmstat|lmutil): *(\S.*)", re.IGNORECASE
)
_STATUS: Final = "License server status:"
_DAEMONS: Final = re.compile(r"Vendor daemon status(?: \(on (\S+)\))?")
# Instead of counts in parentheses a daemon that is down has a sentence without any.
_FEATURE: Final = re.compile(r"Users of (.+?):\s*(?:\((.*)|(Cannot get users\b.*))")
# a word may stand before `licenses`: that they can be borrowed, say
_ISSUED: Final = re.compile(
    r"Total of (\d+) (?:[a-z]+ )?licenses? (?:issued|available)", re.IGNORECASE
)
_IN_USE: Final = re.compile(r";\s*(?:Total of )?(\d+) licenses? in use", re.IGNORECASE)
_DETAIL: Final = re.compile(r'"[^"]*" v([^\s,]+), *vendor: *([^\s,]+)(?:, *expiry: *(.*))?')
_KIND: Final = re.compile(r"(floating|nodelocked|uncounted)\b.*\blicense\b", re.IGNORECASE)
_RESERVED: Final = re.compile(r"(\d+) +RESERVATIONs? +for +(\w+)", re.IGNORECASE)


@dataclass(slots=True)
class Host:
    """One license server of a system of one or three."""

    name: str
    up: bool
    master: bool = False
    version: str = ""
    said: str = ""  # why it is down, where lmstat tells


@dataclass(slots=True)
class Daemon:
    """One vendor daemon."""

    vendor: str
    up: bool
    said: str = ""


@dataclass(slots=True)
class Group:
    """One version of a feature, as lmstat details it where a license of it is in use."""

    version: str
    vendor: str
    expiry: str  # "" where it is not told
    kind: str = ""  # floating · nodelocked · uncounted
    vendor_string: str = ""


@dataclass(slots=True)
class Feature:
    """Everything said of one feature of one daemon, however often it is listed."""

    name: str
    vendor: str = ""
    issued: int | None = None
    in_use: int | None = None
    told: bool = False  # there were counts, whether or not they can be read
    said: str = ""  # instead of counts: "Uncounted, node-locked", "Error: …"
    groups: list[Group] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    reserved: dict[str, int] = field(default_factory=dict)  # GROUP, HOST, … -> licenses

    @property
    def holding(self) -> list[Use]:
        """Those who have a license."""
        return [use for use in self.uses if not use.queued]

    @property
    def queued(self) -> int:
        """Licenses that somebody waits for."""
        return sum(use.count for use in self.uses if use.queued)


@dataclass(slots=True)
class Report:
    """One whole output."""

    asked: str = ""  # what `License server status` repeats: 27000@h1,27000@h2
    on: str = ""  # the host whose vendor daemons are listed
    hosts: list[Host] = field(default_factory=list)
    daemons: list[Daemon] = field(default_factory=list)
    features: list[Feature] = field(default_factory=list)
    fatal: str = ""


def read_report(text: str) -> Report:
    """The report in `text`, which may be anything; never raises."""
    reader = _Reader()
    for line in _lines(text):
        reader.take(line)
    return reader.report


def _lines(text: str) -> Iterator[str]:
    for raw in filter(None, text.replace("\r", "\n").split("\n")):
        if line := raw[:_LONGEST].strip():
            yield line


class _Reader:
    """Knows what a line belongs to: the daemon, the feature and the version before it."""

    def __init__(self) -> None:
        self.report = Report()
        self._hosts: dict[str, Host] = {}
        self._daemons: dict[str, Daemon] = {}
        self._features: dict[tuple[str, str], Feature] = {}
        self._vendor = ""
        self._feature: Feature | None = None
        self._under_daemons = False

    def take(self, line: str) -> None:
        feature = self._feature
        if line.startswith("Users of "):
            self._take_feature(line)
        elif feature and ((use := read_use(line)) or self._takes_detail(feature, line)):
            if use:
                use.license = feature.groups[-1].version if feature.groups else ""
                feature.uses.append(use)
        elif found := _STATE.match(line):
            self._take_state(*found.groups())
        elif found := _FATAL.match(line):
            self.report.fatal = self.report.fatal or found[1]
        elif found := _FAULT.match(line):
            self._take_fault(*found.groups())
        elif line.startswith(_STATUS):
            self.report.asked = self.report.asked or line.removeprefix(_STATUS).strip()
            self._leave()
        elif found := _DAEMONS.match(line):
            self.report.on = self.report.on or (found[1] or "")
            self._leave()
            self._under_daemons = True

    def _leave(self) -> None:
        self._feature, self._vendor, self._under_daemons = None, "", False

    def _take_state(self, name: str, server: str | None, state: str, rest: str) -> None:
        version = _VERSION.search(rest)
        if server:
            host = self._host(name, up=state == "UP")
            host.master = host.master or "(MASTER)" in rest
            host.version = host.version or (version[1] if version else "")
        else:
            self._daemon(name, up=state == "UP")

    def _take_fault(self, name: str, said: str) -> None:
        if self._under_daemons:
            daemon = self._daemon(name, up=False)
            daemon.said = daemon.said or said
        else:
            host = self._host(name, up=False)
            host.said = host.said or said

    def _host(self, name: str, *, up: bool) -> Host:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = Host(name, up)
            if len(self.report.hosts) < _MOST_HOSTS:
                self.report.hosts.append(host)
        return host

    def _daemon(self, vendor: str, *, up: bool) -> Daemon:
        self._vendor, self._feature, self._under_daemons = vendor, None, True
        daemon = self._daemons.get(vendor)
        if daemon is None:
            daemon = self._daemons[vendor] = Daemon(vendor, up)
            if len(self.report.daemons) < _MOST_HOSTS:
                self.report.daemons.append(daemon)
        return daemon

    def _take_feature(self, line: str) -> None:
        found = _FEATURE.match(line)
        if not found:
            self._feature = None
            return
        key = self._vendor, found[1].strip()
        feature = self._features.get(key)
        if feature is None and len(self._features) < _MOST_FEATURES:
            feature = self._features[key] = Feature(key[1], key[0])
            self.report.features.append(feature)
        if feature:
            _count(feature, found[3] or found[2].strip().rstrip(")"))
        self._feature = feature

    def _takes_detail(self, feature: Feature, line: str) -> bool:
        if found := _DETAIL.match(line):
            if len(feature.groups) < _MOST_GROUPS:
                feature.groups.append(Group(found[1], found[2], (found[3] or "").strip()))
            feature.vendor = found[2]  # its own word, before that of the daemon it stands under
            return True
        group = feature.groups[-1] if feature.groups else None
        if group and line.startswith("vendor_string:"):
            group.vendor_string = line.partition(":")[2].strip()
            return True
        if found := _KIND.match(line):
            if group:
                group.kind = found[1].lower()
            return True
        if found := _RESERVED.match(line):
            kind, number = found[2].upper()[:20], whole(found[1]) or 0
            feature.reserved[kind] = feature.reserved.get(kind, 0) + number
            return True
        return False


def _count(feature: Feature, said: str) -> None:
    """Take up the counts of one listing; a feature that is listed twice has both."""
    issued, in_use = _ISSUED.search(said), _IN_USE.search(said)
    if not issued:
        feature.said = feature.said or said
        return
    one = whole(issued[1])
    used = whole(in_use[1]) if in_use else None
    if feature.told:
        one = None if one is None or feature.issued is None else feature.issued + one
        used = None if used is None or feature.in_use is None else feature.in_use + used
    feature.issued, feature.in_use, feature.told = one, used, True
