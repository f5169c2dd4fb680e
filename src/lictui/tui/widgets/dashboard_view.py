"""What the dashboard shows, as frozen values: a pane for each server, a row for each pool.

Equal values are not drawn again, so ages are coarse and an unchanged server keeps its pane.
"""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from lictui.clock import DAY
from lictui.engine.board import (
    MATCH_ALL,
    Board,
    Filter,
    MergedBoard,
    ServerStatus,
    product_search_terms,
)
from lictui.engine.entitlements import ExpiryKind, server_expiries
from lictui.model import (
    Level,
    LicenseServer,
    Model,
    Pool,
    PoolKey,
    Reading,
    ReportingStatus,
    State,
)
from lictui.products import Product
from lictui.tui import text
from lictui.tui.text import Fragment, Tone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from lictui.config.settings import AlertSettings, Thresholds

SORTS: Final = ("registry", "name", "ratio", "free", "alerts")
RowId = tuple[str, "PoolKey | None"]  # server and pool; without a pool the server itself


class CurrentTime(Struct, frozen=True):
    """When the board is looked at: ages and days are counted from here."""

    now: float
    today: date


class RowView(Struct, frozen=True):
    """One pool."""

    server: str
    key: PoolKey
    name: str
    model: Model
    reading: Reading
    level: Level
    limits: Thresholds
    counted: bool
    stale_age: str = ""  # how old the figures are, if the last poll did not bring them
    search_terms: tuple[str, ...] = ()  # what a filter matches
    queued: int = 0  # requests that wait for a license

    @property
    def id(self) -> RowId:
        return self.server, self.key


class PaneView(Struct, frozen=True):
    """One server. What only its drawing needs is derived when it is drawn: few panes are seen."""

    status: ServerStatus
    limits: Thresholds  # for what expires
    time: CurrentTime
    rows: tuple[RowView, ...] = ()
    uncounted: tuple[RowView, ...] = ()  # folded into one line
    polling: bool = False

    @property
    def server(self) -> str:
        return self.status.server.name

    @property
    def group(self) -> str:
        return self.status.server.group

    @property
    def state(self) -> State:
        return self.status.state

    @property
    def ids(self) -> tuple[RowId, ...]:
        return tuple(row.id for row in self.rows) or ((self.server, None),)

    @property
    def age(self) -> str:
        """The age of the state when it is not up, else of the figures."""
        state_age, figures_age, *_ = _ages(self.status, self.time.now)
        return figures_age if self.status.is_up else state_age

    @property
    def source(self) -> str:
        """The sources it is read with, and whether one of them does not verify TLS."""
        members = self.status.members or (self.status,)
        servers = [member.server for member in members if member.state is not State.DISABLED]
        servers = servers or [self.status.server]
        sources = "+".join(dict.fromkeys(server.source.value for server in servers))
        insecure = any(server.verify is False for server in servers)
        return f"{sources} TLS off!" if insecure else sources

    @property
    def identity(self) -> str:
        """The name and version it reports."""
        snapshot = self.status.snapshot
        return f"{snapshot.reported_name} {snapshot.version}".strip() if snapshot else ""

    @property
    def mode(self) -> str:
        """How it is activated, and until when."""
        snapshot = self.status.snapshot
        mode = snapshot.mode.value if snapshot and snapshot.mode else ""
        if snapshot and snapshot.activation and snapshot.activation.expires:
            day = text.format_date(snapshot.activation.expires, self.time.today)
            return f"{mode} to {day}".strip()
        return mode

    @property
    def reason(self) -> tuple[str, ...]:
        """Why there are no figures, and what to do."""
        status = self.status
        if reason := _REASONS.get(status.state):
            return (reason,)
        if status.failure:
            return tuple(filter(None, (status.failure.message, status.failure.hint)))
        is_empty = status.is_up and status.snapshot and not status.snapshot.pools
        return ("responded without license data",) if is_empty else ()

    @property
    def notes(self) -> tuple[Fragment, ...]:
        """The bottom line."""
        expiring = expiry_notes(self.status, self.limits, self.time.today)
        notes = (*expiring, *side_notes(self.status, self.time.now, self.time.today))
        dotted = chain.from_iterable(zip(repeat((" · ", Tone.FRAME)), notes, strict=False))
        return tuple(dotted)[1:]


_REASONS: Final = {
    State.WAITING: "waiting for the first poll",
    State.DISABLED: "disabled",
    State.STALE: "no response for three polling intervals",
}


