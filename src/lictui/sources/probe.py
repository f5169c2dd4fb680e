"""The test of one server, step by step: resolve, connect, tls, auth, inventory, parse.

Owns the order of the steps, and what each finding says. Must not know any protocol: what follows
TLS is told by the source itself, and so is all that a program does that lictui only runs.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Finding, SourceName, Step
from lictui.sources.address import origin
from lictui.sources.clean import text
from lictui.sources.reach import answering, connected, peer, resolvable, resolve, secured, shown
from lictui.sources.source import SourceError, open_source

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.model import Failure, Server, Snapshot
    from lictui.sources.reach import Leaf

_ORDER: Final = tuple(Step)
_BY_PROGRAM: Final = frozenset({SourceName.LMSTAT, SourceName.COMMAND})
_LOCAL: Final = frozenset({Step.TLS, Step.AUTH})  # steps that lmutil knows nothing of
_NO_HOST: Final = frozenset({SourceName.CVAD, SourceName.CITRIX_CLOUD, SourceName.PARTNER})
_MOST_HOSTS: Final = 1000


async def probe(server: Server, limits: Limits, clock: Clock) -> AsyncGenerator[Finding, None]:
    """Try `server` step by step: each finding as its step ends, and none after a failure.

    Nothing is kept, neither connection nor token. Raises nothing for what the server does; whoever
    gives up half way closes the iterator (`contextlib.aclosing`).
    """
    watch = _Watch(_LOCAL if server.source is SourceName.LMSTAT else frozenset())
    try:
        try:
            async with aclosing(_way(server, limits, watch)) as way:
                async for finding in way:
                    yield finding
        except SourceError as error:
            # What a poll would read must not fail here: lmutil may be a script that runs elsewhere.
            if not (answered := await _all_the_same(server, error, limits, clock)):
                raise
            step = error.failure.step or Step.CONNECT
            yield watch.passed(step, f"left to {server.lmutil or 'lmutil'}: {error}")
            for step, detail, hosts in answered:
                yield watch.passed(step, detail, hosts=hosts)
            return
        async with aclosing(_told(server, limits, clock)) as told:
            async for step, detail, hosts in told:
                yield watch.passed(step, detail, hosts=hosts)
    except SourceError as error:
        refused = error.failure.kind is FailureKind.TLS and server.source not in _BY_PROGRAM
        yield watch.failed(
            error.failure, await shown(origin(server.url), limits) if refused else None
        )


async def _way(server: Server, limits: Limits, watch: _Watch) -> AsyncGenerator[Finding, None]:
    """The steps to `server` before it is asked anything."""
    if server.source is SourceName.COMMAND:
        return  # where it goes is its own business
    if server.source is SourceName.LMSTAT:
        urls, addresses = await resolvable(server.address, limits)
        yield watch.passed(Step.RESOLVE, addresses)
        yield watch.passed(Step.CONNECT, await answering(urls, limits))
        return
    url = origin(server.url)
    yield watch.passed(Step.RESOLVE, await resolve(url, limits))
    async with connected(url, limits) as stream:
        yield watch.passed(Step.CONNECT, peer(stream))
        if url.scheme == "https":
            leaf = await secured(stream, server, url, limits)
            yield watch.passed(Step.TLS, f"{_trust(server.verify)} · {leaf}", leaf)


async def _all_the_same(
    server: Server, error: SourceError, limits: Limits, clock: Clock
) -> list[tuple[Step, str, tuple[str, ...]]]:
    """What lmutil tells of a server that lictui itself cannot reach; nothing if it fails too."""
    if server.source is not SourceName.LMSTAT or error.failure.kind is FailureKind.CONFIG:
        return []
    try:
        async with aclosing(_told(server, limits, clock)) as told:
            return [each async for each in told]
    except SourceError:
        return []


def _trust(verify: bool | str) -> str:  # noqa: FBT001 - `verify` as the registry spells it
    match verify:
        case False:
            return "NOT CHECKED (verify = false)"
        case str() if verify.lower().startswith("sha256:"):
            return "pinned"
        case _:
            return "trusted"


async def _told(
    server: Server, limits: Limits, clock: Clock
) -> AsyncGenerator[tuple[Step, str, tuple[str, ...]], None]:
    """What the source reports of its steps, as it reports it; raises the SourceError it ends in.

    With the last comes what the license server calls itself, for which its end is waited for.
    """
    reports: asyncio.Queue[tuple[Step, str] | None] = asyncio.Queue()
    source = open_source(server, limits, clock)
    reading = asyncio.create_task(
        source.fetch(lambda step, detail: reports.put_nowait((step, detail)))
    )
    reading.add_done_callback(lambda _: reports.put_nowait(None))
    try:
        while report := await reports.get():
            hosts = _hosts(server, await reading) if report[0] is Step.PARSE else ()
            yield *report, hosts
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await source.aclose()


def _hosts(server: Server, snapshot: Snapshot) -> tuple[str, ...]:
    """The hosts of the license servers that answered, as they or their site name them.

    A site and an account have names of their own, which are no hosts.
    """
    own = () if server.source in _NO_HOST else (snapshot.reported_name,)
    listed = (each.fqdn for each in snapshot.license_servers[:_MOST_HOSTS])
    names = map(text, (snapshot.license_server, *own, *listed))
    return tuple(dict.fromkeys(filter(None, names)))


class _Watch:
    """Takes the time of each step, and knows which comes next.

    By the loop's own time: seconds of the wire, even where the clock is a simulated one.
    """

    def __init__(self, skipped: frozenset[Step]) -> None:
        self._skipped = skipped
        self._since = asyncio.get_running_loop().time()
        self._next = 0  # index in _ORDER

    def passed(
        self, step: Step, detail: str, leaf: Leaf | None = None, hosts: tuple[str, ...] = ()
    ) -> Finding:
        self._next = _ORDER.index(step) + 1
        return Finding(
            step,
            ok=True,
            detail=detail,
            seconds=self._lap(),
            fingerprint=_fingerprint(leaf),
            hosts=hosts,
        )

    def failed(self, failure: Failure, leaf: Leaf | None = None) -> Finding:
        """The step that failed: never one that passed before (a token may end half way)."""
        index = min(self._next, len(_ORDER) - 1)
        if failure.step:
            index = max(index, _ORDER.index(failure.step))
        # A program says what stopped it on its own way: the step of reading, if ours was free.
        while _ORDER[index] in self._skipped:
            index += 1
        detail = failure.message
        if leaf:
            detail += f" · {leaf.words if leaf.fingerprint in detail else leaf}"
        return Finding(
            _ORDER[index],
            ok=False,
            detail=detail,
            seconds=self._lap(),
            hint=failure.hint,
            fingerprint=_fingerprint(leaf),
        )

    def _lap(self) -> float:
        before, self._since = self._since, asyncio.get_running_loop().time()
        return self._since - before


def _fingerprint(leaf: Leaf | None) -> str:
    return leaf.fingerprint if leaf else ""
