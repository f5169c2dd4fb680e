"""What every source that runs a program does: run it once, and read what it prints in a worker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING

from lictui.model import Server, Snapshot, Step
from lictui.sources.process import ProgramOutput, parse_output
from lictui.sources.source import OnStep, SourceError, count_text

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.config.settings import Limits


class ProgramSource(ABC):
    """Keeps nothing between polls; a subclass knows the program and its output."""

    listed = "pool"  # what the output lists

    def __init__(self, server: Server, limits: Limits, clock: Clock) -> None:
        self._server, self._limits, self._clock = server, limits, clock

    async def fetch(self, on_step: OnStep) -> Snapshot:
        """Run the program once and read its output; see `Source.fetch`."""
        start = self._clock.monotonic()
        output = await self._run()
        seconds = self._clock.monotonic() - start
        size = f"{len(output.stdout):,} bytes"
        printed = f"exit code {output.exit_code} in {seconds:.1f} s, {size}"
        try:
            snapshot = await parse_output(partial(self._read, output), len(output.stdout))
        except SourceError as error:
            if error.failure.step is Step.PARSE:
                on_step(Step.INVENTORY, printed)
            raise
        on_step(Step.INVENTORY, printed)
        on_step(Step.PARSE, count_text(len(snapshot.pools), self.listed))
        return snapshot

    async def aclose(self) -> None:  # noqa: B027 - of `Source`; here there is no connection
        """Do nothing: there is no connection."""

    @abstractmethod
    async def _run(self) -> ProgramOutput:
        """Run the program. Raises SourceError."""

    @abstractmethod
    def _read(self, output: ProgramOutput) -> Snapshot:
        """Return what the program printed. Raises SourceError."""