class DashboardFilter(Struct, frozen=True):
    """Which panes are shown, and in which order."""

    group: str = ""
    filter: Filter = MATCH_ALL
    sort: str = SORTS[0]
    reverse: bool = False
    maximized: str = ""  # the server whose pane is the only one shown
    problems_only: bool = False


# Panes


class PaneBuilder:
    """Makes the panes of a board; an unchanged server keeps its pane object."""

    def __init__(self) -> None:
        self._panes: dict[str, tuple[ServerStatus, tuple[object, ...], PaneView]] = {}

    def build(
        self,
        board: MergedBoard,
        alerts: AlertSettings,
        time: CurrentTime,
        pending: frozenset[str] = frozenset(),
    ) -> tuple[PaneView, ...]:
        before, self._panes = self._panes, {}
        for status in board.servers:
            polling = not pending.isdisjoint(status.member_names)
            notes = side_notes(status, time.now, time.today)
            context = (_ages(status, time.now), notes, time.today, alerts, polling)
            built = before.get(status.server.name)
            if built is None or built[0] is not status or built[1] != context:
                built = status, context, build_pane(status, alerts, time, polling=polling)
            self._panes[status.server.name] = built
        return tuple(pane for _, _, pane in self._panes.values())


def build_pane(
    status: ServerStatus, alerts: AlertSettings, time: CurrentTime, *, polling: bool = False
) -> PaneView:
    """The pane of one server."""
    rows = tuple(_rows(status, alerts, time.now))
    counted = tuple(row for row in rows if row.counted)
    uncounted = rows[len(counted) :] if counted else ()
    limits = alerts.thresholds_of(status.server)
    return PaneView(status, limits, time, counted or rows, uncounted, polling)


def _ages(status: ServerStatus, now: float) -> tuple[str, ...]:
    """The age of the state, of the figures, and of each stale pool."""
    state_age = "" if status.since is None else text.format_coarse_age(now - status.since)
    stale_ages = (_stale_age(status, key, now) for key in sorted(status.stale_pools))
    return state_age, _figures_age(status, now), *stale_ages


def _figures_age(status: ServerStatus, now: float) -> str:
    last = status.last_success_at
    return "" if last is None else text.format_coarse_age(now - last)


def _stale_age(status: ServerStatus, key: PoolKey, now: float) -> str:
    return _figures_age(status.member(status.history_key(key)[0]), now)


def _rows(status: ServerStatus, alerts: AlertSettings, now: float) -> Iterator[RowView]:
    """A row for each pool, those that are counted first."""
    server = status.server
    pools = status.snapshot.pools if status.snapshot else ()
    server_age = "" if status.is_up else _figures_age(status, now)
    for pool in sorted(pools, key=lambda pool: not pool.counted):
        limits = alerts.thresholds_of(server, pool.product)
        terms = product_search_terms(pool.product, pool.name, pool.model)
        key, age = pool.key, server_age
        if status.is_up and key in status.stale_pools:
            age = _stale_age(status, key, now)
        yield RowView(
            server.name,
            key,
            pool_name(pool, pools),
            pool.model,
            pool.reading,
            pool.reading.level(limits.warn, limits.critical),
            limits,
            pool.counted,
            age,
            terms,
            pool.queued or 0,
        )


def pool_name(pool: Pool, pools: Sequence[Pool]) -> str:
    """The name of a product, and what distinguishes it from the other pools of its server."""
    name = Product(pool.product, pool.name, pool.model).short_name
    is_unique = sum(other.product == pool.product for other in pools) == 1
    if pool.subscription_date and not is_unique:
        name = f"{name} SA {pool.subscription_date:%Y-%m}"
    if pool.vendor.casefold() not in ("", "citrix"):
        name = f"{name} ({pool.vendor})"
    return name


# The bottom line of a pane: what expires soon, other sources, and uploads to Citrix


_QUIET_STATES: Final = (State.UP, State.DISABLED)
_STATE_TONES: Final = {State.WAITING: Tone.QUIET, State.NO_DATA: Tone.QUIET}


