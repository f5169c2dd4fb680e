"""Tokens that servers share, whatever gives them out."""

from __future__ import annotations

import asyncio
import gc
import weakref

from tests.support.clock import START, FakeClock

from lictui.sources.auth import Token, account_key, shared_token


def test_another_secret_is_another_account() -> None:
    keys = {account_key(*parts) for parts in (("u", "c", "a"), ("u", "c", "b"), ("u", "ca", ""))}
    assert len(keys) == 3
    assert "s3cret" not in account_key("url", "client", "s3cret")


def test_what_a_loop_knew_goes_with_it() -> None:
    """`lictui status` in a long-lived process, or one test after the other."""

    async def ask() -> Token:
        await asyncio.sleep(0)
        return Token("token", "acme", "", START + 3600)

    async def both(seen: list[weakref.ref[asyncio.AbstractEventLoop]]) -> None:
        seen.append(weakref.ref(asyncio.get_running_loop()))
        clock = FakeClock()
        one, two = await asyncio.gather(*(shared_token("key", ask, clock) for _ in range(2)))
        assert one is two

    seen: list[weakref.ref[asyncio.AbstractEventLoop]] = []
    asyncio.run(both(seen))
    asyncio.run(both(seen))
    gc.collect()
    assert seen[0]() is None


def test_a_token_does_not_show_itself() -> None:
    assert "tok3n" not in repr(Token("tok3n", "acme", "", 0.0))
