"""Statuses of servers that are several sources of one license server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.clock import START
from tests.support.values import failure, server, snapshot

from lictui.engine.board import Board, ServerStatus
from lictui.engine.merge import merge_board
from lictui.model import FailureKind, Mode, Pool, SourceName, State


def status_up(
    name: str, *pools: Pool, ago: float = 10, mode: Mode | None = None, **of: Any
) -> ServerStatus:
    told = snapshot(mode=mode) if not pools else snapshot(*pools, mode=mode)
    told = told if pools else replace(told, pools=())
    at = START - ago
    return ServerStatus(server(name, **of), State.UP, at, None, told, at, at, 0.1, at + 60)


def status_failed(status: ServerStatus, kind: FailureKind = FailureKind.TIMEOUT) -> ServerStatus:
    why = failure(kind)
    return replace(status, state=why.state, failure=why)


def status_down(name: str, kind: FailureKind = FailureKind.TIMEOUT, **of: Any) -> ServerStatus:
    why = failure(kind)
    return ServerStatus(server(name, **of), why.state, START, why, polled_at=START)


def merge_statuses(*statuses: ServerStatus) -> ServerStatus:
    (status,) = merge_board(Board(statuses)).servers
    return status


def only_pool(status: ServerStatus) -> Pool:
    assert status.snapshot is not None
    (found,) = status.snapshot.pools
    return found


def cvad_status(name: str, *pools: Pool, same_as: str = "lic", **of: Any) -> ServerStatus:
    return status_up(name, *pools, same_as=same_as, source=SourceName.CVAD, **of)


def source_of(status: ServerStatus, figure: str) -> str:
    (origins,) = status.figure_sources.values()
    return next(each.server for each in origins if each.figure == figure)
