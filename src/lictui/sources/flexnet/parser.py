"""What `lmstat -a` prints, line class by line class, as it stands: hosts, daemons, features.

Owns the grammar. Pure: must not know what a figure means for a pool, nor clean it for a screen.
Lines that are of no known class are passed over, as lmstat mixes in whatever libraries print.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from lictui.model import Model, Pool, Reading
from lictui.products import describe
from lictui.sources.sanitize import parse_count, parse_date, sanitize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


# The lines of `lmstat -a` that name who has a license, or waits for one


# After the names: `2026.1201) (srv/27000 101), start Tue 11/24 8:09, 3 licenses (linger: 1 / 2)`
_TAIL: Final = re.compile(r"[^()]*\) \([^()]*\)(.*)")
_QUEUED: Final = re.compile(r" *queued for (\d+) licenses?")
_COUNT: Final = re.compile(r", (\d+) licenses?\b")
_START: Final = re.compile(
    r",? *start (?:([A-Za-z]{3})[a-z]* )?(\d{1,2})/(\d{1,2}) (\d{1,2}):(\d\d)"
)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LEAP: Final = 8  # years between two 29ths of February, at most
_ZONES: Final = 26 * 3600.0  # seconds between the clocks of two time zones, at most
_SKEW: Final = 300.0  # seconds by which two clocks may differ
_WHO: Final = 3  # user, host, display
_DISPLAY: Final = re.compile(r"/dev/.*|:.*|[\w.-]+:\d+(?:\.\d+)?")  # of X or a terminal


@dataclass(slots=True)
class UsageLine:
    """One who has, or waits for, `count` licenses."""

    user: str
    host: str
    count: int
    queued: bool
    is_lingering: bool  # borrowed, or kept for a while after it was given back
    start: str  # as printed, "" if it is not
    license_version: str = (
        ""  # the version of the license; the line has only the one that was asked for
    )


def parse_usage_line(line: str) -> UsageLine | None:
    """The use or the wait that a stripped `line` tells of; None if it is another line."""
    # From the right: names are whatever a client sent, what follows them is the server's own.
    names, found, tail = line.rpartition(" (v")
    if not found or not names:
        return None
    match = _TAIL.match(tail)
    if not match:
        return None
    rest = match[1]
    user, host = _who(names)
    if wait := _QUEUED.match(rest):
        number = parse_count(wait[1])
        return UsageLine(user, host, number or 0, queued=True, is_lingering=False, start="")
    start = _START.match(rest)
    if not start:
        return None
    count = _COUNT.search(rest)
    number = parse_count(count[1]) if count else 1
    return UsageLine(
        user,
        host,
        1 if number is None else number,
        queued=False,
        is_lingering="(linger" in rest,
        start=start[0],
    )


def _who(names: str) -> tuple[str, str]:
    """User and host, though users may have blanks in them and the display may be missing.

    A display that is missing leaves its blank; on Windows it repeats the host, some vendors add a
    number to it after a colon; on Unix it looks like one. Words may follow it. Whatever else is
    there, the last two words are host and display.
    """
    quoted = re.match(r'"([^"]*)" +(.*)', names)
    user, rest = (quoted[1], quoted[2]) if quoted else ("", names)
    bare = names.endswith(" ")  # no display: the blank that would be before it is left
    words = [word for word in rest.split() if not word.startswith("feature=")]
    if quoted:
        return user, words[0] if words else ""
    if bare or len(words) < _WHO:
        words.append("")
    host = _host(words)
    return " ".join(words[:host]), words[host]


def _host(words: list[str]) -> int:
    """Which of `words` is the host; it is never the first."""
    for index in range(1, len(words) - 1):
        host, display = words[index].lower(), words[index + 1].lower()
        same = display == host or display.startswith(f"{host}:")
        if same or _DISPLAY.fullmatch(display):
            return index
    return max(len(words) - 2, 1)


def start_time(start: str, now: float) -> float | None:
    """When it began, in UTC epoch seconds; lmstat leaves out year and zone.

    The zone is this machine's. The year makes it the most recent past of `now`, unless the day of
    the week says that the clock which wrote it is ahead of `now` by a time zone.
    """
    found = _START.match(start)
    if not found:
        return None
    month, day, hour, minute = map(int, found.groups()[1:])
    named = (found[1] or "").lower()
    this = datetime.fromtimestamp(now).astimezone().year
    for year in range(this + 1, this - _LEAP - 1, -1):
        with suppress(ValueError, OverflowError, OSError):
            moment = datetime(year, month, day, hour, minute)  # noqa: DTZ001 - local, as printed
            at = moment.astimezone().timestamp()
            ahead = _ZONES if named == _DAYS[moment.weekday()] else _SKEW
            if at <= now + ahead:
                return min(at, now)
    return None


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
class LmstatHost:
    """One license server of a system of one or three."""

    name: str
    up: bool
    master: bool = False
    version: str = ""
    message: str = ""  # why it is down, where lmstat tells


@dataclass(slots=True)
class LmstatDaemon:
    """One vendor daemon."""

    vendor: str
    up: bool
    message: str = ""


@dataclass(slots=True)
class LmstatVersion:
    """One version of a feature, as lmstat details it where a license of it is in use."""

    version: str
    vendor: str
    expiry: str  # "" where it is not told
    kind: str = ""  # floating · nodelocked · uncounted
    vendor_string: str = ""


@dataclass(slots=True)
class LmstatFeature:
    """Everything said of one feature of one daemon, however often it is listed."""

    name: str
    vendor: str = ""
    issued: int | None = None
    in_use: int | None = None
    has_counts: bool = False  # there were counts, whether or not they can be read
    message: str = ""  # instead of counts: "Uncounted, node-locked", "Error: …"
    versions: list[LmstatVersion] = field(default_factory=list)
    usage_lines: list[UsageLine] = field(default_factory=list)
    reserved: dict[str, int] = field(default_factory=dict)  # GROUP, HOST, … -> licenses

    @property
    def checkouts(self) -> list[UsageLine]:
        """Those who have a license."""
        return [use for use in self.usage_lines if not use.queued]

    @property
    def queued(self) -> int:
        """Licenses that somebody waits for."""
        return sum(use.count for use in self.usage_lines if use.queued)


@dataclass(slots=True)
class LmstatReport:
    """One whole output."""

    queried_address: str = ""  # what `License server status` repeats: 27000@h1,27000@h2
    daemon_host: str = ""  # the host whose vendor daemons are listed
    hosts: list[LmstatHost] = field(default_factory=list)
    daemons: list[LmstatDaemon] = field(default_factory=list)
    features: list[LmstatFeature] = field(default_factory=list)
    fatal: str = ""


def parse_report(text: str) -> LmstatReport:
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
        self.report = LmstatReport()
        self._hosts: dict[str, LmstatHost] = {}
        self._daemons: dict[str, LmstatDaemon] = {}
        self._features: dict[tuple[str, str], LmstatFeature] = {}
        self._vendor = ""
        self._feature: LmstatFeature | None = None
        self._under_daemons = False

    def take(self, line: str) -> None:
        feature = self._feature
        if line.startswith("Users of "):
            self._take_feature(line)
        elif feature and ((use := parse_usage_line(line)) or self._takes_detail(feature, line)):
            if use:
                use.license_version = feature.versions[-1].version if feature.versions else ""
                feature.usage_lines.append(use)
        elif found := _STATE.match(line):
            self._take_state(*found.groups())
        elif found := _FATAL.match(line):
            self.report.fatal = self.report.fatal or found[1]
        elif found := _FAULT.match(line):
            self._take_fault(*found.groups())
        elif line.startswith(_STATUS):
            self.report.queried_address = (
                self.report.queried_address or line.removeprefix(_STATUS).strip()
            )
            self._leave()
        elif found := _DAEMONS.match(line):
            self.report.daemon_host = self.report.daemon_host or (found[1] or "")
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
            daemon.message = daemon.message or said
        else:
            host = self._host(name, up=False)
            host.message = host.message or said

    def _host(self, name: str, *, up: bool) -> LmstatHost:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = LmstatHost(name, up)
            if len(self.report.hosts) < _MOST_HOSTS:
                self.report.hosts.append(host)
        return host

    def _daemon(self, vendor: str, *, up: bool) -> LmstatDaemon:
        self._vendor, self._feature, self._under_daemons = vendor, None, True
        daemon = self._daemons.get(vendor)
        if daemon is None:
            daemon = self._daemons[vendor] = LmstatDaemon(vendor, up)
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
            feature = self._features[key] = LmstatFeature(key[1], key[0])
            self.report.features.append(feature)
        if feature:
            _count(feature, found[3] or found[2].strip().rstrip(")"))
        self._feature = feature

    def _takes_detail(self, feature: LmstatFeature, line: str) -> bool:
        if found := _DETAIL.match(line):
            if len(feature.versions) < _MOST_GROUPS:
                feature.versions.append(LmstatVersion(found[1], found[2], (found[3] or "").strip()))
            feature.vendor = found[2]  # its own word, before that of the daemon it stands under
            return True
        group = feature.versions[-1] if feature.versions else None
        if group and line.startswith("vendor_string:"):
            group.vendor_string = line.partition(":")[2].strip()
            return True
        if found := _KIND.match(line):
            if group:
                group.kind = found[1].lower()
            return True
        if found := _RESERVED.match(line):
            kind, number = found[2].upper()[:20], parse_count(found[1]) or 0
            feature.reserved[kind] = feature.reserved.get(kind, 0) + number
            return True
        return False


def _count(feature: LmstatFeature, said: str) -> None:
    """Take up the counts of one listing; a feature that is listed twice has both."""
    issued, in_use = _ISSUED.search(said), _IN_USE.search(said)
    if not issued:
        feature.message = feature.message or said
        return
    one = parse_count(issued[1])
    used = parse_count(in_use[1]) if in_use else None
    if feature.has_counts:
        one = None if one is None or feature.issued is None else feature.issued + one
        used = None if used is None or feature.in_use is None else feature.in_use + used
    feature.issued, feature.in_use, feature.has_counts = one, used, True


# Features of a FlexNet license server as pools


CITRIX: Final = "CITRIX"  # the vendor daemon whose versions are subscription dates
_LONGEST_CODE: Final = 60
_MOST_RAW: Final = 40
_NEVER: Final = 9999  # the year in which a license ends that does not
_HOW: Final = (
    ("installed", "licenses issued, over every listing of the feature"),
    ("in use", "licenses in use, as lmstat counts them"),
    ("queued", "licenses that queue lines ask for"),
)


def is_citrix(vendor: str) -> bool:
    """Whether `vendor` is Citrix's daemon."""
    return vendor.upper() == CITRIX


