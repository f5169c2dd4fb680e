"""Parser of `lmstat -a` output: hosts, vendor daemons, features and their users, and the pools.

The grammar follows public captures of lmstat and Citrix's documentation ("lic-admin-cmds-status").
Lines of an unknown kind are ignored: lmstat also prints messages of libraries.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from lictui.model import Model, Pool, Reading, sum_all_known
from lictui.products import describe
from lictui.sources.sanitize import (
    MAX_CODE,
    MAX_RAW_FIELDS,
    local_timestamp,
    parse_count,
    parse_date,
    sanitize,
    term_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_MAX_LINE: Final = 2000  # characters read of a line
_MAX_HOSTS: Final = 100
_MAX_FEATURES: Final = 20_000
_MAX_VERSIONS: Final = 50  # of one feature
_MAX_RESERVATIONS: Final = 1000  # of one feature
CITRIX: Final = "CITRIX"  # the vendor daemon whose feature versions are subscription dates


class UsageLine(Struct):
    """A user who has `count` licenses, or waits for them."""

    user: str
    host: str
    count: int
    queued: bool
    is_lingering: bool  # borrowed, or kept for a while after its return
    start: tuple[str, ...]  # as printed: weekday or "", month, day, hour, minute; () if missing
    license_version: str = ""  # of the license; the line itself has the requested version only


class LmstatService(Struct):
    """One license server of a group of one or three, or one vendor daemon."""

    name: str
    up: bool
    message: str = ""  # why it is down, if reported
    master: bool = False
    version: str = ""


class LmstatVersion(Struct):
    """One version of a feature; lmstat prints it only while a license of it is in use."""

    version: str
    vendor: str
    expiry: str  # "" if not reported
    kind: str = ""  # floating · nodelocked · uncounted
    vendor_string: str = ""


class LmstatFeature(Struct):
    """One feature of one daemon, with everything reported in all of its listings."""

    name: str
    daemon: str = ""  # that lists it
    issued: int | None = None
    in_use: int | None = None
    has_counts: bool = False  # counts were printed, readable or not
    message: str = ""  # instead of counts: "Uncounted, node-locked", "Error: …"
    versions: list[LmstatVersion] = field(default_factory=list)
    usage_lines: list[UsageLine] = field(default_factory=list)
    # Licenses by what they are reserved for: (group, Finance)
    reserved: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def vendor(self) -> str:
        """The daemon that serves it: its versions are more reliable than where it is listed."""
        vendors = self.version_vendors
        return vendors.pop() if len(vendors) == 1 else self.daemon

    @property
    def version_vendors(self) -> set[str]:
        """The daemons that the details of its versions name."""
        return {version.vendor for version in self.versions}

    @property
    def checkouts(self) -> list[UsageLine]:
        """Usage lines of users who have a license."""
        return [line for line in self.usage_lines if not line.queued]

    @property
    def reserved_by_kind(self) -> dict[str, int]:
        """Reserved licenses by what they are for: group, host, host_group, user."""
        kinds: dict[str, int] = {}
        for (kind, _), number in sorted(self.reserved.items()):
            kinds[kind] = kinds.get(kind, 0) + number
        return kinds

    @property
    def is_citrix(self) -> bool:
        """Whether it is a feature of Citrix's vendor daemon."""
        return self.vendor.upper() == CITRIX

    @property
    def is_counted(self) -> bool:
        """Whether the license server counts its licenses: it reports how many exist.

        Some node-locked licenses are counted, too; relying on `nodelocked` would make the count
        depend on whether somebody uses one, since lmstat prints versions of features in use only.
        """
        return self.has_counts and {version.kind for version in self.versions} != {"uncounted"}


class LmstatReport(Struct):
    """One whole output of lmstat."""

    daemon_host: str = ""  # the host whose vendor daemons are listed
    hosts: list[LmstatService] = field(default_factory=list)
    daemons: list[LmstatService] = field(default_factory=list)
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
_HOST: Final = re.compile(r"[\d.-]")
_DISPLAY: Final = re.compile(r"/dev/.*|:.*|[\w.-]+:\d+(?:\.\d+)?")  # of X or a terminal


def _parse_usage_line(line: str) -> UsageLine | None:
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
    queued, start = _QUEUED.match(details), _START.match(details)
    if not queued and not start:
        return None
    counted = queued or _COUNT.search(details)
    count = parse_count(counted[1]) if counted else 1
    return UsageLine(
        *_user_and_host(names),
        count=(0 if queued else 1) if count is None else count,
        queued=queued is not None,
        is_lingering=not queued and "(linger" in details,
        start=start.groups("") if start else (),
    )


