"""Readers of four output formats: Checkmk's agent section, lictui's status, license files, udadmin.

Each turns the text a command printed into a snapshot; `label` names the command in errors.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from lictui.model import (
    Activation,
    ActivationStatus,
    FailureKind,
    Level,
    LicenseServer,
    LicenseUser,
    LicenseUserList,
    Mode,
    Model,
    Notice,
    Pool,
    PoolKey,
    Reading,
    ReportingStatus,
    Snapshot,
    Step,
    count_text,
)
from lictui.sources.command.powershell import DOCUMENT_START
from lictui.sources.flexnet.parser import CITRIX, license_type, read_expiry
from lictui.sources.sanitize import (
    MAX_CODE,
    MAX_RAW_FIELDS,
    MONTHS,
    Record,
    first_line,
    local_timestamp,
    parse_count,
    parse_date,
    parse_json,
    records,
    sanitize,
)
from lictui.sources.source import (
    SourceError,
    new_pool,
    no_data_error,
    parse_error,
    sum_pools,
    unreadable_notices,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence
    from datetime import date
    from enum import StrEnum

    _E = TypeVar("_E", bound=StrEnum)

_MAX_POOLS: Final = 5000  # lines, servers or pools that are read

# checkmk: the agent section <<<citrix_licenses>>>: product, licenses, in use. As in Checkmk's own
# check of that name, fields are separated by tabs, duplicates add up, other lines are ignored.

_SECTION: Final = "citrix_licenses"
_SECTION_HEADER: Final = re.compile(r"\s*<<<(?P<name>[^<>:]{1,80})(?::[^<>]{0,200})?>>>\s*")
_PIGGYBACK: Final = re.compile(r"<<<<([^<>]*)>>>>\s*")  # what follows belongs to another host
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_PRODUCT_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,59}")
_FIELDS: Final = 3
_CHECKMK_FORMULAS: Final = (
    ("in_use", "third field"),
    ("installed", "second field, including any overdraft"),
)


def checkmk_snapshot(text: str, label: str) -> Snapshot:
    """Return the license server in the agent output `text`; overdraft is unknown (None)."""
    lines = _section_lines(text)
    if lines is None:
        raise parse_error(
            f"no section <<<{_SECTION}>>> in the output of {label}",
            "Check that the agent has the plugin citrix_licenses. An agent registered for TLS"
            " answers its own Checkmk site only.",
        )
    problems: list[str] = []
    pools = sum_pools(pool for line in lines for pool in _checkmk_pools(line, problems))
    if not pools:
        raise no_data_error(
            f"no licenses in section <<<{_SECTION}>>> in the output of {label}",
            "The plugin reads WMI, which has no pools under the License Activation Service.",
            Step.PARSE,
        )
    return Snapshot(pools, notices=tuple(unreadable_notices(problems)))


def _section_lines(text: str) -> list[str] | None:
    lines: list[str] | None = None
    in_section, other_host = False, ""
    for line in _LINE_END.split(text):
        if "<<<" in line and (host := _PIGGYBACK.fullmatch(line[:400])):
            in_section, other_host = False, host[1]  # "" is the end
        elif "<<<" in line and (header := _SECTION_HEADER.fullmatch(line[:400])):
            in_section = header["name"] == _SECTION and not other_host
            lines = (lines or []) if in_section else lines
        elif in_section and lines is not None and line.strip() and len(lines) < _MAX_POOLS:
            lines.append(line[:400])
    return lines


def _checkmk_pools(line: str, problems: list[str]) -> Iterator[Pool]:
    fields = [field.strip() for field in (line.split("\t") if "\t" in line else line.split())]
    if len(fields) < _FIELDS or not _PRODUCT_CODE.fullmatch(fields[0]):
        return
    installed, in_use = parse_count(fields[1]), parse_count(fields[2])
    if None in (installed, in_use) and "_" in fields[0]:
        problems.append(sanitize(line, 60))
    if installed is None and in_use is None:
        return  # not a line with figures
    pool, raw = new_pool(fields[0], Reading(in_use, installed)), ("line", sanitize(line, 100))
    yield replace(pool, raw_fields=(raw,), formulas=_CHECKMK_FORMULAS)


# lictui: the output of `lictui status --json` on another machine, as one server's snapshot

_SCHEMA: Final = "lictui.status/1"
_STATUS_FIELDS: Final = (
    "product license_type in_use installed overdraft expires".split()  # kept as raw fields
)
_STATUS_FORMULAS: Final = tuple((key, key) for key in ("in_use", "installed", "overdraft"))


def lictui_snapshot(text: str, label: str) -> Snapshot:
    """Return the servers that another lictui reads as one license server.

    A single server with pools keeps all its details. The pools of several add up, and one that is
    read in several ways (`same_as`) counts once. Servers that are not up become notices.
    """
    listed = records(_server_list(text, label), _MAX_POOLS)
    servers = [server for server in listed if server.get("state") != "disabled"]
    up = [server for server in servers if server.get("state") == "up"]
    if not servers:
        raise no_data_error(
            f"no enabled server in the output of {label}",
            "Add one there: lictui servers add --help",
        )
    if not up:
        raise _none_up_error(servers)
    names = {server.text("name") for server in up}
    rows_by_server = [(server, _pool_rows(server, names)) for server in up]
    with_pools = [server for server, rows in rows_by_server if rows]
    pools = sum_pools(_status_pool(row, server) for server, rows in rows_by_server for row in rows)
    if not pools:
        raise no_data_error(
            f"no licenses on {count_text(len(up), 'server')} in the output of {label}",
            "Check there: lictui status",
            Step.PARSE,
        )
    notices = tuple(_not_up_notice(server) for server in servers if server not in up)
    if len(with_pools) > 1:
        return Snapshot(pools, notices=notices)
    (only,) = with_pools
    return Snapshot(
        pools,
        reported_name=only.text("reported_name"),
        version=only.text("version", 40),
        mode=_member(Mode, only.get("mode")),
        activation=_activation(only),
        notices=notices,
        license_servers=tuple(map(_license_server, only.records("license_servers"))),
    )


def _server_list(text: str, label: str) -> object:
    start = DOCUMENT_START.search(text)  # after a banner of ssh, for example
    try:
        document = parse_json(text[start.end() if start else 0 :].encode("utf-8", "replace"))
    except ValueError as error:
        raise _schema_error(f"incomplete JSON from {label}: {sanitize(error, 100)}") from error
    status = Record(document)
    servers = status.get("servers")
    if status.get("schema") != _SCHEMA or not isinstance(servers, list):
        schema_name = status.text("schema", 40) or "(none)"
        raise _schema_error(f"{label} printed schema {schema_name} instead of {_SCHEMA}")
    return servers


def _schema_error(message: str) -> SourceError:
    hint = "The command must end in `lictui status --json`, with a similar version of lictui."
    return parse_error(message, hint)


def _pool_rows(server: Record, up: Container[str]) -> list[Record]:
    """Return the server's pools with a product, without those another server in `up` counts."""
    rows = server.records("pools", _MAX_POOLS)
    return [row for row in rows if row.text("product") and row.text("same_as") not in up]


