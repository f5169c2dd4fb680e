"""The board: the current state of every server, and what follows from it.

A `Board` holds the registered servers as polled; a `MergedBoard`, which is what the engine
publishes, holds each license server once, with the totals of its products. Both are frozen and
comparable: screens repaint only what has changed.
"""

from __future__ import annotations

import re
import warnings
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from lictui.config.settings import AlertSettings
from lictui.errors import UsageError
from lictui.model import (
    LEVELS_ABOVE_WARN,
    Acknowledgement,
    AlertKey,
    AlertState,
    Failure,
    FailureKind,
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
    Steps,
    moved,
    sum_known,
)
from lictui.products import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from lictui.config.settings import Thresholds


STALE_AFTER_POLLS: Final = 3  # missing polls
FUTURE: Final = 300.0  # seconds ahead of the clock: more than two machines may differ


class FigureSource(Struct, frozen=True):
    """The registered server, and its pool, that a figure of a merged pool was taken from."""

    figure: str  # in_use · installed · overdraft · queued · ends · …; "pool": the pool as a whole
    server: str
    key: PoolKey


class ServerStatus(Struct, frozen=True):
    """One server and what is known of it.

    The last fields are set by `merge`, for a license server that several servers read.
    """

    server: Server
    state: State = State.WAITING
    since: float | None = None  # when the state was entered
    failure: Failure | None = None  # of the last poll, if it failed
    snapshot: Snapshot | None = None  # of the last successful poll, however long ago
    polled_at: float | None = None
    last_success_at: float | None = None  # of `snapshot`
    latency: float | None = None  # seconds, of the last poll
    due: float | None = None  # when the next poll is planned
    polls: int = 0  # by this process
    failed_polls: Mapping[FailureKind, int] = field(default_factory=dict)
    recorded_pools: tuple[Pool, ...] = ()  # in the history, of a server without a snapshot
    members: tuple[ServerStatus, ...] = ()  # the merged servers, the main one first
    figure_sources: Mapping[PoolKey, tuple[FigureSource, ...]] = field(default_factory=dict)
    stale_pools: frozenset[PoolKey] = frozenset()  # pools whose data source does not respond now
    cloud_status: LicenseServer | None = None  # its entry in Citrix Cloud's list
    # By product: in use on the other servers of its entitlement, which share the licenses
    used_elsewhere: Mapping[str, int] = field(default_factory=dict)
    steps: Steps = ()  # of the last poll

    @property
    def member_names(self) -> tuple[str, ...]:
        """The registered servers that this status was merged from."""
        return tuple(part.server.name for part in self.members) or (self.server.name,)

    def history_key(self, key: PoolKey) -> tuple[str, PoolKey]:
        """The registered server, and its pool, whose history is that of this pool."""
        whose = {origin.figure: origin for origin in self.figure_sources.get(key, ())}
        origin = whose.get("in_use") or whose.get("pool")
        return (origin.server, origin.key) if origin else (self.server.name, key)

    def member(self, name: str) -> ServerStatus:
        """The status of one registered server; itself if nothing was merged."""
        return next((part for part in self.members if part.server.name == name), self)

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The pools as last read, and as recorded in the history where nothing was read since.

        The latter have no usage, and are never reporting.
        """
        return (*(self.snapshot.pools if self.snapshot else ()), *self.recorded_pools)

    @property
    def is_up(self) -> bool:
        """Whether the figures of `snapshot` are current."""
        return self.state is State.UP


class Board(Struct, frozen=True):
    """All registered servers, in the order of the registry."""

    servers: tuple[ServerStatus, ...] = ()
    notices: tuple[str, ...] = ()  # lasting problems: a damaged file
    poller: str = ""  # another lictui that polls, host and process: this one shows what it records
    alert_states: tuple[AlertState, ...] | None = None  # None: alerts are not evaluated
    acknowledgements: Mapping[AlertKey, Acknowledgement] = field(default_factory=dict)

    def find(self, name: str) -> ServerStatus | None:
        """The status of one registered server."""
        return next((status for status in self.servers if status.server.name == name), None)


def is_polled(board: MergedBoard, now: float) -> bool:
    """Return whether anybody polls: a server was polled within three of its intervals, if any."""
    servers = [status for status in board.registered.servers if status.server.enabled]
    return not servers or any(
        status.polled_at is not None
        and now - status.polled_at <= STALE_AFTER_POLLS * status.server.effective_interval
        for status in servers
    )


def with_servers(board: Board, servers: Iterable[Server]) -> Board:
    """The board for these servers; what is known of them is kept."""
    statuses = {status.server.name: status for status in board.servers}
    return replace(
        board, servers=tuple(_registered(statuses.get(server.name), server) for server in servers)
    )


def _registered(status: ServerStatus | None, server: Server) -> ServerStatus:
    if status is None:
        return ServerStatus(server, State.WAITING if server.enabled else State.DISABLED)
    if not server.enabled and status.server != server:
        return replace(status, server=server, state=State.DISABLED, failure=None, due=None)
    if server.enabled and not status.server.enabled:
        return replace(status, server=server, state=State.WAITING, since=None)
    return replace(status, server=server)


def apply_poll(board: Board, poll: Poll, due: float | None = None) -> Board:
    """The board after a poll; unchanged if the server was removed meanwhile."""
    return replace(
        board,
        servers=tuple(
            _polled(status, poll, due) if status.server.name == poll.server else status
            for status in board.servers
        ),
    )


def _polled(before: ServerStatus, poll: Poll, due: float | None) -> ServerStatus:
    failed = before.failed_polls
    if isinstance(poll.result, Failure):
        kind = poll.result.kind
        failed = {**failed, kind: failed.get(kind, 0) + 1}
        after = replace(before, state=poll.result.state, failure=poll.result)
    else:
        after = replace(
            before,
            state=State.UP,
            failure=None,
            snapshot=poll.result,
            recorded_pools=(),
            last_success_at=poll.time,
        )
    since = before.since if after.state is before.state else poll.time
    return replace(
        after,
        since=since,
        polled_at=poll.time,
        latency=poll.latency,
        steps=poll.steps,
        due=due,
        polls=before.polls + 1,
        failed_polls=failed,
    )


def mark_stale(board: Board, now: float, running_since: float = 0.0) -> Board:
    """The board at `now`: servers that were up and missed three polls are stale.

    Polls that are missing because lictui did not run, before `running_since`, do not count. A poll
    that is dated in the future was recorded while the clock was wrong: its age is not known.
    """
    return replace(
        board, servers=tuple(_aged(status, now, running_since) for status in board.servers)
    )


def _aged(status: ServerStatus, now: float, running_since: float) -> ServerStatus:
    if status.state is not State.UP or status.polled_at is None:
        return status
    every = status.due - status.polled_at if status.due else status.server.effective_interval
    missed = (now - max(status.polled_at, running_since)) / max(every, 1.0)
    is_stale = missed > STALE_AFTER_POLLS or status.polled_at > now + FUTURE
    return replace(status, state=State.STALE, since=now) if is_stale else status


def shifted(board: Board, seconds: float) -> Board:
    """The board after the clock was set forward by `seconds`: what is recent stays recent."""
    return replace(board, servers=tuple(moved(status, seconds) for status in board.servers))


# Totals of a product, and the board with each license server once


class GroupBy(StrEnum):
    """What totals are summed over: all servers, the servers of a group, or one server."""

    PRODUCT = "product"
    GROUP = "group"
    SERVER = "server"


FIGURES: Final = ("in_use", "installed")  # those of a reading that a ratio needs


class Total(Struct, frozen=True):
    """One product and model over the servers whose last poll succeeded."""

    product: str
    name: str
    model: Model
    reading: Reading  # each figure the sum of what is known; None if nothing is
    level: Level
    limits: Thresholds  # that the level results from
    unknown_pools: int  # pools with a figure missing
    unknown_figures: tuple[str, ...]  # of FIGURES, those missing in a pool
    servers_reporting: tuple[str, ...]  # servers whose figures are in the sums
    servers_expected: tuple[str, ...]  # enabled servers with the product, as last read or recorded
    scope: str = ""  # the group or the server; "" for all servers
    worst_level: Level = Level.UNKNOWN  # of a server where the level of the sum is unknown

    @property
    def key(self) -> tuple[str, str, Model]:
        """As the history, the trends and `pools_by_total` know it."""
        return self.scope, self.product, self.model

    def is_partial(self, figure: str) -> bool:
        """Whether a server or a pool is missing in the sum of this figure: it is a lower bound."""
        return figure in self.unknown_figures or self.servers_reporting != self.servers_expected

    @property
    def comparable(self) -> Reading:
        """The sums, whose figures may be compared; unknown when a pool's figure is missing."""
        return Reading() if self.unknown_pools else self.reading

    @property
    def free(self) -> int | None:
        """Installed less in use; None when a pool's figure is missing."""
        return self.comparable.free

    @property
    def ratio(self) -> float | None:
        """In use as a share of installed; None when a pool's figure is missing."""
        return self.comparable.ratio


