"""The board: the current state of every server, and what follows from it.

A `Board` holds the registered servers as polled; a `MergedBoard`, which is what the engine
publishes, holds each license server once, with the totals of its products. Both are frozen and
comparable: screens repaint only what has changed.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from lictui.config.settings import AlertSettings
from lictui.errors import UsageError
from lictui.model import (
    Acknowledgement,
    AlertKey,
    AlertState,
    Failure,
    Level,
    LicenseServer,
    Model,
    Poll,
    Pool,
    PoolKey,
    Reading,
    Server,
    Snapshot,
    State,
    sum_known,
)
from lictui.products import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from lictui.config.settings import Thresholds


STALE_AFTER_POLLS: Final = 3  # polls missed


@dataclass(frozen=True, slots=True)
class FigureSource:
    """Which registered server a figure of a merged pool was read from, and which pool of it."""

    figure: str  # in_use · installed · overdraft · queued · ends · …; "pool" is the one that leads
    server: str
    key: PoolKey


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server, and the last that is known of it.

    The last fields are `together`'s: of servers that read one license server it makes one status.
    """

    server: Server
    state: State = State.WAITING
    since: float | None = None  # when the state was entered
    failure: Failure | None = None  # of the last poll, if it failed
    snapshot: Snapshot | None = None  # of the last poll that succeeded, however long ago
    polled_at: float | None = None
    last_success_at: float | None = None  # of `snapshot`
    latency: float | None = None  # seconds, of the last poll
    due: float | None = None  # when the next poll is planned
    members: tuple[ServerStatus, ...] = ()  # what this one stands for, the main server first
    figure_sources: Mapping[PoolKey, tuple[FigureSource, ...]] = field(
        default_factory=dict, hash=False
    )
    stale_pools: frozenset[PoolKey] = frozenset()  # pools that no part answers for just now
    cloud_status: LicenseServer | None = None  # how Citrix Cloud lists it

    @property
    def member_names(self) -> tuple[str, ...]:
        """The registered servers that this status stands for."""
        return tuple(part.server.name for part in self.members) or (self.server.name,)

    def history_key(self, key: PoolKey) -> tuple[str, PoolKey]:
        """The registered server, and its pool, whose past is the past of this pool."""
        whose = {origin.figure: origin for origin in self.figure_sources.get(key, ())}
        origin = whose.get("in_use") or whose.get("pool")
        return (origin.server, origin.key) if origin else (self.server.name, key)

    def member(self, name: str) -> ServerStatus:
        """The status of one registered server in this one; itself if it stands for no other."""
        return next((part for part in self.members if part.server.name == name), self)

    @property
    def is_up(self) -> bool:
        """Whether the figures of `snapshot` are those of now."""
        return self.state is State.UP


@dataclass(frozen=True, slots=True)
class Board:
    """All registered servers, in the order of the registry."""

    servers: tuple[ServerStatus, ...] = ()
    notices: tuple[str, ...] = ()  # lasting problems: a damaged file, another lictui that polls
    alert_states: tuple[AlertState, ...] | None = None  # None: alerts are not evaluated
    acknowledgements: Mapping[AlertKey, Acknowledgement] = field(default_factory=dict, hash=False)

    def find(self, name: str) -> ServerStatus | None:
        """The status of one registered server."""
        return next((status for status in self.servers if status.server.name == name), None)


def with_servers(board: Board, servers: Iterable[Server]) -> Board:
    """The board for this registry: what is known of servers that stay is kept."""
    known = {status.server.name: status for status in board.servers}
    return replace(
        board, servers=tuple(_registered(known.get(server.name), server) for server in servers)
    )


def _registered(known: ServerStatus | None, server: Server) -> ServerStatus:
    if known is None:
        return ServerStatus(server, State.WAITING if server.enabled else State.DISABLED)
    if known.server == server:
        return known
    if not server.enabled:
        return replace(known, server=server, state=State.DISABLED, failure=None, due=None)
    if not known.server.enabled:
        return replace(known, server=server, state=State.WAITING, since=None)
    return replace(known, server=server)


def apply_poll(board: Board, poll: Poll, due: float | None = None) -> Board:
    """The board after a poll; the same board if the server is not on it (it was removed)."""
    return replace(
        board,
        servers=tuple(
            _polled(status, poll, due) if status.server.name == poll.server else status
            for status in board.servers
        ),
    )