def _status_pool(row: Record, server: Record) -> Pool:
    reading = Reading(row.count("in_use"), row.count("installed"), row.count("overdraft"))
    pool, counted = new_pool(row.text("product"), reading), row.flag("counted")
    return replace(
        pool,
        name=row.text("name") or pool.name,
        model=_member(Model, row.get("model")) or pool.model,
        license_type=row.text("license_type", 40),
        subscription_date=row.day("subscription_date"),
        expires=row.day("expires"),
        permanent=row.flag("permanent"),
        counted=pool.counted if counted is None else counted,
        vendor=row.text("vendor"),
        queued=row.count("queued"),
        raw_fields=(("server", server.text("name", 60)), *row.raw_fields(*_STATUS_FIELDS)),
        formulas=_STATUS_FORMULAS,
    )


def _member(enum: type[_E], value: object) -> _E | None:
    return next((member for member in enum if member.value == value), None)


def _activation(server: Record) -> Activation | None:
    status = _member(ActivationStatus, server.get("activation.status"))
    return Activation(status, server.day("activation.expires")) if status else None


def _license_server(row: Record) -> LicenseServer:
    return LicenseServer(
        host_id=row.text("host_id", 100),
        fqdn=row.text("fqdn"),
        status=_member(ReportingStatus, row.get("status")) or ReportingStatus.NEVER_REPORTED,
        last_reported=row.time("last_reported"),
        expires=row.day("expires"),
        days_to_expire=row.days_left("days_to_expire"),
    )