class MergedBoard(Struct, frozen=True):  # noqa: PLW1641 - nothing hashes it
    """A board with each license server once, however many data sources it is read from.

    Made by `merge.BoardMerger`, once for every board that the engine publishes. Totals are computed
    when first asked for, since nobody looks at every grouping, and kept.
    """

    servers: tuple[ServerStatus, ...] = ()
    registered: Board = field(default_factory=Board)
    alert_settings: AlertSettings = field(default_factory=AlertSettings)
    _totals: dict[GroupBy, tuple[Total, ...]] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Whether both show the same, whatever totals were asked for."""
        return isinstance(other, MergedBoard) and (
            (self.servers, self.registered, self.alert_settings)
            == (other.servers, other.registered, other.alert_settings)
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """Lasting problems."""
        return self.registered.notices

    @property
    def poller(self) -> str:
        """The host and process that polls, if it is another lictui."""
        return self.registered.poller

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
        return next((status for status in self.servers if name in status.member_names), None)

    def totals(self, by: GroupBy = GroupBy.PRODUCT) -> tuple[Total, ...]:
        """Every counted product and model, in the order of their first appearance."""
        if by not in self._totals:
            self._totals[by] = tuple(_totals(self, by))
        return self._totals[by]

    def total_pools(
        self, by: GroupBy, scope: str, product: str, model: Model
    ) -> tuple[tuple[str, PoolKey], ...]:
        """The pools, as the history knows them, whose sum is one total."""
        pools = pools_by_total(self, by).get((scope, product, model), ())
        return tuple(status.history_key(pool.key) for status, pool in pools)


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


def can_report_usage(status: ServerStatus, product: str) -> bool:
    """Whether a data source that lists `product` knows what is in use; license files do not."""
    return any(
        part.server.format != "license-file"
        for part in status.members or (status,)
        if part.snapshot and any(pool.product == product for pool in part.snapshot.pools)
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


def entitlements_of(statuses: Iterable[ServerStatus]) -> tuple[tuple[str, str], ...]:
    """The registered servers that have an entitlement, with its name."""
    return tuple(
        {
            name: status.server.entitlement
            for status in statuses
            if status.server.entitlement
            for name in status.member_names
        }.items()
    )


def _sum_over_servers(pools: Iterable[tuple[ServerStatus, Pool]]) -> Reading:
    """The same over servers: the licenses of one entitlement count once, its usage adds up."""
    return sum_readings(
        [
            pool if counts else replace(pool, reading=Reading(pool.reading.in_use))
            for pool, counts in once_per_entitlement(pools)
        ]
    )


def once_per_entitlement(
    pools: Iterable[tuple[ServerStatus, Pool]],
) -> list[tuple[Pool, bool]]:
    """The pools, and whether their licenses count: of an entitlement those of one server."""
    rows = list(pools)
    counted: dict[tuple[str, PoolKey], int] = {}
    for index, (status, pool) in enumerate(rows):
        best = counted.setdefault((status.server.entitlement, pool.key), index)
        if (pool.reading.installed or 0) > (rows[best][1].reading.installed or 0):
            counted[status.server.entitlement, pool.key] = index
    indexes = set(counted.values())
    return [
        (pool, not status.server.entitlement or index in indexes)
        for index, (status, pool) in enumerate(rows)
    ]


def scope_name(status: ServerStatus, by: GroupBy) -> str:
    """The scope that the figures of a server are summed into."""
    match by:
        case GroupBy.GROUP:
            return status.server.group
        case GroupBy.SERVER:
            return status.server.name
        case _:
            return ""


def total_thresholds(
    settings: AlertSettings, status: ServerStatus, product: str, by: GroupBy
) -> Thresholds:
    """The thresholds that apply to the total of a product that a server is part of."""
    match by:
        case GroupBy.SERVER:
            return settings.thresholds_of(status.server, product)
        case GroupBy.GROUP:
            return settings.thresholds_for(group=status.server.group, product=product)
        case _:
            return settings.thresholds_for(product=product)


def counted_pools(status: ServerStatus) -> dict[str, list[Pool]]:
    """The pools of each product of a server, as last read; start-up licenses do not count."""
    products: dict[str, list[Pool]] = {}
    for pool in status.snapshot.pools if status.snapshot else ():
        if pool.counted:
            products.setdefault(pool.product, []).append(pool)
    return products


def pools_by_total(
    board: MergedBoard, by: GroupBy
) -> dict[tuple[str, str, Model], list[tuple[ServerStatus, Pool]]]:
    """The counted pools of enabled servers by scope, product and model."""
    pools_of: dict[tuple[str, str, Model], list[tuple[ServerStatus, Pool]]] = {}
    for status in board.servers:
        for pool in status.pools if status.server.enabled else ():
            if pool.counted:
                key = (scope_name(status, by), pool.product, pool.model)
                pools_of.setdefault(key, []).append((status, pool))
    return pools_of


def _totals(board: MergedBoard, by: GroupBy) -> Iterator[Total]:
    for (scope, product, _), pools in pools_by_total(board, by).items():
        limits = total_thresholds(board.alert_settings, pools[0][0], product, by)
        yield total_of(product, pools, limits, scope)


def total_of(
    product: str,
    pools: Sequence[tuple[ServerStatus, Pool]],
    limits: Thresholds,
    scope: str = "",
    *,
    as_last_read: bool = False,
) -> Total:
    """The total of the pools of a product; `as_last_read` with those that do not report now, too.

    Only a total is compared with what is installed: it knows whether both cover the same pools.
    """
    reporting = [entry for entry in pools if as_last_read or is_reporting(*entry)]
    reading = _sum_over_servers(reporting)
    unknown = sum(is_incomplete(pool.reading) for _, pool in reporting)
    level = worst = reading.level(limits.warn, limits.critical)
    if unknown:
        levels = {pool.reading.level(limits.warn, limits.critical) for _, pool in reporting}
        level = Level.UNKNOWN
        worst = next((bad for bad in reversed(LEVELS_ABOVE_WARN) if bad in levels), level)
    return Total(
        product=product,
        name=pools[0][1].name if pools else product,
        model=pools[0][1].model if pools else Model.OTHER,
        reading=reading,
        level=level,
        limits=limits,
        worst_level=worst,
        unknown_pools=unknown,
        unknown_figures=tuple(
            figure
            for figure in FIGURES
            if any(getattr(pool.reading, figure) is None for _, pool in reporting)
        ),
        servers_reporting=tuple(dict.fromkeys(status.server.name for status, _ in reporting)),
        servers_expected=tuple(dict.fromkeys(status.server.name for status, _ in pools)),
        scope=scope,
    )


class UsageTotal(Struct, frozen=True):
    """A sum over all products that are counted alike."""

    verb: str  # "in use" or "assigned": the two are never added up
    in_use: int
    installed: int
    ratio: float | None  # of the products whose figures are all known
    partial: frozenset[str] = frozenset()  # the figures, or "ratio", that lack a server or a pool


def usage_totals(totals: Iterable[Total]) -> tuple[UsageTotal, ...]:
    """Return what is in use, and what is assigned, of all licenses that are installed."""
    by_verb: dict[str, list[Total]] = {"in use": [], "assigned": []}
    for total in totals:
        by_verb[total.model.verb].append(total)
    sums = (_usage_total(verb, of_verb) for verb, of_verb in by_verb.items())
    return tuple(total for total in sums if total.installed)


def _usage_total(verb: str, totals: Sequence[Total]) -> UsageTotal:
    known = [total.comparable for total in totals]
    used, of = (sum(getattr(reading, f) or 0 for reading in known) for f in FIGURES)
    in_use, installed = (sum(getattr(t.reading, f) or 0 for t in totals) for f in FIGURES)
    partial = {f for f in FIGURES if any(total.is_partial(f) for total in totals)}
    partial |= {"ratio"} if partial else set()
    return UsageTotal(verb, in_use, installed, used / of if of else None, frozenset(partial))


# Filter by server, group or product, the same for `status` and the screens


Item = TypeVar("Item")
MAX_FILTER_LENGTH: Final = 200  # characters; longer expressions may take very long to match


class Filter(Struct, frozen=True):
    """A regular expression over names, groups and products; without one it matches all."""

    pattern: re.Pattern[str] | None = None
    inverted: bool = False

    @classmethod
    def parse(cls, text: str) -> Filter:
        """Parse a filter as typed: case is ignored, a leading `!` inverts, empty matches all.

        Raises UsageError with the position of a mistake.
        """
        inverted = text.startswith("!")
        text = text.removeprefix("!").strip()
        if not text:
            return MATCH_ALL
        if len(text) > MAX_FILTER_LENGTH:
            raise UsageError(f"filter too long: {len(text)} characters (max {MAX_FILTER_LENGTH})")
        if _may_be_slow(text):
            raise UsageError(
                "the filter could take very long: too many repetitions",
                "no * + or { } after a group that has one itself or a |; at most three in all",
            )
        try:
            with warnings.catch_warnings():
                # `re` warns about `[[`; the warning would be printed over the screen.
                warnings.simplefilter("ignore", FutureWarning)
                return cls(re.compile(text, re.IGNORECASE), inverted)
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(
                f"invalid regular expression: {error}", "write \\ before ( ) [ ] * + ? ."
            ) from None

    def __call__(self, words: Iterable[str]) -> bool:
        """Whether something with these search terms is shown."""
        if self.pattern is None:
            return True
        matches = any(self.pattern.search(word, 0, _MAX_WORD) for word in words)
        return matches is not self.inverted

    def select(
        self,
        names: Iterable[str],
        parts: tuple[Item, ...],
        words: Callable[[Item], Iterable[str]],
    ) -> tuple[Item, ...] | None:
        """The items of a group that are shown; None if the group is hidden.

        A group whose names match is shown or hidden with all its items; otherwise every item is
        judged by its own search terms.
        """
        named = self(names)
        if self.pattern is None or named is not self.inverted:
            return parts if named else None
        kept = tuple(part for part in parts if self(words(part)))
        return kept if kept or (named and not parts) else None


MATCH_ALL: Final = Filter()


# `re` tries every way to split a text over repetitions, and nothing can interrupt it. A repeated
# group with a repetition or a choice in it takes 2^n steps, k repetitions in a row take n^k, and k
# choices 2^k.

_TOKEN: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(|\)|[*+]|\{\d*,?\d*\}|[?|]|.", re.DOTALL
)
_MAX_REPETITIONS: Final = 3
_MAX_CHOICES: Final = 10
_MAX_WORD: Final = 200  # characters of a name that are looked at


def _may_be_slow(pattern: str) -> bool:
    """Whether matching a regular expression may take more than a moment."""
    repetitions, choices, previous = 0, 0, ""
    is_complex = False  # the group that was just closed
    groups = [False]  # of every open group: whether it has a repetition or a choice
    for token in _TOKEN.findall(pattern):
        match token[0] if len(token) == 1 or token[0] == "{" else "":
            case "(":
                groups.append(False)
            case ")" if len(groups) > 1:
                is_complex = groups.pop()
                groups[-1] |= is_complex
                choices += is_complex
            case "*" | "+" | "{" if previous:
                repetitions += 1
                groups[-1] = True
                if previous == ")" and is_complex:
                    return True
            case "?" if previous != "(":  # there it is part of (?:
                choices += 1
                groups[-1] = True
            case "|":
                groups[-1] = True
            case _:
                pass
        previous = token
    return repetitions > _MAX_REPETITIONS or choices > _MAX_CHOICES


@lru_cache(maxsize=4096)
def product_search_terms(code: str, name: str, model: Model) -> tuple[str, ...]:
    """The code, the name, and the short name of a product."""
    return code, name, Product(code, name, model).short_name


def filter_board(board: Board, pattern: Filter) -> Board:
    """The board with the servers whose name or group matches, else with matching products."""
    if pattern.pattern is None:
        return board
    statuses = (_matching(status, pattern) for status in board.servers)
    return replace(board, servers=tuple(status for status in statuses if status is not None))


def _matching(status: ServerStatus, pattern: Filter) -> ServerStatus | None:
    pools = pattern.select(
        (status.server.name, status.server.group),
        status.pools,
        lambda pool: product_search_terms(pool.product, pool.name, pool.model),
    )
    if pools is None:
        return None
    if status.snapshot is None:
        return replace(status, recorded_pools=pools)
    return replace(status, snapshot=replace(status.snapshot, pools=pools))
