from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.sources.winrm.answers import Asked, enumerated, pool_values, pulled, typed

from lictui.config.settings import Limits
from lictui.model import Failure, FailureKind, Snapshot, Step

if TYPE_CHECKING:
    from tests.sources.winrm.conftest import Poll

POOL = typed(pool_values())


async def test_a_pull_always_uses_the_context_received_last(poll: Poll) -> None:
    pulls: list[str] = []

    def answer(asked: Asked) -> bytes:
        if not asked.pulls:
            return enumerated(POOL, context="c1") if "Pool" in asked.wql else enumerated()
        pulls.append(asked.context)
        number = len(pulls)
        item = typed(pool_values(PLD=f"P{number}_X_CCU"))
        return pulled(item, context=f"c{number + 1}") if number < 3 else pulled(item)

    result = await poll(answer)
    assert isinstance(result, Snapshot)
    assert pulls == ["c1", "c2", "c3"]
    assert len(result.pools) == 4


async def test_a_pull_that_brings_no_new_context_goes_on_with_the_old(poll: Poll) -> None:
    seen: list[str] = []

    def answer(asked: Asked) -> bytes:
        if not asked.pulls:
            return enumerated(context="c1") if "Pool" in asked.wql else enumerated()
        seen.append(asked.context)
        if len(seen) == 1:
            return pulled(POOL).replace(b"<n:EndOfSequence/>", b"")
        return pulled()

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

    def answer(asked: Asked) -> bytes:
        nonlocal count
        count += 1
        if not asked.pulls:
            return enumerated(items, context="c0")
        return pulled(items, context=context.format(count))

    small = Limits(timeout=limits.timeout, max_reply=1_000_000)
    result = await poll(answer, limits=small)
    assert isinstance(result, Failure)
    assert result.kind is kind
    assert result.step is Step.INVENTORY
    assert "does not end" in result.message
    assert count <= (5 if items != POOL else 2_001)


async def test_a_list_that_neither_ends_nor_goes_on_is_left(poll: Poll) -> None:
    body = enumerated(POOL).replace(b"<w:EndOfSequence/>", b"")
    result = await poll(lambda _asked: body)
    assert isinstance(result, Failure)
    assert result.kind is FailureKind.PROTOCOL
