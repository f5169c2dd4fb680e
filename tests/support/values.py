"""Factories of values with defaults for tests, and statuses of servers made of them."""

from datetime import date
from typing import Any

from msgspec.structs import replace
from tests.support.clock import START

from lictui.engine.board import Board, ServerStatus
from lictui.engine.merge import merge_board
from lictui.model import (
    Failure,
    FailureKind,
    Mode,
    Model,
    Poll,
    Pool,
    Reading,
    Server,
    Snapshot,
    SourceName,
    State,
)


def server(name: str = "lic-01", **fields: Any) -> Server:
    fields.setdefault("source", SourceName.WINRM)
    fields.setdefault("url", f"https://{name}.example:5986/wsman")
    return Server(name, **fields)


def pool(
    product: str = "XDT_PLT_UD",
    in_use: int | None = 412,
    installed: int | None = 500,
    overdraft: int | None = 50,
    subscription: date | None = None,
    **fields: Any,
) -> Pool:
    fields.setdefault("name", product)
    fields.setdefault("model", Model.USER_DEVICE)
    return Pool(
        product,
        reading=Reading(in_use, installed, overdraft),
        subscription_date=subscription,
        **fields,
    )


def snapshot(*pools: Pool, **fields: Any) -> Snapshot:
    return Snapshot(pools or (pool(),), **fields)


def failure(kind: FailureKind = FailureKind.TIMEOUT, message: str = "no answer") -> Failure:
    return Failure(kind, message, "look at the network")


def poll(result: Snapshot | Failure | None = None, name: str = "lic-01", at: float = START) -> Poll:
    return Poll(name, at, 0.1, snapshot() if result is None else result)


# Statuses, also of servers that are several sources of one license server


def status_up(
    name: str, *pools: Pool, ago: float = 10, mode: Mode | None = None, **fields: Any
) -> ServerStatus:
    at = START - ago
    result = Snapshot(pools, mode=mode)
    return ServerStatus(server(name, **fields), State.UP, at, None, result, at, at, 0.1, at + 60)


def status_failed(status: ServerStatus, kind: FailureKind = FailureKind.TIMEOUT) -> ServerStatus:
    return replace(status, state=failure(kind).state, failure=failure(kind))


def status_down(name: str, kind: FailureKind = FailureKind.TIMEOUT, **fields: Any) -> ServerStatus:
    state = failure(kind).state
    return ServerStatus(server(name, **fields), state, START, failure(kind), polled_at=START)


def cvad_status(name: str, *pools: Pool, same_as: str = "lic", **fields: Any) -> ServerStatus:
    return status_up(name, *pools, same_as=same_as, source=SourceName.CVAD, **fields)


def merge_statuses(*statuses: ServerStatus) -> ServerStatus:
    (status,) = merge_board(Board(statuses)).servers
    return status


def only_pool(status: ServerStatus) -> Pool:
    assert status.snapshot is not None
    (single,) = status.snapshot.pools
    return single


def source_of(status: ServerStatus, figure: str) -> str:
    (origins,) = status.figure_sources.values()
    return next(origin.server for origin in origins if origin.figure == figure)
