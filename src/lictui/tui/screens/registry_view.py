"""The registry as rows and words: one server's cells, and what is said of the chosen one.

Owns the columns of the servers view. Must not know how a row is drawn or where a status comes from.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.config import server_schema
from lictui.model import Level, SourceName, State
from lictui.tui.ink import OF_LEVEL, Tone
from lictui.tui.screens.reporting import license_servers
from lictui.tui.span import moment
from lictui.tui.text import age, clean, coarse_age
from lictui.tui.widgets.keyed_table import Column

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from lictui.engine.board import ServerStatus
    from lictui.model import Server, Snapshot
    from lictui.tui.ink import Line, Run
    from lictui.tui.symbols import Symbols


_COLUMNS: Final = (
    Column("name", "Server", 16),
    Column("state", "State", 11),
    Column("source", "Source", 12),
    Column("address", "Address", 20),
    Column("tls", "TLS", 7),
    Column("last", "Answer", 6),
    Column("mode", "Mode", 5),
    Column("version", "Version", 15),
    Column("interval", "Every", 7),
)
TITLES: Final = {column.key: column.title for column in _COLUMNS}
_NARROW: Final = ("name", "state", "address", "last")
_MEDIUM: Final = ("name", "state", "source", "address", "tls", "last")
_WIDE: Final = 110  # columns from which everything is shown
_GAP: Final = 1

TONE_OF_STATE: Final = {
    State.UP: Tone.OK,
    State.WAITING: Tone.QUIET,
    State.DISABLED: Tone.QUIET,
    State.STALE: Tone.WARN,
    State.NO_DATA: Tone.WARN,
}

USAGE_INSIGHTS: Final = (11, 15)  # docs.citrix.com, "On-premises license usage"
LAS_ONLINE: Final = 51000  # builds; docs.citrix.com, "License Activation Service"
LAS_OFFLINE: Final = 53100
_BUILD_AT: Final = 3  # 11.17.2.54100


def columns(width: int) -> tuple[Column, ...]:
    """The columns there is room for; name and address take what is left over."""
    if width < 78:  # noqa: PLR2004 - the medium set needs so much
        chosen = tuple(column for column in _COLUMNS if column.key in _NARROW)
    elif width < _WIDE:
        chosen = tuple(column for column in _COLUMNS if column.key in _MEDIUM)
    else:
        chosen = _COLUMNS
    spare = max(0, width - sum(column.width + _GAP for column in chosen))
    extra = {"name": spare // 2, "address": spare - spare // 2}
    return tuple(replace(it, width=it.width + extra.get(it.key, 0)) for it in chosen)


def cells(status: ServerStatus, now: float, symbols: Symbols) -> dict[str, Run]:
    """Every cell of one row, by its column."""
    server, snapshot = status.server, status.snapshot
    state = status.state
    last = "" if status.answered_at is None else coarse_age(now - status.answered_at)
    return {
        "name": (clean(server.name), Tone.STRONG),
        "state": (
            f"{symbols.state[state]} {_word(state)}",
            TONE_OF_STATE.get(state, Tone.CRITICAL),
        ),
        "source": (server.source, Tone.TEXT),
        "address": (_address(server), Tone.TEXT),
        "tls": _tls(server),
        "last": (last, Tone.TEXT if status.live else Tone.QUIET),
        "mode": ((snapshot.mode or "") if snapshot else "", Tone.TEXT),
        "version": (clean(snapshot.version) if snapshot else "", Tone.TEXT),
        "interval": (age(server.every), Tone.QUIET),
    }


def _word(state: State) -> str:
    return state.replace("_", " ")


def _address(server: Server) -> str:
    """The host of a URL, FlexNet's PORT@HOST, or the command."""
    host = server.url.partition("://")[2].partition("/")[0] or server.url
    return clean(host or server.address or shlex.join(server.command))


def _tls(server: Server) -> Run:
    if not server.url:
        return ("-", Tone.QUIET)
    if server.url.startswith("http://"):
        return ("none", Tone.WARN if server.source is SourceName.WINRM else Tone.CRITICAL)
    match server.verify:
        case True:
            return ("CA", Tone.TEXT)
        case False:
            return ("off!", Tone.CRITICAL)
        case pin if pin.startswith("sha256:"):
            return ("pinned", Tone.TEXT)
        case _:
            return ("CA file", Tone.TEXT)


