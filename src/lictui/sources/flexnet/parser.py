"""Parser of `lmstat -a` output: hosts, vendor daemons, features and their users, and the pools.

The grammar follows public captures of lmstat and Citrix's documentation ("lic-admin-cmds-status").
Lines of an unknown kind are ignored: lmstat also prints messages of libraries.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from lictui.model import Model, Pool, Reading, sum_all_known
from lictui.products import describe
from lictui.sources.sanitize import NEVER_YEAR, parse_count, parse_date, sanitize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

_MAX_LINE: Final = 2000  # characters read of a line
_MAX_HOSTS: Final = 100
_MAX_FEATURES: Final = 20_000
_MAX_VERSIONS: Final = 50  # of one feature


@dataclass(slots=True)
class UsageLine:
    """A user who has `count` licenses, or waits for them."""

    user: str
    host: str
    count: int
    queued: bool
    is_lingering: bool  # borrowed, or kept for a while after its return
    start: str  # as printed; "" if missing
    license_version: str = ""  # of the license; the line itself has the requested version only


@dataclass(slots=True)
class LmstatHost:
    """One license server of a group of one or three."""

    name: str
    up: bool
    master: bool = False
    version: str = ""
    message: str = ""  # why it is down, if reported


@dataclass(slots=True)
class LmstatDaemon:
    """One vendor daemon."""

    vendor: str
    up: bool
    message: str = ""


@dataclass(slots=True)
class LmstatVersion:
    """One version of a feature; lmstat prints it only while a license of it is in use."""

    version: str
    vendor: str
    expiry: str  # "" if not reported
    kind: str = ""  # floating · nodelocked · uncounted
    vendor_string: str = ""


@dataclass(slots=True)
class LmstatFeature:
    """One feature of one daemon, with everything reported in all of its listings."""

    name: str
    vendor: str = ""
    issued: int | None = None
    in_use: int | None = None
    has_counts: bool = False  # counts were printed, readable or not
    message: str = ""  # instead of counts: "Uncounted, node-locked", "Error: …"
    versions: list[LmstatVersion] = field(default_factory=list)
    usage_lines: list[UsageLine] = field(default_factory=list)
    reserved: dict[str, int] = field(default_factory=dict)  # GROUP, HOST, … -> licenses

    @property
    def checkouts(self) -> list[UsageLine]:
        """Usage lines of users who have a license."""
        return [line for line in self.usage_lines if not line.queued]

    @property
    def queued(self) -> int:
        """Number of licenses that users wait for."""
        return sum(line.count for line in self.usage_lines if line.queued)


@dataclass(slots=True)
class LmstatReport:
    """One whole output of lmstat."""

    daemon_host: str = ""  # the host whose vendor daemons are listed
    hosts: list[LmstatHost] = field(default_factory=list)
    daemons: list[LmstatDaemon] = field(default_factory=list)
    features: list[LmstatFeature] = field(default_factory=list)
    fatal: str = ""


# Usage lines: who has a license, or waits for one

# After the names: `2026.1201) (srv/27000 101), start Tue 11/24 8:09, 3 licenses (linger: 1 / 2)`
_TAIL: Final = re.compile(r"[^()]*\) \([^()]*\)(.*)")
_QUEUED: Final = re.compile(r" *queued for (\d+) licenses?")
_COUNT: Final = re.compile(r", (\d+) licenses?\b")
_START: Final = re.compile(
    r",? *start (?:([A-Za-z]{3})[a-z]* )?(\d{1,2})/(\d{1,2}) (\d{1,2}):(\d\d)"
)
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MAX_YEARS_BACK: Final = 8  # between two 29ths of February, at most
_MAX_ZONE_DIFFERENCE: Final = 26 * 3600.0  # seconds between the clocks of two time zones
_MAX_CLOCK_SKEW: Final = 300.0  # seconds
_NAME_PARTS: Final = 3  # user, host, display
_DISPLAY: Final = re.compile(r"/dev/.*|:.*|[\w.-]+:\d+(?:\.\d+)?")  # of X or a terminal


def parse_usage_line(line: str) -> UsageLine | None:
    """Parse a stripped usage line; None if it is another kind of line.

    It is read from the right: names are whatever a client sent, the rest is the server's own.
    """
    names, separator, tail = line.rpartition(" (v")
    if not separator or not names:
        return None
    match = _TAIL.match(tail)
    if not match:
        return None
    details = match[1]
    user, host = _user_and_host(names)
    if queued := _QUEUED.match(details):
        count = parse_count(queued[1])
        return UsageLine(user, host, count or 0, queued=True, is_lingering=False, start="")
    start = _START.match(details)
    if not start:
        return None
    counted = _COUNT.search(details)
    count = parse_count(counted[1]) if counted else 1
    return UsageLine(
        user,
        host,
        1 if count is None else count,
        queued=False,
        is_lingering="(linger" in details,
        start=start[0],
    )


def _user_and_host(names: str) -> tuple[str, str]:
    """Split user and host, though users may contain blanks and the display may be missing.

    A missing display leaves its blank. On Windows the display repeats the host, some vendors append
    a number after a colon; on Unix it looks like a display. More words may follow it. In all other
    cases the last two words are host and display.
    """
    quoted = re.match(r'"([^"]*)" +(.*)', names)
    user, remainder = (quoted[1], quoted[2]) if quoted else ("", names)
    words = [word for word in remainder.split() if not word.startswith("feature=")]
    if quoted:
        return user, words[0] if words else ""
    if names.endswith(" ") or len(words) < _NAME_PARTS:  # no display
        words.append("")
    host = _host_index(words)
    return " ".join(words[:host]), words[host]


def _host_index(words: list[str]) -> int:
    """Return which of `words` is the host; never the first."""
    for index in range(1, len(words) - 1):
        host, display = words[index].lower(), words[index + 1].lower()
        repeats_host = display == host or display.startswith(f"{host}:")
        if repeats_host or _DISPLAY.fullmatch(display):
            return index
    return max(len(words) - 2, 1)


def start_time(start: str, now: float) -> float | None:
    """Return the UTC epoch seconds of `start`; lmstat prints neither year nor time zone.

    This machine's zone is used. The year makes it the most recent past of `now`, unless the weekday
    shows that the server's clock is ahead of `now` by a time zone.
    """
    match = _START.match(start)
    if not match:
        return None
    month, day, hour, minute = map(int, match.groups()[1:])
    weekday = (match[1] or "").lower()
    current_year = datetime.fromtimestamp(now).astimezone().year
    for year in range(current_year + 1, current_year - _MAX_YEARS_BACK - 1, -1):
        with suppress(ValueError, OverflowError, OSError):
            local = datetime(year, month, day, hour, minute)  # noqa: DTZ001 - local, as printed
            is_zone_ahead = weekday == _WEEKDAYS[local.weekday()]
            timestamp = local.astimezone().timestamp()
            if timestamp <= now + (_MAX_ZONE_DIFFERENCE if is_zone_ahead else _MAX_CLOCK_SKEW):
                return min(timestamp, now)
    return None


# All other lines

# `h1: license server UP (MASTER) v11.16` and, for a vendor daemon, `CITRIX: UP v11.16`
_STATE: Final = re.compile(r"(\S+): (license server )?(UP|DOWN)\b(.*)")
_SERVER_VERSION: Final = re.compile(r"\bv(\d\S*)")
# `h3: Cannot connect to license server system. (-15,570:115 "…")`; -97 of a vendor daemon
_FAULT: Final = re.compile(r"(\S+): (.*\(-\d{1,4},.*|Cannot .*|The desired .*)")
_FATAL: Final = re.compile(
    r"(?:Error getting status|lmgrd is not running|lmstat|lmutil): *(\S.*)", re.IGNORECASE
)
_SERVERS: Final = "License server status:"
_DAEMONS: Final = re.compile(r"Vendor daemon status(?: \(on (\S+)\))?")
# A daemon that is down has a sentence without parentheses instead of counts.
_FEATURE: Final = re.compile(r"Users of (.+?):\s*(?:\((.*)|(Cannot get users\b.*))")
# A word may precede `licenses`, for example "borrowable".
_ISSUED: Final = re.compile(
    r"Total of (\d+) (?:[a-z]+ )?licenses? (?:issued|available)", re.IGNORECASE
)
_IN_USE: Final = re.compile(r";\s*(?:Total of )?(\d+) licenses? in use", re.IGNORECASE)
_VERSION: Final = re.compile(r'"[^"]*" v([^\s,]+), *vendor: *([^\s,]+)(?:, *expiry: *(.*))?')
_KIND: Final = re.compile(r"(floating|nodelocked|uncounted)\b.*\blicense\b", re.IGNORECASE)
_RESERVED: Final = re.compile(r"(\d+) +RESERVATIONs? +for +(\w+)", re.IGNORECASE)


def parse_report(text: str) -> LmstatReport:
    """Parse the output of `lmstat -a`; `text` may be anything, nothing is raised."""
    reader = _Reader()
    for raw in filter(None, text.replace("\r", "\n").split("\n")):
        if line := raw[:_MAX_LINE].strip():
            reader.read_line(line)
    return reader.report


class _Reader:
    """State machine over lines: remembers the daemon, feature and version a line belongs to."""

    def __init__(self) -> None:
        self.report = LmstatReport()
        self._hosts: dict[str, LmstatHost] = {}
        self._daemons: dict[str, LmstatDaemon] = {}
        self._features: dict[tuple[str, str], LmstatFeature] = {}
        self._vendor = ""
        self._feature: LmstatFeature | None = None
        self._in_daemon_section = False

    def read_line(self, line: str) -> None:
        feature = self._feature
        if line.startswith("Users of "):
            self._read_feature(line)
        elif feature and (usage := parse_usage_line(line)):
            usage.license_version = feature.versions[-1].version if feature.versions else ""
            feature.usage_lines.append(usage)
        elif feature and _read_detail(feature, line):
            pass
        elif match := _STATE.match(line):
            self._read_state(*match.groups())
        elif match := _FATAL.match(line):
            self.report.fatal = self.report.fatal or match[1]
        elif match := _FAULT.match(line):
            self._read_fault(*match.groups())
        elif line.startswith(_SERVERS):
            self._start_section()
        elif match := _DAEMONS.match(line):
            self.report.daemon_host = self.report.daemon_host or (match[1] or "")
            self._start_section(daemons=True)

    def _start_section(self, *, daemons: bool = False) -> None:
        self._feature, self._vendor, self._in_daemon_section = None, "", daemons

    def _read_state(self, name: str, server: str | None, state: str, details: str) -> None:
        if not server:
            self._daemon(name, up=state == "UP")
            return
        version = _SERVER_VERSION.search(details)
        host = self._host(name, up=state == "UP")
        host.master = host.master or "(MASTER)" in details
        host.version = host.version or (version[1] if version else "")

    def _read_fault(self, name: str, message: str) -> None:
        is_daemon = self._in_daemon_section
        faulty = self._daemon(name, up=False) if is_daemon else self._host(name, up=False)
        faulty.message = faulty.message or message

    def _host(self, name: str, *, up: bool) -> LmstatHost:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = LmstatHost(name, up)
            if len(self.report.hosts) < _MAX_HOSTS:
                self.report.hosts.append(host)
        return host

    def _daemon(self, vendor: str, *, up: bool) -> LmstatDaemon:
        self._vendor, self._feature, self._in_daemon_section = vendor, None, True
        daemon = self._daemons.get(vendor)
        if daemon is None:
            daemon = self._daemons[vendor] = LmstatDaemon(vendor, up)
            if len(self.report.daemons) < _MAX_HOSTS:
                self.report.daemons.append(daemon)
        return daemon

    def _read_feature(self, line: str) -> None:
        match = _FEATURE.match(line)
        if not match:
            self._feature = None
            return
        key = self._vendor, match[1].strip()
        feature = self._features.get(key)
        if feature is None and len(self._features) < _MAX_FEATURES:
            feature = self._features[key] = LmstatFeature(key[1], key[0])
            self.report.features.append(feature)
        if feature:
            _read_counts(feature, match[3] or match[2].strip().rstrip(")"))
        self._feature = feature


def _read_detail(feature: LmstatFeature, line: str) -> bool:
    """Read a line about the last version of `feature`; False if it is another kind of line."""
    if match := _VERSION.match(line):
        if len(feature.versions) < _MAX_VERSIONS:
            feature.versions.append(LmstatVersion(match[1], match[2], (match[3] or "").strip()))
        feature.vendor = match[2]  # more reliable than the daemon the feature is listed under
        return True
    version = feature.versions[-1] if feature.versions else None
    if version and line.startswith("vendor_string:"):
        version.vendor_string = line.partition(":")[2].strip()
        return True
    if match := _KIND.match(line):
        if version:
            version.kind = match[1].lower()
        return True
    if match := _RESERVED.match(line):
        kind, number = match[2].upper()[:20], parse_count(match[1]) or 0
        feature.reserved[kind] = feature.reserved.get(kind, 0) + number
        return True
    return False


def _read_counts(feature: LmstatFeature, text: str) -> None:
    """Add the counts of one listing; those of a feature that is listed twice add up."""
    issued_match, in_use_match = _ISSUED.search(text), _IN_USE.search(text)
    if not issued_match:
        feature.message = feature.message or text
        return
    issued = parse_count(issued_match[1])
    in_use = parse_count(in_use_match[1]) if in_use_match else None
    if feature.has_counts:
        issued = sum_all_known((issued, feature.issued))
        in_use = sum_all_known((in_use, feature.in_use))
    feature.issued, feature.in_use, feature.has_counts = issued, in_use, True


# Pools

CITRIX: Final = "CITRIX"  # the vendor daemon whose feature versions are subscription dates
_MAX_CODE: Final = 60  # characters
_MAX_RAW_FIELDS: Final = 40
_FORMULAS: Final = (
    ("installed", "licenses issued, summed over every listing of the feature"),
    ("in_use", "licenses in use, as counted by lmstat"),
    ("queued", "licenses requested in queue lines"),
)


def is_citrix(vendor: str) -> bool:
    """Tell whether `vendor` is Citrix's daemon."""
    return vendor.upper() == CITRIX


