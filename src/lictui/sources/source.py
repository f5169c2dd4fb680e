"""What every source is, how it reports what failed, and the sum of rows that are one pool."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from lictui.model import (
    Failure,
    FailureKind,
    Level,
    Notice,
    Pool,
    PoolKey,
    Reading,
    Snapshot,
    Step,
    sum_all_known,
)
from lictui.products import describe
from lictui.sources.sanitize import MAX_RAW_FIELDS, Record

OnStep = Callable[[Step, str], None]  # called with each step that succeeded, and a detail


class Source(Protocol):
    """Reads one server. Keeps its connection and token between polls."""

    async def fetch(self, on_step: OnStep) -> Snapshot:
        """Read everything once; `on_step` is called when auth, inventory and parse succeeded.

        Raises SourceError, and nothing else but cancellation.
        """
        ...

    async def aclose(self) -> None:
        """Close the connection. Safe to call twice; a later fetch opens a new one."""
        ...


# Failures, and tables of what a status, an error code or an error text means

_USUAL_STEPS: Final = {
    FailureKind.DNS: Step.RESOLVE,
    FailureKind.REFUSED: Step.CONNECT,
    FailureKind.TLS: Step.TLS,
    FailureKind.AUTH: Step.AUTH,
    FailureKind.CONFIG: Step.AUTH,
    FailureKind.PARSE: Step.PARSE,
}


class SourceError(Exception):
    """The failure that ends a poll. The engine turns it into a `Failure`, never a traceback.

    Without `step` it is the one in which such a failure usually occurs.
    """

    def __init__(
        self, kind: FailureKind, message: str, hint: str = "", step: Step | None = None
    ) -> None:
        super().__init__(message)
        step = step or _USUAL_STEPS.get(kind, Step.INVENTORY)
        self.failure = Failure(kind, message, hint, step)


# An answer that is not what was expected; a server that answers without licenses; a setting that
# the user must correct
parse_error: Final = partial(SourceError, FailureKind.PARSE)
no_data_error: Final = partial(SourceError, FailureKind.NO_DATA)
config_error: Final = partial(SourceError, FailureKind.CONFIG)


class ErrorRule(Struct, frozen=True):
    """A row of an error table: a regular expression to search in a text, or numbers and names.

    None matches everything and ends a table.
    """

    match: str | Collection[int | str] | None
    kind: FailureKind
    message: str = ""  # what happened; the source adds where
    hint: str = ""  # what the user can do
    step: Step | None = None

    def error(self, message: str, step: Step | None = None) -> SourceError:
        """Return the error with the complete `message`, which says where it happened."""
        return SourceError(self.kind, message, self.hint, step or self.step)


def find_rule(rules: Iterable[ErrorRule], *values: int | str) -> ErrorRule:
    """Return the first rule that matches one of `values`; the last rule must match everything."""
    return next(
        rule
        for rule in rules
        if rule.match is None or any(_matches(rule.match, value) for value in values)
    )


def _matches(match: str | Collection[int | str], value: int | str) -> bool:
    if isinstance(match, str):
        return isinstance(value, str) and re.search(match, value) is not None
    return value in match


# Pools of one product and subscription date, as sources list them in several rows


def new_pool(code: str, reading: Reading, reported_name: str = "") -> Pool:
    """Return a pool with what is published about `code`; the server's name if nothing is."""
    product = describe(code)
    name = reported_name if reported_name and product.name == code else product.name
    return Pool(code, name, product.model, reading, counted=product.counted)