def _state(server: Record) -> str:
    return server.text("state", 20) or "in an unknown state"


def _not_up_notice(server: Record) -> Notice:
    message, hint = server.text("reason.message"), server.text("reason.hint")
    title = f"{server.text('name', 60)} is {_state(server)}"
    return Notice("server", Level.WARN, title, message, hint)


def _none_up_error(servers: Sequence[Record]) -> SourceError:
    """Return the failure of the first server, for all of them."""
    first = servers[0]
    message = first.text("reason.message") or f"is {_state(first)} there"
    number = len(servers) - 1
    others = f" (and {count_text(number, 'more server')} not up)" if number else ""
    return SourceError(
        _member(FailureKind, first.get("reason.kind")) or FailureKind.UNAVAILABLE,
        f"{first.text('name', 60)}: {message}{others}",
        first.text("reason.hint") or "Check there: lictui status",
        _member(Step, first.get("reason.step")) or Step.INVENTORY,
    )


# license-file: the licenses that the INCREMENT and FEATURE lines of license files (.lic) grant.
# They contain what is installed, but not what is in use.
#
# A trailing `\` continues a line; `KEY=VALUE` and `KEY="VALUE"` follow the five positional fields.
# The layout is that of files published by others (helgeklein.com, docs.citrix.com "license-files");
# the keys of VENDOR_STRING have no official table. ODP is kept but not used for calculations: it is
# 0 even in files of licenses that have an overdraft.

MAX_INCREMENTS: Final = 5000  # no license server has as many licenses

_MAX_INCREMENT: Final = 16_000  # characters of a line, continuation lines included
_POSITIONAL: Final = 6  # keyword, feature, vendor, version, expiry, count
_CONTINUATION: Final = re.compile(r"\\[ \t]*(?:\r\n|\r|\n)")
_KEYWORD: Final = re.compile(r"\s*(?:INCREMENT|FEATURE)\s", re.IGNORECASE)
_OPTION: Final = re.compile(r'\s([A-Za-z_]\w*)=("?)')
# A quote ends its value only if another option or the end of the line follows: a company name in
# NOTICE may contain quotes.
_CLOSING: Final = re.compile(r'"(?=\s+(?:[A-Z_]\w*=|SUPERSEDE\b)|\s*$)', re.IGNORECASE)
_WORD: Final = re.compile(r"\S*")


class Increment(Struct, frozen=True):
    """One license as its line states it."""

    product: str  # the feature: XDT_PLT_UD
    vendor: str  # the daemon that serves it: CITRIX
    subscription_date: date | None  # None: the version is not a date
    expires: date | None
    permanent: bool | None  # None: the expiry cannot be read
    count: int | None  # None: uncounted, or unreadable
    uncounted: bool = False
    license_type: str = ""  # Retail, Eval, …
    serial: str = ""  # SN
    issued: date | None = None
    start: date | None = None  # not valid before
    raw_fields: tuple[tuple[str, str], ...] = ()  # as written
    signature: str = ""  # SIGN: distinguishes two licenses from a copy

    def is_valid_on(self, today: date) -> bool:
        """Tell whether the license may be used on `today`; an unknown date does not prevent it."""
        has_started = self.start is None or self.start <= today
        return has_started and (self.expires is None or self.expires >= today)


def parse_license_file(text: str) -> tuple[Increment, ...]:
    """Return every license that `text`, license files joined, grants; never raises.

    A license that occurs twice with the same signature is one: folders often hold copies.
    """
    increments: dict[object, Increment] = {}
    for number, increment in enumerate(filter(None, map(_increment, _increment_lines(text)))):
        if len(increments) == MAX_INCREMENTS:
            break
        increments.setdefault(increment if increment.signature else number, increment)
    return tuple(increments.values())


def _increment_lines(text: str) -> list[str]:
    lines = _LINE_END.split(_CONTINUATION.sub(" ", text))
    return [line[:_MAX_INCREMENT] for line in lines if _KEYWORD.match(line)]


def _options(text: str) -> dict[str, str]:
    """Return the values of `KEY=VALUE` and `KEY="VALUE"` in `text`, keys in upper case."""
    options: dict[str, str] = {}
    closing = _CLOSING.search(text)
    end = 0
    while option := _OPTION.search(text, end):
        start = option.end()
        while closing and closing.start() < start:
            closing = _CLOSING.search(text, closing.end())
        # The signature is not part of another value: then that one has no closing quote.
        if option[2] and closing and text.find(" SIGN=", start, closing.start()) < 0:
            value, end = text[start : closing.start()], closing.end()
        else:
            word = _WORD.match(text, start)
            value, end = (word[0], word.end()) if word else ("", start)
        options.setdefault(option[1].upper(), value.replace('"', ""))
    return options


