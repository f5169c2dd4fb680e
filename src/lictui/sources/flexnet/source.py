"""Reads any FlexNet license server, by running lmutil.

Owns how lmutil is called, and when what it prints is an answer. Must not know what the answer
means.
"""

from __future__ import annotations

import os
import signal
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, TypeVar

from lictui.model import FailureKind, Step
from lictui.sources.clean import text as cleaned
from lictui.sources.command.decode import text_of
from lictui.sources.flexnet.lmstat import lmstat_snapshot
from lictui.sources.process import run
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.model import Server, Snapshot
    from lictui.sources.process import Output

_T = TypeVar("_T")

_PROGRAM: Final = "lmutil"
_SHELL: Final = 128


class LmstatSource:
    """`lictui.sources.source.Source` for `lmutil lmstat`; keeps nothing between polls."""

    def __init__(self, server: Server, limits: Limits, clock: Clock) -> None:
        self._server, self._limits, self._clock = server, limits, clock

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Read everything once, within the time-out; see `Source.fetch`."""
        output = await lmstat(self._server, self._limits)
        printed = text_of(output.stdout)
        came = f"{program(self._server)} printed {len(output.stdout):,} bytes"
        try:
            snapshot = understood(output, lambda: lmstat_snapshot(printed, self._server.address))
        except SourceError as error:
            if error.failure.step is Step.PARSE:
                found(Step.INVENTORY, came)
            raise
        found(Step.INVENTORY, came)
        found(Step.PARSE, f"{(n := len(snapshot.pools))} feature" + ("" if n == 1 else "s"))
        return snapshot

    async def aclose(self) -> None:
        """Nothing is kept."""


def program(server: Server) -> str:
    """The program that is run, as it is named."""
    return server.lmutil or _PROGRAM


async def lmstat(server: Server, limits: Limits) -> Output:
    """What `lmstat -a -c PORT@HOST` prints about `server`; raises SourceError.

    lmstat is a part of lmutil, but also comes as a program of its own (docs.citrix.com, "License
    administration commands").
    """
    if not server.address:
        raise SourceError(
            FailureKind.CONFIG,
            "no address is set",
            'address = "27000@lic01" in servers.toml',
            Step.INVENTORY,
        )
    called = program(server)
    own = PurePath(called.replace("\\", "/")).name.lower().removesuffix(".exe") == "lmstat"
    argv = (called, *(() if own else ("lmstat",)), "-a", "-c", server.address)
    return await run(argv, limits, _environment())


def _environment() -> dict[str, str]:
    """The one of lictui itself, but for what would add servers to the one that is asked for.

    FlexNet looks at LM_LICENSE_FILE and at one such variable of each vendor, whatever `-c` says.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().endswith("_LICENSE_FILE")
    }


def understood(output: Output, read: Callable[[], _T]) -> _T:
    """What `read` makes of `output`; where it makes nothing, what the program said on stderr.

    lmutil ends with codes of its own while it tells everything it knows. One that was killed may
    have told half: features that are missing would pass for features that are gone.
    """
    if _killed(output.status):
        raise _ended(output, "it was killed, so what it printed may not be all")
    try:
        return read()
    except SourceError as error:
        failed = output.status != 0 and error.failure.kind is FailureKind.PARSE
        if not (failed and output.stderr):
            raise
        raise _ended(output, cleaned(output.stderr, 160)) from error


def _killed(status: int) -> bool:
    """Whether a signal ended the program; a shell in between says 128 + its number."""
    return status < 0 or _SHELL < status <= _SHELL + signal.SIGTERM


def _ended(output: Output, why: str) -> SourceError:
    return SourceError(
        FailureKind.COMMAND,
        f"the program ended with code {output.status}: {why}",
        "Run it in a terminal as the same user to see more.",
        Step.INVENTORY,
    )