def _user_and_host(names: str) -> tuple[str, str]:
    """Split user and host, though users may contain blanks and the display may be missing.

    A missing display leaves its blank; words of any meaning may follow it.
    """
    quoted = re.match(r'"([^"]*)" +(.*)', names)
    user, remainder = (quoted[1], quoted[2]) if quoted else ("", names)
    words = [word for word in remainder.split() if not word.startswith("feature=")]
    if quoted:
        return user, words[0] if words else ""
    if names.endswith(" ") or len(words) < _NAME_PARTS:  # no display
        words.append("")
    while words[-1].isdecimal() and len(words) > _NAME_PARTS:  # a process id
        words.pop()
    host = _host_index(words)
    return " ".join(words[:host]), words[host]


def _host_index(words: Sequence[str]) -> int:
    """Return which of `words` is the host; never the first, and never the last.

    The display shows it: on Windows it repeats the host, some vendors add a number after a colon;
    on Unix it looks like a display, or is another name of the host. Else the host is the second
    word, or the first after it with a digit, dot or hyphen if more words follow, since a user may
    have blanks.
    """
    for index in range(1, len(words) - 1):
        host, display = words[index].lower(), words[index + 1].lower()
        repeats_host = display == host or display.startswith(f"{host}:")
        if repeats_host or _DISPLAY.fullmatch(display) or _is_same_domain(host, display):
            return index
    if words[-1]:
        likely = (index for index in range(1, len(words) - 1) if _HOST.search(words[index]))
        return next(likely, 1)
    return max(len(words) - 2, 1)


def _is_same_domain(host: str, display: str) -> bool:
    domains = host.partition(".")[2], display.partition(".")[2]
    return bool(domains[0]) and domains[0] == domains[1]


def start_time(line: UsageLine, now: float) -> float | None:
    """Return the UTC epoch seconds of a checkout; lmstat prints neither year nor time zone.

    This machine's zone is used. The year makes it the most recent past of `now`, unless the weekday
    shows that the server's clock is ahead of `now` by a time zone.
    """
    weekday, *numbers = line.start
    month, day, hour, minute = map(int, numbers)
    current_year = datetime.fromtimestamp(now).astimezone().year
    for year in range(current_year + 1, current_year - _MAX_YEARS_BACK - 1, -1):
        timestamp = local_timestamp(year, month, day, hour, minute)
        if timestamp is not None:
            is_zone_ahead = weekday.lower() == _WEEKDAYS[date(year, month, day).weekday()]
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
_FEATURE: Final = re.compile(r"Users of (.+?):\s*(?:\((.*)|(.*))")
# A word may precede `licenses`, for example "borrowable".
_ISSUED: Final = re.compile(
    r"Total of (\d+) (?:[a-z]+ )?licenses? (?:issued|available)", re.IGNORECASE
)
_IN_USE: Final = re.compile(r";\s*(?:Total of )?(\d+) (?:[a-z]+ )?licenses? in use", re.IGNORECASE)
_VERSION: Final = re.compile(r'"[^"]*" v([^\s,]+), *vendor: *([^\s,]+)(?:, *expiry: *(.*))?')
_KIND: Final = re.compile(r"(floating|nodelocked|uncounted)\b.*\blicense\b", re.IGNORECASE)
_RESERVED: Final = re.compile(r"(\d+) +RESERVATIONs? +for +(\w+) +(\S.*)", re.IGNORECASE)


def parse_report(text: str) -> LmstatReport:
    """Parse the output of `lmstat -a`; `text` may be anything, nothing is raised."""
    reader = _Reader()
    for raw in filter(None, text.replace("\r", "\n").split("\n")):
        if line := raw[:_MAX_LINE].strip():
            reader.read_line(line)
    reader.report.features = _without_repeats(reader.report.features)
    return reader.report


def _without_repeats(features: Sequence[LmstatFeature]) -> list[LmstatFeature]:
    """Return `features` without those that a second daemon lists again.

    The daemons of a combined license file each list all of its features, with the same counts.
    """
    listings: dict[str, dict[str, LmstatFeature]] = {}
    for feature in features:
        listings.setdefault(feature.daemon, {})[feature.name] = feature
    daemons = list(listings)[:_MAX_HOSTS]
    repeats: set[tuple[str, str]] = set()
    for number, daemon in enumerate(daemons):
        for earlier in daemons[:number]:
            first, second = listings[earlier], listings[daemon]
            if _is_repeat(first, second):
                for name in first.keys() & second.keys():
                    is_better = second[name].has_counts and not first[name].has_counts
                    repeats.add((earlier if is_better else daemon, name))
    return [feature for feature in features if (feature.daemon, feature.name) not in repeats]