def product_namer(features: Iterable[LmstatFeature]) -> Callable[[LmstatFeature], str]:
    """Return a function that names the product of each of `features`.

    It is the feature's name; if two daemons have a feature of that name, the daemon is added:
    these are different products.
    """
    names = Counter(map(_code, features))

    def product(feature: LmstatFeature) -> str:
        code = _code(feature)
        return f"{code} ({sanitize(feature.vendor, 30) or '?'})" if names[code] > 1 else code

    return product


def _code(feature: LmstatFeature) -> str:
    return sanitize(feature.name, _MAX_CODE)


def read_pools(features: Sequence[LmstatFeature]) -> tuple[Pool, ...]:
    """Return one pool for each feature that has a name, in the order of the report."""
    product = product_namer(features)
    return tuple(_pool(feature, product(feature)) for feature in features if _code(feature))


def is_counted_feature(feature: LmstatFeature) -> bool:
    """Tell whether the license server counts this feature's licenses: it reports how many exist.

    Some node-locked licenses are counted, too; relying on `nodelocked` would make the count depend
    on whether somebody uses one, since lmstat prints versions only for features in use.
    """
    return feature.has_counts and {version.kind for version in feature.versions} != {"uncounted"}


def _pool(feature: LmstatFeature, product: str) -> Pool:
    citrix_product = describe(_code(feature)) if is_citrix(feature.vendor) else None
    is_counted = is_counted_feature(feature)
    expires, permanent = _expiry(feature.versions)
    checked_out = sum(line.count for line in feature.checkouts)
    name = product
    if citrix_product and product == citrix_product.code:
        name = citrix_product.name
    return Pool(
        product=product,
        name=name,
        model=(
            citrix_product.model
            if citrix_product
            else Model.CONCURRENT
            if is_counted
            else Model.OTHER
        ),
        reading=Reading(
            # For uncounted features, users may be listed; an empty list proves nothing.
            in_use=feature.in_use if is_counted else checked_out or None,
            installed=feature.issued if is_counted else None,
        ),
        license_type=", ".join(sorted(_types(feature.versions))) if citrix_product else "",
        subscription_date=subscription_date(feature),
        expires=expires,
        permanent=permanent,
        # The number of licenses of each version is not reported.
        partial_expiry=expires is not None
        and len({version.expiry.lower() for version in feature.versions}) > 1,
        counted=is_counted and (citrix_product is None or citrix_product.counted),
        vendor=sanitize(feature.vendor, 60),
        queued=feature.queued,
        raw_fields=tuple(_raw_fields(feature))[:_MAX_RAW_FIELDS],
        formulas=_FORMULAS if is_counted else (),
    )