def _polled(before: ServerStatus, poll: Poll, due: float | None) -> ServerStatus:
    if isinstance(poll.result, Failure):
        after = replace(before, state=poll.result.state, failure=poll.result)
    else:
        after = replace(
            before, state=State.UP, failure=None, snapshot=poll.result, last_success_at=poll.time
        )
    since = before.since if after.state is before.state else poll.time
    return replace(after, since=since, polled_at=poll.time, latency=poll.latency, due=due)


def mark_stale(board: Board, now: float) -> Board:
    """The board at `now`: servers that were up and missed three polls become stale."""
    return replace(board, servers=tuple(_aged(status, now) for status in board.servers))


def _aged(status: ServerStatus, now: float) -> ServerStatus:
    if status.state is not State.UP or status.polled_at is None:
        return status
    every = status.due - status.polled_at if status.due else status.server.effective_interval
    missed = (now - status.polled_at) / max(every, 1.0)
    return replace(status, state=State.STALE, since=now) if missed > STALE_AFTER_POLLS else status


# Totals of a product, and the board with each license server once


class GroupBy(StrEnum):
    """What totals are summed over: all servers, the servers of a group, or one server."""

    PRODUCT = "product"
    GROUP = "group"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Total:
    """One product and model over the servers whose last poll succeeded."""

    product: str
    name: str
    model: Model
    reading: Reading  # each figure the sum of what is known; None if nothing is
    level: Level
    unknown_pools: int  # pools with a figure missing
    servers_reporting: tuple[str, ...]  # servers whose figures are in the sums
    servers_expected: tuple[str, ...]  # enabled servers that hold the product, as last read
    scope: str = ""  # the group or the server; "" for all servers

    @property
    def free(self) -> int | None:
        """Installed less in use; None when a pool's figure is missing."""
        return None if self.unknown_pools else self.reading.free

    @property
    def ratio(self) -> float | None:
        """In use as a share of installed; None when a pool's figure is missing."""
        return None if self.unknown_pools else self.reading.ratio


