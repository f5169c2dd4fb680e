"""What the wall shows, as frozen values: a pane for each server, a row for each pool.

Pure: board and settings in, view models out; equal means nothing is repainted. Must not know
colours, widths, or widgets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final

from lictui.engine.board import (
    MATCH_ALL,
    Board,
    Filter,
    MergedBoard,
    ServerStatus,
    product_search_terms,
)
from lictui.model import (
    Level,
    LicenseServer,
    Model,
    Pool,
    PoolKey,
    Reading,
    ReportingStatus,
    Snapshot,
    State,
)
from lictui.tui import text
from lictui.tui.text import Fragment, Tone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from lictui.config.settings import AlertSettings, Thresholds


# The bottom line of a pane, in few words: what ends soon, what else reads the server, and Citrix


_DAY: Final = 86400
_QUIET: Final = (State.UP, State.DISABLED)
_TONE: Final = {State.WAITING: Tone.QUIET, State.NO_DATA: Tone.QUIET}
_REPORTING: Final = {
    ReportingStatus.REPORTING: Tone.QUIET,
    ReportingStatus.NOT_REPORTING: Tone.CRITICAL,
    ReportingStatus.NEVER_REPORTED: Tone.WARN,
    ReportingStatus.EXPIRED: Tone.CRITICAL,
}


def join_dotted(runs: Iterable[Fragment]) -> tuple[Fragment, ...]:
    """The notes with something between each two."""
    return tuple(chain.from_iterable(zip(repeat((" · ", Tone.FRAME)), runs, strict=False)))[1:]


def expiry_notes(pools: Sequence[Pool], limits: Thresholds, today: date) -> Iterator[Fragment]:
    """What ends within the warning time, soonest first."""
    counted = [pool for pool in pools if pool.counted]
    expires = [(p.expires - today).days for p in counted if p.expires and not p.permanent]
    subscriptions = [
        (p.subscription_date - today).days
        for p in counted
        if p.subscription_date and p.subscription_date >= today
    ]
    for days, one, many in (
        (expires, "license expires", "licenses expire"),
        (subscriptions, "SA date ends", "SA dates end"),
    ):
        soon = sorted(day for day in days if day <= limits.expiry_warn)
        if soon:
            tone = Tone.CRITICAL if soon[0] <= limits.expiry_critical else Tone.WARN
            words = one if len(soon) == 1 else many
            yield f"{len(soon)} {words} {text.format_days_until(soon[0])}", tone


def side_notes(status: ServerStatus, now: float, today: date) -> tuple[Fragment, ...]:
    """Other ways to read the server that tell nothing, and how it reports to Citrix."""
    if not status.members and status.cloud_status is None:
        return ()
    return (
        *_parts(status),
        *(_reports(status.cloud_status, now, today) if status.cloud_status else ()),
    )


def _parts(status: ServerStatus) -> Iterator[Fragment]:
    for part in status.members:
        own = part.state is status.state and part.failure == status.failure
        if part.state not in _QUIET and not own:
            said = f"{part.server.source} {part.state.replace('_', ' ')}"
            yield said, _TONE.get(part.state, Tone.WARN)


def _reports(listed: LicenseServer, now: float, today: date) -> Iterator[Fragment]:
    tone = _REPORTING[listed.status]
    last = listed.last_reported
    match listed.status:
        case ReportingStatus.REPORTING:
            yield "reports to Citrix", tone
            if last is not None:
                days = int(now - last) // _DAY
                yield (text.format_date(_before(today, days), today) if days else "today"), tone
        case ReportingStatus.NOT_REPORTING:
            since = "" if last is None else f" for {max(0, int(now - last)) // _DAY} d"
            yield f"not reporting{since}", tone
        case ReportingStatus.NEVER_REPORTED:
            yield "never reported to Citrix", tone
        case ReportingStatus.EXPIRED:
            yield "expired, says Citrix", tone


def _before(today: date, days: int) -> date:
    return type(today).fromordinal(max(1, today.toordinal() - days))


RowId = tuple[str, "PoolKey | None"]  # server and pool; without a pool the server itself
SORTS: Final = ("registry", "name", "ratio", "free", "alerts")


@dataclass(frozen=True, slots=True)
class RowView:
    """One pool."""

    server: str
    key: PoolKey
    name: str
    model: Model
    reading: Reading
    level: Level
    limits: Thresholds
    counted: bool
    stale_age: str = ""  # how old the figures are, when they are not those of now
    search_words: tuple[str, ...] = ()  # what a filter looks in
    queued: int = 0  # requests that wait for a license

    @property
    def id(self) -> RowId:
        """What the cursor remembers."""
        return self.server, self.key


@dataclass(frozen=True, slots=True)
class PaneView:
    """One server."""

    server: str
    group: str
    state: State
    age: str  # of the state when it is not up, else of the figures
    source: str = ""
    identity: str = ""  # the name and version it reports
    mode: str = ""
    reason: tuple[str, ...] = ()  # why there are no figures, and what to do
    rows: tuple[RowView, ...] = ()
    notes: tuple[Fragment, ...] = ()  # what ends soon
    polling: bool = False

    @property
    def ids(self) -> tuple[RowId, ...]:
        """Where the cursor can stand."""
        return tuple(row.id for row in self.rows) or ((self.server, None),)


@dataclass(frozen=True, slots=True)
class DashboardFilter:
    """What the user wants to see of the board, and in which order."""

    group: str = ""
    filter: Filter = MATCH_ALL
    sort: str = SORTS[0]
    reverse: bool = False
    maximized: str = ""  # the one server whose pane is maximised


@dataclass(frozen=True, slots=True)
class CurrentTime:
    """When the board is looked at: what ages and days are counted from."""

    now: float
    today: date


class PaneBuilder:
    """Makes the panes of a board; one whose server has not changed is the same object again."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[ServerStatus, tuple[object, ...], PaneView]] = {}

    def build(
        self,
        board: MergedBoard,
        alerts: AlertSettings,
        moment: CurrentTime,
        polling: frozenset[str] = frozenset(),
    ) -> tuple[PaneView, ...]:
        """The panes in the order of the registry."""
        made = {
            status.server.name: self._pane(status, alerts, moment, polling)
            for status in board.servers
        }
        self._made = made
        return tuple(view for _, _, view in made.values())

    def _pane(
        self,
        status: ServerStatus,
        alerts: AlertSettings,
        moment: CurrentTime,
        polling: frozenset[str],
    ) -> tuple[ServerStatus, tuple[object, ...], PaneView]:
        name = status.server.name
        beside = side_notes(status, moment.now, moment.today)
        asked = not polling.isdisjoint(status.member_names) if status.members else name in polling
        rest = (_ages(status, moment.now), beside, moment.today, alerts, asked)
        known = self._made.get(name)
        if known and known[0] is status and known[1] == rest:
            return known
        return status, rest, build_pane(status, alerts, moment, polling=asked)


