"""What every source that runs a program does: run it once, and read what it prints in a worker.

Output of a program that then failed is not used: half an answer cannot be trusted. Two exceptions:
`lictui status` exits with 1 after a complete answer if some server is not up, and lmutil has exit
codes of its own, and prints its errors as output.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from lictui.config.secrets import child_environment
from lictui.config.server_schema import INVENTORY_FORMATS
from lictui.model import FailureKind, Server, Snapshot, SourceName, Step, count_text
from lictui.sources.process import ProgramOutput, decode_output, parse_output, run_program
from lictui.sources.program_errors import (
    RUN_IT,
    command_error,
    command_label,
    is_broken_off,
    last_error_line,
    program_name,
)
from lictui.sources.source import OnStep, SourceError, config_error, no_data_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.clock import Clock
    from lictui.config.settings import Limits

_T = TypeVar("_T")


class ProgramSource(ABC):
    """Keeps nothing between polls; a subclass knows the program and its output."""

    listed = "pool"  # what the output lists

    def __init__(self, server: Server, limits: Limits, clock: Clock) -> None:
        self._server, self._limits, self._clock = server, limits, clock

    async def fetch(self, on_step: OnStep) -> Snapshot:
        """Run the program once and read its output; see `Source.fetch`."""
        start = self._clock.monotonic()
        output = await run_for(self._server, self._limits)
        seconds = self._clock.monotonic() - start
        size = f"{len(output.stdout):,} bytes"
        printed = f"exit code {output.exit_code} in {seconds:.1f} s, {size}"
        try:
            snapshot = await read_output(output, self._server, self._parse)
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
    def _parse(self, text: str) -> Snapshot:
        """Return what the program printed. Raises SourceError."""


# Commands


def _command(server: Server) -> tuple[str, ...]:
    """Return the command of `server`; `lmstat` is a part of lmutil, or a program of that name."""
    if server.source is not SourceName.LMSTAT:
        return server.command
    program = server.lmutil or "lmutil"
    subcommand = () if program_name([program]) == "lmstat" else ("lmstat",)
    return (program, *subcommand, "-a", "-c", server.address)


async def run_for(server: Server, limits: Limits) -> ProgramOutput:
    """Run the program that reads `server`."""
    environment = child_environment()
    if server.source is SourceName.LMSTAT:
        if not server.address:
            raise config_error(
                "no address is set", 'Set address = "27000@lic01" in servers.toml.', Step.INVENTORY
            )
        # FlexNet also queries the servers in LM_LICENSE_FILE and in one such variable per vendor,
        # whatever -c says.
        names = [name for name in environment if not name.upper().endswith("_LICENSE_FILE")]
        environment = {name: environment[name] for name in names}
    return await run_program(_command(server), limits, environment)


# Output

_SERVERS_NOT_UP: Final = 1  # exit code of `lictui status`
_JSON_FORMATS: Final = (*INVENTORY_FORMATS, "wmi-json")


async def read_output(output: ProgramOutput, server: Server, parse: Callable[[str], _T]) -> _T:
    """Return what `parse` makes of the text that the program of `server` printed.

    Raises SourceError if the answer is not complete.
    """
    return await parse_output(partial(_read, output, server, parse), len(output.stdout))


def _read(output: ProgramOutput, server: Server, parse: Callable[[str], _T]) -> _T:
    text, code, command = decode_output(output.stdout), output.exit_code, _command(server)
    form = server.format or "lmstat"
    is_lmstat = form == "lmstat" and not is_broken_off(code, command)
    is_accepted = code == 0 or is_lmstat or (form == "lictui" and code == _SERVERS_NOT_UP)
    if not text.strip():
        if code or last_error_line(output.stderr):
            raise command_error(output, command)
        why = "ConvertTo-Json prints nothing if there is no license. " * (form in _JSON_FORMATS)
        raise no_data_error(f"{command_label(command)} succeeded without output", why + RUN_IT)
    if not is_accepted:
        raise command_error(output, command)
    try:
        return parse(text)
    except SourceError as error:
        if is_lmstat and code and error.failure.kind in (FailureKind.PARSE, FailureKind.NO_DATA):
            raise command_error(output, command) from error
        raise
