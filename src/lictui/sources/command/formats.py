"""The section `<<<citrix_licenses>>>` of a Checkmk agent: product, licenses, in use.

Owns its lines (Checkmk's own check of that name: separated by tabs, duplicates summed, anything
else ignored). Pure: must not know how the agent was asked.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from lictui.model import (
    Activation,
    ActivationStatus,
    FailureKind,
    Level,
    LicenseServer,
    Mode,
    Model,
    Notice,
    Pool,
    PoolKey,
    Reading,
    ReportingStatus,
    Snapshot,
    Step,
)
from lictui.products import describe
from lictui.sources.http import get_field, json_rows
from lictui.sources.license_file import Increment, parse_license_file
from lictui.sources.sanitize import parse_count, parse_date, parse_json, sanitize
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence
    from datetime import date
    from enum import StrEnum


# Pools of one key put together: what is known of all of them


_MOST_RAW: Final = 40


def sum_pools(pools: Iterable[Pool]) -> tuple[Pool, ...]:
    """One pool for each product and subscription date, in the order they came; figures add up."""
    found: dict[PoolKey, list[Pool]] = {}
    for pool in pools:
        found.setdefault(pool.key, []).append(pool)
    return tuple(_one(same) for same in found.values())


def _one(pools: Sequence[Pool]) -> Pool:
    first, *others = pools
    if not others:
        return first
    first_end = min((pool.expires for pool in pools if pool.expires), default=None)
    ending = [pool for pool in pools if pool.expires == first_end]
    terms = {pool.permanent for pool in pools}
    types = sorted({pool.license_type for pool in pools} - {""})
    return replace(
        first,
        reading=Reading(
            in_use=total(pool.reading.in_use for pool in pools),
            installed=total(pool.reading.installed for pool in pools),
            overdraft=total(pool.reading.overdraft for pool in pools),
        ),
        license_type=", ".join(types),
        expires=first_end,
        permanent=first.permanent if len(terms) == 1 else None if None in terms else False,
        partial_expiry=first_end is not None and len(ending) < len(pools),
        reported_expiring=total(pool.expiring_count for pool in ending),
        queued=total(pool.queued for pool in pools),
        counted=any(pool.counted for pool in pools),
        raw_fields=tuple(fact for pool in pools for fact in pool.raw_fields)[:_MOST_RAW],
        formulas=max((pool.formulas for pool in pools), key=lambda how: len(str(how))),
    )


def total(figures: Iterable[int | None]) -> int | None:
    """The sum; None as soon as one figure is not known."""
    known = list(figures)
    return None if None in known else sum(figure for figure in known if figure is not None)


_HEADER: Final = re.compile(r"\s*<<<(?P<name>[^<>:]{1,80})(?::[^<>]{0,200})?>>>\s*")
_SECTION: Final = "citrix_licenses"
_LINE_ENDS: Final = re.compile(r"\r\n|\r|\n")
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,59}")
_FIELDS: Final = 3
_MOST: Final = 5000  # lines that count
_HOW: Final = (
    ("in_use", "the third field"),
    ("installed", "the second field; its overdraft cannot be told"),
)


def checkmk_snapshot(said: str, where: str) -> Snapshot:
    """The license server whose section is in `said`; a count hides its overdraft, which is None.

    Raises SourceError: `parse` where the section is missing, `no_data` where it is empty.
    """
    lines = _section(said)
    if lines is None:
        raise SourceError(
            FailureKind.PARSE,
            f"{where} printed no section <<<{_SECTION}>>>",
            "Does the agent there have the plugin citrix_licenses? An agent that is registered"
            " over TLS answers its own site alone.",
            Step.PARSE,
        )
    pools = sum_pools(pool for line in lines for pool in _pool(line))
    if not pools:
        raise SourceError(
            FailureKind.NO_DATA,
            f"{where} printed a section <<<{_SECTION}>>> without any license",
            "The plugin reads WMI, which has no pools under the License Activation Service.",
            Step.PARSE,
        )
    return Snapshot(pools)


def _section(said: str) -> list[str] | None:
    """The lines of every such section; None if there is none."""
    found: list[str] | None = None
    inside = False
    for line in _LINE_ENDS.split(said):
        if "<<<" in line and (header := _HEADER.fullmatch(line[:400])):
            inside = header["name"] == _SECTION
            found = (found or []) if inside else found
        elif inside and found is not None and line.strip() and len(found) < _MOST:
            found.append(line[:400])
    return found


def _pool(line: str) -> Iterator[Pool]:
    fields = [field.strip() for field in (line.split("\t") if "\t" in line else line.split())]
    if len(fields) < _FIELDS or not _CODE.fullmatch(fields[0]):
        return
    count, in_use = parse_count(fields[1]), parse_count(fields[2])
    if count is None and in_use is None:
        return  # words, not figures
    product = describe(fields[0])
    yield Pool(
        product=product.code,
        name=product.name,
        model=product.model,
        reading=Reading(in_use, count),
        counted=product.counted,
        raw_fields=(("line", sanitize(line, 100)),),
        formulas=_HOW,
    )


# `lictui status --json` of another lictui, as one server's snapshot


if TYPE_CHECKING:
    _E = TypeVar("_E", bound=StrEnum)

SCHEMA: Final = "lictui.status/1"
_CODE_ELSEWHERE: Final = 60
_RAW: Final = ("product", "license_type", "in_use", "installed", "overdraft", "expires")
_HOW_ELSEWHERE: Final = (
    ("in_use", "in_use"),
    ("installed", "installed"),
    ("overdraft", "overdraft"),
)

Row = dict[str, object]


def lictui_snapshot(said: str, where: str) -> Snapshot:
    """What the lictui that printed `said` knows.

    One server with pools is passed on whole; the pools of several add up, those that are read in
    several ways once, and each that is not up is a notice. Disabled servers are passed over. Raises
    SourceError: `parse` for another schema, the first server's own reason where none is up,
    `no_data` where there is no server or no pool.
    """
    servers = [
        each for each in json_rows(_document(said, where), _MOST) if each.get("state") != "disabled"
    ]
    up = [each for each in servers if each.get("state") == "up"]
    if not servers:
        raise SourceError(
            FailureKind.NO_DATA,
            f"{where} has no server registered that is enabled",
            "Register one there: lictui servers add --help",
            Step.INVENTORY,
        )
    if not up:
        raise _down(servers)
    names = {sanitize(each.get("name")) for each in up}
    kept = [(each, _pools(each, names)) for each in up]
    holding = [each for each, found in kept if found]
    pools = sum_pools(_pool_elsewhere(row, each) for each, found in kept for row in found)
    if not pools:
        raise SourceError(
            FailureKind.NO_DATA,
            f"{where} reads {len(up)} servers, and none has a license",
            "Look there: lictui status",
            Step.PARSE,
        )
    notices = tuple(_lost(each) for each in servers if each not in up)
    if len(holding) > 1:
        return Snapshot(pools, notices=notices)
    (only,) = holding
    return Snapshot(
        pools,
        reported_name=sanitize(only.get("reported_name")),
        version=sanitize(only.get("version"), 40),
        mode=_word(Mode, only.get("mode")),
        activation=_activation(only.get("activation")),
        notices=notices,
        license_servers=tuple(map(_license_server, json_rows(only.get("license_servers")))),
    )


def _document(said: str, where: str) -> object:
    """The list of servers."""
    begin = max(0, said.find("{"))
    try:
        document = parse_json(said[begin:].encode("utf-8", "replace"))
    except ValueError as error:
        raise _foreign(f"{where} printed no whole JSON: {sanitize(error, 100)}") from error
    schema, servers = get_field(document, "schema"), get_field(document, "servers")
    if schema != SCHEMA or not isinstance(servers, list):
        raise _foreign(
            f"{where} printed the schema {sanitize(schema, 40) or '(none)'}, not {SCHEMA}"
        )
    return servers


def _foreign(message: str) -> SourceError:
    hint = "The command must end in: lictui status --json; with a lictui of about this version."
    return SourceError(FailureKind.PARSE, message, hint, Step.PARSE)


def _pools(server: Row, up: Container[str]) -> list[Row]:
    """Those with a product, without what one of the servers `up` counts already (`same_as`)."""
    return [
        row
        for row in json_rows(server.get("pools"), _MOST)
        if sanitize(row.get("product"), _CODE_ELSEWHERE) and sanitize(row.get("same_as")) not in up
    ]


def _pool_elsewhere(row: Row, server: Row) -> Pool:
    product = describe(sanitize(row.get("product"), _CODE_ELSEWHERE))
    permanent, counted = row.get("permanent"), row.get("counted")
    origin = ("server", sanitize(server.get("name"), _CODE_ELSEWHERE))
    return Pool(
        product=product.code,
        name=sanitize(row.get("name")) or product.name,
        model=_word(Model, row.get("model")) or product.model,
        reading=Reading(
            *(parse_count(row.get(key)) for key in ("in_use", "installed", "overdraft"))
        ),
        license_type=sanitize(row.get("license_type"), 40),
        subscription_date=parse_date(row.get("subscription_date")),
        expires=parse_date(row.get("expires")),
        permanent=permanent if isinstance(permanent, bool) else None,
        counted=counted if isinstance(counted, bool) else product.counted,
        vendor=sanitize(row.get("vendor"), _CODE_ELSEWHERE),
        queued=parse_count(row.get("queued")),
        raw_fields=(
            origin,
            *((key, said) for key in _RAW if (said := sanitize(row.get(key), 100))),
        ),
        formulas=_HOW_ELSEWHERE,
    )


def _word(words: type[_E], value: object) -> _E | None:
    """The member of `words` that `value` is, if any."""
    return next((word for word in words if word.value == value), None)


def _activation(value: object) -> Activation | None:
    status = _word(ActivationStatus, get_field(value, "status"))
    return Activation(status, parse_date(get_field(value, "expires"))) if status else None


def _license_server(row: Row) -> LicenseServer:
    from datetime import UTC, datetime  # noqa: PLC0415 - the partner's servers alone have a time

    reported: float | None = None
    try:
        at = datetime.fromisoformat(sanitize(row.get("last_reported"), 40))
        reported = at.replace(tzinfo=at.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        reported = None
    return LicenseServer(
        host_id=sanitize(row.get("host_id"), 100),
        fqdn=sanitize(row.get("fqdn")),
        status=_word(ReportingStatus, row.get("status")) or ReportingStatus.NEVER_REPORTED,
        last_reported=reported,
        expires=parse_date(row.get("expires")),
        days_to_expire=parse_count(row.get("days_to_expire")),
    )


def _said(server: Row) -> str:
    name, reason = sanitize(server.get("name"), _CODE_ELSEWHERE), server.get("reason")
    state = sanitize(server.get("state"), 20) or "in no state"
    return f"{name}: {sanitize(get_field(reason, 'message')) or f'is {state} there'}"


def _lost(server: Row) -> Notice:
    name = sanitize(server.get("name"), _CODE_ELSEWHERE)
    state = sanitize(server.get("state"), 20) or "in no state"
    return Notice(
        "server",
        Level.WARN,
        f"{name} is {state}",
        sanitize(get_field(server.get("reason"), "message")),
        sanitize(get_field(server.get("reason"), "hint")),
    )


def _down(servers: Sequence[Row]) -> SourceError:
    """The reason of the first, for all."""
    reason = servers[0].get("reason")
    more = f" (and {len(servers) - 1} more are not up)" if len(servers) > 1 else ""
    return SourceError(
        _word(FailureKind, get_field(reason, "kind")) or FailureKind.UNAVAILABLE,
        _said(servers[0]) + more,
        sanitize(get_field(reason, "hint")) or "Look there: lictui status",
        _word(Step, get_field(reason, "step")) or Step.INVENTORY,
    )


# Licenses of license files as pools: what is installed; a file cannot tell what is in use


def license_file_snapshot(said: str, where: str, today: date) -> Snapshot:
    """The license files printed one after another in `said`; `today` is the day in UTC.

    A license that has ended, or has not begun, counts only where no other of its pool is in force:
    the server drops it, and its renewal may lie beside it. Overdraft is not told (ODP is not it).
    Raises SourceError (no_data) if no line grants a license.
    """
    found: dict[PoolKey, list[Increment]] = {}
    for each in parse_license_file(said):
        subscribed = each.subscription_date.isoformat() if each.subscription_date else ""
        found.setdefault(PoolKey(each.product, subscribed), []).append(each)
    if not found:
        raise SourceError(
            FailureKind.NO_DATA,
            f"{where} printed no license: not one INCREMENT or FEATURE line",
            r"It must print files of ...\Citrix\Licensing\MyFiles\*.lic. Under the License"
            " Activation Service there are none.",
            Step.PARSE,
        )
    pools = tuple(_pool_license_pools(found[key], today) for key in sorted(found))
    ended = [each for same in found.values() for each in same if not each.is_valid_on(today)]
    return Snapshot(pools, mode=Mode.FILE, notices=tuple(_resting(ended)))


def _pool_license_pools(licenses: Sequence[Increment], today: date) -> Pool:
    first = licenses[0]
    product = describe(first.product)
    standing = [each for each in licenses if each.is_valid_on(today)] or list(licenses)
    terms = {each.permanent for each in standing}
    expires = _end(standing, today)
    ending = [each for each in standing if each.expires == expires]
    uncounted = all(each.uncounted for each in standing)
    return Pool(
        product=product.code,
        name=product.name,
        model=product.model,
        reading=Reading(installed=total(each.count for each in standing)),
        license_type=", ".join(sorted({each.license_type for each in standing} - {""})),
        subscription_date=first.subscription_date,
        expires=expires,
        partial_expiry=expires is not None and len(ending) < len(standing),
        reported_expiring=total(each.count for each in ending),
        permanent=terms.pop() if len(terms) == 1 else None if None in terms else False,
        counted=product.counted and not uncounted,
        vendor=first.vendor,
        raw_fields=tuple(fact for each in licenses for fact in _raw(each))[:_MOST_RAW],
        formulas=(
            ("installed", "counts of the INCREMENT lines in force, added up"),
            ("ends", "the first of them to end"),
        ),
    )


def _end(licenses: Sequence[Increment], today: date) -> date | None:
    """The next end, or the last if all are over."""
    ends = [each.expires for each in licenses if each.expires]
    return min((end for end in ends if end >= today), default=max(ends, default=None))


def _raw(each: Increment) -> Iterator[tuple[str, str]]:
    ends = each.expires.isoformat() if each.expires else "permanent" if each.permanent else "?"
    count = "uncounted" if each.uncounted else "?" if each.count is None else str(each.count)
    yield "INCREMENT", f"{each.product} {each.vendor} {each.version} {ends} {count}"
    if each.serial:
        yield "SN", each.serial
    for name, moment in (("ISSUED", each.issued), ("START", each.start)):
        if moment:
            yield name, moment.isoformat()
    if each.vendor_string:
        yield "VENDOR_STRING", ";".join(f"{key}={value}" for key, value in each.vendor_string)


def _resting(ended: Sequence[Increment]) -> Iterator[Notice]:
    """A notice for licenses that have ended or not begun."""
    if ended:
        products = ", ".join(sorted({each.product for each in ended})[:5])
        yield Notice(
            "server",
            Level.OK,
            f"Licenses in the files that are not in force: {len(ended)}",
            f"Ended, or not begun: {products}",
            "Files of licenses that have ended may be removed.",
        )