def _ages(status: ServerStatus, now: float) -> tuple[str, ...]:
    """How long the state has lasted, and how old the figures are; coarse, so that idle is idle.

    Then the age of each pool that only figures of before are known of.
    """
    since = "" if status.since is None else text.format_coarse_age(now - status.since)
    return (
        since,
        _age(status, now),
        *(_lapse(status, key, now) for key in sorted(status.stale_pools)),
    )


def _age(status: ServerStatus, now: float) -> str:
    return (
        ""
        if status.last_success_at is None
        else text.format_coarse_age(now - status.last_success_at)
    )


def _lapse(status: ServerStatus, key: PoolKey, now: float) -> str:
    return _age(status.member(status.history_key(key)[0]), now)


def build_pane(
    status: ServerStatus, alerts: AlertSettings, moment: CurrentTime, *, polling: bool = False
) -> PaneView:
    """One server as it is shown."""
    server, snapshot = status.server, status.snapshot
    since, figures, *_ = _ages(status, moment.now)
    pools = sorted(snapshot.pools, key=lambda pool: not pool.counted) if snapshot else ()
    products = [pool.product for pool in pools]
    return PaneView(
        server.name,
        server.group,
        status.state,
        figures if status.is_up else since,
        _source(status),
        text.strip_controls(f"{snapshot.reported_name} {snapshot.version}".strip())
        if snapshot
        else "",
        _mode(snapshot, moment.today) if snapshot else "",
        _reason(status),
        tuple(
            _row(
                status, pool, alerts, _stale(status, pool, moment.now), products.count(pool.product)
            )
            for pool in pools
        ),
        _notes(status, pools, alerts, moment),
        polling,
    )


def _stale(status: ServerStatus, pool: Pool, now: float) -> str:
    """How old the figures of a pool are, where they are not those of now."""
    if status.is_up and not (status.stale_pools and pool.key in status.stale_pools):
        return ""
    return _lapse(status, pool.key, now) if status.is_up else _age(status, now)