def subscription_date(feature: LmstatFeature) -> date | None:
    """Return the version of a Citrix feature as a date, if all its versions agree."""
    if not is_citrix(feature.vendor):
        return None
    dates = {parse_date(version.version) for version in feature.versions}
    return dates.pop() if len(dates) == 1 else None


def _expiry(versions: Sequence[LmstatVersion]) -> tuple[date | None, bool | None]:
    """Return the first day on which one of `versions` expires, and whether none ever does."""
    dates: list[date] = []
    permanent = 0
    for version in versions:
        expires = parse_date(version.expiry)
        if _is_permanent(version.expiry) or (expires and expires.year >= NEVER_YEAR):
            permanent += 1
        elif expires:
            dates.append(expires)
    if dates:
        return min(dates), False
    return None, True if versions and permanent == len(versions) else None


def _is_permanent(expiry: str) -> bool:
    """Recognize `permanent(no expiration date)` and a day in the year 0, as `1-jan-0`."""
    year = expiry.rpartition("-")[2]
    return expiry.lower().startswith("permanent") or (bool(year) and not year.strip("0"))


def _types(versions: Iterable[LmstatVersion]) -> set[str]:
    """Return the values of `LT` in Citrix's vendor strings, for example Retail."""
    types = set()
    for version in versions:
        for part in version.vendor_string.split(";"):
            key, _, value = part.partition("=")
            if key.strip() == "LT" and value:
                types.add(sanitize(value, 40))
    return types


def _raw_fields(feature: LmstatFeature) -> Iterator[tuple[str, str]]:
    """Yield what lmstat printed about `feature`, without empty fields."""
    fields: list[tuple[str, object]] = [
        ("licenses issued", feature.issued),
        ("licenses in use", feature.in_use),
        ("instead of counts", feature.message),
        ("vendor", feature.vendor),
    ]
    fields += [
        (f"reserved for {sanitize(kind, 20)}", number) for kind, number in feature.reserved.items()
    ]
    lingering = sum(line.count for line in feature.usage_lines if line.is_lingering)
    fields += [("borrowed or lingering", lingering or None), ("queued", feature.queued or None)]
    for version in feature.versions:
        fields += [
            ("version", version.version),
            ("expiry", version.expiry),
            ("vendor_string", version.vendor_string),
            ("license", version.kind),
        ]
    return ((name, sanitize(value)) for name, value in fields if value not in (None, ""))