def product_namer(features: Iterable[LmstatFeature]) -> Callable[[LmstatFeature], str]:
    """What the product of each of `features` is called: its name, with the daemon if two have it.

    They are different products that happen to share a name, and must not become one.
    """
    known = list(features)
    named = Counter(_code(feature) for feature in known)

    def product(feature: LmstatFeature) -> str:
        code = _code(feature)
        return f"{code} ({sanitize(feature.vendor, 30) or '?'})" if named[code] > 1 else code

    return product


def _code(feature: LmstatFeature) -> str:
    return sanitize(feature.name, _LONGEST_CODE)


def read_pools(features: Sequence[LmstatFeature]) -> tuple[Pool, ...]:
    """One pool for each feature that has a name, in the order of the report."""
    product = product_namer(features)
    return tuple(_pool(feature, product(feature)) for feature in features if _code(feature))


def is_counted(feature: LmstatFeature) -> bool:
    """Whether the license server counts its licenses: it then says how many were issued.

    It counts some that are locked to a machine, too. Who goes by `nodelocked` would know how many
    there are until somebody uses one: lmstat details no feature that is at rest.
    """
    kinds = {group.kind for group in feature.versions}
    return feature.has_counts and kinds != {"uncounted"}


def _pool(feature: LmstatFeature, product: str) -> Pool:
    known = describe(_code(feature)) if is_citrix(feature.vendor) else None
    counted = is_counted(feature)
    model = Model.CONCURRENT if counted else Model.OTHER
    expires, permanent = _term(feature.versions)
    partly = expires is not None and len({group.expiry.lower() for group in feature.versions}) > 1
    held = sum(use.count for use in feature.checkouts)
    return Pool(
        product=product,
        name=known.name if known and product == known.code else product,
        model=known.model if known else model,
        reading=Reading(
            # Where nobody counts, who holds one may be listed; an empty list proves nothing.
            in_use=feature.in_use if counted else held or None,
            installed=feature.issued if counted else None,
        ),
        license_type=", ".join(sorted(_types(feature.versions))) if known else "",
        subscription_date=subscription_date(feature),
        expires=expires,
        permanent=permanent,
        partial_expiry=partly,  # how many of each is not told
        counted=counted and (known is None or known.counted),
        vendor=sanitize(feature.vendor, 60),
        queued=feature.queued,
        raw_fields=tuple(_raw(feature))[:_MOST_RAW],
        formulas=_HOW if counted else (),
    )