def _source(status: ServerStatus) -> str:
    """The ways it is read with, and whether one of them trusts anybody."""
    parts = status.members or (status,)
    asked = [part.server for part in parts if part.state is not State.DISABLED] or [status.server]
    said = "+".join(dict.fromkeys(server.source.value for server in asked))
    return f"{said} TLS off!" if any(server.verify is False for server in asked) else said


def _mode(snapshot: Snapshot, today: date) -> str:
    mode = snapshot.mode.value if snapshot.mode else ""
    if snapshot.activation and snapshot.activation.expires:
        return f"{mode} to {text.format_date(snapshot.activation.expires, today)}".strip()
    return mode


def _reason(status: ServerStatus) -> tuple[str, ...]:
    match status.state:
        case State.WAITING:
            return ("waiting for the first answer",)
        case State.DISABLED:
            return ("disabled: not polled",)
        case State.STALE:
            return ("no poll has come back for three intervals",)
        case _ if status.failure:
            return tuple(filter(None, (status.failure.message, status.failure.hint)))
        case State.UP if status.snapshot and not status.snapshot.pools:
            return ("answers, and has no licenses",)
        case _:
            return ()


def _row(
    status: ServerStatus, pool: Pool, alerts: AlertSettings, stale: str, twins: int
) -> RowView:
    server = status.server
    limits = alerts.thresholds_for(group=server.group, server=server.name, product=pool.product)
    words = product_search_terms(pool.product, pool.name, pool.model)
    name = text.strip_controls(words[-1])
    if twins > 1 and pool.subscription_date:
        name = f"{name} SA {pool.subscription_date:%Y-%m}"
    if pool.vendor.casefold() not in ("", "citrix"):
        name = f"{name} ({text.strip_controls(pool.vendor)})"
    return RowView(
        server.name,
        pool.key,
        name,
        pool.model,
        pool.reading,
        pool.reading.level(limits.warn, limits.critical),
        limits,
        pool.counted,
        stale,
        words,
        pool.queued or 0,
    )


def _notes(
    status: ServerStatus, pools: Sequence[Pool], alerts: AlertSettings, moment: CurrentTime
) -> tuple[Fragment, ...]:
    limits = alerts.thresholds_for(group=status.server.group, server=status.server.name)
    ends = expiry_notes(pools, limits, moment.today)
    return join_dotted((*ends, *side_notes(status, moment.now, moment.today)))


def pending_polls(asked: frozenset[str], before: Board, after: Board) -> frozenset[str]:
    """Of the servers that were asked by hand, those that no poll has come back from yet."""
    return frozenset(
        name
        for name in asked
        if (was := before.find(name))
        and (now := after.find(name))
        and was.polled_at == now.polled_at
    )


def select_panes(panes: Sequence[PaneView], wanted: DashboardFilter) -> tuple[PaneView, ...]:
    """The panes that are wanted, filtered and in order; groups stay together."""
    kept = [
        narrowed
        for pane in panes
        if wanted.group in ("", pane.group) and wanted.maximized in ("", pane.server)
        if (narrowed := _narrowed(pane, wanted.filter)) is not None
    ]
    if key := _SORT_KEYS.get(wanted.sort):
        kept.sort(key=key)
    if wanted.reverse:
        kept.reverse()
    order = {name: at for at, name in enumerate(dict.fromkeys(pane.group for pane in panes))}
    kept.sort(key=lambda pane: order[pane.group])
    return tuple(kept)


def _narrowed(pane: PaneView, wanted: Filter) -> PaneView | None:
    rows = wanted.select((pane.server, pane.group), pane.rows, lambda row: row.search_words)
    if rows is None:
        return None
    return pane if len(rows) == len(pane.rows) else replace(pane, rows=rows)


def _fullest(pane: PaneView) -> float:
    ratios = [row.reading.ratio for row in pane.rows if row.counted]
    return -max((ratio for ratio in ratios if ratio is not None), default=-1.0)


def _least_free(pane: PaneView) -> float:
    free = [row.reading.free for row in pane.rows if row.counted]
    return min((figure for figure in free if figure is not None), default=float("inf"))


_WORSE: Final = (Level.WARN, Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED)


def _trouble(pane: PaneView) -> tuple[bool, int]:
    worst = max((_WORSE.index(r.level) for r in pane.rows if r.level in _WORSE), default=-1)
    return pane.state in (State.UP, State.DISABLED), -worst


_SORT_KEYS: Final[dict[str, Callable[[PaneView], Any]]] = {
    "name": lambda pane: pane.server.casefold(),
    "ratio": _fullest,
    "free": _least_free,
    "alerts": _trouble,
}
