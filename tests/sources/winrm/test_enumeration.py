from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.sources.winrm.wsman_replies import (
    WsmanRequest,
    enumerate_reply,
    pool_values,
    pull_reply,
    wmi_instance,
)

from lictui.config.settings import Limits
from lictui.model import Failure, FailureKind, Snapshot, Step

if TYPE_CHECKING:
    from tests.sources.winrm.conftest import Poll

POOL = wmi_instance(pool_values())


async def test_a_pull_always_uses_the_context_received_last(poll: Poll) -> None:
    pulls: list[str] = []

    def answer(asked: WsmanRequest) -> bytes:
        if not asked.pulls:
            return enumerate_reply(POOL, context="c1") if "Pool" in asked.wql else enumerate_reply()
        pulls.append(asked.context)
        number = len(pulls)
        item = wmi_instance(pool_values(PLD=f"P{number}_X_CCU"))
        return pull_reply(item, context=f"c{number + 1}") if number < 3 else pull_reply(item)

    result = await poll(answer)
    assert isinstance(result, Snapshot)
    assert pulls == ["c1", "c2", "c3"]
    assert len(result.pools) == 4


async def test_a_pull_that_brings_no_new_context_goes_on_with_the_old(poll: Poll) -> None:
    seen: list[str] = []

    def answer(asked: WsmanRequest) -> bytes:
        if not asked.pulls:
            return enumerate_reply(context="c1") if "Pool" in asked.wql else enumerate_reply()
        seen.append(asked.context)
        if len(seen) == 1:
            return pull_reply(POOL).replace(b"<n:EndOfSequence/>", b"")
        return pull_reply()

    assert isinstance(await poll(answer), Snapshot)
    assert seen == ["c1", "c1"]


@pytest.mark.parametrize("context", ["c{}", "always the same"])
@pytest.mark.parametrize(
    ("items", "kind"),
    [
        ("", FailureKind.PROTOCOL),
        (POOL, FailureKind.TOO_LARGE),
        (POOL * 300, FailureKind.TOO_LARGE),
    ],
    ids=["empty", "one by one", "many"],
)
async def test_a_list_without_end_is_left(
    poll: Poll, limits: Limits, items: str, kind: FailureKind, context: str
) -> None:
    count = 0

    def answer(asked: WsmanRequest) -> bytes:
        nonlocal count
        count += 1
        if not asked.pulls:
            return enumerate_reply(items, context="c0")
        return pull_reply(items, context=context.format(count))

    small = Limits(timeout=limits.timeout, max_reply=1_000_000)
    result = await poll(answer, limits=small)
    assert isinstance(result, Failure)
    assert result.kind is kind
    assert result.step is Step.INVENTORY
    assert "incomplete list of licenses" in result.message
    assert count <= (5 if items != POOL else 2_001)


async def test_a_list_that_neither_ends_nor_goes_on_is_left(poll: Poll) -> None:
    body = enumerate_reply(POOL).replace(b"<w:EndOfSequence/>", b"")
    result = await poll(lambda _asked: body)
    assert isinstance(result, Failure)
    assert result.kind is FailureKind.PROTOCOL
