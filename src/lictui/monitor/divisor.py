"""License servers that report more than was bought: the divisor, and when to propose it.

Owns what is divided, and how it is noticed. Pure. Some LAS servers report twice the quantity of the
contract (protocol note web-services-8083, [C]); nothing says so, so it is never done unasked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lictui.model import Failure
from lictui.monitor.preference import under_las
from lictui.monitor.totals import answered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lictui.config.contract import Purchase
    from lictui.model import Pool, Snapshot
    from lictui.monitor.board import Board, ServerStatus

_DIVIDED: Final = ("installed", "overdraft")
_TWICE: Final = 2


@dataclass(frozen=True, slots=True)
class Hint:
    """A server that seems to report twice what there is."""

    server: str
    product: str
    message: str


def divided(result: Snapshot | Failure, divisor: int) -> Snapshot | Failure:
    """What a server told, its quantities divided; what is in use stays, and remainders are lost."""
    if divisor <= 1 or isinstance(result, Failure):
        return result
    return replace(result, pools=tuple(_divided(pool, divisor) for pool in result.pools))


def _divided(pool: Pool, by: int) -> Pool:
    reading = pool.reading
    how = dict(pool.how)
    for figure in _DIVIDED:
        formula = how.get(figure, figure)
        how[figure] = f"({formula}) / {by}" if " " in formula else f"{formula} / {by}"
    return replace(
        pool,
        reading=replace(
            reading,
            installed=None if reading.installed is None else reading.installed // by,
            overdraft=None if reading.overdraft is None else reading.overdraft // by,
        ),
        expiring=None if pool.expiring is None else pool.expiring // by,
        how=tuple(how.items()),
    )


def hints(board: Board, contract: Iterable[Purchase] = ()) -> tuple[Hint, ...]:
    """The LAS servers of a board, as `together` made it, that report exactly twice what there is.

    That is what the contract says, or what another way to read the same license server tells.
    """
    found: dict[tuple[str, str], Hint] = {}
    for hint in (*_by_contract(board, tuple(contract)), *_by_parts(board)):
        found.setdefault((hint.server, hint.product), hint)
    return tuple(found.values())


def _readings(status: ServerStatus) -> Iterator[tuple[ServerStatus, Pool]]:
    """Every reading that the figures of a status are made of, as the registered server told it."""
    for pool in status.snapshot.pools if status.snapshot else ():
        owner = next(
            (o.server for o in status.origins.get(pool.key, ()) if o.figure == "installed"), ""
        )
        if pool.counted and pool.reading.installed and answered(status, pool):
            yield status.part(owner), pool


def _may_double(part: ServerStatus, status: ServerStatus) -> bool:
    return part.server.quantity_divisor == 1 and under_las(status.parts or (status,))


def _by_contract(board: Board, contract: tuple[Purchase, ...]) -> Iterator[Hint]:
    if not contract:
        return
    held: dict[str, list[tuple[ServerStatus, ServerStatus, int]]] = {}
    for status in board.servers:
        for part, pool in _readings(status):
            told = (status, part, pool.reading.installed or 0)
            held.setdefault(pool.product, []).append(told)
    for bought in contract:
        mine = [
            (status, part, installed)
            for status, part, installed in held.get(bought.product, ())
            if bought.group in ("", status.server.group)
            and (not bought.server or bought.server in status.names)
        ]
        total = sum(installed for _, _, installed in mine)
        if not bought.purchased or total != _TWICE * bought.purchased:
            continue
        said = f"{total:,} installed, exactly twice the {bought.purchased:,} of the contract"
        for status, part, _ in mine:
            if _may_double(part, status):
                yield _hint(part, bought.product, said)


def _by_parts(board: Board) -> Iterator[Hint]:
    for status in board.servers:
        if not status.parts:
            continue
        told = [
            (part, pool)
            for part in status.parts
            if part.live and part.snapshot
            for pool in part.snapshot.pools
            if pool.counted and pool.reading.installed
        ]
        for part, pool in told:
            for other, same in told:
                mine, theirs = pool.reading.installed or 0, same.reading.installed or 0
                if same.key == pool.key and mine == _TWICE * theirs and _may_double(part, status):
                    said = (
                        f"{mine:,} installed, exactly twice the {theirs:,} of {other.server.name}"
                    )
                    yield _hint(part, pool.product, said)


def _hint(part: ServerStatus, product: str, told: str) -> Hint:
    name = part.server.name
    return Hint(name, product, f"{product}: {told}; if so, quantity_divisor = 2 for {name}")