def details(
    status: ServerStatus, now: float, symbols: Symbols, tz: ZoneInfo | None
) -> Iterator[Line]:
    """What there is to know of one server, the most pressing first."""
    server, dot = status.server, f" {symbols.dot} "
    tone = TONE_OF_STATE.get(status.state, Tone.CRITICAL)
    facts = dot.join(_timing(status, now, tz))
    yield (
        (f"{symbols.state[status.state]} {_word(status.state)}", tone),
        (f"  {facts}", Tone.QUIET),
    )
    if status.failure is not None:
        step = f"{status.failure.step}: " if status.failure.step else ""
        yield ((f"{symbols.failed} {step}{clean(status.failure.message)}", Tone.CRITICAL),)
        if status.failure.hint:
            yield ((f"{symbols.arrow} {clean(status.failure.hint)}", Tone.ACCENT),)
    if status.snapshot is not None:
        yield from _snapshot(status.snapshot, server, symbols)
        yield from license_servers(status.snapshot.license_servers, symbols, tz)
    yield ((clean(dot.join(_way_in(server))), Tone.QUIET),)
    for warning in server_schema.warnings(server):
        yield ((f"{symbols.level[Level.WARN]} {clean(warning)}", Tone.WARN),)


def _way_in(server: Server) -> Iterator[str]:
    """How it is asked, as whom, and what else was registered of it."""
    told = (
        server.url,
        server.address,
        server.lmutil,
        shlex.join(server.command),
        server.format,
        server.customer_id and f"customer {server.customer_id}",
        server.username and f"user {server.username}",
        server.secret,
        server.auth,
        server.same_as and f"same as {server.same_as}",
        f"divided by {server.quantity_divisor}" if server.quantity_divisor > 1 else "",
    )
    yield from (part for part in told if part)


def _timing(status: ServerStatus, now: float, tz: ZoneInfo | None) -> Iterator[str]:
    if status.since is not None:
        yield f"since {moment(status.since, tz)}"
    if status.answered_at is not None:
        ago = coarse_age(now - status.answered_at)
        yield "answered just now" if ago == "now" else f"answered {ago} ago"
    if status.latency is not None and status.live:
        yield f"{status.latency * 1000:,.0f} ms"
    if status.due is not None:
        yield f"polled every {age(status.server.every)}, again at {moment(status.due, tz)[-5:]}"


def _snapshot(snapshot: Snapshot, server: Server, symbols: Symbols) -> Iterator[Line]:
    told = [
        snapshot.reported_name,
        f"mode {snapshot.mode}" if snapshot.mode else "",
        f"version {snapshot.version}" if snapshot.version else "",
        good_for(snapshot.version) if server.source is SourceName.WINRM else "",
    ]
    if snapshot.activation is not None:
        ends = snapshot.activation.expires
        until = f" until {ends.day} {ends:%b %Y}" if ends else ""
        told.append(f"LAS {snapshot.activation.status.replace('_', ' ')}{until}")
    if said := f" {symbols.dot} ".join(clean(part) for part in told if part):
        yield ((said, Tone.TEXT),)
    if snapshot.certificate is not None:
        ends = snapshot.certificate.expires
        until = f"to {ends.day} {ends:%b %Y}" if ends else "of unknown end"
        print_ = f"sha256:{snapshot.certificate.sha256[:16]}{symbols.ellipsis}"
        yield ((f"certificate {until} {symbols.dot} {print_}", Tone.TEXT),)
    for notice in snapshot.notices:
        text = ": ".join(part for part in (notice.title, notice.detail, notice.action) if part)
        yield ((f"{symbols.level[notice.level]} {clean(text)}", OF_LEVEL[notice.level]),)


def good_for(version: str) -> str:
    """What a license server of this version can take part in; "" if the version tells nothing."""
    numbers = [int(part) for part in version.split(".") if part.isdigit()]
    if len(numbers) <= _BUILD_AT:
        return ""
    insights = tuple(numbers[:2]) >= USAGE_INSIGHTS
    build = numbers[_BUILD_AT]
    las = ("LAS", "LAS online only", "too old for LAS")[
        (build < LAS_OFFLINE) + (build < LAS_ONLINE)
    ]
    return f"good for Usage Insights, {las}" if insights else f"too old for Usage Insights, {las}"
