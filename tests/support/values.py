"""Factories of values with defaults for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.clock import START

from lictui.model import (
    Failure,
    FailureKind,
    Model,
    Poll,
    Pool,
    Reading,
    Server,
    Snapshot,
    SourceName,
)

if TYPE_CHECKING:
    from datetime import date


def server(name: str = "lic-01", **fields: Any) -> Server:
    """A winrm server, unless `source` says otherwise."""
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
    """A counted user/device pool, unless fields say otherwise."""
    fields.setdefault("name", product)
    fields.setdefault("model", Model.USER_DEVICE)
    return Pool(
        product,
        reading=Reading(in_use, installed, overdraft),
        subscription_date=subscription,
        **fields,
    )


def snapshot(*pools: Pool, **fields: Any) -> Snapshot:
    """A snapshot of one pool, unless pools are given."""
    return Snapshot(pools or (pool(),), **fields)


def failure(kind: FailureKind = FailureKind.TIMEOUT, message: str = "no answer") -> Failure:
    """A failure; by default a timeout."""
    return Failure(kind, message, "look at the network")


def poll(result: Snapshot | Failure | None = None, name: str = "lic-01", at: float = START) -> Poll:
    """A poll that succeeded, unless `result` says otherwise."""
    return Poll(name, at, 0.1, snapshot() if result is None else result)