def _is_repeat(earlier: Mapping[str, LmstatFeature], later: Mapping[str, LmstatFeature]) -> bool:
    """Tell whether a daemon's listing repeats that of an earlier one, as far as they overlap.

    It may also be another vendor's feature of the same name. All of the listing, one use or a
    version of the other daemon must be the same, whatever is in use at the moment.
    """
    shared = [(earlier[name], feature) for name, feature in later.items() if name in earlier]
    counted = [
        (first, second) for first, second in shared if first.has_counts and second.has_counts
    ]
    if any(first.issued != second.issued for first, second in counted) or any(
        first.versions and second.versions and not first.version_vendors & second.version_vendors
        for first, second in shared
    ):
        return False
    is_single = len(earlier) == len(counted) == 1
    is_whole = len(shared) == len(later) and (len(shared) > 1 or is_single)
    return is_whole or any(
        (second.usage_lines and first.usage_lines == second.usage_lines)
        or first.daemon in second.version_vendors
        or second.daemon in first.version_vendors
        for first, second in shared
    )


class _Reader:
    """State machine over lines: remembers the daemon, feature and version a line belongs to."""

    def __init__(self) -> None:
        self.report = LmstatReport()
        self._features: dict[tuple[str, str], LmstatFeature] = {}
        self._vendor = ""
        self._feature: LmstatFeature | None = None
        self._in_daemon_section = False

    def read_line(self, line: str) -> None:
        feature = self._feature
        if line.startswith("Users of "):
            self._read_feature(line)
        elif feature and (usage := _parse_usage_line(line)):
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
            self.report.daemon_host = self.report.daemon_host or sanitize(match[1], 80)
            self._start_section(daemons=True)

    def _start_section(self, *, daemons: bool = False) -> None:
        self._feature, self._vendor, self._in_daemon_section = None, "", daemons

    def _read_state(self, name: str, server: str | None, state: str, details: str) -> None:
        if not server:
            self._daemon(name, up=state == "UP")
            return
        version = _SERVER_VERSION.search(details)
        host = _service(self.report.hosts, name, up=state == "UP")
        host.master = host.master or "(MASTER)" in details
        host.version = host.version or (sanitize(version[1], 40) if version else "")

    def _read_fault(self, name: str, message: str) -> None:
        if self._in_daemon_section:
            faulty = self._daemon(name, up=False)
        else:
            faulty = _service(self.report.hosts, name, up=False)
        faulty.message = faulty.message or sanitize(message, 160)

    def _daemon(self, vendor: str, *, up: bool) -> LmstatService:
        daemon = _service(self.report.daemons, vendor, up=up)
        self._vendor, self._feature, self._in_daemon_section = daemon.name, None, True
        return daemon

    def _read_feature(self, line: str) -> None:
        match = _FEATURE.match(line)
        if not match:
            self._feature = None
            return
        key = self._vendor, sanitize(match[1], MAX_CODE)
        feature = self._features.get(key)
        if feature is None and key[1] and len(self._features) < _MAX_FEATURES:
            feature = self._features[key] = LmstatFeature(key[1], key[0])
            self.report.features.append(feature)
        if feature:
            text = match[3] if match[2] is None else match[2].strip().rstrip(")")
            _read_counts(feature, text or "no counts")
        self._feature = feature


def _service(services: list[LmstatService], name: str, *, up: bool) -> LmstatService:
    service = LmstatService(sanitize(name, 80), up)
    listed = next((item for item in services if item.name == service.name), None)
    if listed is None and len(services) < _MAX_HOSTS:
        services.append(service)
    return listed or service


def _read_detail(feature: LmstatFeature, line: str) -> bool:
    """Read a line about the last version of `feature`; False if it is another kind of line."""
    if match := _VERSION.match(line):
        if len(feature.versions) < _MAX_VERSIONS:
            vendor = sanitize(match[2], MAX_CODE)
            feature.versions.append(LmstatVersion(match[1], vendor, (match[3] or "").strip()))
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
        name = match[3].rpartition(" (")[0] or match[3]  # without (srv/27000)
        key = sanitize(match[2].lower(), 20), sanitize(name, 100)
        if key in feature.reserved or len(feature.reserved) < _MAX_RESERVATIONS:
            number = parse_count(match[1]) or 0
            feature.reserved[key] = feature.reserved.get(key, 0) + number
        return True
    return False


def _read_counts(feature: LmstatFeature, text: str) -> None:
    """Add the counts of one listing; those of a feature that is listed twice add up."""
    issued_match, in_use_match = _ISSUED.search(text), _IN_USE.search(text)
    if not issued_match:
        feature.message = feature.message or sanitize(text, 80)
        return
    issued = parse_count(issued_match[1])
    in_use = parse_count(in_use_match[1]) if in_use_match else None
    if feature.has_counts:
        issued = sum_all_known((issued, feature.issued))
        in_use = sum_all_known((in_use, feature.in_use))
    feature.issued, feature.in_use, feature.has_counts = issued, in_use, True