class FigureFields(Struct, frozen=True):
    """The fields of a row that hold its figures, where the licenses installed are not one."""

    in_use: str
    total: str  # installed licenses and overdraft
    overdraft: str
    is_free: bool = False  # `total` is what is free of them
    with_overdraft: bool = True  # `total` includes the overdraft

    def read(self, row: Record) -> Reading:
        """Return the figures of `row`; an overdraft that cannot be read makes installed unknown."""
        in_use, total, overdraft = map(row.count, (self.in_use, self.total, self.overdraft))
        installed = sum_all_known((total, in_use)) if self.is_free else total
        if self.with_overdraft and installed is not None:
            is_unreadable = overdraft is None and row.get(self.overdraft) not in (None, "")
            installed = None if is_unreadable else installed - (overdraft or 0)
        return Reading(in_use, installed if (installed or 0) >= 0 else None, overdraft)

    def formulas(self, row: Record, **others: str) -> tuple[tuple[str, str], ...]:
        """Return how the figures of `row` are computed, and what else comes from which field."""
        installed = f"{self.total} + {self.in_use}" if self.is_free else self.total
        if self.with_overdraft and row.count(self.overdraft):
            installed += f" - {self.overdraft}"
        figures = {"in_use": self.in_use, "installed": installed, "overdraft": self.overdraft}
        return tuple((figures | others).items())

    def problems(self, row: Record, product: str) -> Iterator[str]:
        """Yield what cannot be read in `row`; the overdraft may be missing."""
        unreadable = [
            name for name in (self.in_use, self.total, self.overdraft) if row.count(name) is None
        ]
        for name in unreadable:
            if row.get(name) not in (None, "") or name != self.overdraft:
                yield f"{product}: {name} is {row.text(name, 30) or 'missing'}"
        if not unreadable and self.read(row).installed is None:
            overdraft = f"{self.overdraft} is {row.text(self.overdraft)}"
            yield f"{product}: {overdraft}, above {self.total}"


def sum_pools(pools: Iterable[Pool]) -> tuple[Pool, ...]:
    """Return one pool per product and subscription date, in order of first occurrence."""
    by_key: dict[PoolKey, list[Pool]] = {}
    for pool in pools:
        by_key.setdefault(pool.key, []).append(pool)
    return tuple(map(_sum, by_key.values()))


def distinct_pools(pools: tuple[Pool, ...]) -> tuple[Pool, ...]:
    """Return one pool per product and subscription date, as every snapshot must have.

    A pool that is listed twice with the same figures is one; different figures are added up.
    """
    if len({pool.key for pool in pools}) == len(pools):
        return pools
    by_content: dict[Pool, Pool] = {}
    for pool in pools:
        by_content.setdefault(replace(pool, vendor="", raw_fields=(), formulas=()), pool)
    return sum_pools(by_content.values())


def _sum(pools: Sequence[Pool]) -> Pool:
    first = pools[0]
    if len(pools) == 1:
        return first
    expires = min((pool.expires for pool in pools if pool.expires), default=None)
    expiring = [pool for pool in pools if pool.expires == expires]
    partial = len(expiring) < len(pools) or any(pool.partial_expiry for pool in expiring)
    terms = {pool.permanent for pool in pools}
    return replace(
        first,
        name=next((pool.name for pool in pools if pool.name != pool.product), first.name),
        reading=Reading(
            in_use=sum_all_known(pool.reading.in_use for pool in pools),
            installed=sum_all_known(pool.reading.installed for pool in pools),
            overdraft=sum_all_known(pool.reading.overdraft for pool in pools),
        ),
        license_type=", ".join(sorted({pool.license_type for pool in pools} - {""})),
        expires=expires,
        permanent=first.permanent if len(terms) == 1 else None if None in terms else False,
        partial_expiry=expires is not None and partial,
        reported_expiring=sum_all_known(pool.expiring_count for pool in expiring),
        queued=sum_all_known(pool.queued for pool in pools),
        counted=any(pool.counted for pool in pools),
        raw_fields=tuple(field for pool in pools for field in pool.raw_fields)[:MAX_RAW_FIELDS],
        # Formulas may differ; the longest names every field that is part of a figure.
        formulas=max((pool.formulas for pool in pools), key=lambda formulas: len(str(formulas))),
    )


# Notices about pools

_MAX_LISTED: Final = 5  # items in one notice


def startup_only_notices(pools: Iterable[Pool], detail: str, action: str) -> Iterator[Notice]:
    """Yield a notice if the server has no license but those that every server has."""
    if not any(pool.counted for pool in pools):
        title = "Only start-up licenses, no product licenses"
        yield Notice("server", Level.WARN, title, detail, action)


def unreadable_notices(problems: Iterable[str]) -> Iterator[Notice]:
    """Yield a notice if there are problems such as `XDT_PLT_UD: Count is many`."""
    if problems := list(problems):
        action = "Compare with Citrix Licensing Manager on the server."
        yield Notice("server", Level.WARN, "Unreadable figures", list_some(problems), action)


def list_some(items: Sequence[str]) -> str:
    """Return the first of `items` as one text."""
    return "; ".join(items[:_MAX_LISTED]) + ("; …" if len(items) > _MAX_LISTED else "")