def subscription_date(feature: LmstatFeature) -> date | None:
    """The date until which Citrix updates it: its version, if all its versions agree."""
    if not is_citrix(feature.vendor):
        return None
    dates = {parse_date(group.version) for group in feature.versions}
    return dates.pop() if len(dates) == 1 else None


def _term(groups: Sequence[LmstatVersion]) -> tuple[date | None, bool | None]:
    """The first day on which one of `groups` ends, and whether none ever does."""
    ends: list[date] = []
    endless = 0
    for group in groups:
        end = parse_date(group.expiry)
        if _is_endless(group.expiry) or (end and end.year >= _NEVER):
            endless += 1
        elif end:
            ends.append(end)
    if ends:
        return min(ends), False
    return None, True if groups and endless == len(groups) else None


def _is_endless(expiry: str) -> bool:
    """`permanent(no expiration date)`, or a day in the year 0: `1-jan-0`, `01-jan-0000`."""
    year = expiry.rpartition("-")[2]
    return expiry.lower().startswith("permanent") or (bool(year) and not year.strip("0"))


def _types(groups: Iterable[LmstatVersion]) -> set[str]:
    """What `LT` says in Citrix's vendor strings: Retail or Eval, say."""
    found = set()
    for group in groups:
        for part in group.vendor_string.split(";"):
            key, _, value = part.partition("=")
            if key.strip() == "LT" and value:
                found.add(sanitize(value, 40))
    return found


def _raw(feature: LmstatFeature) -> Iterator[tuple[str, str]]:
    """What lmstat says of it, one fact after another, where it has any."""
    facts: list[tuple[str, object]] = [
        ("licenses issued", feature.issued),
        ("licenses in use", feature.in_use),
        ("instead of counts", feature.message),
        ("vendor", feature.vendor),
    ]
    facts += [(f"reserved for {sanitize(kind, 20)}", n) for kind, n in feature.reserved.items()]
    facts += [
        (
            "borrowed or lingering",
            sum(use.count for use in feature.usage_lines if use.is_lingering) or None,
        ),
        ("queued", feature.queued or None),
    ]
    for group in feature.versions:
        facts += [
            ("version", group.version),
            ("expiry", group.expiry),
            ("vendor_string", group.vendor_string),
            ("license", group.kind),
        ]
    return ((name, sanitize(value)) for name, value in facts if value not in (None, ""))