def _increment(line: str) -> Increment | None:
    words = line.split(None, _POSITIONAL)
    code = sanitize(words[1], MAX_CODE) if len(words) >= _POSITIONAL else ""
    if not code:
        return None
    vendor, version, expiry, count = words[2:_POSITIONAL]
    options = _options(" " + "".join(words[_POSITIONAL:]))
    raw = {"INCREMENT": " ".join(words[1:_POSITIONAL])} | {
        name: options.get(name, "") for name in ("SN", "ISSUED", "START", "VENDOR_STRING")
    }
    expires, permanent = read_expiry(expiry)
    number = parse_count(count)
    uncounted = number == 0 or count.lower() == "uncounted"  # FlexNet writes either
    return Increment(
        product=code,
        vendor=sanitize(vendor, 40),
        subscription_date=parse_date(version),
        expires=expires,
        permanent=permanent,
        count=None if uncounted else number,
        uncounted=uncounted,
        license_type=license_type(options.get("VENDOR_STRING", "")),
        serial=sanitize(options.get("SN"), 80),
        issued=parse_date(options.get("ISSUED")),
        start=parse_date(options.get("START")),
        raw_fields=tuple(
            (name, text) for name, value in raw.items() if (text := sanitize(value, 500))
        ),
        signature=sanitize(options.get("SIGN"), 1000),
    )


def license_file_snapshot(text: str, label: str, today: date) -> Snapshot:
    """Return the licenses in `text`, license files joined; `today` is the date in UTC.

    A license that has expired or not started counts only if no other license of its pool is valid:
    the license server ignores it, and its renewal may be in the same folder.
    """
    increments = parse_license_file(text)
    by_key: dict[PoolKey, list[Increment]] = {}
    for increment in increments:
        by_key.setdefault(_pool_of(increment).key, []).append(increment)
    if not by_key:
        raise no_data_error(
            f"no licenses in the output of {label}: no INCREMENT or FEATURE line",
            r"The command must print the files ...\Citrix\Licensing\MyFiles\*.lic. There are none"
            " under the License Activation Service.",
            Step.PARSE,
        )
    pools = tuple(_license_pool(by_key[key], today) for key in sorted(by_key))
    invalid = [increment for increment in increments if not increment.is_valid_on(today)]
    products = sorted({increment.product for increment in invalid})
    invalid_notice = Notice(
        "server",
        Level.OK,
        f"License files with licenses that are not valid now: {len(invalid)}",
        f"Expired, or not started: {', '.join(products[:5])}",
        "Files of expired licenses can be removed.",
    )
    notices = (*unreadable_notices(_problems(text)), *((invalid_notice,) if invalid else ()))
    return Snapshot(pools, mode=Mode.FILE, notices=notices)


def _problems(text: str) -> Iterator[str]:
    for line in _increment_lines(text):
        increment = _increment(line)
        if (
            increment is None
            or increment.permanent is None
            or (increment.count is None and not increment.uncounted)
        ):
            yield sanitize(line, 60)


def _license_pool(increments: Sequence[Increment], today: date) -> Pool:
    valid = [increment for increment in increments if increment.is_valid_on(today)]
    pools = list(map(_pool_of, valid or increments))
    if not valid:  # all of them have ended when the last one has
        last = max((pool.expires for pool in pools if pool.expires), default=None)
        pools = [replace(pool, expires=pool.expires and last) for pool in pools]
    (pool,) = sum_pools(pools)
    raw = tuple(field for increment in increments for field in increment.raw_fields)
    return replace(pool, raw_fields=raw[:MAX_RAW_FIELDS])


def _pool_of(increment: Increment) -> Pool:
    pool = new_pool(increment.product, Reading(installed=increment.count))
    return replace(
        pool,
        license_type=increment.license_type,
        subscription_date=increment.subscription_date,
        expires=increment.expires,
        permanent=increment.permanent,
        counted=pool.counted and not increment.uncounted,
        vendor=increment.vendor,
        formulas=(
            ("installed", "sum of the counts of valid INCREMENT lines"),
            ("ends", "first expiry of these lines"),
        ),
    )