# Pools

_FORMULAS: Final = (
    ("installed", "licenses issued, summed over every listing of the feature"),
    ("in_use", "licenses in use, as counted by lmstat"),
    ("queued", "licenses requested in queue lines"),
)


def product_namer(features: Iterable[LmstatFeature]) -> Callable[[LmstatFeature], str]:
    """Return a function that names the product of a feature; two daemons may use one name."""
    names = Counter(feature.name for feature in features)
    return lambda feature: (
        f"{feature.name} ({feature.daemon or feature.vendor or '?'})"
        if names[feature.name] > 1
        else feature.name
    )


def read_pools(features: Sequence[LmstatFeature]) -> tuple[Pool, ...]:
    """Return one pool for each feature, in the order of the report."""
    product = product_namer(features)
    return tuple(_pool(feature, product(feature)) for feature in features)


def _pool(feature: LmstatFeature, product: str) -> Pool:
    citrix_product = describe(feature.name) if feature.is_citrix else None
    expires, permanent = _expiry(feature.versions)
    types = {license_type(version.vendor_string) for version in feature.versions}
    checked_out = sum(line.count for line in feature.checkouts)
    queued = sum(line.count for line in feature.usage_lines if line.queued)
    model = Model.CONCURRENT if feature.is_counted else Model.OTHER
    return Pool(
        product=product,
        name=citrix_product.name if citrix_product and product == feature.name else product,
        model=citrix_product.model if citrix_product else model,
        reading=Reading(
            # For uncounted features, users may be listed; an empty list proves nothing.
            in_use=feature.in_use if feature.is_counted else checked_out or None,
            installed=feature.issued if feature.is_counted else None,
        ),
        license_type=", ".join(sorted(types - {""})) if citrix_product else "",
        subscription_date=_subscription_date(feature),
        expires=expires,
        permanent=permanent,
        # The number of licenses of each version is not reported.
        partial_expiry=expires is not None
        and len({version.expiry.lower() for version in feature.versions}) > 1,
        counted=feature.is_counted and (citrix_product is None or citrix_product.counted),
        vendor=feature.vendor,
        queued=queued,
        raw_fields=tuple(_raw_fields(feature, queued))[:MAX_RAW_FIELDS],
        formulas=_FORMULAS if feature.is_counted else (),
    )


def _subscription_date(feature: LmstatFeature) -> date | None:
    if not feature.is_citrix:
        return None
    dates = {parse_date(version.version) for version in feature.versions}
    return dates.pop() if len(dates) == 1 else None


def _expiry(versions: Sequence[LmstatVersion]) -> tuple[date | None, bool | None]:
    """Return the first day on which one of `versions` expires, and whether none ever does."""
    terms = [read_expiry(version.expiry) for version in versions]
    first = min((expires for expires, _ in terms if expires), default=None)
    permanent = bool(terms) and all(permanent for _, permanent in terms)
    return first, False if first else True if permanent else None


def read_expiry(text: str) -> tuple[date | None, bool | None]:
    """Return the date of a license, and whether it never expires: (None, None) if unreadable.

    `permanent(no expiration date)`, the year 9999 and the year 0, as `1-jan-0`, mean never.
    """
    expires, year = parse_date(text), text.rpartition("-")[2]
    if text.lower().startswith("permanent") or (year and not year.strip("0")):
        return None, True
    return term_of(expires)


def license_type(vendor_string: str) -> str:
    """Return the value of `LT` in Citrix's vendor string, for example Retail."""
    parts = (part.partition("=") for part in vendor_string.split(";"))
    return next((sanitize(value, 40) for key, _, value in parts if key.strip() == "LT"), "")


def _raw_fields(feature: LmstatFeature, queued: int) -> Iterator[tuple[str, str]]:
    lingering = sum(line.count for line in feature.usage_lines if line.is_lingering)
    fields: list[tuple[str, object]] = [
        ("licenses issued", feature.issued),
        ("licenses in use", feature.in_use),
        ("instead of counts", feature.message),
        ("vendor", feature.vendor),
        *((f"reserved for {kind}", number) for kind, number in feature.reserved_by_kind.items()),
        ("borrowed or lingering", lingering or None),
        ("queued", queued or None),
    ]
    for version in feature.versions:
        fields += [
            ("version", version.version),
            ("expiry", version.expiry),
            ("vendor_string", version.vendor_string),
            ("license", version.kind),
        ]
    return ((name, sanitize(value)) for name, value in fields if value not in (None, ""))
