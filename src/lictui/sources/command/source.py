"""A license server read by a command: whatever prints one of the formats.

Owns when what was printed counts as an answer. Must not know how a program is run, nor what the
formats mean. Half an answer is none: output of a command that then failed is not believed, except
that `lictui status` says with code 1 that some server is not up, after a whole answer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Step
from lictui.sources import process
from lictui.sources.command import naming, refusals
from lictui.sources.command.decode import text_of
from lictui.sources.command.formats import read
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.model import Server, Snapshot
    from lictui.sources.process import Output

_SOME_NOT_UP: Final = 1  # exit code of `lictui status`
# lmstat says on stdout what went wrong, and ends with a code: its words are worth more.
_TELLS_ON_STDOUT: Final = "lmstat"
_VAGUE: Final = (FailureKind.PARSE, FailureKind.NO_DATA)


class CommandSource:
    """`lictui.sources.source.Source` for a program of the user's; keeps nothing between polls."""

    def __init__(self, server: Server, limits: Limits, clock: Clock) -> None:
        self._server, self._limits, self._clock = server, limits, clock
        self._where = naming.where(server.command)

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Run it once, and read what it printed; see `Source.fetch`."""
        before = self._clock.monotonic()
        output = await process.run(self._server.command, self._limits)
        seconds = self._clock.monotonic() - before
        said = text_of(output.stdout)
        self._check(output, said)
        size = f"{len(output.stdout):,} bytes"
        found(Step.INVENTORY, f"ended with {output.status} in {seconds:.1f} s, {size}")
        snapshot = self._read(said)
        pools = len(snapshot.pools)
        found(Step.PARSE, f"{pools} pool" + ("" if pools == 1 else "s"))
        return snapshot

    async def aclose(self) -> None:
        """Nothing is kept."""

    def _check(self, output: Output, said: str) -> None:
        """Pass an answer; raises SourceError for what is none."""
        blank = not said.strip()
        if output.status and not (self._is_whole(output.status) and not blank):
            if not blank and self._server.format == _TELLS_ON_STDOUT:
                self._raise_its_own(said)
            raise refusals.failed(output, self._server.command, self._where)
        if blank and refusals.last_words(output.stderr):
            raise refusals.failed(output, self._server.command, self._where)
        if blank:
            raise refusals.silent(self._where)

    def _is_whole(self, status: int) -> bool:
        return self._server.format == "lictui" and status == _SOME_NOT_UP

    def _raise_its_own(self, said: str) -> None:
        """Raise what the output itself says went wrong, if it does."""
        try:
            self._read(said)
        except SourceError as error:
            if error.failure.kind not in _VAGUE:
                raise

    def _read(self, said: str) -> Snapshot:
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        return read(said, self._server, self._where, today)