@dataclass(frozen=True, slots=True)
class MergedBoard:
    """A board with each license server once, however many data sources it is read from.

    Made by `merge.BoardMerger`, once for every board that the engine publishes. Totals are computed
    when first asked for, since nobody looks at every grouping, and kept.
    """

    servers: tuple[ServerStatus, ...] = ()
    registered: Board = field(default_factory=Board)
    alert_settings: AlertSettings = field(default_factory=AlertSettings)
    _totals: dict[GroupBy, tuple[Total, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def notices(self) -> tuple[str, ...]:
        """Lasting problems."""
        return self.registered.notices

    @property
    def alert_states(self) -> tuple[AlertState, ...] | None:
        """Alerts of all registered servers; None: alerts are not evaluated."""
        return self.registered.alert_states

    @property
    def acknowledgements(self) -> Mapping[AlertKey, Acknowledgement]:
        """Acknowledgements of alerts."""
        return self.registered.acknowledgements

    def find(self, name: str) -> ServerStatus | None:
        """The status of the license server that a registered server reads."""
        own = next((status for status in self.servers if status.server.name == name), None)
        if own is not None:
            return own
        return next((status for status in self.servers if name in status.member_names), None)

    def totals(self, by: GroupBy = GroupBy.PRODUCT) -> tuple[Total, ...]:
        """Every counted product and model, in the order of their first appearance."""
        if by not in self._totals:
            self._totals[by] = _totals(self, by)
        return self._totals[by]


def is_reporting(status: ServerStatus, pool: Pool | None = None) -> bool:
    """Whether the last poll of this server succeeded, so that its figures may be summed.

    A merged server may be reporting except for one `pool`, whose data source is not.
    """
    return (
        status.snapshot is not None
        and status.failure is None
        and status.state is not State.DISABLED
        and not (pool and status.stale_pools and pool.key in status.stale_pools)
    )


def is_incomplete(reading: Reading) -> bool:
    """Whether a figure that the ratio needs could not be read."""
    return reading.in_use is None or reading.installed is None


def sum_readings(pools: Sequence[Pool]) -> Reading:
    """The sum of each figure over the pools that have it."""
    if len(pools) == 1:
        return pools[0].reading
    readings = [pool.reading for pool in pools]
    return Reading(
        sum_known(reading.in_use for reading in readings),
        sum_known(reading.installed for reading in readings),
        sum_known(reading.overdraft for reading in readings),
    )


def scope_name(status: ServerStatus, by: GroupBy) -> str:
    """The scope that the figures of a server are summed into."""
    match by:
        case GroupBy.GROUP:
            return status.server.group
        case GroupBy.SERVER:
            return status.server.name
        case _:
            return ""


def total_thresholds(settings: AlertSettings, scope: str, product: str, by: GroupBy) -> Thresholds:
    """The thresholds that apply to a total."""
    return settings.thresholds_for(
        group=scope if by is GroupBy.GROUP else "",
        server=scope if by is GroupBy.SERVER else "",
        product=product,
    )


@dataclass(slots=True)
class _Sum:
    name: str
    pools: list[Pool] = field(default_factory=list)
    reporting: dict[str, None] = field(default_factory=dict)  # in order, each once
    expected: dict[str, None] = field(default_factory=dict)


def _totals(board: MergedBoard, by: GroupBy) -> tuple[Total, ...]:
    sums: dict[tuple[str, str, Model], _Sum] = {}
    for status in board.servers:
        if status.snapshot is None or not status.server.enabled:
            continue
        scope, name = scope_name(status, by), status.server.name
        for pool in status.snapshot.pools:
            if not pool.counted:
                continue
            key = (scope, pool.product, pool.model)
            if (total := sums.get(key)) is None:
                total = sums[key] = _Sum(pool.name)
            total.expected[name] = None
            if is_reporting(status, pool):
                total.pools.append(pool)
                total.reporting[name] = None
    return tuple(_total(key, total, board.alert_settings, by) for key, total in sums.items())


def _total(key: tuple[str, str, Model], total: _Sum, settings: AlertSettings, by: GroupBy) -> Total:
    scope, product, model = key
    reading = sum_readings(total.pools)
    unknown = sum(is_incomplete(pool.reading) for pool in total.pools)
    limits = total_thresholds(settings, scope, product, by)
    return Total(
        product=product,
        name=total.name,
        model=model,
        reading=reading,
        level=Level.UNKNOWN if unknown else reading.level(limits.warn, limits.critical),
        unknown_pools=unknown,
        servers_reporting=tuple(total.reporting),
        servers_expected=tuple(total.expected),
        scope=scope,
    )


# Which servers and products a filter lets through. Pure; the same for `status` and the screens


Item = TypeVar("Item")
MAX_FILTER_LENGTH: Final = 200  # characters; nobody types more, and a longer one may take for ever


@dataclass(frozen=True, slots=True)
class Filter:
    """A regular expression over names, groups and products. Without one it lets all through."""

    pattern: re.Pattern[str] | None = None
    inverted: bool = False

    @classmethod
    def parse(cls, text: str) -> Filter:
        """`text` as typed: case does not count, a leading `!` inverts, nothing matches all.

        Raises UsageError that says where the expression breaks.
        """
        inverted = text.startswith("!")
        text = text.removeprefix("!").strip()
        if not text:
            return MATCH_ALL
        if len(text) > MAX_FILTER_LENGTH:
            raise UsageError(
                f"a filter has at most {MAX_FILTER_LENGTH} characters, not {len(text)}"
            )
        try:
            with warnings.catch_warnings():
                # `[[` may mean something else one day: no reason to write over the screen.
                warnings.simplefilter("ignore", FutureWarning)
                return cls(re.compile(text, re.IGNORECASE), inverted)
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(f"not a regex: {error}", "write \\ before ( ) [ ] * + ? .") from None

    def __call__(self, words: Iterable[str]) -> bool:
        """Whether a thing known by these words is let through."""
        if self.pattern is None:
            return True
        found = any(self.pattern.search(word) for word in words)
        return found is not self.inverted

    def select(
        self,
        names: Iterable[str],
        parts: tuple[Item, ...],
        words: Callable[[Item], Iterable[str]],
    ) -> tuple[Item, ...] | None:
        """The parts of a whole that are let through; None if nothing of it is.

        A whole is found by its names with everything in it, and hidden by them with everything in
        it; where they do not decide, each part is judged by its own words.
        """
        named = self(names)
        if self.pattern is None or named is not self.inverted:
            return parts if named else None
        kept = tuple(part for part in parts if self(words(part)))
        return kept if kept or (named and not parts) else None


MATCH_ALL: Final = Filter()


@lru_cache(maxsize=4096)
def product_search_terms(code: str, name: str, model: Model) -> tuple[str, ...]:
    """What a product is known by: its code, its name, and the name as the screen shortens it."""
    return code, name, Product(code, name, model).short_name


def filter_board(board: Board, wanted: Filter) -> Board:
    """The board of what is let through: whole servers by name or group, else single products."""
    if wanted.pattern is None:
        return board
    kept = (_matching(status, wanted) for status in board.servers)
    return replace(board, servers=tuple(status for status in kept if status is not None))


def _matching(status: ServerStatus, wanted: Filter) -> ServerStatus | None:
    server, snapshot = status.server, status.snapshot
    pools = wanted.select(
        (server.name, server.group),
        snapshot.pools if snapshot else (),
        lambda pool: product_search_terms(pool.product, pool.name, pool.model),
    )
    if pools is None or snapshot is None:
        return None if pools is None else status
    return replace(status, snapshot=replace(snapshot, pools=pools))


# Why a figure is what it is: its formula, the values in it, who told it, and when


FIGURE_NAMES: Final = (
    "installed",
    "overdraft",
    "in_use",
    "queued",
    "ends",
    "license_type",
    "vendor",
)
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Provenance:
    """One figure of a pool."""

    name: str  # one of FIGURES
    value: str  # "?" where nobody could tell
    formula: str  # with the values put in; the bare formula where they are not kept
    server: str  # the registered server it was read from
    source: str
    read_at: float | None  # UTC epoch seconds


@dataclass(frozen=True, slots=True)
class RawFields:
    """What one registered server itself said of a pool."""

    server: str
    source: str
    read_at: float | None
    raw: tuple[tuple[str, str], ...]  # empty where it was read before this start


def provenance(status: ServerStatus, pool: Pool) -> tuple[Provenance, ...]:
    """Every figure of a pool that somebody told, and those that should be known in any case."""
    found = []
    whose = {origin.figure: origin for origin in status.figure_sources.get(pool.key, ())}
    for name in FIGURE_NAMES:
        value = _value(pool, name)
        if not value and name not in FIGURE_NAMES[:3]:
            continue
        origin = whose.get(name) or whose.get("pool")
        part = status.member(origin.server) if origin else status
        own = _pool(part, origin.key if origin else pool.key) or pool
        filled = substitute(dict(own.formulas).get(name, ""), own.raw_fields) if value else ""
        source = part.server.source.value
        at = part.last_success_at
        found.append(Provenance(name, value or "?", filled, part.server.name, source, at))
    return tuple(found)


def raw_fields(status: ServerStatus, pool: Pool) -> tuple[RawFields, ...]:
    """The server's own fields, of every registered server that a figure is from."""
    whose = dict.fromkeys(
        (origin.server, origin.key) for origin in status.figure_sources.get(pool.key, ())
    )
    return tuple(_fields(status, whose or {(status.server.name, pool.key): None}))


def _fields(status: ServerStatus, whose: dict[tuple[str, PoolKey], None]) -> Iterator[RawFields]:
    for server, key in whose:
        part = status.member(server)
        own = _pool(part, key)
        raw = own.raw_fields if own else ()
        yield RawFields(part.server.name, part.server.source.value, part.last_success_at, raw)


def substitute(formula: str, raw: Sequence[tuple[str, str]]) -> str:
    """`Count - Overdraft` as `Count 550 - Overdraft 50`; of several rows the values add up."""
    known: dict[str, list[str]] = {}
    for name, value in raw:
        known.setdefault(name.casefold(), []).append(value)

    def put(found: re.Match[str]) -> str:
        said = known.get(found[0].casefold())
        if not said:
            return found[0]
        return f"{found[0]} {said[0]}" if len(said) == 1 else f"{found[0]} ({' + '.join(said)})"

    return _WORD.sub(put, formula)


def _pool(part: ServerStatus, key: PoolKey) -> Pool | None:
    pools = part.snapshot.pools if part.snapshot else ()
    return next((pool for pool in pools if pool.key == key), None)


def _value(pool: Pool, name: str) -> str:
    if name == "ends":
        return "never" if pool.permanent else f"{pool.expires:%Y-%m-%d}" if pool.expires else ""
    value = getattr(pool.reading if name in FIGURE_NAMES[:3] else pool, name)
    return f"{value:,}" if isinstance(value, int) else str(value or "")