def expiry_notes(status: ServerStatus, limits: Thresholds, today: date) -> Iterator[Fragment]:
    """Licenses that expire and subscriptions that end within the warning time."""
    days: dict[ExpiryKind, list[int]] = {}
    for expiry in server_expiries(status):
        days.setdefault(expiry.kind, []).append((expiry.day - today).days)
    subscriptions = [left for left in days.get(ExpiryKind.SUBSCRIPTION, ()) if left >= 0]
    licenses = days.get(ExpiryKind.LICENSES, [])
    for left, subject in ((licenses, "licenses expire"), (subscriptions, "SA ends")):
        soon = sorted(day for day in left if day <= limits.expiry_warn)
        if soon:
            tone = Tone.CRITICAL if soon[0] <= limits.expiry_critical else Tone.WARN
            verb = "licenses expired" if soon[0] < 0 else subject
            count = f" ({len(soon)} license types)" if len(soon) > 1 else ""
            yield f"{verb} {text.format_days_until(soon[0])}{count}", tone


def side_notes(status: ServerStatus, now: float, today: date) -> tuple[Fragment, ...]:
    """Other sources of the server that do not respond, and its uploads to Citrix."""
    return (*_member_notes(status), *_upload_notes(status.cloud_status, now, today))


def _member_notes(status: ServerStatus) -> Iterator[Fragment]:
    for member in status.members:
        same = member.state is status.state and member.failure == status.failure
        if member.state not in _QUIET_STATES and not same:
            note = f"{member.server.source} {member.state.replace('_', ' ')}"
            yield note, _STATE_TONES.get(member.state, Tone.WARN)


def _upload_notes(entry: LicenseServer | None, now: float, today: date) -> Iterator[Fragment]:
    if entry is None:
        return
    days = None if entry.last_reported is None else max(0, int(now - entry.last_reported)) // DAY
    match entry.status:
        case ReportingStatus.REPORTING:
            day = today.fromordinal(max(1, today.toordinal() - (days or 0)))
            when = text.format_date(day, today) if days else "today"
            yield "usage upload" + ("" if days is None else f": {when}"), Tone.QUIET
        case ReportingStatus.NOT_REPORTING:
            since = "" if days is None else f" for {days} d"
            yield f"no usage upload{since}", Tone.CRITICAL
        case ReportingStatus.NEVER_REPORTED:
            yield "usage never uploaded", Tone.WARN
        case ReportingStatus.EXPIRED:
            yield "expired (according to Citrix)", Tone.CRITICAL


def pending_polls(requested: frozenset[str], before: Board, after: Board) -> frozenset[str]:
    """Of the servers that were polled by hand, those whose poll has not come back yet."""
    return frozenset(
        name
        for name in requested
        if (old := before.find(name)) and (new := after.find(name))
        if old.polled_at == new.polled_at
    )


# Selection and order


def select_panes(panes: Sequence[PaneView], view: DashboardFilter) -> tuple[PaneView, ...]:
    """The panes that `view` selects, in its order; groups stay together."""
    selected = [
        match
        for pane in panes
        if view.group in ("", pane.group) and view.maximized in ("", pane.server)
        if not view.problems_only
        or (pane.state is not State.WAITING and _severity(pane) != (True, 1))
        if (match := _matching(pane, view)) is not None
    ]
    if key := _SORT_KEYS.get(view.sort):
        selected.sort(key=key)
    if view.reverse:
        selected.reverse()
    order = {group: at for at, group in enumerate(dict.fromkeys(pane.group for pane in panes))}
    return tuple(sorted(selected, key=lambda pane: order[pane.group]))


def _matching(pane: PaneView, view: DashboardFilter) -> PaneView | None:
    """The pane with the rows that match, if any; those not counted unless they are folded."""
    is_folded = not (view.maximized or view.filter.pattern)
    rows = pane.rows if is_folded else (*pane.rows, *pane.uncounted)
    matching = view.filter.select((pane.server, pane.group), rows, lambda row: row.search_terms)
    if matching is None:
        return None
    return pane if is_folded else replace(pane, rows=tuple(matching), uncounted=())


def _least(pane: PaneView, figure: Callable[[Reading], float | None], unknown: float) -> float:
    figures = (figure(row.reading) for row in pane.rows if row.counted)
    return min((known for known in figures if known is not None), default=unknown)


_LEVELS: Final = (Level.WARN, Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED)


def _severity(pane: PaneView) -> tuple[bool, int]:
    worst = max((_LEVELS.index(row.level) for row in pane.rows if row.level in _LEVELS), default=-1)
    return pane.state in _QUIET_STATES, -worst


_SORT_KEYS: Final[dict[str, Callable[[PaneView], Any]]] = {
    "name": lambda pane: pane.server.casefold(),
    "ratio": lambda pane: _least(pane, lambda reading: reading.ratio and -reading.ratio, 1.0),
    "free": lambda pane: _least(pane, lambda reading: reading.free, float("inf")),
    "alerts": _severity,
}
