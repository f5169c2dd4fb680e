"""`lictui status --json` of another lictui, as one server's snapshot.

Owns what several servers there become here. Pure: must not know how that lictui was started. The
schema is lictui's own contract; a figure that is null there is null here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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
    Reading,
    Reporting,
    Snapshot,
    Step,
)
from lictui.products import describe
from lictui.sources.answers import get, rows
from lictui.sources.clean import day, json_value, text, whole
from lictui.sources.command.adding import added
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from enum import StrEnum
    from typing import TypeVar

    _E = TypeVar("_E", bound=StrEnum)

SCHEMA: Final = "lictui.status/1"
_CODE: Final = 60
_MOST: Final = 5000  # servers, and pools of each
_RAW: Final = ("product", "license_type", "in_use", "installed", "overdraft", "expires")
_HOW: Final = (("in_use", "in_use"), ("installed", "installed"), ("overdraft", "overdraft"))

Row = dict[str, object]


def lictui_snapshot(said: str, where: str) -> Snapshot:
    """What the lictui that printed `said` knows.

    One server with pools is passed on whole; the pools of several add up, those that are read in
    several ways once, and each that is not up is a notice. Disabled servers are passed over. Raises
    SourceError: `parse` for another schema, the first server's own reason where none is up,
    `no_data` where there is no server or no pool.
    """
    servers = [
        each for each in rows(_document(said, where), _MOST) if each.get("state") != "disabled"
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
    names = {text(each.get("name")) for each in up}
    kept = [(each, _pools(each, names)) for each in up]
    holding = [each for each, found in kept if found]
    pools = added(_pool(row, each) for each, found in kept for row in found)
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
        reported_name=text(only.get("reported_name")),
        version=text(only.get("version"), 40),
        mode=_word(Mode, only.get("mode")),
        activation=_activation(only.get("activation")),
        notices=notices,
        license_servers=tuple(map(_license_server, rows(only.get("license_servers")))),
    )


def _document(said: str, where: str) -> object:
    """The list of servers."""
    begin = max(0, said.find("{"))
    try:
        document = json_value(said[begin:].encode("utf-8", "replace"))
    except ValueError as error:
        raise _foreign(f"{where} printed no whole JSON: {text(error, 100)}") from error
    schema, servers = get(document, "schema"), get(document, "servers")
    if schema != SCHEMA or not isinstance(servers, list):
        raise _foreign(f"{where} printed the schema {text(schema, 40) or '(none)'}, not {SCHEMA}")
    return servers


def _foreign(message: str) -> SourceError:
    hint = "The command must end in: lictui status --json; with a lictui of about this version."
    return SourceError(FailureKind.PARSE, message, hint, Step.PARSE)


def _pools(server: Row, up: Container[str]) -> list[Row]:
    """Those with a product, without what one of the servers `up` counts already (`same_as`)."""
    return [
        row
        for row in rows(server.get("pools"), _MOST)
        if text(row.get("product"), _CODE) and text(row.get("same_as")) not in up
    ]


def _pool(row: Row, server: Row) -> Pool:
    product = describe(text(row.get("product"), _CODE))
    permanent, counted = row.get("permanent"), row.get("counted")
    origin = ("server", text(server.get("name"), _CODE))
    return Pool(
        product=product.code,
        name=text(row.get("name")) or product.name,
        model=_word(Model, row.get("model")) or product.model,
        reading=Reading(*(whole(row.get(key)) for key in ("in_use", "installed", "overdraft"))),
        license_type=text(row.get("license_type"), 40),
        subscription_date=day(row.get("subscription_date")),
        expires=day(row.get("expires")),
        permanent=permanent if isinstance(permanent, bool) else None,
        counted=counted if isinstance(counted, bool) else product.counted,
        vendor=text(row.get("vendor"), _CODE),
        queued=whole(row.get("queued")),
        raw=(origin, *((key, said) for key in _RAW if (said := text(row.get(key), 100)))),
        how=_HOW,
    )


def _word(words: type[_E], value: object) -> _E | None:
    """The member of `words` that `value` is, if any."""
    return next((word for word in words if word.value == value), None)


def _activation(value: object) -> Activation | None:
    status = _word(ActivationStatus, get(value, "status"))
    return Activation(status, day(get(value, "expires"))) if status else None


def _license_server(row: Row) -> LicenseServer:
    from datetime import UTC, datetime  # noqa: PLC0415 - the partner's servers alone have a time

    reported: float | None = None
    try:
        at = datetime.fromisoformat(text(row.get("last_reported"), 40))
        reported = at.replace(tzinfo=at.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        reported = None
    return LicenseServer(
        host_id=text(row.get("host_id"), 100),
        fqdn=text(row.get("fqdn")),
        status=_word(Reporting, row.get("status")) or Reporting.NEVER_REPORTED,
        last_reported=reported,
        expires=day(row.get("expires")),
        days_to_expire=whole(row.get("days_to_expire")),
    )


def _said(server: Row) -> str:
    name, reason = text(server.get("name"), _CODE), server.get("reason")
    state = text(server.get("state"), 20) or "in no state"
    return f"{name}: {text(get(reason, 'message')) or f'is {state} there'}"


def _lost(server: Row) -> Notice:
    return Notice(
        "server",
        Level.WARN,
        f"{text(server.get('name'), _CODE)} is {text(server.get('state'), 20) or 'in no state'}",
        text(get(server.get("reason"), "message")),
        text(get(server.get("reason"), "hint")),
    )


def _down(servers: Sequence[Row]) -> SourceError:
    """The reason of the first, for all."""
    reason = servers[0].get("reason")
    more = f" (and {len(servers) - 1} more are not up)" if len(servers) > 1 else ""
    return SourceError(
        _word(FailureKind, get(reason, "kind")) or FailureKind.UNAVAILABLE,
        _said(servers[0]) + more,
        text(get(reason, "hint")) or "Look there: lictui status",
        _word(Step, get(reason, "step")) or Step.INVENTORY,
    )