# udadmin: the output of `udadmin -list`, assignments of licenses to users and devices.
#
# The grammar is that of Citrix CTX215674, with and without -times and -a; the block of devices is
# assumed to look like that of users. udadmin does not report how many licenses are installed.

_MAX_USERS: Final = 100_000
_AGE: Final = re.compile(r"Usage data is (\d{1,9}) minutes? old", re.IGNORECASE)
_BLOCK: Final = re.compile(r"(Users|Devices):[ (]*\d*\)?", re.IGNORECASE)
# `(Thu Sep 14 13:41:07 2017)` at the end of a line, with -times
_TIME: Final = re.compile(
    r"\((?:[A-Za-z]{3} )?([A-Za-z]{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})\)$"
)
_VERSION: Final = re.compile(r"\d[\d.]{0,20}")


class _AssignmentList(Struct):
    users: list[LicenseUser] = field(default_factory=list)
    age: str = ""  # minutes
    unreadable: list[str] = field(default_factory=list)  # lines that are not an assignment


def udadmin_snapshot(text: str, label: str) -> Snapshot:
    """Return the assignments in `text`, one pool per feature and version."""
    listed = _parse_assignments(text, label)
    pools: dict[tuple[str, date | None], list[LicenseUser]] = {}
    for user in listed.users:
        pools.setdefault((user.product, user.subscription_date), []).append(user)
    unreadable = Notice(
        "server",
        Level.WARN,
        "Unreadable assignments",
        f"{count_text(len(listed.unreadable), 'line')}: not the assignment of a license in a list"
        " of users or devices. In use may be too low.",
        "Please report this, with an example line.",
    )
    return Snapshot(
        tuple(_assignment_pool(*key, users, listed.age) for key, users in pools.items()),
        notices=(unreadable,) if listed.unreadable else (),
    )


def udadmin_license_users(text: str, label: str) -> LicenseUserList:
    """Return who has an assigned license, with the time if -times was given."""
    return LicenseUserList(tuple(_parse_assignments(text, label).users[:_MAX_USERS]))


def _assignment_pool(
    code: str, subscription_date: date | None, users: Sequence[LicenseUser], age: str
) -> Pool:
    devices = sum(bool(user.device) for user in users)
    counts = (("users", str(len(users) - devices)), ("devices", str(devices)))
    return replace(
        new_pool(code, Reading(in_use=len(users))),
        subscription_date=subscription_date,
        vendor=CITRIX,
        raw_fields=(*counts, ("minutes old", age)) if age else counts,
        formulas=(("in_use", "users + devices in the list"),),
    )


def _parse_assignments(text: str, label: str) -> _AssignmentList:
    listed = _AssignmentList()
    block = ""
    for line in filter(None, (raw[:1000].strip() for raw in _LINE_END.split(text))):
        if head := _BLOCK.fullmatch(line):
            block = head[1].lower()
        elif age := _AGE.match(line):
            listed.age = age[1]
        elif block and (user := _assignment(line, is_device=block == "devices")):
            listed.users.append(user)
        else:
            listed.unreadable.append(line)
    if block or (listed.age and not listed.unreadable):
        return listed
    unread = first_line("\n".join(listed.unreadable[:100]))
    raise parse_error(
        f"{label}: not the output of udadmin -list: {unread}" if unread else f"{label}: no output",
        "The command must print the output of `udadmin -list -times` on the license server.",
    )


def _assignment(line: str, *, is_device: bool) -> LicenseUser | None:
    """Parse one line from the right: a name may contain blanks, and anything else."""
    time = _TIME.search(line)
    parts = (line[: time.start()] if time else line).rsplit(None, 2)
    if len(parts) != _FIELDS or not _VERSION.fullmatch(parts[2]):
        return None
    name = sanitize(parts[0], 100)
    since = None
    if time and time[1].lower() in MONTHS:
        day, hour, minute, second, year = map(int, time.groups()[1:])
        month = MONTHS.index(time[1].lower()) + 1
        since = local_timestamp(year, month, day, hour, minute, second)
    return LicenseUser(
        sanitize(parts[1], MAX_CODE),
        user="" if is_device else name,
        device=name if is_device else "",
        since=since,
        assigned=True,
        subscription_date=parse_date(parts[2]),
    )
